"""The site: what exists is documented, what is said exists, and it builds without a warning."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from graphlib import CycleError
from pathlib import Path

import pytest

import pytest_edfi_cte
from pytest_edfi_cte import cli, hookspecs
from pytest_edfi_cte.options import OPTIONS
from pytest_edfi_cte.verdicts import Verdict
from tests.test_quality import PACKAGE, modules
from tools import make_docs

ROOT = Path(pytest_edfi_cte.__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {path.relative_to(DOCS).as_posix(): path.read_text("utf-8") for path in DOCS.rglob("*.md")}


@pytest.mark.parametrize("name", PAGES)
def test_made_parts_are_as_the_code_is(name) -> None:
    page = PAGES[name]
    assert make_docs.renewed(page) == page, "run `python -m tools.make_docs`"


def test_every_part_has_its_page() -> None:
    used = [found["name"] for page in PAGES.values() for found in make_docs.PART.finditer(page)]
    assert sorted(used) == sorted(make_docs.PARTS)


def test_what_exists_and_is_not_documented_is_noticed(monkeypatch) -> None:
    new = replace(OPTIONS[0], name="brand_new")
    monkeypatch.setattr(make_docs, "OPTIONS", (*OPTIONS, new))
    page = PAGES["reference/options.md"]
    assert make_docs.renewed(page) != page
    assert "`--edfi-brand-new URL`" in make_docs.renewed(page)


def test_a_hook_or_helper_that_is_not_documented_is_noticed(monkeypatch) -> None:
    def pytest_edfi_brand_new(config):
        """Do something new."""

    page = PAGES["reference/pytest.md"]
    monkeypatch.setattr(hookspecs, "pytest_edfi_brand_new", pytest_edfi_brand_new, raising=False)
    assert "### pytest_edfi_brand_new(config)\n\nDo something new." in make_docs.renewed(page)
    for name in pytest_edfi_cte.__all__:
        assert name in page or name == "__version__"


def test_arguments_are_shown_as_they_are_typed() -> None:
    assert "| `--tls CERT KEY` |" in PAGES["reference/commands.md"]
    assert "default: 5.0; one of 4.0, 5.0" in PAGES["reference/commands.md"]


def test_a_part_that_nobody_makes_is_told() -> None:
    with pytest.raises(KeyError, match="poems"):
        make_docs.renewed("<!-- made: poems -->\n<!-- end -->")


def test_the_site_builds_strictly(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "site/architecture.html").read_text("utf-8")
    assert '<pre class="mermaid">' in page
    assert "<table>" in (tmp_path / "site/reference/options.html").read_text("utf-8")


def fenced(language: str, page: str = "tutorial.md") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGES[page], re.MULTILINE | re.DOTALL)


def test_the_tutorial_leads_to_a_report(pytester, sandbox, capsys) -> None:
    """Command after command, as they stand, in one folder; what others run is not run again."""
    install, judge, break_it, own, ask, real = fenced("sh")
    assert install.splitlines()[0] in (ROOT / "README.md").read_text("utf-8")  # run by .ci/run
    assert break_it in (ROOT / "README.md").read_text("utf-8")  # run by test_examples.py
    (test,) = fenced("python")
    (env,) = (text for text in fenced("text") if "EDFI_URL" in text)
    pytester.makepyfile(test_ours=test)
    env = env.replace("https://host/v7.3/api", sandbox.url)
    env = env.replace("my-client-id", sandbox.client_id).replace("…", sandbox.client_secret)
    (pytester.path / "staging.env").write_text(env)

    def run(command: str, passed: int) -> None:
        words = [*shlex.split(command)[1:], "-p", "no:randomly"]
        pytester.runpytest_inprocess(*words).assert_outcomes(passed=passed)

    run(judge, 2)
    page = (pytester.path / "pack/conformance.html").read_text("utf-8")
    run(own, 3)
    assert "test_an_exit_date_is_kept" in (pytester.path / "pack/results.json").read_text("utf-8")
    assert cli.main(shlex.split(ask)[1:]) == 0
    assert "A run can succeed" in capsys.readouterr().out
    run(real, 2)
    assert sandbox.url in (pytester.path / "pack/results.json").read_text("utf-8")
    assert (pytester.path / "pack/conformance.html").read_text("utf-8") != page
    sums = ["sha256sum", "--quiet", "-c", "SHA256SUMS"]
    assert subprocess.run(sums, cwd=pytester.path / "pack", check=False).returncode == 0


def test_the_how_to_adds_a_scenario(pytester, capsys, monkeypatch) -> None:
    """Command after command, as they stand, in one folder, but for the defects: one of them."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    page = "how-to/add-a-scenario.md"
    listed, new, check, table, run = (shlex.split(text)[1:] for text in fenced("sh", page))
    (rows,) = fenced("yaml", page)
    assert cli.main(listed) == cli.main(new) == 0
    file = pytester.path / "graduation-plans.yaml"
    text = file.read_text("utf-8")
    head, needs = text.partition("\nscenarios:")[0], text.partition("\n# What must exist")[2]
    file.write_text(f"{head}\n{rows}\n# What must exist{needs}", "utf-8")
    capsys.readouterr()
    assert cli.main([*check, "--defect=update-not-stored", "--jobs=1"]) == 0
    assert "Of 1 defects of an API it would notice 1." in capsys.readouterr().out
    assert cli.main(table) == 0
    shown = capsys.readouterr().out
    assert "[Current School Year]" in shown
    assert "30*" in shown
    pytester.runpytest_inprocess(*run, "-p", "no:randomly").assert_outcomes(passed=2)


def test_every_verdict_is_explained() -> None:
    page = PAGES["explanations/verdicts.md"]
    assert re.findall(r"^\| \*\*(.+?)\*\* \|", page, re.MULTILINE) == [v.value for v in Verdict]


@pytest.mark.parametrize("name", [name for name in PAGES if name != "defects.md"])
def test_what_a_page_names_exists(name) -> None:
    page = PAGES[name]
    known = {option.flag for option in OPTIONS}
    assert {f.rstrip("-") for f in re.findall(r"--edfi-[a-z-]+", page)} <= known
    for command in re.findall(r"`edfi-cte ([a-z]+)", page):
        assert command in cli.COMMANDS
    for path in re.findall(r"`((?:fixtures|tests|examples|tools|docs)/[\w./-]+)`", page):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"`(?!conftest|test_ours)([a-z]\w*(?:\.py|/))`", page):
        assert (PACKAGE / path).exists() or (ROOT / path).exists(), path


def test_boxes_of_the_diagram_hold_modules_that_exist() -> None:
    there = {*modules(), *(name.split(".")[0] for name in modules())}
    named = [name for _, names in make_docs.BOXES.values() for name in names.split()]
    assert set(named) <= there
    assert len(named) == len(set(named))


def test_the_diagram_leaves_out_what_a_longer_way_says() -> None:
    assert make_docs.direct({("a", "b"), ("b", "c"), ("a", "c")}) == {("a", "b"), ("b", "c")}
    with pytest.raises(CycleError):
        make_docs.direct({("a", "b"), ("b", "a")})


def test_client_side_and_sandbox_meet_at_the_seam_alone() -> None:
    """As the diagram shows it: nothing but the seam and the commands leads to the sandbox."""
    assert {a for a, b in make_docs.arrows() if b == "sandbox"} == {"seam", "commands"}
    assert {b for a, b in make_docs.arrows() if a == "sandbox"} == {"contract"}
