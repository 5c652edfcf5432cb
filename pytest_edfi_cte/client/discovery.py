"""What the base URL says about an API: addresses, version, data standard.

Source: Ed-Fi API guidelines, discovery; nothing is assumed about the shape of the addresses.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from pytest_edfi_cte.contract import STANDARDS, Contract
from pytest_edfi_cte.errors import (
    InsecureAddress,
    NotAnApi,
    RequestFailed,
    Unreachable,
    UnsupportedStandard,
)

if TYPE_CHECKING:
    from pytest_edfi_cte.client.session import HttpSession

OK, NOT_FOUND = 200, 404


@dataclass(frozen=True)
class Api:
    """An Ed-Fi API as its discovery document describes it.

    ``data_url`` ends with a slash. ``standard`` is the bundled data standard it is judged by
    ("4.0" or "5.0"); ``data_standard`` the version it names itself.
    """

    base_url: str
    data_url: str
    oauth_url: str
    version: str
    data_standard: str
    standard: str
    document: dict[str, Any]
    notes: tuple[str, ...] = field(default=())

    @property
    def origins(self) -> frozenset[tuple[str, str, int]]:
        """The places a token may go to: (scheme, host, port)."""
        return frozenset({origin(self.base_url), origin(self.data_url)})


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL, with the scheme's own port made explicit."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return parts.scheme, (parts.hostname or "").lower(), port


def discover(http: HttpSession, base_url: str, contract: Contract) -> Api:
    """Read the discovery document; raises a :class:`ConfigurationError` where there is none."""
    try:
        response = http.get(base_url)
        if response.status_code != OK:  # hosts differ in whether the root ends with a slash
            other = base_url.rstrip("/") if base_url.endswith("/") else base_url + "/"
            second = http.get(other)
            if second.status_code == OK:
                response = second
    except RequestFailed as error:
        raise Unreachable(_unreachable(base_url, str(error))) from None
    if response.status_code != OK:
        raise NotAnApi(
            f"{base_url} answered {response.status_code} where an Ed-Fi API shows its discovery "
            f"document. {_base_url_hint(base_url)}"
        )
    kind = response.headers.get("Content-Type", "no content type").split(";")[0]
    try:
        document = json.loads(response.content)
    except ValueError:
        raise NotAnApi(
            f"{base_url} is not an Ed-Fi API: it answered with {kind}, not with a JSON discovery "
            f"document. {_base_url_hint(base_url)}"
        ) from None
    return api_from(document, base_url, contract)


def describes_an_api(http: HttpSession, base: str) -> bool:
    """Whether an address answers with something like a discovery document."""
    try:
        answer = http.get(base)
        return answer.status_code == OK and "urls" in answer.json()
    except (RequestFailed, ValueError, TypeError):
        return False


def base_above(http: HttpSession, url: str, status: int | None) -> str:
    """The nearest address above ``url`` that describes an API, where ``url`` is a 404; else ""."""
    parts = urlsplit(url)
    path = [part for part in parts.path.split("/") if part] if status == NOT_FOUND else []
    for length in reversed(range(len(path))):
        base = "/".join([f"{parts.scheme}://{parts.netloc}", *path[:length]])
        if describes_an_api(http, base):
            return base
    return ""


def api_from(document: Any, base_url: str, contract: Contract) -> Api:
    """Make sense of a discovery document; a :class:`ConfigurationError` where it has none."""
    errors = sorted(
        contract.validator("protocol", "discovery").iter_errors(document), key=lambda e: e.json_path
    )
    if errors:
        raise NotAnApi(
            f"{base_url} is not an Ed-Fi API: its JSON is no discovery document "
            f"({errors[0].json_path}: {errors[0].message}). {_base_url_hint(base_url)}"
        )
    urls = document["urls"]
    data_url = urljoin(base_url, urls["dataManagementApi"])
    oauth_url = urljoin(base_url, urls["oauth"])
    if urlsplit(base_url).scheme == "https":
        for name, url in (("oauth", oauth_url), ("dataManagementApi", data_url)):
            if urlsplit(url).scheme != "https":
                raise InsecureAddress(
                    f"{base_url} names {url} as its {name} address: the key and secret would "
                    "travel unencrypted, so nothing was sent. The host must publish https "
                    "addresses (behind a reverse proxy: forward the original scheme)."
                )
    standard, data_standard, notes = _standard(document)
    return Api(
        base_url=base_url.rstrip("/"),
        data_url=data_url.rstrip("/") + "/",
        oauth_url=oauth_url,
        version=document.get("version") or document.get("informationalVersion") or "not stated",
        data_standard=data_standard,
        standard=standard,
        document=document,
        notes=tuple(notes),
    )


def _standard(document: dict[str, Any]) -> tuple[str, str, list[str]]:
    models = document.get("dataModels") or []
    named = next((m["version"] for m in models if m["name"].lower() == "ed-fi"), None)
    if named is None:
        note = f"The API names no Ed-Fi data model; judged by Data Standard {STANDARDS[-1]}."
        return STANDARDS[-1], "not stated", [note]
    match = re.match(r"(\d+)", named)
    major = int(match[1]) if match else 0
    supported = {int(s.split(".")[0]): s for s in STANDARDS}
    if major < min(supported):
        raise UnsupportedStandard(
            f"the API uses Data Standard {named}; this kit judges {STANDARDS[0]} and later"
        )
    nearest = supported[max(m for m in supported if m <= major)]
    notes = []
    if major not in supported:
        notes.append(f"Data Standard {named} is newer than this kit; judged by {nearest}.")
    return nearest, named, notes


def _unreachable(base_url: str, problem: str) -> str:
    text = f"cannot reach the Ed-Fi API at {base_url}: {problem.partition(': ')[2]}."
    if "WRONG_VERSION_NUMBER" in problem or "RECORD_LAYER" in problem:
        return f"{text} This port does not speak TLS; is the address http:// instead of https://?"
    if "TLS:" in problem:
        return (
            f"{text} Its TLS certificate is not trusted here. For a self-signed certificate or a "
            "private CA give its PEM file: --edfi-ca-bundle FILE. (--edfi-insecure switches the "
            "check off; then anyone on the way can read the secret.)"
        )
    return f"{text} Check the address, the network and the proxy settings."


def _base_url_hint(base_url: str) -> str:
    root, found, _ = base_url.partition("/data/v3")
    if found:
        return f"Give the base URL, not the data address: --edfi-url={root}"
    return "Give the base URL, e.g. --edfi-url=https://host/v7.3/api"
