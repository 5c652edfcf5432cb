"""The pytest11 entry point: hooks that delegate. Costs nothing where no API address is given."""

from __future__ import annotations

import gc
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_edfi_cte import (
    fixtures,
    flags,
    hookspecs,
    rehearsal_fixtures,
    sandbox_fixtures,
    scenario_fixtures,
    settings,
)
from pytest_edfi_cte.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "pytest_edfi_cte"
#: What ``edfi_rehearsal`` reads, too, which brings an API of its own.
OF_REHEARSALS = {
    f"--edfi-{name}" for name in ("seed", "school-year", "set", "descriptor", "descriptor-file")
}
MARKERS = (
    "edfi_scenario(id, requirement=None): the test is a scenario; it counts for the requirement.",
    "edfi_students(first, last): the test judges these students of --edfi-repeat.",
    "edfi_contract(id, level): a check of the contract pack; level is must, should or could.",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the --edfi-… options and edfi_… ini keys."""
    flags.add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that users implement."""
    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings; where there is an API address, start a run and add its hooks."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    config.pluginmanager.register(fixtures, "edfi_cte_fixtures")
    config.pluginmanager.register(scenario_fixtures, "edfi_cte_scenario_fixtures")
    config.pluginmanager.register(sandbox_fixtures, "edfi_cte_sandbox_fixtures")
    config.pluginmanager.register(rehearsal_fixtures, "edfi_cte_rehearsal_fixtures")
    config.pluginmanager.register(sandbox_fixtures.Desks(), "edfi_cte_desks")
    try:
        effective = settings.read_settings(config)
        config.stash[fixtures.SETTINGS] = effective
        if effective.url is None:
            _require_no_api(config)
            return
        with _no_collection():
            from pytest_edfi_cte.hooks import RunHooks  # noqa: PLC0415 - only where it is used

            hooks = RunHooks(config, effective)
        config.pluginmanager.register(hooks, "edfi_cte_run")
    except ConfigurationError as error:
        _discard_old_pack(config)
        raise pytest.UsageError(str(error)) from None
    _discard_old_pack(config)


def _discard_old_pack(config: pytest.Config) -> None:
    """What an earlier run wrote where this one would write is no longer so, however this one ends.

    A mistake in an option may be why there are no settings; then the folder is as it was given.
    """
    effective = config.stash.get(fixtures.SETTINGS, None)
    name = effective.report if effective else settings.report_of(config)
    if name and not hasattr(config, "workerinput") and not _only_shows(config):
        from pytest_edfi_cte.reporting import pack  # noqa: PLC0415 - only where it is used

        with suppress(OSError):  # said by who writes the new one
            pack.discard(config.invocation_params.dir / Path(name).expanduser())


@contextmanager
def _no_collection() -> Iterator[None]:
    """Loading modules makes no garbage, and looking for it takes a sixth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _require_no_api(config: pytest.Config) -> None:
    """Nothing is judged without an address: who asked for it must not see green.

    What stands in an ini or the environment may rest; what was typed was meant.
    """
    if _only_shows(config):
        return
    typed = [str(word) for word in config.invocation_params.args]
    flags = [word.partition("=")[0] for word in typed if word.startswith("--edfi-")]
    ours = [flag for flag in flags if flag not in OF_REHEARSALS]
    named = [word for word in config.args if word.partition("::")[0].split(".")[0] == PACKAGE]
    if (ours or named) and not hasattr(config, "workerinput"):
        raise ConfigurationError(f"{(named or ours)[0]} {fixtures.NO_API}")


def _only_shows(config: pytest.Config) -> bool:
    """True where pytest was asked for something else than to run tests."""
    only_shown = ("help", "version", "markers", "showfixtures", "show_fixtures_per_test")
    return any(getattr(config.option, name, None) for name in (*only_shown, "collectonly"))


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Each effective setting with its source."""
    lines = config.stash[fixtures.SETTINGS].header()
    run = config.stash.get(fixtures.RUN, None)
    return [run.redactor.clean(line) for line in lines] if run else lines


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the contract pack out where nobody asked for it."""
    from pytest_edfi_cte import collection  # noqa: PLC0415 - only while collecting

    wanted = config.stash[fixtures.SETTINGS].contract
    return True if collection.is_contract_pack(collection_path) and not wanted else None


def pytest_pycollect_makemodule(module_path: Any, parent: Any) -> pytest.Module | None:
    """Collect our suite as we wrote it, whatever naming the user's own tests follow."""
    from pytest_edfi_cte import collection  # noqa: PLC0415 - only while collecting

    return collection.make_module(module_path, parent)
