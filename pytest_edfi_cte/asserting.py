"""Assertions for tests of one's own, with the words and the evidence of the scenarios.

Inside a run their findings go into the report of the test, and data standard, mapped descriptors
and exchanges are the run's. Without one they judge all the same, by the newest data standard.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import requests

from pytest_edfi_cte.answers import OK, REDIRECT, SHOWN, status_finding, strict_json
from pytest_edfi_cte.client.exchange import Exchange, without_userinfo
from pytest_edfi_cte.compare import ABSENT, Json, SameDescriptor, json_type
from pytest_edfi_cte.contract import STANDARDS, Contract, plural, shipped
from pytest_edfi_cte.contract_text import nearest
from pytest_edfi_cte.differences import judge_unchanged
from pytest_edfi_cte.errors import NonConformance, NotTestable
from pytest_edfi_cte.evidence import Evidence, current
from pytest_edfi_cte.expectations import judge_expected
from pytest_edfi_cte.judge import WORDS, Finding, Kind, judge_schema
from pytest_edfi_cte.records import Record
from pytest_edfi_cte.verdicts import failure

#: What can be judged: an answer, an exchange of the evidence, or JSON that is read already.
Judged = requests.Response | Exchange | Mapping[str, Any] | Sequence[Mapping[str, Any]]
BY_TEST = "by this test"
FROM_API = "by the Ed-Fi API guidelines for an answer with data"


def assert_conforms(response: Judged, resource: str, *, data_standard: str | None = None) -> None:
    """Fail unless every record fits the JSON Schema of its resource.

    A property that the schema does not name is passed over: an API may return more than the model.
    What must not be there is for :func:`assert_record` with ``ABSENT``.

    ``response``: an answer, an exchange, a record or a list of records. ``resource``: the name of
    the schema or of the collection, "studentCTEProgramAssociation". ``data_standard``: "4.0" or
    "5.0"; by default the one of the run's API, without a run the newest. Raises an AssertionError
    that names property, expected, received and type; :class:`NotTestable` where nothing can be
    judged (an unknown resource, an answer without a body, an exchange that was cut). An empty list
    conforms.
    """
    __tracebackhide__ = True
    judge = _Judge(data_standard)
    name = judge.schema_name(resource)
    content, findings = judge.content("assert_conforms", response)
    label = f"by the API model, Data Standard {judge.standard}"
    if content is not ABSENT:
        validator = judge.contract.validator(judge.standard, name)
        several = isinstance(content, list)
        for number, record in enumerate(content if several else [content]):
            wrong = judge_schema(validator, record, label)
            where = f"[{number}]" if several else ""
            findings += [_under(where, f) for f in wrong]
        if not any(not f.ok for f in findings):
            findings.append(Finding(name, "fits the schema", content, label, "ok", "schema"))
    judge.conclude(findings, [response])


def assert_record(actual: Judged, expected: Mapping[str, Any], resource: str = "") -> None:
    """Fail unless the record has every value of ``expected``, with its JSON type.

    Properties that ``expected`` does not name are not judged. A collection that it names must have
    exactly its elements, matched by their key and not by position. ``ABSENT`` (of this package)
    stands for a property that must not be there. ``resource``: whose keys count; by default it is
    told from the answer's address, the scenario or the properties. Raises as
    :func:`assert_conforms` does.
    """
    __tracebackhide__ = True
    judge = _Judge()
    content, findings = judge.content("assert_record", actual)
    if content is not ABSENT:
        schema = judge.schema_of(resource, [actual], expected)
        findings += judge_expected(dict(expected), content, BY_TEST, schema, judge.same)
    judge.conclude(findings, [actual])


def assert_only_changed(
    before: Judged, after: Judged, path: str | Collection[str], resource: str = ""
) -> None:
    """Fail unless two reads of a record differ at ``path``, and nowhere else.

    ``path``: dotted from the record's root, "cteProgramServices.primaryIndicator", or several.
    ``id`` must stay; what an API keeps for itself (``_etag``, ``_lastModifiedDate``, links) may
    change. ``resource`` as in :func:`assert_record`. Raises as :func:`assert_conforms` does.
    """
    __tracebackhide__ = True
    judge = _Judge()
    old, findings = judge.content("assert_only_changed", before)
    new, more = judge.content("assert_only_changed", after)
    findings += more
    paths = [path] if isinstance(path, str) else list(path)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        schema = judge.schema_of(resource, [after, before], old)
        findings += judge_unchanged(old, new, paths, schema, judge.same)
        for one in paths:
            others = [p for p in paths if p != one]
            all_but = judge_unchanged(old, new, others, schema, judge.same)
            changed = len(all_but) > len(judge_unchanged(old, new, paths, schema, judge.same))
            words = "unchanged" if not changed else "changed"
            kind: Kind = "ok" if changed else "not-stored"
            findings.append(Finding(one, "changed", words, BY_TEST, kind, WORDS))
    elif old is not ABSENT and new is not ABSENT:
        found = f"{json_type(old)} and {json_type(new)}"
        findings.append(Finding("record", "one record twice", found, BY_TEST, "not-json", WORDS))
    judge.conclude(findings, [after, before])


class _Judge:
    """By what is judged here and now: the run's contract, data standard and evidence, if any."""

    def __init__(self, data_standard: str | None = None) -> None:
        self.evidence: Evidence | None = current.get()
        api = self.evidence.api if self.evidence else None
        self.contract: Contract = self.evidence.contract if self.evidence else shipped()
        self.standard = data_standard or (api.standard if api else STANDARDS[-1])
        if self.standard not in STANDARDS:
            known = " and ".join(STANDARDS)
            raise NotTestable(f"there is no Data Standard {self.standard!r} here; known: {known}")

    @property
    def same(self) -> SameDescriptor | None:
        """A state's mapped descriptors count as what they are mapped to."""
        return self.evidence.accepts if self.evidence else None

    def schema_name(self, resource: str) -> str:
        """The schema's name for that of a resource or of its collection."""
        __tracebackhide__ = True
        known = dict(_names(self.contract, self.standard))
        found = known.get(resource) or known.get(plural(resource))
        if found is None:
            where = f"Data Standard {self.standard} has no resource {resource!r} here"
            raise NotTestable(f"{where}{nearest(resource, known.values())}")
        return found

    def content(self, helper: str, given: Judged) -> tuple[Any, list[Finding]]:
        """The JSON value to judge and the findings about the answer; ABSENT where there is none."""
        __tracebackhide__ = True
        if isinstance(given, requests.Response):
            method = given.request.method or "GET"
            if given.status_code >= REDIRECT:
                return ABSENT, [status_finding(method, OK, given, FROM_API)]
            return self._read(helper, method, given.content)
        if isinstance(given, Exchange):
            if given.status is None or given.status >= REDIRECT:
                received = given.status or given.error
                where = f"status of the {given.method}"
                return ABSENT, [Finding(where, OK, received, FROM_API, "status")]
            if given.is_cut:
                raise NotTestable(
                    f"{helper}: the evidence keeps 64 KiB of the answer to the {given.method}, and "
                    "it was longer; give the answer itself, or ask for fewer records"
                )
            return self._read(helper, given.method, (given.response_body or "").encode())
        if isinstance(given, Record):
            return given.body, []
        return given, []

    @staticmethod
    def _read(helper: str, method: str, body: bytes) -> tuple[Any, list[Finding]]:
        __tracebackhide__ = True
        if not body.strip() and method != "GET":
            raise NotTestable(
                f"{helper}: the answer to the {method} has no body, which is usual; read the "
                "record with a GET and give that answer"
            )
        try:
            found = strict_json(body)
        except ValueError as error:
            text = body.decode(errors="replace")[:SHOWN]
            received = f"not JSON ({error}): {text}" if text.strip() else "an empty body"
            where = f"body of the {method}"
            return ABSENT, [Finding(where, "JSON", received, FROM_API, "not-json", WORDS)]
        if isinstance(found, (dict, list)):
            return found, []
        where = f"body of the {method}"
        note = "a record or a list of records"
        return ABSENT, [Finding(where, {}, found, FROM_API, "not-json", note)]

    def schema_of(self, resource: str, given: Iterable[Judged], like: Mapping[str, Any]) -> Json:
        """The schema that knows the keys of the collections; {} where it cannot be told."""
        __tracebackhide__ = True
        if resource:
            return self.contract.schema(self.standard, self.schema_name(resource))
        names = dict(_names(self.contract, self.standard))
        told = [_collection(one, names) for one in given]
        if self.evidence and self.evidence.scenario:
            told.append(self.evidence.scenario.table.resource)
        for collection in filter(None, told):
            return self.contract.schema(self.standard, names[collection])
        if not any(isinstance(value, list) for value in _values(like)):
            return {}
        wanted = {name for name in like if not name.startswith("_")} - {"id"}
        for schema in self.contract.unchecked_schemas(self.standard).values():
            if wanted <= schema["properties"].keys():
                return schema
        return {}

    def conclude(self, findings: Sequence[Finding], given: Sequence[Judged]) -> None:
        """Return where all is well; else fail, with the exchange where it is known."""
        __tracebackhide__ = True
        if self.evidence:
            self.evidence.add(findings)
        wrong = [finding for finding in findings if not finding.ok]
        if not wrong:
            return
        shown = [e for e in map(self._exchange, given) if e is not None]
        what, asked = "The check", ""
        if self.evidence:
            shown = shown or self.evidence.exchanges
            what, asked = self.evidence.named or what, self.evidence.asked
        raise NonConformance(failure(None, wrong, shown, what=what, asked=asked))

    def _exchange(self, given: Judged) -> Exchange | None:
        """The exchange of an answer: as the run recorded it, else what the answer knows."""
        if isinstance(given, Exchange):
            return given
        if not isinstance(given, requests.Response):
            return None
        method, url = given.request.method or "GET", without_userinfo(given.url)
        if self.evidence:
            clean = self.evidence.clean(url)
            for exchange in reversed(self.evidence.exchanges):
                if (exchange.method, exchange.url) == (method, clean):
                    return exchange
            url = clean
        return Exchange(method, url, given.status_code, response_body=given.text)


@cache
def _names(contract: Contract, standard: str) -> tuple[tuple[str, str], ...]:
    """(collection, name of its schema), all of a data standard."""
    known = contract.resource_schemas(standard)
    return tuple((name, contract.schema_name(standard, name)) for name in known)


def _collection(given: Judged, names: Mapping[str, str]) -> str:
    """The collection that an answer or a record is of; "" where it does not say."""
    if isinstance(given, Record):
        return given.resource
    url = given.url if isinstance(given, (requests.Response, Exchange)) else ""
    known = {name.lower(): name for name in names}
    parts = reversed(urlsplit(url).path.lower().split("/"))
    return next((known[part] for part in parts if part in known), "")


def _values(content: Any) -> Iterable[Any]:
    if isinstance(content, Mapping):
        for value in content.values():
            yield value
            yield from _values(value)


def _under(where: str, finding: Finding) -> Finding:
    return replace(finding, where=f"{where}.{finding.where}") if where else finding
