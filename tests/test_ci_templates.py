"""The templates of examples/ci: well formed, careful with secrets, and their command runs."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tree_sitter
import tree_sitter_groovy
import yaml

import pytest_edfi_cte
from pytest_edfi_cte.reporting.pack import PAGE, VIEWS
from tests.test_repository import complaints, parses

FOLDER = Path(pytest_edfi_cte.__file__).parents[1] / "examples/ci"
README = (FOLDER / "README.md").read_text(encoding="utf-8")
TEMPLATES = sorted(path for path in FOLDER.iterdir() if path.name != "README.md")
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES}
SCHEMAS = {
    "github-actions.yml": "github-workflows",
    "gitlab-ci.yml": "gitlab-ci",
    "azure-pipelines.yml": "azure-pipelines",
}
COMMAND = "pytest --pyargs pytest_edfi_cte --edfi-report=edfi-report"
SECRET = "EDFI_CLIENT_SECRET"


def content(name: str) -> Any:
    return yaml.safe_load(TEXTS[name])


def groovy_is_well_formed(text: str) -> bool:
    language = tree_sitter.Language(tree_sitter_groovy.language())
    return not tree_sitter.Parser(language).parse(text.encode()).root_node.has_error


def scripts(part: Any) -> Iterator[str]:
    """Everything that a shell gets, in any of the YAML templates."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("run", "script", "before_script"):
                yield from [value] if isinstance(value, str) else value
            else:
                yield from scripts(value)
    elif isinstance(part, list):
        for entry in part:
            yield from scripts(entry)


def test_every_template_is_in_the_readme_and_says_where_it_goes() -> None:
    assert len(TEMPLATES) == 5
    for name, text in TEXTS.items():
        assert f"| `{name}` |" in README
        assert text[0] in "#/", "the first line is a comment with the place"


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items(), ids=SCHEMAS)
def test_templates_fit_their_schema(name, schema, tmp_path) -> None:
    assert complaints(schema, FOLDER / name) == ""
    (tmp_path / "wrong.yml").write_text(
        TEXTS[name].replace("jobs:", "jbs:").replace("script:", "scrpt:")
    )
    assert complaints(schema, tmp_path / "wrong.yml")


@pytest.mark.parametrize("name", SCHEMAS)
def test_shells_can_read_the_scripts(name) -> None:
    found = list(scripts(content(name)))
    assert COMMAND in found
    assert all(parses(script) for script in found)


def test_the_jenkinsfile_is_well_formed() -> None:
    text = TEXTS["Jenkinsfile"]
    assert groovy_is_well_formed(text)
    assert not groovy_is_well_formed(text.replace("])", "]", 1))
    assert COMMAND in text
    for script in re.findall(r"\bsh (.*?)(?: \}|$)", text, re.MULTILINE):
        # In double quotes Groovy would put the secret into the script, and the log.
        assert re.fullmatch(r"'[^']*'", script), script
        assert parses(script.strip("'"))


def test_the_container_file_builds_on_a_fixed_base_without_root_or_secret() -> None:
    joined = TEXTS["Containerfile"].replace("\\\n", " ").splitlines()
    lines = [line.split(maxsplit=1) for line in joined if line and not line.startswith("#")]
    names = [name for name, _ in lines]
    assert names == ["FROM", "ARG", "RUN", "USER", "WORKDIR", "ENTRYPOINT"]
    said = dict(lines)
    assert re.fullmatch(r"python:3\.\d+-slim", said["FROM"])
    assert said["ARG"] == f"VERSION={pytest_edfi_cte.__version__}"
    assert said["USER"].isdigit()
    assert int(said["USER"]) > 0
    assert json.loads(said["ENTRYPOINT"]) == shlex.split(COMMAND)
    assert parses(said["RUN"])
    assert SECRET not in TEXTS["Containerfile"]


@pytest.mark.parametrize("name", TEXTS)
def test_no_template_holds_a_secret_or_shows_one(name) -> None:
    for line in TEXTS[name].splitlines():
        assert not re.search(r"(?i)(echo|printenv|set -x)", line), line
        if SECRET in line and not line.strip().startswith("#"):
            # Named as the place that it comes from, and with nothing beside it.
            allowed = (
                rf"{SECRET}: \$\{{\{{ secrets\.{SECRET} \}}\}}",
                rf"{SECRET}: \$\({SECRET}\)",
                rf"passwordVariable: '{SECRET}'",
                r"- group: edfi-staging # .*",
            )
            assert any(re.fullmatch(pattern, line.strip()) for pattern in allowed), line


def test_no_template_runs_for_a_pull_request() -> None:
    on = yaml.safe_load(TEXTS["github-actions.yml"])[True]  # YAML 1.1 reads the key `on` so
    assert set(on) == {"schedule", "workflow_dispatch"}
    assert content("azure-pipelines.yml")["pr"] == "none"
    rules = content("gitlab-ci.yml")["edfi-conformance"]["rules"]
    assert [rule["if"] for rule in rules] == [
        '$CI_PIPELINE_SOURCE == "schedule"',
        '$CI_PIPELINE_SOURCE == "web"',
    ]


def test_a_site_is_published_only_where_somebody_said_so() -> None:
    publish = content("github-actions.yml")["jobs"]["publish"]
    assert publish["if"] == "always() && vars.EDFI_PUBLISH == 'true'"
    for rule in content("gitlab-ci.yml")["pages"]["rules"]:
        assert rule["if"].startswith('$EDFI_PUBLISH == "true" && ')
    assert "`EDFI_PUBLISH`" in README


def test_github_actions_are_pinned_and_results_come_in_any_case() -> None:
    text = TEXTS["github-actions.yml"]
    for action, version in re.findall(r"uses: (\S+)(.*)", text):
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", version), action
    steps = content("github-actions.yml")["jobs"]["judge"]["steps"]
    judge = next(n for n, step in enumerate(steps) if step.get("name") == "Judge")
    assert all(step["if"] == "always()" for step in steps[judge + 1 :])


def test_every_template_publishes_what_a_run_writes(pytester, sandbox, monkeypatch) -> None:
    """The one command, as it stands; then each file that a template names is there."""
    monkeypatch.setenv("EDFI_URL", sandbox.url)
    monkeypatch.setenv("EDFI_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("EDFI_CLIENT_SECRET", sandbox.client_secret)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert f"```sh\n{COMMAND}\n```" in README
    done = pytester.runpytest_inprocess(*shlex.split(COMMAND)[1:], "-p", "no:randomly")
    assert done.ret == 0
    written = {path.name for path in (pytester.path / "edfi-report").iterdir()}
    for name, text in TEXTS.items():
        for file in re.findall(r"(?:edfi-report|public)/([\w.-]+\.\w+)", text):
            assert file in written, f"{name}: {file}"
    assert PAGE in TEXTS["Jenkinsfile"]
    assert "badge.svg" in README
    assert "badge.svg" in VIEWS
