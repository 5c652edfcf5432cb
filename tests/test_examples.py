"""The examples run as they are, and the README's words are true."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import pytest

import pytest_edfi_cte
from pytest_edfi_cte import cli
from tests.broken_products import prepare
from tests.pages import BLOCKS, PAGES

ROOT = Path(pytest_edfi_cte.__file__).parents[1]
README = PAGES["README.md"]


def test_own_suite(pytester) -> None:
    shutil.copytree(ROOT / "examples/own_suite", pytester.path, dirs_exist_ok=True)
    pytester.runpytest_inprocess("--edfi-url=sandbox", "-p", "no:randomly").assert_outcomes(
        passed=4
    )


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="pytest has subtests since version 9")
def test_vendor_suite(pytester) -> None:
    shutil.copytree(ROOT / "examples/vendor_suite", pytester.path, dirs_exist_ok=True)
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    result.assert_outcomes(passed=1)


def test_vendor_suite_is_observed_by_its_hook(pytester, sandbox, kit) -> None:
    shutil.copytree(ROOT / "examples/vendor_suite", pytester.path, dirs_exist_ok=True)
    prepare(sandbox)
    kit.monkeypatch.setenv("CTE_SCREEN_URL", sandbox.url)
    kit.monkeypatch.setenv("CTE_SCREEN_CLIENT_ID", sandbox.client_id)
    kit.monkeypatch.setenv("CTE_SCREEN_CLIENT_SECRET", sandbox.client_secret)
    result = kit.scenarios(sandbox, "--edfi-mode=observe", "--edfi-report=pack")
    result.assert_outcomes(passed=2)
    assert "update: synchronised" in (pytester.path / "pack/results.json").read_text("utf-8")


def test_the_readme_begins_with_its_two_commands() -> None:
    first, second = BLOCKS["README.md"][0].commands
    assert (
        first
        == 'python3 -m venv .venv && .venv/bin/pip install -q -e ".[sandbox]" && .venv/bin/pytest --pyargs pytest_edfi_cte --edfi-url=sandbox --html=report.html --self-contained-html --edfi-report=pack'
    )
    assert (
        second
        == 'python3 -m venv .venv && .venv/bin/pip install -q -e ".[dev]" && .venv/bin/pytest'
    )
    assert README.index(first) < 2500


def test_a_rehearsal_without_a_command_asks_a_person(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    stdin = io.StringIO("\ns\n" * 3)
    stdin.isatty = lambda: True  # a person's terminal
    monkeypatch.setattr("sys.stdin", stdin)
    assert cli.main(["rehearse", "--env-file", "product.env"]) == 1
    out = capsys.readouterr().out
    assert out.count("Press Enter when done.") == 3
    assert out.count("Skipped: it needs") == 2, "update needs create, and recover errors"


def test_the_readme_is_two_screens_before_its_reference() -> None:
    """What is longer is a page of docs/, to which the README leads."""
    before, _, _ = README.partition("\n## Reference\n")
    assert before.count("\n") <= 110
    tasks = re.findall("^### (.+)$", before, re.MULTILINE)
    assert len(tasks) == 7
    for part in before.split("\n### ")[1:]:
        assert re.search(r"\[[Hh]ow to\]\(docs/how-to/", part), part


def anchors(page: str) -> set[str]:
    """The addresses of a page's headings, as GitHub and mkdocs make them."""
    heads = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", [page for page in PAGES if not page.startswith("docs/")])
def test_links_lead_somewhere(page) -> None:
    """mkdocs looks at those of docs/."""
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", PAGES[page]):
        file = (ROOT / page).parent / target if target else ROOT / page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text("utf-8")), (target, anchor)


def test_numbers_of_the_readme_are_those_of_the_made_pages() -> None:
    defects, covered = PAGES["docs/defects.md"], PAGES["docs/reference/requirements.md"]
    (applied, caught), (right, blamed) = (
        re.findall(pattern, defects)[0]
        for pattern in (
            r"(\d+) defects apply: (\d+) caught",
            r"Variants: (\d+) passed, (\d+) blamed",
        )
    )
    assert (applied, blamed) == (caught, "0")
    words = " ".join(README.split())
    assert f"with the contract pack all {caught}, and none of the {right} variants" in words
    assert f"then {re.findall(r'covered by ([0-9]+) checks', covered)[0]} checks" in words
    assert len(list((ROOT / "fixtures/scenarios").glob("*.yaml"))) == 11
    assert "Eleven ship" in words


def test_contributing_leads_through_files_that_exist() -> None:
    """Each way to add something is steps in order, through files, to the test that shows it."""
    text = PAGES["CONTRIBUTING.md"]
    name = re.compile(r"`([\w./-]+\.(?:py|ya?ml|json|md|toml|html|cff)|[\w./-]+/)`")
    for file in name.findall(text):
        assert (ROOT / file).exists() or (ROOT / "pytest_edfi_cte" / file).exists(), file
    ways = dict(re.findall(r"^## To add an? (.+?)\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL))
    assert {"option", "check", "fault", "defect", "scenario", "data standard", "hook"} <= set(ways)
    for way, steps in ways.items():
        numbers = [int(number) for number in re.findall(r"^(\d)\. ", steps, re.MULTILINE)]
        assert numbers == list(range(1, len(numbers) + 1)), way
        assert len(numbers) >= 2, way
        assert [file for file in name.findall(steps) if file.startswith("tests/")], way


def test_ci_reads_its_commands_from_the_readme() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    patterns = re.findall(r"grep -m1 -E '([^']+)' README\.md", script)
    assert len(patterns) == 2
    found = [re.search(pattern, README, re.MULTILINE) for pattern in patterns]
    assert all(found)
