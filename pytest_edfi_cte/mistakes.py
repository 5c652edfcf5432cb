"""Everything that can be wrong with a run's settings before anything is sent."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path

from pytest_edfi_cte.contract import Contract
from pytest_edfi_cte.contract_text import ContractError
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.scenarios import Table
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.tables import load
from pytest_edfi_cte.values import SECRET_VARIABLE


def check(contract: Contract, settings: Settings, elsewhere: Iterable[str] = ()) -> Table:
    """The table as it stands; raises :class:`ConfigurationError` for the first mistake."""
    try:
        table = load(contract, settings, "5.0", elsewhere)
    except ContractError as error:
        raise ConfigurationError(f"{error}") from None
    bundle = settings.ca_bundle
    if bundle and not settings.insecure:
        try:
            folder = Path(bundle).is_dir()
            ssl.create_default_context(
                cafile=None if folder else bundle, capath=bundle if folder else None
            )
        except (OSError, ssl.SSLError) as error:
            source = settings.sources.get("ca_bundle", "--edfi-ca-bundle")
            raise ConfigurationError(
                f"{source}: {bundle} cannot be used: {error.strerror or error}; "
                "expected a PEM file with the certificates to trust"
            ) from None
    if settings.embedded:
        return table
    if not settings.client_id:
        raise ConfigurationError(
            "the API needs a client id: give --edfi-client-id, EDFI_CLIENT_ID or ini edfi_client_id"
        )
    if not settings.client_secret:
        read = settings.env_file
        found = f" ({read} was read, but has no {SECRET_VARIABLE})" if read else ""
        raise ConfigurationError(
            f"the API needs a client secret{found}: set the environment variable "
            f"{SECRET_VARIABLE}, or name a dotenv file that has it with --edfi-env-file "
            "(a secret is never an option: command lines are visible to others)"
        )
    return table
