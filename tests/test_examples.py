"""The examples run as they are, and the README's words are true."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
from pathlib import Path

import pytest

import pytest_edfi_cte
from pytest_edfi_cte import cli, fixtures, sandbox_fixtures
from pytest_edfi_cte.commands import sandbox
from pytest_edfi_cte.options import OPTIONS
from tests.sandbox.commands import Command

ROOT = Path(pytest_edfi_cte.__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_own_suite(pytester) -> None:
    shutil.copytree(ROOT / "examples/own_suite", pytester.path, dirs_exist_ok=True)
    pytester.runpytest_inprocess("--edfi-url=sandbox", "-p", "no:randomly").assert_outcomes(
        passed=4
    )


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    lines = "\n".join(blocks("sh")).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def test_the_readme_begins_with_its_two_commands() -> None:
    first, second = blocks("sh")[0].strip().splitlines()
    assert (
        first
        == 'python3 -m venv .venv && .venv/bin/pip install -q -e ".[sandbox]" && .venv/bin/pytest --pyargs pytest_edfi_cte --edfi-url=sandbox --html=report.html --self-contained-html'
    )
    assert (
        second
        == 'python3 -m venv .venv && .venv/bin/pip install -q -e ".[dev]" && .venv/bin/pytest'
    )
    assert README.index(first) < 2500


@pytest.mark.parametrize(
    "command",
    [c for c in commands() if c.startswith("pytest ")],
)
def test_every_command_of_the_readme_runs(command, pytester, sandbox, monkeypatch) -> None:
    """As it stands, but for the address and credentials of the sandbox."""
    monkeypatch.setenv("EDFI_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("EDFI_CLIENT_SECRET", sandbox.client_secret)
    (pytester.path / "staging.env").write_text(f"EDFI_CLIENT_SECRET={sandbox.client_secret}\n")
    command = command.replace("https://host/v7.3/api", sandbox.url).replace(
        "my-client-id", sandbox.client_id
    )
    words = shlex.split(command)
    if words[:2] == ["edfi-cte", "doctor"]:
        monkeypatch.chdir(pytester.path)
        assert cli.main(words[1:]) == 0
        return
    assert words[0] == "pytest", command
    done = pytester.runpytest_subprocess(*words[1:], "-p", "no:randomly")
    assert done.ret == 0


SANDBOXES = [c for c in commands() if c.startswith("edfi-cte sandbox")]


@pytest.mark.parametrize("command", SANDBOXES)
def test_every_sandbox_of_the_readme_starts_and_stops(command, pytester) -> None:
    """As it stands, but for the port, which another test may have."""
    started = Command(*shlex.split(command.replace("--port 8765", "--port 0"))[2:])
    assert "Ctrl-C stops it." in started.screen
    assert started.end() == (0, "")


def test_every_command_of_the_readme_is_run_by_one_of_these_tests() -> None:
    known = ("pytest ", "edfi-cte sandbox", "python3 -m venv ", "python benchmarks/")
    assert [c for c in commands() if not c.startswith(known)] == []


def test_every_option_of_the_sandbox_is_in_the_readme() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    sandbox.add_arguments(parser)
    for action in parser._actions:
        assert (
            f"`{action.option_strings[0]} " in README or f"`{action.option_strings[0]}`" in README
        )


@pytest.mark.parametrize("snippet", blocks("python"))
def test_every_snippet_of_the_readme_runs(snippet, pytester) -> None:
    name = "conftest" if "conftest.py" in snippet else "test_snippet"
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
    for name in {**vars(fixtures), **vars(sandbox_fixtures)}:
        if name.startswith("edfi_"):
            assert f"`{name}`" in README or f"`{name}(" in README, name


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_contributing_names_files_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names = re.findall(r"`([\w./-]+\.(?:py|yaml|json|md|toml|html)|[\w./-]+/)`", text)
    assert len(names) > 8
    for name in names:
        assert (ROOT / name).exists() or (ROOT / "pytest_edfi_cte" / name).exists(), name


def test_ci_reads_its_commands_from_the_readme() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    patterns = re.findall(r"grep -m1 -E '([^']+)' README\.md", script)
    assert len(patterns) == 2
    found = [re.search(pattern, README, re.MULTILINE) for pattern in patterns]
    assert all(found)
