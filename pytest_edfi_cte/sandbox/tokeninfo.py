"""What a token is good for: the answer of ``oauth/token_info``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.sandbox.access import ED_ORG
from pytest_edfi_cte.sandbox.claimsets import operations
from pytest_edfi_cte.sandbox.model import at, key_of

if TYPE_CHECKING:
    from pytest_edfi_cte.sandbox.auth import Client
    from pytest_edfi_cte.sandbox.engine import Engine

_AGENCY = "localEducationAgencyId"


def document(engine: Engine, client: Client) -> dict[str, Any]:
    """Everything the token of this client may do and whom it speaks for."""
    resources = [(r, operations(client.claim_set, r)) for r in engine.model.resources]
    return {
        "active": True,
        "client_id": client.id,
        "namespace_prefixes": list(client.namespaces),
        "education_organizations": [e for e in map(_ed_org(engine), client.claims) if e],
        "assigned_profiles": [],
        "claim_set": {"name": client.claim_set},
        "resources": [
            {"resource": resource.path, "operations": allowed}
            for resource, allowed in resources
            if allowed
        ],
    }


def _ed_org(engine: Engine) -> Any:
    def describe(ed_org: int) -> dict[str, Any] | None:
        record = engine.store.by_key(ED_ORG, key_of({"id": ed_org}))
        if record is None:
            return None  # claimed, but not there (any more)
        body = json.loads(record.body)
        agency = body.get(_AGENCY) or at(body, ("localEducationAgencyReference", _AGENCY))
        return {
            "education_organization_id": ed_org,
            "name_of_institution": body["nameOfInstitution"],
            "type": f"edfi.{engine.model.named(record.resource).title}",
            "local_education_agency_id": agency,
        }

    return describe
