"""Run an Ed-Fi API on this machine, for trying things out and for CI.

It needs no account, database server or network. It runs until Ctrl-C or SIGTERM, then exits with
code 0; 4 means that it could not start, and says why. Further keys are in the env file as
EDFI_CLIENT_ID_2, EDFI_CLIENT_SECRET_2, and so on.

  edfi-cte sandbox
  edfi-cte sandbox --port 8765 --db sandbox.db --env-file sandbox.env
"""

from __future__ import annotations

import argparse
import errno
import os
import secrets
import shlex
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.commands.credentials import VARIABLE, Key, clients, env_file
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.sandboxes import started

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_edfi_cte.sandbox import Sandbox


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``edfi-cte sandbox``."""
    add = parser.add_argument_group("what it serves").add_argument
    add(
        "--data-standard",
        choices=("4.0", "5.0"),
        default="5.0",
        help="the data standard of its resources (default: %(default)s)",
    )
    add(
        "--seed",
        metavar="SEED",
        help="the first records: grand-bend (the default), minimal (descriptors, one district, "
        "its high school and CTE program, the school year), or a folder of COLLECTION.json or "
        "COLLECTION.jsonl files, which are loaded in the order in which they refer to each other",
    )
    add(
        "--db",
        metavar="FILE",
        help="keep the records in this file: they are there again at the next start "
        "(default: in memory)",
    )
    add(
        "--openapi",
        action="append",
        default=[],
        metavar="FILE",
        help="a state's extension, Swagger 2.0 or OpenAPI 3, JSON or YAML: its resources are added "
        "or replace those of the data standard; repeatable. Values of its descriptors: see --seed, "
        "in a folder of its namespace",
    )
    add("--no-links", action="store_true", help="references without their link objects")
    add = parser.add_argument_group("where it listens").add_argument
    add("--port", type=int, default=0, metavar="N", help="port to listen on (default: a free one)")
    add(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s, which only this machine reaches); with "
        "another one every secret must be generated or long",
    )
    add("--tenant", metavar="NAME", help="the base URL ends with /NAME")
    add("--year", type=int, metavar="2027", help="the base URL ends with /2027, after the tenant")
    add("--tls", nargs=2, metavar=("CERT", "KEY"), help="HTTPS with these PEM files")
    add = parser.add_argument_group(
        "who may use it",
        "Without --client and --clients one key is generated that may do everything.\n"
        "Claim sets: 'Ed-Fi Sandbox' (everything), 'SIS Vendor', 'Assessment Vendor', 'read-only'.",
    ).add_argument
    add(
        "--client",
        action="append",
        default=[],
        metavar="ID:SECRET:CLAIMSET:EDORG[:EDORG...]",
        help="a key; repeatable. ID::CLAIMSET:EDORG has its secret generated. Everyone on this "
        "machine can read a command line: give secrets by one of the next two",
    )
    add(
        "--clients",
        metavar="FILE",
        help="a YAML or JSON file: a list of {id, secret, claim_set, ed_orgs, namespaces}; all but "
        f"the id and ed_orgs may be left out. The environment variable {VARIABLE} holds keys as "
        "--client does, one a line",
    )
    add(
        "--env-file",
        metavar="FILE",
        help="write EDFI_URL, EDFI_CLIENT_ID, EDFI_CLIENT_SECRET, EDFI_SANDBOX_ADMIN_URL and "
        "EDFI_SANDBOX_ADMIN_TOKEN to this file instead of showing secrets; for your eyes only "
        "(mode 0600), removed at the end",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes; 0. Raises :class:`ConfigurationError` if that is not possible."""
    keys = clients(arguments.client, arguments.clients, os.environ.get(VARIABLE, ""))
    # The sandbox's own key: known to nobody if others are given.
    own = Key(secrets.token_urlsafe(12), secrets.token_urlsafe(24))
    with ExitStack() as stack:
        # From here on a signal ends the run as it should, whatever is going on.
        stopped = _Signals()
        stack.enter_context(stopped)
        sandbox = _start(arguments, own, keys)
        stack.callback(sandbox.close)
        shown = keys or [own]
        if arguments.env_file:
            variables = {
                "EDFI_URL": sandbox.url,
                **_numbered(shown),
                "EDFI_SANDBOX_ADMIN_URL": sandbox.admin_url,
                "EDFI_SANDBOX_ADMIN_TOKEN": sandbox.admin_token,
            }
            stack.enter_context(env_file(Path(arguments.env_file), variables))
        _warn(arguments, sandbox)
        sys.stdout.write(_screen(arguments, sandbox, shown))
        sys.stdout.flush()
        stopped.wait()
    if stopped.by_hand:
        file = arguments.env_file
        gone = f"; {file} removed" if file and not Path(file).exists() else ""
        sys.stderr.write(f"edfi-cte sandbox: stopped{gone}\n")
    return 0


