"""Between HTTP and values: bodies, query parameters and answers. Knows no resource's rules."""

from __future__ import annotations

import base64
import io
import json
import re
import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from werkzeug.sansio.utils import get_current_url
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Request, Response

from pytest_edfi_cte.sandbox import problems
from pytest_edfi_cte.sandbox.changes import Range
from pytest_edfi_cte.sandbox.problems import Problem, invalid_data
from pytest_edfi_cte.sandbox.shapes import infer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIEnvironment

#: Page sizes as on the ODS/API.
DEFAULT_LIMIT, MAX_LIMIT = 25, 500
_VERSIONS = {"least": "minChangeVersion", "most": "maxChangeVersion"}

_JSON = re.compile(r"application/([\w.-]+\+)?json", re.IGNORECASE)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class Page(NamedTuple):
    """The part of a collection that is asked for; ``total``: count all of it as well.

    ``after``: cursor paging, begin behind the record of this number; 0 for the first page.
    ``versions``: change versions that are asked for.
    """

    limit: int
    offset: int
    total: bool
    after: int
    versions: Range

    @property
    def window(self) -> dict[str, int]:
        """The part without the count and the change versions."""
        return {"limit": self.limit, "offset": self.offset, "after": self.after}


def mounted(environ: WSGIEnvironment, base: str) -> WSGIEnvironment:
    """The request as an application sees it that is mounted at ``base``; unchanged outside of it.

    Like every path, ``base`` matches in any case; what the client wrote is kept.
    """
    path = environ["PATH_INFO"]
    if not base or not f"{path}/".lower().startswith(f"{base}/".lower()):
        return environ
    return environ | {"SCRIPT_NAME": path[: len(base)], "PATH_INFO": path[len(base) :] or "/"}


def allow(request: Request, *methods: str) -> None:
    """The 405 unless the method is one of these."""
    if request.method not in methods:
        raise Problem(
            problems.METHOD_NOT_ALLOWED,
            f"{request.method} is not possible here, only {' and '.join(methods)}.",
            headers={"Allow": ", ".join(methods)},
        )


def refuse_snapshot(request: Request) -> NoReturn:
    """What is answered to ``Use-Snapshot``: there is none."""
    if request.method == "GET":
        raise Problem(problems.NOT_FOUND, "This API has no snapshot to read from.")
    raise Problem(problems.METHOD_NOT_ALLOWED, "A snapshot can only be read.")


def base_url(request: Request) -> str:
    """The base URL as the client wrote it, without trailing slash."""
    return _base_url(request.scheme, request.host, request.root_path)


@lru_cache(maxsize=64)  # taken apart and put together for every answer otherwise
def _base_url(scheme: str, host: str, path: str) -> str:
    return iri_to_uri(get_current_url(scheme, host, path)).rstrip("/")


def json_body(request: Request) -> Any:
    """The JSON value of a request's body; raises the 400 or 415 when there is none."""
    raw = request.get_data()
    if not raw.strip():
        raise Problem(problems.BAD_REQUEST, "The request has an empty body.")
    if not _JSON.fullmatch(request.mimetype):
        raise Problem(problems.UNSUPPORTED_MEDIA, "The body must be sent as application/json.")
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
        if _SURROGATE.search(raw):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise Problem(problems.BAD_REQUEST, "The body is not UTF-8 text.") from None
    except (ValueError, RecursionError) as error:
        raise invalid_data({"$": [f"is not JSON: {error}."]}) from None
    if value is None:
        raise Problem(problems.BAD_REQUEST, "The request has no content but null.")
    return value


def fields(request: Request) -> Mapping[str, Any] | None:
    """What a form or a JSON object says, None for other JSON."""
    request.max_form_memory_size = 500_000  # bytes; the default only from Werkzeug 3.1 on
    if not request.is_json:
        return request.form
    try:
        given = request.get_json(silent=True)
    except RecursionError:  # thousands of brackets
        return None
    return given if isinstance(given, dict) else None


def credentials(request: Request) -> tuple[object, object]:
    """Key and secret of a token request: by HTTP Basic, else in the body. None where missing."""
    basic = request.authorization
    if basic is not None and basic.type == "basic":
        return basic.username, basic.password
    given = fields(request) or {}
    return given.get("client_id"), given.get("client_secret")


