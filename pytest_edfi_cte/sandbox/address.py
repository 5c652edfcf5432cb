"""Where the sandbox is reached: host, path, and who may be let in there."""

from __future__ import annotations

import re
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING

from pytest_edfi_cte.sandbox.auth import guessable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_edfi_cte.sandbox.auth import Client

LOOPBACK = "127.0.0.1"

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*")
_YEAR = re.compile(r"[0-9]{4}")


def base_path(tenant: str | None, year: int | None) -> str:
    """The path of the base URL: ``""``, ``/tenant``, ``/2027`` or ``/tenant/2027``.

    ValueError for a tenant that is no plain path segment or a year without four digits.
    """
    if tenant is not None and not _SEGMENT.fullmatch(tenant):
        raise ValueError(
            f"the tenant {tenant!r} becomes a part of the address: letters, digits, '.', '_', '~'"
            " and '-' only"
        )
    if year is not None and not _YEAR.fullmatch(str(year)):
        raise ValueError(f"the school year {year} must have four digits")
    return "".join(f"/{segment}" for segment in (tenant, year) if segment is not None)


def url(host: str, port: int, base: str, *, tls: bool) -> str:
    """The base URL as this machine reaches it."""
    # Who listens everywhere is reached by this machine's own name for itself.
    name = {"0.0.0.0": LOOPBACK, "::": "::1", "": LOOPBACK}.get(host, host)  # noqa: S104 - recognised, not bound
    name = f"[{name}]" if ":" in name else name
    return f"{'https' if tls else 'http'}://{name}:{port}{base}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the host, a name or an address.

    A name that leads nowhere is none of this machine's.
    """
    if not host:  # every address there is
        return False
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return all(ip_address(str(address).partition("%")[0]).is_loopback for address in found)


def require_unguessable(host: str, clients: Iterable[Client]) -> None:
    """ValueError for a key with a guessable secret, unless only this machine reaches the host."""
    weak = [client.id for client in clients if guessable(client)]
    if weak and not is_loopback(host):
        raise ValueError(
            f"others reach {host or 'every address'}, and the secret of {', '.join(weak)} can be"
            " guessed: leave it out to have one generated, or take 16 characters or more, 8 of"
            " them different, and not the id"
        )