def _numbered(keys: Sequence[Key]) -> dict[str, str]:
    """The keys as variables: those of the second end with ``_2``, and so on."""
    variables = {}
    for number, key in enumerate(keys, 1):
        ending = f"_{number}" if number > 1 else ""
        variables[f"EDFI_CLIENT_ID{ending}"] = key.id
        variables[f"EDFI_CLIENT_SECRET{ending}"] = key.secret
    return variables


def _start(arguments: argparse.Namespace, own: Key, keys: Sequence[Key]) -> Sandbox:
    if not 0 <= arguments.port <= 65535:  # noqa: PLR2004 - the range of ports
        raise ConfigurationError(f"--port {arguments.port}: a port is a number from 0 to 65535")
    try:
        from pytest_edfi_cte.sandbox import Client, DatabaseRefused  # noqa: PLC0415 - an extra
    except ImportError:
        return started()  # says which extra is missing
    try:
        return started(
            data_standard=arguments.data_standard,
            client_id=own.id,
            client_secret=own.secret,
            clients=[Client(k.id, k.secret, k.ed_orgs, **k.options) for k in keys],
            links=not arguments.no_links,
            openapi=arguments.openapi,
            db=arguments.db,
            seed=arguments.seed,
            tenant=arguments.tenant,
            year=arguments.year,
            host=arguments.host,
            port=arguments.port,
            tls=tuple(arguments.tls) if arguments.tls else None,
        )
    except (DatabaseRefused, ValueError) as error:
        raise ConfigurationError(str(error)) from None
    except OSError as error:
        where = f"{arguments.host} port {arguments.port}"
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"cannot listen on {where}: the port is taken. Give another --port (0 is a free "
                "one), or end what listens there"
            ) from None
        files = f" with the files {' and '.join(arguments.tls)}" if arguments.tls else ""
        raise ConfigurationError(f"cannot listen on {where}{files}: {error}") from None


def _warn(arguments: argparse.Namespace, sandbox: Sandbox) -> None:
    if sandbox.only_here:
        return
    plain = "" if arguments.tls else ", and secrets travel unencrypted (see --tls)"
    sys.stderr.write(
        f"edfi-cte sandbox: WARNING: others reach this sandbox on {arguments.host}{plain}\n"
    )


def _screen(arguments: argparse.Namespace, sandbox: Sandbox, keys: Sequence[Key]) -> str:
    """What a person sees: where it is, who may use it, and what to type next."""
    kept = f"in {arguments.db}" if arguments.db else "in memory, gone when it stops"
    lines = [
        f"Ed-Fi sandbox, Data Standard {arguments.data_standard}, seed {sandbox.seed}",
        "",
        f"  base URL       {sandbox.url}",
        f"  records        {kept}",
    ]
    if arguments.env_file:
        lines += [f"  credentials    in {arguments.env_file}, until it stops"]
    for key in keys:
        lines += ["", f"  client id      {key.id}"]
        if not arguments.env_file:
            lines += [f"  client secret  {key.shown}"]
        lines += [f"  has            {key.summary}"]
    lines += ["", f"  admin URL      {sandbox.admin_url} (for tests: records, requests, faults)"]
    if not arguments.env_file:
        lines += [f"  admin token    {sandbox.admin_token}"]
    first = keys[0]
    lines += ["", "To run the certification scenarios against it, in another terminal:", ""]
    command = "pytest --pyargs pytest_edfi_cte"
    trust = " --edfi-ca-bundle=FILE" if arguments.tls else ""
    if arguments.env_file:
        lines += [f"  {command} --edfi-env-file={shlex.quote(arguments.env_file)}{trust}"]
    else:
        secret = shlex.quote(first.secret) if first.generated else "..."
        lines += [
            f"  export EDFI_CLIENT_ID={shlex.quote(first.id)} EDFI_CLIENT_SECRET={secret}",
            f"  {command} --edfi-url={shlex.quote(sandbox.url)}{trust}",
        ]
    if arguments.tls:
        lines += ["", "FILE has the certificate of the authority that signed CERT, or CERT itself."]
    return "\n".join([*lines, "", "Ctrl-C stops it.", ""])


class _Signals:
    """Ctrl-C, SIGTERM and a closed terminal end :meth:`wait`; a second Ctrl-C ends the process."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self.by_hand = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
            number = getattr(signal, name, None)
            if number is not None:
                self._before[number] = signal.signal(number, self._note)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self._stopped.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.by_hand = number == signal.SIGINT
        self._stopped.set()

    def wait(self) -> None:
        """Until a signal has come. Looked up once a second: Windows wakes no waiting thread."""
        while not self._stopped.wait(1):
            pass