def parameters(request: Request) -> dict[str, str]:
    """Query parameters by lower-case name; of a repeated one the first counts."""
    found: dict[str, str] = {}
    for name, value in request.args.items(multi=True):
        found.setdefault(name.lower(), value)
    return found


def page(asked: Mapping[str, str]) -> Page:
    """``limit`` or ``pageSize`` (0 to 500, default 25), ``offset`` (from 0), ``totalCount``.

    ``pageToken`` is one that :func:`page_token` made. ``minChangeVersion``, ``maxChangeVersion``
    (from 0). 400 otherwise.
    """
    wrong = []
    name = "pageSize" if "pagesize" in asked else "limit"
    limit = infer("integer", asked.get(name.lower(), DEFAULT_LIMIT))
    if not isinstance(limit, int) or not 0 <= limit <= MAX_LIMIT:
        wrong.append(f"{name} must be a whole number from 0 to {MAX_LIMIT}.")
    offset = infer("integer", asked.get("offset", 0))
    if not isinstance(offset, int) or not 0 <= offset < 2**63:
        wrong.append("offset must be a whole number from 0.")
    total = infer("boolean", asked.get("totalcount", "false"))
    if not isinstance(total, bool):
        wrong.append("totalCount must be true or false.")
    after = _after(asked["pagetoken"]) if "pagetoken" in asked else 0
    if after is None:
        wrong.append("pageToken must be one that an answer carried as Next-Page-Token.")
    elif after and offset:
        wrong.append("pageToken and offset cannot be used together.")
    given = {bound: _version(asked, name, wrong) for bound, name in _VERSIONS.items()}
    versions = Range(**{bound: version for bound, version in given.items() if version is not None})
    if versions.least > versions.most:
        wrong.append("minChangeVersion must not be greater than maxChangeVersion.")
    if wrong:
        raise invalid_parameters(wrong)
    return Page(limit, offset, total, after or 0, versions)


def _version(asked: Mapping[str, str], name: str, wrong: list[str]) -> int | None:
    text = asked.get(name.lower(), "").strip()
    if not text:
        return None  # present but empty is absent, as on the ODS/API
    version = infer("integer", text)
    if not isinstance(version, int) or not 0 <= version < 2**63:
        wrong.append(f"{name} must be a whole number from 0.")
        return None
    return version


def page_token(number: int) -> str:
    """The token of the page that begins behind the record of this number."""
    return base64.urlsafe_b64encode(f"after {number}".encode()).decode()


def _after(token: str) -> int | None:
    try:
        text = base64.urlsafe_b64decode(token.encode()).decode()
    except ValueError:
        return None
    number = infer("integer", text.removeprefix("after "))
    return number if isinstance(number, int) and 0 < number < 2**63 else None


def invalid_parameters(errors: list[str]) -> Problem:
    """The 400 for query parameters or ids in addresses."""
    return Problem(
        problems.INVALID_PARAMETER, "The request has parameters it cannot have.", errors=errors
    )


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer with a JSON body."""
    return Response(
        json.dumps(value, ensure_ascii=False), status, headers, content_type="application/json"
    )


def problem_response(problem: Problem) -> Response:
    """The answer that a problem becomes, with an id of its own to correlate by."""
    document = problem.document(str(uuid.uuid4()))
    return Response(
        json.dumps(document, ensure_ascii=False),
        problem.kind.status,
        problem.headers,
        content_type=problems.MEDIA_TYPE,
    )


def altered(
    request: Request,
    *,
    method: str | None = None,
    path: str | None = None,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
) -> Request:
    """A copy of a request with some of it replaced, for middleware that asks the API otherwise.

    ``path`` is without query string (which stays). ``headers`` are added. ``body`` is sent as
    JSON. None leaves a part as it is.
    """
    raw = request.get_data() if body is None else json.dumps(body).encode()
    environ = {
        key: value for key, value in request.environ.items() if not key.startswith("werkzeug.")
    }
    environ |= {
        "REQUEST_METHOD": method or request.method,
        "PATH_INFO": path or request.path,
        "CONTENT_LENGTH": str(len(raw)),
        "wsgi.input": io.BytesIO(raw),
    }
    if body is not None:
        environ["CONTENT_TYPE"] = "application/json"
    for name, value in (headers or {}).items():
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    return Request(environ)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")
