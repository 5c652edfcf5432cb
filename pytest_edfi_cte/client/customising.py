"""What users' hooks may do to sessions and requests; no secret of the run reaches them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from requests.exceptions import InvalidHeader
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity

from pytest_edfi_cte.client.exchange import HIDDEN_HEADERS, Recorder, without_userinfo
from pytest_edfi_cte.client.transport import RecordingAdapter, text_of
from pytest_edfi_cte.secret import Secret

if TYPE_CHECKING:
    import requests

    from pytest_edfi_cte.user_hooks import Call

#: A shorter value would be masked in every word that happens to hold it.
SHORTEST_SECRET = 8


@dataclass
class Outgoing:
    """A request before it is sent, as the evidence will show it.

    ``url``, ``headers`` and ``body`` are without secrets (and masked, where that is asked for).
    What an implementation changes in ``headers`` is sent; everything else is only to be read.
    """

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None


def customise(session: requests.Session, recorder: Recorder, call: Call) -> None:
    """Let the hook change a session. What it adds to each request is taken for a secret.

    Raises :class:`HookFailed` where the session would send without leaving evidence.
    """
    before = set(session.headers)
    call(session=session)
    if not all(isinstance(adapter, RecordingAdapter) for adapter in session.adapters.values()):
        raise call.wrong(
            "mounted an adapter, and what that one sends would leave no evidence; use the "
            "session's cert, verify, proxies or headers"
        )
    added = {name: value for name, value in session.headers.items() if name not in before}
    recorder.hidden |= {name.lower() for name in added}
    # As requests reads them: bytes are text, a parameter may have several values, and all but a
    # mapping is passed over.
    given = session.params.items() if isinstance(session.params, Mapping) else ()
    parameters = [
        (n, one) for n, v in given for one in (v if isinstance(v, (list, tuple)) else [v])
    ]
    for value in map(_text, [*added.values(), *(one for _, one in parameters)]):
        if len(value) >= SHORTEST_SECRET:
            recorder.redactor.add(Secret(value))
    for pair in parameters:  # in an address also a short one
        for lead in "?&":
            recorder.redactor.add(Secret(lead + urlencode([pair])))


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def announce(request: requests.PreparedRequest, recorder: Recorder, call: Call) -> None:
    """Let the hook see a request, and take over what it changes in the headers.

    Raises :class:`HookFailed` where it sets a header that carries the run's own credentials.
    """
    shown = recorder.headers(request.headers)
    given = {n: value for n, value in shown.items() if n.lower() not in HIDDEN_HEADERS}
    clean = recorder.redactor.clean
    body = recorder.body(text_of(request.body))
    outgoing = Outgoing(
        request.method or "", clean(without_userinfo(request.url or "")), dict(given), body
    )
    call(request=outgoing)
    before, after = CaseInsensitiveDict(given), CaseInsensitiveDict(outgoing.headers)
    for name in [*after, *(name for name in before if name not in after)]:
        value = after.get(name)
        if value == before.get(name):
            continue
        if name.lower() in HIDDEN_HEADERS:
            raise call.wrong(
                f"set {name}, which is the run's own; credentials of a gateway are set in "
                "pytest_edfi_session"
            )
        if value is None:
            del request.headers[name]
        elif not _can_be_sent(name, value):
            raise call.wrong(f"set {name} to something that cannot be sent as a header")
        else:
            request.headers[name] = value


def _can_be_sent(name: str, value: Any) -> bool:
    try:
        check_header_validity((name, value))
        _ = value if isinstance(value, bytes) else value.encode("latin-1")
    except (InvalidHeader, UnicodeError):
        return False
    return True
