"""Keys of a sandbox that is run by ``edfi-cte sandbox``: given by people, handed on to tests."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_edfi_cte.errors import ConfigurationError

#: Holds keys like ``--client``, one a line.
VARIABLE = "EDFI_SANDBOX_CLIENTS"

#: First line of an env file: one that begins otherwise is somebody's own and is not overwritten.
MARK = "# Written by edfi-cte, which removes it when it stops."

_FORM = "ID:SECRET:CLAIMSET:EDORG[:EDORG...]"
_NAMES = ("id", "secret", "claim_set", "ed_orgs", "namespaces")


@dataclass(frozen=True)
class Key:
    """Id and secret, ids of the ed-orgs it claims, and what else ``sandbox.Client`` takes.

    ``generated``: nobody knows the secret yet, so it is shown.
    """

    id: str
    secret: str = field(repr=False)
    ed_orgs: tuple[int, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    generated: bool = True

    @property
    def shown(self) -> str:
        """The secret for the screen, where that is the only place to learn it from."""
        return self.secret if self.generated else "as given"

    @property
    def summary(self) -> str:
        """What it may do, in words."""
        whom = "every district that is there at the start"
        if self.ed_orgs:
            whom = f"ed-org {', '.join(map(str, self.ed_orgs))}"
        return f"claim set {self.options.get('claim_set', 'Ed-Fi Sandbox')}, for {whom}"


def clients(given: Sequence[str], file: str | None, environment: str) -> list[Key]:
    """Keys from ``--client`` options, a file and the environment, in this order.

    Raises :class:`ConfigurationError` for one that is not understood, naming its place and never
    its secret.
    """
    found = [_parsed(text, f"--client number {n}") for n, text in enumerate(given, 1)]
    if file is not None:
        found += _read(Path(file))
    lines = [line.strip() for line in environment.splitlines()]
    found += [_parsed(line, f"{VARIABLE}, line {n}") for n, line in enumerate(lines, 1) if line]
    ids = [key.id for key in found]
    for name in ids:
        if ids.count(name) > 1:
            raise ConfigurationError(f"the client id {name} is given twice")
    return found


@contextmanager
def env_file(path: Path, values: Mapping[str, str]) -> Iterator[None]:
    """A dotenv file with these variables, for this user alone, while the block runs.

    It appears whole, so whoever waits for it can read it at once. Raises
    :class:`ConfigurationError` if it cannot be written or is a file of the user's own.
    """
    lines = [f"{name}={_quoted(value)}" for name, value in values.items()]
    text = "\n".join([MARK, *lines, ""])
    try:
        if path.exists() and not path.read_bytes().startswith(MARK.encode()):
            raise ConfigurationError(
                f"--env-file {path}: there is such a file already, and not written by this command;"
                " name another one"
            )
        # mkstemp: mode 0600 from the first moment on.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(handle, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor, no path
                stream.write(text)
            os.replace(name, path)  # noqa: PTH105 - of a name that mkstemp gave
        except BaseException:
            Path(name).unlink()  # secrets are in it, and nobody would look for it
            raise
    except OSError as error:
        raise ConfigurationError(f"--env-file {path}: {error.strerror}") from None
    try:
        yield
    finally:
        with suppress(
            OSError, UnicodeError
        ):  # gone already, or not ours any more: nothing to clean up
            if path.read_text(encoding="utf-8") == text:
                path.unlink()


def _quoted(value: str) -> str:
    if value.isprintable() and not set(value) & set(" '\"\\#$`"):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _parsed(text: str, place: str) -> Key:
    parts = text.split(":")
    ed_orgs = [e.strip() for part in parts[3:] for e in part.split(",")]
    if not all(e.isascii() and e.isdigit() for e in ed_orgs or [""]):
        raise ConfigurationError(
            f"{place}: expected {_FORM}, where every EDORG is the id of an education organization,"
            " such as 255901; an id, secret or claim set with a colon in it goes into a file:"
            " --clients FILE"
        )
    name, secret, claim_set = parts[:3]
    value = {"id": name, "claim_set": claim_set, "ed_orgs": ed_orgs}
    return _key({**value, "secret": secret or None}, place)


def _read(path: Path) -> list[Key]:
    import yaml  # noqa: PLC0415 - only where a file is given

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"--clients {path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        # Its text would quote the line, and with it perhaps a secret.
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigurationError(f"--clients {path}{line}: is neither YAML nor JSON") from None
    if not isinstance(values, list):
        raise ConfigurationError(f"--clients {path}: must be a list of {{{', '.join(_NAMES)}}}")
    return [_key(value, f"{path}, client {number}") for number, value in enumerate(values, 1)]


def _key(value: Any, place: str) -> Key:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{place}: must have {', '.join(_NAMES)}")
    unknown = [str(name) for name in value if name not in _NAMES]
    if unknown:
        raise ConfigurationError(
            f"{place}: unknown {', '.join(unknown)}; known are {', '.join(_NAMES)}"
        )
    name, secret, claim_set = (value.get(part) for part in _NAMES[:3])
    if not isinstance(name, str) or not name.isprintable() or not name.strip():
        raise ConfigurationError(f"{place}: the id must be text that can be printed")
    if secret is not None and (not isinstance(secret, str) or not secret):
        raise ConfigurationError(f"{place}: the secret must be text, in quotes if it is a number")
    if claim_set is not None and (not isinstance(claim_set, str) or not claim_set):
        raise ConfigurationError(f"{place}: the claim set must be the name of one")
    options: dict[str, Any] = {"claim_set": claim_set} if claim_set else {}
    namespaces = value.get("namespaces")
    if namespaces is not None:
        if not _is_list(namespaces, str):
            raise ConfigurationError(f"{place}: namespaces must be a list of texts")
        options["namespaces"] = tuple(namespaces)
    return Key(
        id=name,
        secret=secret or secrets.token_urlsafe(24),
        ed_orgs=_ed_orgs(value.get("ed_orgs"), place),
        options=options,
        generated=secret is None,
    )


def _ed_orgs(values: Any, place: str) -> tuple[int, ...]:
    numbers = (
        [int(v) if isinstance(v, str) and v.isascii() and v.isdigit() else v for v in values or []]
        if isinstance(values, list)
        else []
    )
    if not numbers or not _is_list(numbers, int):
        raise ConfigurationError(
            f"{place}: the ed-orgs must be ids of education organizations, such as 255901"
        )
    return tuple(numbers)


def _is_list(values: Any, kind: type) -> bool:
    return isinstance(values, list) and all(type(value) is kind for value in values)
