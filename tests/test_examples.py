"""The examples run as they are, and the README's words are true."""

from __future__ import annotations

import argparse
import io
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

import pytest_edfi_cte
from pytest_edfi_cte import (
    cli,
    fixtures,
    hookspecs,
    rehearsal_fixtures,
    sandbox_fixtures,
    scenario_fixtures,
)
from pytest_edfi_cte.commands import rehearse, sandbox
from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.descriptors import read_map
from pytest_edfi_cte.options import OPTIONS
from pytest_edfi_cte.reporting.stored import to_json
from pytest_edfi_cte.reporting.waivers import read_waivers
from tests.broken_products import prepare
from tests.reporting import check, made, run_info
from tests.sandbox.commands import Command

ROOT = Path(pytest_edfi_cte.__file__).parents[1]
CLI = "import sys; from pytest_edfi_cte.cli import main; sys.exit(main())"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_own_suite(pytester) -> None:
    shutil.copytree(ROOT / "examples/own_suite", pytester.path, dirs_exist_ok=True)
    pytester.runpytest_inprocess("--edfi-url=sandbox", "-p", "no:randomly").assert_outcomes(
        passed=4
    )


@pytest.fixture
def vendors_product(monkeypatch) -> None:
    """The example's product with our Python, and with pauses that are short."""
    monkeypatch.setenv("PYTHON", sys.executable)
    monkeypatch.setenv("CTE_SCREEN_PAUSE", "0.1")


#: The README says so where it shows them.
needs_subtests = pytest.mark.skipif(
    pytest.version_tuple < (9,), reason="pytest has subtests since version 9"
)


@needs_subtests
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


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    lines = "\n".join(blocks("sh")).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def test_the_readme_begins_with_its_two_commands() -> None:
    first, second = blocks("sh")[0].strip().splitlines()
    assert (
        first
        == 'python3 -m venv .venv && .venv/bin/pip install -q -e ".[sandbox]" && .venv/bin/pytest --pyargs pytest_edfi_cte --edfi-url=sandbox --html=report.html --self-contained-html --edfi-report=pack'
    )
    assert (
        second
        == 'python3 -m venv .venv && .venv/bin/pip install -q -e ".[dev]" && .venv/bin/pytest'
    )
    assert README.index(first) < 2500


