"""What the API says about itself before any token: its addresses, version and loading order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

OAUTH = "/oauth"
TOKEN = "/oauth/token"  # noqa: S105 - an address, no secret
TOKEN_INFO = "/oauth/token_info"  # noqa: S105 - an address, no secret
DATA = "/data/v3"
METADATA = "/metadata"
CHANGES = "/changeQueries/v1"
DEPENDENCIES = "/metadata/data/v3/dependencies"

#: Data standard of the contract -> the release of it that the document names.
RELEASES = {"4.0": "4.0.0", "5.0": "5.2.0"}

_VERSION = "7.3"


def document(base: str, standard: str, extensions: Mapping[str, str]) -> dict[str, Any]:
    """The discovery document. ``base`` is how the client reached us, without trailing slash.

    ``extensions``: namespace of a state's extension -> its version.
    """
    release = RELEASES[standard]
    added = [
        {
            "name": namespace,
            "version": version,
            "informationalVersion": f"The extension {namespace} {version}".strip(),
        }
        for namespace, version in extensions.items()
    ]
    return {
        "version": _VERSION,
        "informationalVersion": _VERSION,
        "suite": "3",
        "build": "sandbox",
        "dataModels": [
            {
                "name": "Ed-Fi",
                "version": release,
                "informationalVersion": f"The Ed-Fi Data Model {release}",
            },
            *added,
        ],
        "urls": {
            "dependencies": f"{base}{DEPENDENCIES}",
            "openApiMetadata": f"{base}{METADATA}",
            "oauth": f"{base}{TOKEN}",
            "dataManagementApi": f"{base}{DATA}/",
            "changeQueries": f"{base}{CHANGES}/",
        },
    }
