"""The site: what exists is documented, what is said exists, and it builds without a warning."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from dataclasses import replace
from graphlib import CycleError
from importlib import import_module
from pathlib import Path

import pytest

import pytest_edfi_cte
from pytest_edfi_cte import hookspecs
from pytest_edfi_cte.options import OPTIONS
from pytest_edfi_cte.verdicts import Verdict
from tests.pages import Reader
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


def test_the_tutorial_leads_to_a_report(pytester, monkeypatch, sandbox, capsys) -> None:
    """Followed as it stands (tests/pages.py), it says what it promises."""
    reader = Reader(pytester, monkeypatch, sandbox)
    reader.follow("docs/tutorial.md")
    judged, own, real = (result for _, result in reader.done)
    judged.assert_outcomes(passed=2)
    own.assert_outcomes(passed=3)
    real.assert_outcomes(passed=2)
    out = capsys.readouterr().out
    assert "A run can succeed" in out
    assert "CAUGHT" in out.upper()
    pack = pytester.path / "pack"
    assert sandbox.url in (pack / "results.json").read_text("utf-8")
    assert (pack / "conformance.html").stat().st_size > 50_000


def test_the_how_to_adds_a_scenario(pytester, monkeypatch, sandbox, capsys) -> None:
    reader = Reader(pytester, monkeypatch, sandbox)
    reader.follow("docs/how-to/add-a-scenario.md")
    shown = capsys.readouterr().out
    assert "Of 1 defects of an API it would notice 1." in shown
    assert "[Current School Year]" in shown
    assert "30*" in shown
    assert '"studentUniqueId": "880001"' in shown
    assert '"studentUniqueId": "880002"' in shown
    ((_, run),) = reader.done
    run.assert_outcomes(passed=2)


def test_every_verdict_is_explained() -> None:
    page = PAGES["explanations/verdicts.md"]
    assert re.findall(r"^\| \*\*(.+?)\*\* \|", page, re.MULTILINE) == [v.value for v in Verdict]


def options_of(command: str) -> set[str]:
    """What a command takes; mutate gives what it does not know to pytest."""
    parser = argparse.ArgumentParser(add_help=False)
    import_module(f"pytest_edfi_cte.commands.{command}").add_arguments(parser)
    known = {flag for action in parser._actions for flag in action.option_strings}
    return known | ({option.flag for option in OPTIONS} if command == "mutate" else set())


@pytest.mark.parametrize("name", [name for name in PAGES if name != "defects.md"])
def test_what_a_page_names_exists(name) -> None:
    page = PAGES[name]
    known = {option.flag for option in OPTIONS}
    assert {f.rstrip("-") for f in re.findall(r"--edfi-[a-z-]+", page)} <= known
    for command, words in re.findall(r"`edfi-cte ([a-z]+)([^`]*)`", page):
        assert set(re.findall(r"--[a-z-]+", words)) <= options_of(command), (command, words)
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
