"""What is shipped: wheel and sdist, with the contract in them, working from a clean environment."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import pytest_edfi_cte

ROOT = Path(pytest_edfi_cte.__file__).parents[1]
CONTRACT = (
    "scenarios/student-cte-program-association.yaml",
    "schemas/4.0/studentCTEProgramAssociation.json",
    "schemas/5.0/studentCTEProgramAssociation.json",
    "schemas/protocol/discovery.json",
    "schemas/scenario-table.json",
    "schemas/results.json",
    "schemas/waivers.json",
    "explanations.yaml",
    "schemas/observe-state.json",
    "grand_bend/descriptors.json",
    "README.md",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """Wheel (made from the sdist) and sdist, built without network from a copy of the sources.

    PACKAGING_DIST: a folder that has both already; a release checks what it publishes.
    """
    if "PACKAGING_DIST" in os.environ:
        return Path(os.environ["PACKAGING_DIST"])
    folder = tmp_path_factory.mktemp("build")
    source = folder / "source"
    ignore = shutil.ignore_patterns(
        ".*", "*.egg-info", "__pycache__", "build", "dist", "report.html"
    )
    shutil.copytree(ROOT, source, ignore=ignore)
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        str(folder / "dist"),
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist"


def test_the_contract_ships_in_wheel_and_sdist(built) -> None:
    wheel = zipfile.ZipFile(next(built.glob("*.whl"))).namelist()
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        sdist = archive.getnames()
    for name in CONTRACT:
        assert f"pytest_edfi_cte_fixtures/{name}" in wheel
        assert any(entry.endswith(f"/fixtures/{name}") for entry in sdist)
    assert "pytest_edfi_cte/py.typed" in wheel
    for name in ("pytest_html.html", "conformance.html", "conformance.css", "conformance.js"):
        assert f"pytest_edfi_cte/reporting/templates/{name}" in wheel
    assert any(name.endswith("licenses/LICENSE") for name in wheel)
    assert not [name for name in wheel if name.startswith(("tests/", "examples/", "tools/"))]


def test_pypi_would_take_what_is_built(built) -> None:
    """Metadata and the README as its description."""
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, built.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_the_wheel_works_in_a_clean_environment(built, tmp_path) -> None:
    """The wheel alone is installed; its dependencies are those of this environment."""
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    target = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    packages = Path(target.stdout.strip())
    wheel = next(built.glob("*.whl"))
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(packages),
        str(wheel),
    ]
    subprocess.run(pip, check=True, capture_output=True)
    # A plain path in a .pth file adds the packages there, but none of their own .pth files: the
    # editable install of this checkout stays invisible.
    (packages / "dependencies.pth").write_text(
        "\n".join(p for p in sys.path if p.endswith("site-packages")) or site.getsitepackages()[0]
    )
    where = subprocess.run(
        [python, "-c", "import pytest_edfi_cte; print(pytest_edfi_cte.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(packages))
    arguments = ["--pyargs", "pytest_edfi_cte", "--edfi-url=sandbox", "-p", "no:randomly"]
    done = subprocess.run(
        [python, "-m", "pytest", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_version_comes_from_one_place(built) -> None:
    assert next(built.glob("*.whl")).name.startswith(
        f"pytest_edfi_cte-{pytest_edfi_cte.__version__}-"
    )
    assert f"## [{pytest_edfi_cte.__version__}]" in (ROOT / "CHANGELOG.md").read_text()
