"""The addresses of the API: which path is what. Paths are matched in lower case."""

from __future__ import annotations

from werkzeug.routing import Map, Rule

from pytest_edfi_cte.sandbox import discovery

_OPENAPI = f"{discovery.METADATA}{discovery.DATA}/<any(resources, descriptors):part>"
ROUTES = Map(
    [
        Rule("/", endpoint="discovery"),
        Rule(discovery.TOKEN, endpoint="token"),
        Rule(discovery.TOKEN_INFO, endpoint="token_info"),
        Rule(discovery.DEPENDENCIES, endpoint="dependencies"),
        Rule(discovery.METADATA, endpoint="metadata"),
        Rule(f"{_OPENAPI}/swagger.json", endpoint="openapi", defaults={"version": 2}),
        Rule(f"{_OPENAPI}/openapi.json", endpoint="openapi", defaults={"version": 3}),
        Rule(f"{discovery.CHANGES.lower()}/availablechangeversions", endpoint="versions"),
        Rule(f"{discovery.DATA}/<namespace>/<collection>", endpoint="collection"),
        Rule(f"{discovery.DATA}/<namespace>/<collection>/deletes", endpoint="deletes"),
        Rule(f"{discovery.DATA}/<namespace>/<collection>/keychanges", endpoint="keychanges"),
        Rule(f"{discovery.DATA}/<namespace>/<collection>/<item>", endpoint="item"),
    ],
    strict_slashes=False,
    merge_slashes=False,
).bind("")
