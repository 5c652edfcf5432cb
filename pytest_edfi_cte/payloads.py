"""What the hook ``pytest_edfi_payload`` changes in a table's records: it is sent and expected back.

The table is changed, so that whoever reads it (the API's judge, the product's, the report) sees one
and the same record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from pytest_edfi_cte.compare import ABSENT, Json, same_json
from pytest_edfi_cte.scenarios import CONTAINERS, STEPS, Need, Row, Scenario, Table
from pytest_edfi_cte.tables import changed_paths
from pytest_edfi_cte.user_hooks import Call

BY_HOOK = "set by the hook pytest_edfi_payload"


def changed_by(
    call: Call, resource: str, record: Mapping[str, Any], scenario: Scenario | None = None
) -> Json:
    """The record as the hook wants it; ``scenario`` is None for what a scenario needs.

    Raises :class:`HookFailed`, also where an implementation returns something: it is to change the
    record in place.
    """
    payload = deepcopy(dict(record))
    answers = call(resource=resource, payload=payload, scenario=scenario)
    if any(answer is not None for answer in answers):
        raise call.wrong("returned a value; it is to change payload in place and return nothing")
    return payload


def amended(table: Table, call: Call, schema: Json, note: Callable[[str], None]) -> Table:
    """The table with what the hook changes; ``note`` is told the paths.

    Raises :class:`HookFailed` where the hook fails, or changes the natural key.
    """
    own = next((s for s in ("update", "upsert") if table.has(s)), None)
    first = table.scenario("create")
    sent = {"create": changed_by(call, table.resource, table.payload("create"), first)}
    sent["update"] = (
        changed_by(call, table.resource, table.payload("update"), table.scenario(own))
        if own
        else deepcopy(sent["create"])
    )
    for state in STEPS:
        key, before = table.key_of(sent[state]), table.key_of(table.payload(state))
        if not same_json(key, before):
            parts = ", ".join(n for n in key if not same_json(key[n], before[n]))
            raise call.wrong(
                f"changed {parts}, a part of the natural key of {table.resource}; give another one "
                "with --edfi-set"
            )
    needs = {name: _need(need, call) for name, need in table.needs.items()}
    if all(same_json(sent[state], table.payload(state)) for state in STEPS):
        return replace(table, needs=needs)
    rows = tuple(_row(row, sent) for row in table.rows)
    plain = replace(table, rows=rows, needs=needs)
    added = {state: beyond(sent[state], plain.payload(state)) for state in STEPS}
    paths = [row.path for row, old in zip(rows, table.rows, strict=True) if row != old]
    paths += [p for state in STEPS for p in leaves(added[state])]
    result = replace(plain, sent=sent, added=added)
    if own:
        one, other = (beyond(sent[s], plain.payload(s), whole=False) for s in STEPS)
        differing = differences(one, other)
        changed = dict.fromkeys([*changed_paths(rows, schema), *differing])
        result = result.changing(own, tuple(changed))
    told = ", ".join(dict.fromkeys(paths))
    note(f"A hook changed what is sent as {table.resource}: {told}.")
    return result


def _need(need: Need, call: Call) -> Need:
    if need.preloaded:
        return need
    return replace(need, record=changed_by(call, need.resource, need.record))


def _row(row: Row, sent: Mapping[str, Json]) -> Row:
    """The row with the values that are sent now."""
    if row.type in CONTAINERS:
        return row
    found = {state: _first(sent[state], row.path) for state in STEPS}
    values = {state: value for state, value in found.items() if value is not ABSENT}
    if same_json(values, dict(row.values)):
        return row
    return replace(row, values=values, by=f"{row.by}, value {BY_HOOK}")


def _first(record: Any, path: str) -> Any:
    """The value at a path that goes through the first element of collections."""
    for part in path.split("."):
        if isinstance(record, list):
            record = record[0] if record else ABSENT
        if not isinstance(record, Mapping) or part not in record:
            return ABSENT
        record = record[part]
    return record


def beyond(sent: Json, known: Json, *, whole: bool = True) -> Json:
    """What of a record another one does not say.

    A collection that differs is there as a ``whole``, else with what of each element is new.
    """
    found: Json = {}
    for name, value in sent.items():
        other = known.get(name, ABSENT)
        if isinstance(value, dict) and isinstance(other, dict):
            inner = beyond(value, other, whole=whole)
            if inner:
                found[name] = inner
        elif isinstance(value, list) and isinstance(other, list) and not whole:
            found[name] = [
                beyond(a, b, whole=False) if isinstance(a, dict) and isinstance(b, dict) else a
                for a, b in zip_longest(value, other[: len(value)])
            ]
        elif other is ABSENT or not same_json(value, other):
            found[name] = value
    return found


def leaves(record: Any, under: str = "") -> Iterator[str]:
    """The dotted paths of a record's values; a collection is one."""
    for name, value in record.items():
        path = f"{under}.{name}".lstrip(".")
        if isinstance(value, dict) and value:
            yield from leaves(value, path)
        else:
            yield path


def differences(one: Any, other: Any, under: str = "") -> Iterator[str]:
    """The dotted paths at which two records differ."""
    for name in dict.fromkeys([*one, *other]):
        path = f"{under}.{name}".lstrip(".")
        a, b = one.get(name, ABSENT), other.get(name, ABSENT)
        if isinstance(a, dict) and isinstance(b, dict):
            yield from differences(a, b, path)
        elif not same_json(a, b):
            yield path
