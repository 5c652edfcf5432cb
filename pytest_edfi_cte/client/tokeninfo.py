"""What a token is good for, where the API tells: ``oauth/token_info``, which the ODS/API has.

Older hosts leave out the claim set and the resources, others have no such address at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from pytest_edfi_cte.client.discovery import Api, origin
from pytest_edfi_cte.client.problems import describe

if TYPE_CHECKING:
    from pytest_edfi_cte.client.session import EdFiSession
    from pytest_edfi_cte.secret import Secret

OK = 200


@dataclass(frozen=True)
class TokenInfo:
    """What the API says of a token.

    ``ed_orgs``: id -> kind (``edfi.LocalEducationAgency``); ``operations``: collection in lower
    case -> some of Create, Read, Update, Delete. Either is None where the host does not say.
    """

    active: bool
    claim_set: str
    namespaces: tuple[str, ...]
    profiles: tuple[str, ...]
    ed_orgs: Mapping[int, str] | None = None
    operations: Mapping[str, frozenset[str]] | None = None


def token_info_url(api: Api) -> str:
    """Where an Ed-Fi API has it: beside the token's own address."""
    parts = urlsplit(api.oauth_url)
    if parts.path.rstrip("/").endswith("/token"):
        return urlunsplit(parts._replace(path=parts.path.rstrip("/") + "_info"))
    return f"{api.base_url}/oauth/token_info"


def ask(session: EdFiSession, token: Secret) -> TokenInfo | str:
    """What the API says of the session's token, or why it cannot be known.

    Nothing is sent where the token would go to another host than the data's. Raises
    :class:`RequestFailed` where no answer comes.
    """
    url = token_info_url(session.api)
    if origin(url) not in session.api.origins:
        return f"{url} is another host than the API's: the token was not sent there"
    response = session.post(url, data={"token": token.reveal()})
    if response.status_code != OK:
        return f"token_info answered {response.status_code}: {describe(response)}"
    try:
        body = json.loads(response.content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return "token_info answered with something that is not a JSON object"
    return _read(body)


def _read(body: Mapping[str, Any]) -> TokenInfo:
    claim_set = body.get("claim_set")
    ed_orgs = body.get("education_organizations")
    resources = _objects(body.get("resources"))
    return TokenInfo(
        active=body.get("active") is not False,
        claim_set=str(claim_set.get("name") or "") if isinstance(claim_set, dict) else "",
        namespaces=_texts(body.get("namespace_prefixes")),
        profiles=_texts(body.get("assigned_profiles")),
        ed_orgs={
            int(entry["education_organization_id"]): str(entry.get("type") or "")
            for entry in _objects(ed_orgs)
            if str(entry.get("education_organization_id")).isdecimal()
        }
        if isinstance(ed_orgs, list)
        else None,
        # An empty list is what older hosts send that know nothing of it.
        operations={
            str(entry.get("resource")).rpartition("/")[2].lower(): frozenset(
                _texts(entry.get("operations"))
            )
            for entry in resources
        }
        or None,
    )


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(entry) for entry in value) if isinstance(value, list) else ()
