"""What goes wrong in an answer: RFC 9457 problem details with Ed-Fi's own types.

Every refusal of the sandbox is a :class:`Problem`, raised where the rule is checked and turned
into an HTTP answer in one place. Types and statuses follow the Ed-Fi ODS/API 7.3 error catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PREFIX = "urn:ed-fi:api:"
MEDIA_TYPE = "application/problem+json"


class Kind(NamedTuple):
    """One row of the error catalogue: HTTP status, ``type`` after the prefix, and ``title``."""

    status: int
    type: str
    title: str


BAD_REQUEST = Kind(400, "bad-request", "Bad Request")
INVALID_DATA = Kind(400, "bad-request:data-validation-failed", "Data Validation Failed")
KEY_CHANGE = Kind(400, f"{INVALID_DATA.type}:key-change-not-supported", "Key Change Not Supported")
INVALID_PARAMETER = Kind(
    400, "bad-request:parameter-validation-failed", "Parameter Validation Failed"
)
UNAUTHENTICATED = Kind(401, "security:authentication", "Authentication Failed")
# The trailing colon is the server's own: the catalogue leaves the last part of this one empty.
FORBIDDEN = Kind(403, "security:authorization:", "Authorization Denied")
RESOURCE_DENIED = Kind(
    403, "security:authorization:access-denied:resource", "Access to the Resource Denied"
)
ACTION_DENIED = Kind(
    403, "security:authorization:access-denied:action", "Access to the Action Denied"
)
NAMESPACE_DENIED = Kind(
    403, "security:authorization:namespace:access-denied:namespace-mismatch", "Namespace Denied"
)
NOT_FOUND = Kind(404, "not-found", "Not Found")
METHOD_NOT_ALLOWED = Kind(405, "method-not-allowed", "Method Not Allowed")
UNRESOLVED_REFERENCE = Kind(409, "data-conflict:unresolved-reference", "Unresolved Reference")
DEPENDENT_ITEM = Kind(409, "data-conflict:dependent-item-exists", "Dependent Item Exists")
NON_UNIQUE_IDENTITY = Kind(
    409, "data-conflict:non-unique-identity", "Identifying Values Not Unique"
)
STALE_ETAG = Kind(412, "optimistic-lock-failed", "Optimistic Lock Failed")
UNSUPPORTED_MEDIA = Kind(415, "unsupported-media-type", "Unsupported Media Type")
TOO_MANY_TOKENS = Kind(429, "security:authentication:too-many-tokens", "Too Many Tokens")
SYSTEM = Kind(500, "system", "System Error")


class Problem(Exception):
    """A request that is refused.

    ``validation_errors``: JSON path (``$.a.b[0]``) -> texts. ``errors``: texts about the request
    as a whole. ``headers`` go into the answer as they are, e.g. ``Allow``.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        validation_errors: Mapping[str, Sequence[str]] | None = None,
        errors: Sequence[str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.validation_errors = validation_errors
        self.errors = errors
        self.headers = dict(headers or {})

    def __str__(self) -> str:
        reasons = self.validation_errors or self.errors
        return f"{self.detail} {reasons}" if reasons else self.detail

    def document(self, correlation_id: str) -> dict[str, Any]:
        """The problem details object: ``detail, type, title, status, correlationId`` and more."""
        found: dict[str, Any] = {
            "detail": self.detail,
            "type": PREFIX + self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "correlationId": correlation_id,
        }
        if self.validation_errors:
            found["validationErrors"] = {k: list(v) for k, v in self.validation_errors.items()}
        if self.errors:
            found["errors"] = list(self.errors)
        return found


def invalid_data(
    validation_errors: Mapping[str, Sequence[str]] | None = None,
    errors: Sequence[str] | None = None,
) -> Problem:
    """The 400 for a body that breaks the rules of its resource; all its problems together."""
    return Problem(
        INVALID_DATA,
        "The body does not follow the rules of the resource; see the list of problems.",
        validation_errors=validation_errors,
        errors=errors,
    )
