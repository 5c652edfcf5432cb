"""One run against one API: what the plugin's hooks and fixtures share.

Imported only where an API address is given, so it may import what it needs.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.catalogue import Chosen, Entry, choose
from pytest_edfi_cte.cleaning import after_killed
from pytest_edfi_cte.client.discovery import Api, api_from, discover
from pytest_edfi_cte.client.exchange import Recorder
from pytest_edfi_cte.client.session import EdFiSession, HttpSession, transport_of
from pytest_edfi_cte.client.tokens import Token, TokenSource
from pytest_edfi_cte.contract import Contract
from pytest_edfi_cte.descriptors import read_map
from pytest_edfi_cte.errors import ConfigurationError, HookFailed, RequestFailed
from pytest_edfi_cte.factories import Fiction
from pytest_edfi_cte.facts import facts_of
from pytest_edfi_cte.journal import Journal
from pytest_edfi_cte.locks import alone_with
from pytest_edfi_cte.mistakes import check
from pytest_edfi_cte.payloads import amended
from pytest_edfi_cte.people import People
from pytest_edfi_cte.preparing import prepare
from pytest_edfi_cte.records import Records
from pytest_edfi_cte.sandboxes import controlled, started
from pytest_edfi_cte.scenarios import STEPS, Scenario, Table
from pytest_edfi_cte.secret import Redactor, Secret
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.state_contract import contract_of
from pytest_edfi_cte.tables import load
from pytest_edfi_cte.user_hooks import NO_HOOKS, UserHooks
from pytest_edfi_cte.waiting import Clock

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox import Sandbox
    from pytest_edfi_cte.sandbox.remote import RemoteSandbox


class Run:
    """The state of a run: settings, connection, evidence, and what it created.

    The process that starts it (xdist's controller, or the only one) connects, and cleans up at the
    end; workers get its address, token and journal through :meth:`hand_over`.
    """

    def __init__(
        self,
        settings: Settings,
        contract: Contract | None = None,
        entries: Sequence[Entry] | None = None,
        hooks: UserHooks = NO_HOOKS,
    ) -> None:
        """``entries``: the scenarios that the run is about; by default the settings decide."""
        self.hooks = hooks
        self.settings = settings
        self.contract = contract or contract_of(settings.openapi)
        if entries is None:
            entries = choose(self.contract, settings, Path.cwd())
        self.chosen = Chosen(self.contract, settings, entries)
        self.redactor = Redactor(People.of(settings.overrides) if settings.mask_people else None)
        self.recorder = Recorder(self.redactor, hooks)
        self.redactor.add(settings.client_secret, client_id=settings.client_id)
        self.current_test = ""
        self.notes: list[str] = []
        self.left_behind: list[str] = []
        self.clock = Clock()
        #: look-up -> what the API answered, of records that nobody changes; see Prerequisites
        self.seen: dict[str, Any] = {}
        #: fixture -> why what it gives cannot be had, as the doctor found before the first test
        self.blocked: dict[str, str] = {}
        #: The API as discovery described it, also where it then gave no token.
        self.discovered: Api | None = None
        self._sandbox: Sandbox | None = None
        self._session: EdFiSession | None = None
        self._journal: Journal | None = None
        self._cleaned = False
        self._handed: dict[str, Any] | None = None
        self._resources = ExitStack()
        table = check(self.contract, settings, self.chosen.names)
        used = {*table.descriptors, *self.chosen.descriptors}
        self.mapping = read_map(settings.descriptors, settings.descriptor_file, used)
        self.observing = prepare(settings, self.contract, self.chosen.editions)

    @classmethod
    def of_worker(
        cls,
        settings: Settings,
        handed: dict[str, Any],
        entries: Sequence[Entry] | None = None,
        hooks: UserHooks = NO_HOOKS,
    ) -> Run:
        """The run as a worker sees it."""
        run = cls(settings, entries=entries, hooks=hooks)
        run._handed = handed
        run._journal = Journal(Path(handed["journal"]))
        run.redactor.add(Secret(handed["client_secret"]), client_id=handed["client_id"])
        run.seen, run.blocked = handed["seen"], handed["blocked"]
        return run

    # -- connecting -------------------------------------------------------------------------

    @property
    def session(self) -> EdFiSession:
        """The authorised session; connects at its first use.

        Raises :class:`ConfigurationError` where the API cannot be used at all.
        """
        if self._session is None:
            self._session = self._connect()
        return self._session

    def _connect(self) -> EdFiSession:
        url, client_id, secret = self._address()
        self.redactor.add(secret, client_id=client_id)
        http = self.anonymous_session()
        token = None
        if self._handed:
            api = api_from(self._handed["discovery"], url, self.contract)
            token = Token.of(self._handed["token"])
        else:
            api = discover(http, url, self.contract)
        self.discovered = api
        self._tokens = TokenSource(
            http, api.oauth_url, client_id, secret, self.contract, token=token
        )
        if self._handed and "desk" in self._handed:
            from pytest_edfi_cte.sharing import new_token  # noqa: PLC0415 - xdist's workers only

            self._tokens.elsewhere = partial(new_token, self._handed["desk"])
        self._tokens()
        session = EdFiSession(api, http.transport, self.recorder, self._tokens)
        session.namespaces = self.contract.namespaces
        # One pool: where token and data live on one host, they share one connection.
        session.adapters = http.adapters
        return session

    def anonymous_session(self) -> HttpSession:
        """A session without credentials, closed with the run."""
        http = HttpSession(transport_of(self.settings), self.recorder)
        self._resources.callback(http.close)
        return http

    def _address(self) -> tuple[str, str, Secret]:
        if self._handed:
            secret = Secret(self._handed.pop("client_secret"))
            return self._handed["url"], self._handed["client_id"], secret
        if not self.settings.embedded:
            settings = self.settings
            return settings.url or "", settings.client_id or "", settings.client_secret
        self._sandbox = started()
        self._resources.callback(self._sandbox.stop)
        return self._sandbox.url, self._sandbox.client_id, Secret(self._sandbox.client_secret)

    def sandbox(self, stack: ExitStack) -> Sandbox | RemoteSandbox:
        """The embedded sandbox; a worker's way to it is closed with the stack."""
        self.session  # noqa: B018 - the first access starts it
        if self._sandbox is not None:
            return self._sandbox
        handed = (self._handed or {})["sandbox"]
        return stack.enter_context(controlled(**handed))

    def hand_over(self) -> dict[str, Any]:
        """What a worker needs, as plain values for execnet. Holds the token: never print it."""
        session = self.session
        url, client_id, secret = self.settings.url, self.settings.client_id, None
        sandbox = None
        if self._sandbox is not None:
            sandbox = {"url": self._sandbox.admin_url, "token": self._sandbox.admin_token}
            url, client_id = self._sandbox.url, self._sandbox.client_id
            secret = self._sandbox.client_secret
        return {
            "url": url,
            "client_id": client_id,
            "client_secret": secret or self.settings.client_secret.reveal(),
            "token": self._tokens.current().plain(),
            "discovery": session.api.document,
            "journal": str(self.journal.path),
            "sandbox": sandbox,
            "seed": self.settings.seed,
            "school_year": self.settings.school_year,
            "seen": self.seen,
            "blocked": self.blocked,
        }

    @property
    def tokens(self) -> TokenSource:
        """Where the run's token comes from; connects where it has not yet."""
        self.session  # noqa: B018 - the first access connects
        return self._tokens

    # -- what a run knows -------------------------------------------------------------------

    @property
    def connected(self) -> Api | None:
        """The API, None before the run has connected; a worker's has, before there was a worker."""
        if self._handed:
            self.session  # noqa: B018 - the first access connects
        return self._session.api if self._session else None

    @property
    def token(self) -> Token:
        """The token in use; connects at its first use."""
        self.session  # noqa: B018 - the first access connects
        return self._tokens.current()

    @property
    def api(self) -> Api:
        """The API as it describes itself."""
        return self.session.api

    @cached_property
    def table(self) -> Table:
        """The certification table, resolved for this API's data standard."""
        table = load(self.contract, self.settings, self.api.standard, self.chosen.names)
        return self._learnt(table)

    def scenario(self, scenario_id: str) -> Scenario:
        """A scenario of the run; :class:`ConfigurationError` where it is for another standard."""
        scenario = self.chosen.scenario(scenario_id, self.api.standard)
        return self._learnt(scenario.table).scenario(scenario.step)

    def _learnt(self, table: Table) -> Table:
        """The table with what a hook changes; its personal data is known from now on."""
        if self.hooks.payload:
            schema = self.contract.schema(self.api.standard, table.schema)
            table = amended(table, self.hooks.payload, schema, self.note)
        self.recorder.learn([table.prerequisites, *map(table.payload, STEPS)])
        return table

    @cached_property
    def fiction(self) -> Fiction:
        """Where fictional values come from."""
        return Fiction(self.settings.seed, lambda: self.current_test)

    @cached_property
    def records(self) -> Records:
        """Records through the run's own session."""
        return Records(self.session, self.contract, self.journal, self.note)

    def note(self, text: str) -> None:
        """Keep a remark for the report, once."""
        clean = self.redactor.clean(text)
        if clean not in self.notes:
            self.notes.append(clean)

    def facts(self) -> dict[str, str]:
        """The run in the report's words."""
        return facts_of(self)

    def alone_with(self, name: str) -> AbstractContextManager[None]:
        """Hold one record of this API against other workers and terminals on this machine."""
        return alone_with(f"{self.api.base_url} {name}")

    # -- what the run created ---------------------------------------------------------------

    def open_journal(self, folder: Path | None) -> None:
        """Start the journal: in pytest's cache, or for the embedded sandbox in a folder of ours."""
        self._journal = self._new_journal(None if self.settings.embedded else folder)

    def _new_journal(self, folder: Path | None) -> Journal:
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="pytest-edfi-cte-"))
            self._resources.callback(shutil.rmtree, folder, ignore_errors=True)
        journal = Journal.start(folder)
        self._resources.enter_context(journal.owned())
        return journal

    @property
    def journal(self) -> Journal:
        """What this run created."""
        if self._journal is None:
            self._journal = self._new_journal(None)
        return self._journal

    def clean_up_after_killed_runs(self) -> None:
        """Delete what earlier runs created in this API and could not delete; not when observing."""
        if self.settings.observing:
            return
        self.left_behind += after_killed(self, "run")

    def clean_up(self) -> None:
        """Delete what this run created, newest first, and only that. Safe to call twice."""
        if self._cleaned or self._session is None:
            return
        self._cleaned = True
        if self.settings.keep_data:
            kept = self.journal.pending()
            if kept:
                self.note(f"{len(kept)} records were kept (--edfi-keep-data).")
            self.journal.remove()
            return
        try:
            if self.settings.repeat:  # a worker's journal: its students need what is in ours
                self.left_behind += after_killed(self, "worker")
            self._delete_ours()
        except (RequestFailed, ConfigurationError) as error:  # e.g. the token is refused now
            self.left_behind.append(str(error))
        if not self.journal.pending():
            self.journal.remove()

    def _delete_ours(self) -> None:
        try:
            self.left_behind += self.records.clean_up(self.journal)
        except HookFailed as error:  # a broken hook must not leave records behind
            self.note(str(error))
            self.recorder.hooks = NO_HOOKS
            self.left_behind += self.records.clean_up(self.journal)

    def close(self) -> None:
        """Free connections, the sandbox and the journal's lock."""
        self._resources.close()
