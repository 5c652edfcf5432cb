"""The plugin's hooks where an API address is given: connect, observe, report, clean up."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_edfi_cte import cohort, collection, fixtures, logs
from pytest_edfi_cte.client.discovery import base_above
from pytest_edfi_cte.doctor import probes
from pytest_edfi_cte.doctor.model import Diagnosis, Status
from pytest_edfi_cte.doctor.patient import EXPLAINED
from pytest_edfi_cte.errors import ConfigurationError, NonConformance, NotAnApi
from pytest_edfi_cte.progress import Progress
from pytest_edfi_cte.python_scenarios import read_markers
from pytest_edfi_cte.report_hooks import ReportHooks
from pytest_edfi_cte.reporting import pytest_html as html_view
from pytest_edfi_cte.reporting.collect import Collector
from pytest_edfi_cte.reporting.faults import our_bug
from pytest_edfi_cte.reporting.pack import check_folder
from pytest_edfi_cte.reporting.students import StudentResults
from pytest_edfi_cte.reporting.waivers import Waiver, read_waivers
from pytest_edfi_cte.retyped import as_given
from pytest_edfi_cte.run import Run
from pytest_edfi_cte.running_hooks import RunningHooks, names_of
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.user_hooks import UserHooks

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter  # pytest 8.0 has it under this name alone

    from pytest_edfi_cte.sharing import Desk

#: What a worker tells the controller at its end: a mistake that it has found while collecting.
MISTAKE = "edfi_mistake"


class RunHooks:
    """pytest's hooks around one :class:`Run`."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        handed = getattr(config, "workerinput", {}).pop("edfi_cte", None)
        self.is_worker = handed is not None
        if handed:
            handed = json.loads(handed)
            settings = _as_in_controller(settings, handed)
            config.stash[fixtures.SETTINGS] = settings
        if settings.observing and self._is_parallel():
            raise ConfigurationError(
                "--edfi-mode=observe follows one product through one scenario after the other: "
                "run it without xdist's workers (-n0)"
            )
        if settings.observing and settings.repeat:
            raise ConfigurationError(
                f"{settings.sources['repeat']}: students are repeated in drive mode, where this "
                "run sends; a product that is observed knows nothing of them"
            )
        entries = collection.entries(config)
        mine = UserHooks(config)
        self.run = (
            Run.of_worker(settings, handed, entries, mine)
            if handed
            else Run(settings, entries=entries, hooks=mine)
        )
        config.stash[fixtures.RUN] = self.run
        accepted = self._accepted()
        if settings.repeat:
            self._check_cohort()
        self.results = Collector(self.run, accepted)
        self.students = config.stash[fixtures.STUDENTS] = StudentResults(self.run, accepted)
        self.diagnosis: Diagnosis | None = None
        #: Where workers get the token that comes after one that is spent.
        self._desk: Desk | None = None
        self.refused = False
        self.mistake = ""
        running = RunningHooks(self.run, self.results, self._pointer)
        config.pluginmanager.register(running, "edfi_cte_running")
        self.html = html_view.HtmlHooks(self.run, self.students)
        config.pluginmanager.register(self.html, "edfi_cte_html")
        if not self.is_worker:
            folder = self._path(settings.report)
            if folder:
                check_folder(folder, settings.sources.get("report", "--edfi-report"))
            report = ReportHooks(
                self.run, self.results, accepted, folder, self.students, self._set_up
            )
            config.pluginmanager.register(report, "edfi_cte_report")
        collection.add_suite(config)
        # Last: what fails before this line leaves nothing behind.
        self._logs = logs.cleaned(self.run.redactor.clean)
        self._logs.__enter__()

    def _check_cohort(self) -> None:
        """Every chosen scenario can be had for a student of a cohort."""
        chosen = self.run.chosen
        newest = {
            name: entry.standards(self.run.contract)[-1] for name, entry in chosen.entries.items()
        }
        cohort.check(chosen.scenario(name, standard) for name, standard in newest.items())

    def _path(self, name: str | None) -> Path | None:
        """A path as given, relative to where pytest was started."""
        return self.config.invocation_params.dir / Path(name).expanduser() if name else None

    def _accepted(self) -> list[Waiver]:
        path = self._path(self.run.settings.waive)
        return read_waivers(path, self.run.contract) if path else []

    def _set_up(self) -> list[str]:
        """What the doctor found wrong, the cause first."""
        problems = self.diagnosis.problems if self.diagnosis else ()
        return [f"{p.title}: {p.found} {p.means} {p.advice}".strip() for p in problems]

    # -- collect ------------------------------------------------------------------------------

    def pytest_collect_directory(self, path: Path, parent: Any) -> pytest.Collector | None:
        """Collect of our package the suite alone."""
        return collection.make_folder(path, parent)

    def pytest_collect_file(self, file_path: Path, parent: Any) -> pytest.Module | None:
        """Collect the suite even where the user's ``python_files`` does not match its names."""
        if collection.is_foreign_name(file_path, parent.config):
            return collection.make_module(file_path, parent)
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Any:
        """Collect our module even with --lf.

        It passes over files without a known failure, and knows files by their path below the
        root directory, where the installed suite is not. It still deselects what passed.
        """
        if isinstance(collector, collection.SuiteModule):
            from _pytest.runner import pytest_make_collect_report  # noqa: PLC0415 - see above

            return pytest_make_collect_report(collector)
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """With xdist the controller connects, before any worker is started."""
        if self._is_controller() and not session.config.option.collectonly:
            # What the workers will collect is not known yet; the doctor looks at one student.
            self._connect(() if self.run.settings.repeat else probes.FIXTURES)
        repeat = self.run.settings.repeat
        if repeat and not self.is_worker and Progress.wanted(self.config):
            whole = (repeat[1] - repeat[0] + 1) * len(self.run.chosen.entries)
            progress = Progress(self.config, whole, len(self.run.chosen.entries))
            self.students.listeners.append(lambda bad: progress.judged(1, bad))
            self.config.pluginmanager.register(progress, "edfi_cte_progress")

    def pytest_configure_node(self, node: Any) -> None:
        """xdist: give a worker what it needs to talk to the same API with the same token."""
        if self._desk is None:
            from pytest_edfi_cte.sharing import Desk  # noqa: PLC0415 - xdist's controller only

            self._desk = Desk(lambda mark: self.run.tokens.instead_of(mark).plain())
        handed = {**self.run.hand_over(), "desk": self._desk.address}
        node.workerinput["edfi_cte"] = json.dumps(handed)

    pytest_configure_node = pytest.hookimpl(optionalhook=True)(pytest_configure_node)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Read the markers; observe mode: one scenario after the other, the chosen phase alone."""
        settings = self.run.settings
        try:
            read_markers(self.config, self.run.contract, items)
        except ConfigurationError as error:
            self.refused = True
            text = self.run.redactor.clean(str(error))
            if not self.is_worker:
                raise pytest.UsageError(text) from None
            # A worker has no way to end the run: it does nothing and tells the controller.
            self.config.workeroutput[MISTAKE] = text  # type: ignore[attr-defined]  # xdist's
            items.clear()
        if settings.observing:
            out = collection.in_order(items, settings.phase)
            if out:
                self.config.hook.pytest_deselected(items=out)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Connect where a collected test needs the API: what is wrong is said before any test."""
        elsewhere = self.is_worker or self._is_controller()
        if session.config.option.collectonly or elsewhere or self.refused:
            return
        names = {name for item in session.items for name in names_of(item)}
        if any(name.startswith("edfi_") for name in names):
            self._connect(names)

    def _is_controller(self) -> bool:
        return not self.is_worker and self._is_parallel()

    def _is_parallel(self) -> bool:
        return getattr(self.config.option, "dist", "no") != "no"

    def _connect(self, fixtures_in_use: Collection[str]) -> None:
        cache = getattr(self.config, "cache", None)
        try:
            self.run.open_journal(cache.mkdir("edfi") if cache else None)
            self.run.session  # noqa: B018 - the first access connects
            self.run.table  # noqa: B018 - the first access loads and checks
            for scenario_id in self.run.chosen.entries:
                self.run.scenario(scenario_id)
            self.run.clean_up_after_killed_runs()
            # The doctor asks what driving needs: rights to write, prerequisites to build on.
            if not self.run.settings.observing:
                self.diagnosis = probes.preflight(self.run, fixtures_in_use)
            self.run.recorder.raise_failure()
        except (ConfigurationError, NonConformance) as error:  # the second one: by a user's hook
            pointer = f"\n{self._pointer()}" if isinstance(error, EXPLAINED) else ""
            above = ""
            if isinstance(error, NotAnApi):
                last = self.run.recorder.last
                above = base_above(self.run.anonymous_session(), last.url, last.status)
            if above:
                pointer = f"\n{above} is one: --edfi-url={above}{pointer}"
            raise pytest.UsageError(self.run.redactor.clean(f"{error}{pointer}")) from None
        except Exception:  # noqa: BLE001 - a bug of ours must not look like the host's
            text = self.run.redactor.clean(our_bug(pytest.ExceptionInfo.from_current()))
        else:
            return
        pytest.exit(text, returncode=pytest.ExitCode.INTERNAL_ERROR)

    def pytest_report_header(self) -> list[str]:
        """With xdist the API has introduced itself before the header is printed."""
        return self._about_the_api() if self._is_controller() else []

    def pytest_report_collectionfinish(self) -> list[str]:
        """One line about the API, once it has introduced itself."""
        return self._about_the_api()

    def _about_the_api(self) -> list[str]:
        if self.is_worker or self.run.connected is None:
            return []
        api = self.run.connected
        return [
            f"edfi: {api.base_url} is version {api.version}, Data Standard {api.data_standard}",
            *(f"edfi: note: {note}" for note in api.notes),
            *(f"edfi: {self.results.text(line)}" for line in self._about_the_set_up()),
        ]

    def _about_the_set_up(self) -> list[str]:
        """What the doctor found: one line where all is well, else each problem with its fix."""
        if self.diagnosis is None:
            return []
        if self.diagnosis.first is None:
            warnings = [line for line in self.diagnosis.lines if line.status is Status.WARNING]
            return ["doctor: ok", *(f"doctor: warning: {line.found}" for line in warnings)]
        first, *others = self.diagnosis.problems
        return [
            f"doctor: PROBLEM: {first.title}: {first.found}",
            f"  {first.means}",
            f"  {first.advice}",
            *(f"doctor: also: {line.title}: {line.found}" for line in others),
            f"  {self._pointer()}",
        ]

    def _pointer(self) -> str:
        given = as_given(self.run.settings, short=True)
        return f"{shlex.join(['edfi-cte', 'doctor', *given])} shows the whole picture."

    # -- end ----------------------------------------------------------------------------------

    def pytest_testnodedown(self, node: Any) -> None:
        """xdist: a mistake that a worker has found is told once, at the end."""
        self.mistake = self.mistake or getattr(node, "workeroutput", {}).get(MISTAKE, "")

    pytest_testnodedown = pytest.hookimpl(optionalhook=True)(pytest_testnodedown)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Delete what the run created, after xdist's workers have stopped."""
        if not self.is_worker:
            self.run.clean_up()
        if self.mistake:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """xdist: what pytest itself would have said at the start."""
        if self.mistake:
            terminalreporter.line(f"ERROR: {self.mistake}", red=True)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Stop the sandbox and close connections."""
        self._logs.__exit__(None, None, None)
        if self._desk is not None:
            self._desk.close()
        self.students.close(ended=not self.is_worker)
        self.run.close()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather the workers' results for pytest-html's summary."""
        self.html.gather(report)


def _as_in_controller(settings: Settings, handed: dict[str, Any]) -> Settings:
    from dataclasses import replace  # noqa: PLC0415 - workers only

    return replace(settings, seed=handed["seed"], school_year=handed["school_year"])