@pytest.mark.parametrize(
    "command",
    [c for c in commands() if re.match("pytest |edfi-cte (?!sandbox|rehearse)", c)],
)
def test_every_command_of_the_readme_runs(
    command, pytester, sandbox, monkeypatch, vendors_product
) -> None:
    """As it stands, but for the address and credentials of the sandbox."""
    monkeypatch.setenv("EDFI_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("EDFI_CLIENT_SECRET", sandbox.client_secret)
    (pytester.path / "staging.env").write_text(f"EDFI_CLIENT_SECRET={sandbox.client_secret}\n")
    command = command.replace("https://host/v7.3/api", sandbox.url).replace(
        "my-client-id", sandbox.client_id
    )
    words = shlex.split(command)
    if words[:2] == ["edfi-cte", "report"]:
        for name in filter(re.compile(r".*/results\.json$").match, words):
            (pytester.path / name).parent.mkdir()
            phase = {"id": name, "planned": []}
            (pytester.path / name).write_text(to_json(made(check(), runs=[run_info(**phase)])))
    if table := next((w for w in words[2:] if w.endswith("graduation-plans.yaml")), None):
        if "new" not in words:  # the line above it comes first
            assert cli.main(["scenarios", "new", "graduationPlans", "-o", table]) == 0
        if "check" in words:  # all of them are tried in test_mutate.py
            words.append("--defect=update-not-stored")
    if words[0] == "edfi-cte":
        done = pytester.run(sys.executable, "-c", CLI, *words[1:])
        assert done.ret == 0
        return
    assert words[0] == "pytest", command
    if "--edfi-mode=observe" in words:
        with_a_product(pytester, sandbox)
    if "--edfi-phase=update" in words:  # the line above it comes first
        first = shlex.split(command.replace("update", "create"))
        assert pytester.runpytest_subprocess(*first[1:], "-p", "no:randomly").ret == 0
    done = pytester.runpytest_subprocess(*words[1:], "-p", "no:randomly")
    assert done.ret == 0


PRODUCT = """
import sys
sys.path.insert(0, {root!r})
from tests.broken_products import Link, post, put

def pytest_edfi_act(step, values):
    link = Link({url!r}, {id!r}, {secret!r})
    {{"create": post, "update": put}}[step](link, values)
    link.close()
    return "sent"
"""


def with_a_product(pytester, sandbox) -> None:
    """A product that acts when it is asked, as a hook and as the example's program."""
    prepare(sandbox)
    key = {"url": sandbox.url, "id": sandbox.client_id, "secret": sandbox.client_secret}
    pytester.makeconftest(PRODUCT.format(root=str(ROOT), **key))
    shutil.copytree(ROOT / "examples/vendor_suite", pytester.path / "examples/vendor_suite")


@pytest.mark.parametrize("block", blocks("csv"))
def test_every_crosswalk_of_the_readme_is_understood(block, tmp_path) -> None:
    file = tmp_path / "crosswalk.csv"
    file.write_text(block)
    (pair,) = (line.split(",") for line in block.splitlines()[1:])
    assert read_map({}, str(file), set()).stored_as(pair[1]) == pair[::-1]
    assert f"'{pair[0]}={pair[1]}'" in README


SANDBOXES = [c for c in commands() if c.startswith("edfi-cte sandbox")]


@pytest.mark.parametrize("command", SANDBOXES)
def test_every_sandbox_of_the_readme_starts_and_stops(command, pytester) -> None:
    """As it stands, but for the port, which another test may have."""
    started = Command(*shlex.split(command.replace("--port 8765", "--port 0"))[2:])
    assert "Ctrl-C stops it." in started.screen
    assert started.end() == (0, "")


REHEARSALS = [c for c in commands() if c.startswith("edfi-cte rehearse")]


@pytest.mark.parametrize("command", [c for c in REHEARSALS if "--act" in c])
def test_every_rehearsal_of_the_readme_passes(
    command, vendors_product, monkeypatch, tmp_path, capsys
) -> None:
    """As it stands, in the checkout, but for where the result goes."""
    monkeypatch.chdir(ROOT)
    words = shlex.split(command.replace("--json ", f"--json {tmp_path}/"))
    assert cli.main(words[1:]) == 0
    assert "\nPASSED: " in capsys.readouterr().out


@pytest.mark.parametrize("command", [c for c in REHEARSALS if "--act" not in c])
def test_every_rehearsal_of_the_readme_asks_a_person(
    command, monkeypatch, tmp_path, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    stdin = io.StringIO("\ns\n" * 3)
    stdin.isatty = lambda: True  # a person's terminal
    monkeypatch.setattr("sys.stdin", stdin)
    assert cli.main(shlex.split(command)[1:]) == 1
    out = capsys.readouterr().out
    assert out.count("Press Enter when done.") == 3
    assert out.count("Skipped: it needs") == 2, "update needs create, and recover errors"


def test_every_command_of_the_readme_is_run_by_one_of_these_tests() -> None:
    known = ("pytest ", "edfi-cte ", "python3 -m venv ", "python benchmarks/")
    assert [c for c in commands() if not c.startswith(known)] == []


@pytest.mark.parametrize("module", [sandbox, rehearse], ids=["sandbox", "rehearse"])
def test_every_option_of_the_commands_is_in_the_readme(module) -> None:
    parser = argparse.ArgumentParser(add_help=False)
    module.add_arguments(parser)
    for action in parser._actions:
        assert (
            f"`{action.option_strings[0]} " in README or f"`{action.option_strings[0]}`" in README
        )


def test_the_waivers_of_the_readme_are_understood(tmp_path) -> None:
    (block,) = blocks("yaml")
    file = tmp_path / "waivers.yaml"
    file.write_text(block)
    (waiver,) = read_waivers(file, shipped())
    assert waiver.path == "cteProgramServices.primaryIndicator"


@pytest.mark.parametrize(
    "snippet",
    [pytest.param(s, marks=needs_subtests) if "subtests" in s else s for s in blocks("python")],
)
def test_every_snippet_of_the_readme_runs(snippet, pytester, vendors_product) -> None:
    name = "conftest" if "conftest.py" in snippet else "test_snippet"
    if "./sync.sh" in snippet:
        shutil.copytree(ROOT / "examples/vendor_suite/cte_screen", pytester.path / "cte_screen")
        shutil.copy(ROOT / "examples/vendor_suite/sync.sh", pytester.path)
    pytester.makepyfile(**{name: snippet})
    result = pytester.runpytest_inprocess("--edfi-url=sandbox", "-p", "no:randomly")
    result.assert_outcomes(passed=2 + len(re.findall(r"^def test_", snippet, re.MULTILINE)))


@pytest.mark.parametrize("snippet", blocks("ini"))
def test_every_ini_of_the_readme_is_understood(snippet, pytester) -> None:
    pytester.makeini(snippet)
    result = pytester.runpytest_inprocess("--co", "-q", "--strict-config", "-p", "no:randomly")
    assert result.ret in (0, 5)


def test_every_option_fixture_and_verdict_is_in_the_readme() -> None:
    for option in OPTIONS:
        assert option.flag in README
    modules = (fixtures, sandbox_fixtures, rehearsal_fixtures, scenario_fixtures)
    for name in {name for module in modules for name in vars(module)}:
        if name.startswith("edfi_"):
            assert f"`{name}`" in README or f"`{name}(" in README, name
    for name in vars(hookspecs):
        if name.startswith("pytest_edfi_"):
            assert f"`{name}(" in README, name


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_contributing_names_files_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names = re.findall(r"`([\w./-]+\.(?:py|ya?ml|json|md|toml|html|cff)|[\w./-]+/)`", text)
    assert len(names) > 8
    for name in names:
        assert (ROOT / name).exists() or (ROOT / "pytest_edfi_cte" / name).exists(), name


def test_ci_reads_its_commands_from_the_readme() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    patterns = re.findall(r"grep -m1 -E '([^']+)' README\.md", script)
    assert len(patterns) == 2
    found = [re.search(pattern, README, re.MULTILINE) for pattern in patterns]
    assert all(found)
