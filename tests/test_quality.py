"""Rules of the house that a machine can check."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import pytest_edfi_cte

PACKAGE = Path(pytest_edfi_cte.__file__).parent
ROOT = PACKAGE.parent

#: Modules import from their own line or from lines above it, never from below: the way of the data
#: (options, client, factories, scenarios, judge, verdicts, reporting), on a common ground.
LAYERS = (
    "errors people logs",
    "values notations user_hooks",
    "contract_text quick_validator",
    "secret contract options journal locks compare waiting hookspecs openapi_document properties",
    "openapi_import",
    "extension",
    "state_contract",
    "given flags",
    "settings sandboxes descriptors requirements",
    "client.environment client.exchange client.discovery client.problems",
    "client.transport",
    "client.customising",
    "client.session",
    "client.tokens client.tokeninfo",
    "sharing",
    "records scenarios retyped literals",
    "prerequisites table_files making",
    "resolving",
    "tables",
    "catalogue cohort",
    "payloads",
    "factories judge meanings mistakes",
    "differences expectations",
    "verdicts judgements product",
    "observed_records",
    "observed",
    "state",
    "evidence answers preparing facts cleaning",
    "run watch",
    "turns following",
    "asserting drive observe progress terminal",
    "steps",
    "rounds",
    "load",
    "doctor.model",
    "doctor.patient",
    "doctor.connection doctor.key doctor.data",
    "doctor.chosen",
    "doctor.probes",
    "reporting.model reporting.drawing",
    "rehearsal.script",
    "rehearsal.task rehearsal.traffic",
    "rehearsal.played",
    "rehearsal.outcome rehearsal.handout rehearsal.troubles",
    "rehearsal.props",
    "rehearsal.deliveries",
    "rehearsal.outages",
    "rehearsal.practice",
    "rehearsal.judging",
    "rehearsal.words",
    "rehearsal.stage",
    "contract_checks.answers",
    "contract_checks.cleanup contract_checks.shapes",
    "contract_checks.bench",
    "contract_checks.model",
    "contract_checks.discovery",
    "contract_checks.access contract_checks.addresses contract_checks.bodies",
    "contract_checks.errors contract_checks.etags contract_checks.openapi",
    "contract_checks.queries contract_checks.writes",
    "contract_checks.catalogue",
    "doctor.page",
    "reporting.document",
    "reporting.waivers reporting.runs reporting.words reporting.changes reporting.faults",
    "reporting.results reporting.ledger reporting.stored",
    "reporting.students",
    "reporting.page reporting.junit reporting.badge reporting.mapping reporting.markdown",
    "reporting.pack reporting.screen reporting.rehearsed",
    "fixtures collection",
    "python_scenarios",
    "sandbox_fixtures rehearsal_fixtures scenario_fixtures",
    "reporting.contract",
    "reporting.tracebacks",
    "reporting.collect reporting.pytest_html",
    "report_hooks running_hooks",
    "hooks",
    "plugin",
    "suite.test_edfi_certification suite.test_edfi_observed suite.test_edfi_repeated",
    "suite.test_edfi_contract",
    "mutation.model",
    "mutation.watcher mutation.views",
    "mutation.by_table",
    "mutation.runs",
    "mutation.attack",
    "authoring.samples authoring.coverage authoring.page authoring.reading authoring.sending",
    "authoring.draft",
    "authoring.yaml_file",
    "authoring.missing",
    "authoring.screens",
    "commands.credentials commands.meanwhile commands.person",
    "commands.mutate commands.sandbox",
    "cli",
    "commands.doctor commands.rehearse commands.report commands.scenarios",
)

#: What both sides may use: the contract, and how an OpenAPI document becomes one.
COMMON_GROUND = ("contract", "openapi_document", "openapi_import", "extension")


@cache  # asked for with every file whose imports are read
def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if path.name != "__init__.py":
            found[name] = path
    return found


def imports(path: Path) -> set[str]:
    """Modules of this package that a file imports when it is executed (not for typing alone)."""
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            full = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            full = [alias.name for alias in node.names]
        else:
            continue
        prefix = PACKAGE.name + "."
        found |= {name.removeprefix(prefix) for name in full if name.startswith(prefix)}
    return found & set(modules()) | {n for n in found if n.split(".")[0] == "sandbox"}


def test_imports_run_in_one_direction() -> None:
    level = {name: n for n, line in enumerate(LAYERS) for name in line.split()}
    client_side = {name for name in modules() if not name.startswith("sandbox.")}
    assert client_side == set(level), "every module has its place in LAYERS"
    for name in client_side:
        for other in imports(modules()[name]) - {n for n in modules() if n.startswith("sandbox.")}:
            if other.split(".")[0] == "sandbox":
                continue
            assert level[other] <= level[name], f"{name} imports {other}"


def test_sandbox_and_client_side_do_not_know_each_other() -> None:
    for name, path in modules().items():
        others = imports(path)
        if name.startswith("sandbox."):
            strangers = {n for n in others if n.split(".")[0] not in ("sandbox", *COMMON_GROUND)}
            assert not strangers, f"{name} imports {strangers}"
        elif name != "sandboxes" and not name.startswith("commands."):  # the seam
            assert not {n for n in others if n.split(".")[0] == "sandbox"}, name


def test_modules_are_small() -> None:
    long = {name: len(path.read_text().splitlines()) for name, path in modules().items()}
    assert {name: lines for name, lines in long.items() if lines > 320} == {}


@pytest.mark.parametrize(
    "command",
    [["mypy"], ["ruff", "check", "."], ["ruff", "format", "--check", "."]],
    ids=["mypy", "ruff", "format"],
)
def test_static_checks(command) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


IGNORE = re.compile(r"#\s*(type:\s*ignore\[[\w,-]+\]|noqa:\s*[\w, ]+?)(?P<reason>\s+(-|#).*)?$")


def test_every_ignore_has_a_reason() -> None:
    for path in [*PACKAGE.rglob("*.py"), *ROOT.glob("tools/*.py"), *ROOT.glob("tests/**/*.py")]:
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if (
                re.search(r"#\s*(type:\s*ignore|noqa|pragma)", line)
                and "IGNORE" not in line
                and "re.search" not in line
            ):
                found = IGNORE.search(line)
                assert found, f"{path.name}:{number}: {line.strip()}"
                assert found["reason"], f"{path.name}:{number}: an ignore without a reason"


IDLE = """
import json, sys
import pytest
class Spy:
    def pytest_unconfigure(self): print("MODULES", json.dumps(sorted(sys.modules)))
