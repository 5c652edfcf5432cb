"""What is done to a checkout: ``nox`` checks it as ``.ci/run`` does, ``nox --list`` says more."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["check"]
nox.options.error_on_missing_interpreters = False

PROJECT = nox.project.load_toml("pyproject.toml")["project"]
PYTHONS = nox.project.python_versions({"project": PROJECT})
#: The libraries that users bring along and that we were written against.
MATRIX = ("pytest", "requests", "jsonschema")


def oldest() -> list[str]:
    """The lowest version of each library of the matrix that pyproject.toml allows."""
    declared = (re.match(r"([\w-]+)>=([\d.]+)", line) for line in PROJECT["dependencies"])
    lowest = {found[1]: found[2] for found in declared if found}
    return [f"{name}=={lowest[name]}" for name in MATRIX]


@nox.session(venv_backend="none")
def check(session: nox.Session) -> None:
    """The gate: the README's two commands, in a fresh folder and fresh environments."""
    session.run("bash", ".ci/run", external=True)


@nox.session(python=PYTHONS)
@nox.parametrize("libraries", ["oldest", "newest"], ids=["oldest", "newest"])
def matrix(session: nox.Session, libraries: str) -> None:
    """The tests, with the oldest or newest libraries that we allow; arguments go to pytest."""
    session.install("-e", ".[dev]")
    if libraries == "oldest":
        # In a step of its own: some of our tools ask for newer ones than our users must have.
        session.install(*oldest())
    else:
        session.install("--upgrade", *MATRIX)
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Write the made parts of ``docs/`` anew and build the site into ``site/``."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "tools.make_docs")
    session.run("mkdocs", "build", "--strict")


@nox.session
def build(session: nox.Session) -> None:
    """Build what is released into ``dist/`` and check it; ``-- TAG`` must be the version's tag."""
    session.install("-e", ".[dev]")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", "dist")
    built = sorted(Path("dist").iterdir())
    session.run("python", "-m", "twine", "check", "--strict", *map(str, built))
    names = [file.name for file in built]
    for tag in session.posargs:
        if f"pytest_edfi_cte-{tag.removeprefix('v')}-py3-none-any.whl" not in names:
            session.error(f"the tag {tag} is not of what was built: {', '.join(names)}")
    # The files that are published are the ones that are looked at and installed.
    tests = ["--no-cov", "-n0", "tests/test_packaging.py"]
    session.run(
        "python", "-m", "pytest", *tests, env={"PACKAGING_DIST": str(Path("dist").resolve())}
    )
