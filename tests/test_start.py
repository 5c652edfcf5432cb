"""What a run does not pay for: modules it does not need, folders without tests, work done twice."""

from __future__ import annotations

import gc
import json
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_edfi_cte.catalogue import Chosen, Entry, choose
from pytest_edfi_cte.contract import Contract
from pytest_edfi_cte.plugin import _no_collection
from pytest_edfi_cte.sandbox import Sandbox
from pytest_edfi_cte.settings import Settings

MODULES = """
import json, sys
import filelock  # some releases of it bring sqlite3 along
import pytest
given = set(sys.modules)
class Spy:
    asked = []
    def pytest_ignore_collect(self, collection_path): self.asked.append(collection_path.name)
    def pytest_unconfigure(self):
        with open("seen.json", "w") as stream:
            json.dump([sorted(set(sys.modules) - given), self.asked], stream)
pytest.main(
    ["-p", "pytest_edfi_cte.plugin", "-q", "--pyargs", "pytest_edfi_cte"],
    plugins=[Spy()],
)
"""


#: What a good run of the two scenarios has no use for.
NEEDLESS = {"attr", "cheroot", "dotenv", "faker", "jinja2", "jsonschema"}
NEEDLESS |= {"multiprocessing", "referencing", "rich", "sqlite3", "werkzeug"}


def test_a_good_run_loads_and_asks_for_what_it_needs(pytester, monkeypatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)
    with Sandbox() as sandbox:
        monkeypatch.setenv("EDFI_URL", sandbox.url)
        monkeypatch.setenv("EDFI_CLIENT_ID", sandbox.client_id)
        monkeypatch.setenv("EDFI_CLIENT_SECRET", sandbox.client_secret)
        result = pytester.runpython_c(MODULES)
    result.stdout.fnmatch_lines(["*2 passed*"])
    modules, asked = json.loads((pytester.path / "seen.json").read_text())
    loaded = {name for name in modules if name.startswith("pytest_edfi_cte.")}
    assert "requests" in modules
    assert not NEEDLESS & set(modules)
    for needless in (
        "observe",
        "observed",
        "product",
        "state",
        "rehearsal.stage",
    ):
        assert f"pytest_edfi_cte.{needless}" not in loaded
    assert "test_edfi_certification.py" in asked
    assert not {"client", "sandbox", "reporting", "plugin.py", "contract.py"} & set(asked)


def test_a_scenario_is_resolved_once(monkeypatch) -> None:
    contract, settings = Contract(), Settings(url="https://a.example", client_id="me")
    made = []
    resolve = Entry.scenario
    monkeypatch.setattr(Entry, "scenario", lambda *a: made.append(a[0].id) or resolve(*a))
    chosen = Chosen(contract, settings, choose(contract, settings, Path()))
    for name in chosen.entries:
        assert chosen.scenario(name, "5.0") is chosen.scenario(name, "5.0")
    assert sorted(made) == sorted(chosen.entries)


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_of_garbage_is_as_it_was(on) -> None:
    before = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        with suppress(ValueError), _no_collection():
            assert not gc.isenabled()
            raise ValueError
        assert gc.isenabled() is on
    finally:
        (gc.enable if before else gc.disable)()