pytest.main(["-p", "pytest_edfi_cte.plugin", "-q", "--co", "."], plugins=[Spy()])
"""


def test_idle_the_plugin_imports_nothing_heavy(pytester, monkeypatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)
    pytester.makepyfile("def test_a(): pass")
    result = pytester.runpython_c(IDLE)
    line = next(line for line in result.outlines if line.startswith("MODULES "))
    loaded = {name.split(".")[0] for name in json.loads(line.removeprefix("MODULES "))}
    assert "pytest_edfi_cte" in loaded
    heavy = {
        "requests",
        "urllib3",
        "jsonschema",
        "faker",
        "yaml",
        "jinja2",
        "werkzeug",
        "cheroot",
        "fastjsonschema",
        "filelock",
        "dotenv",
    }
    assert not heavy & loaded


def test_no_dependency_drags_anyio_in() -> None:
    """anyio brings a pytest plugin of its own, which every pytest start would pay for."""
    from importlib.metadata import PackageNotFoundError, requires

    seen: set[str] = set()
    todo = ["pytest-edfi-cte"]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            needed = requires(name) or []
        except PackageNotFoundError:
            continue
        plain = [entry for entry in needed if "extra ==" not in entry]
        todo += [re.split(r"[\s;<>=!~\[(]", entry)[0].lower() for entry in plain]
    assert "requests" in seen
    assert "anyio" not in seen


def test_a_checkout_runs_without_the_dev_extra(tmp_path) -> None:
    """The README's first command reads this project's pytest settings without xdist and pytest-cov."""
    without = [
        "-p",
        "no:xdist",
        "-p",
        "no:cov",
        "-p",
        "no:pytest_cov",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
    ]
    command = [
        sys.executable,
        "-m",
        "pytest",
        *without,
        "--pyargs",
        "pytest_edfi_cte",
        "--edfi-url=sandbox",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
