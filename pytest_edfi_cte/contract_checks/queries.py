"""Queries of a collection. Each asks for one student of ours, so that no other's are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pytest_edfi_cte.compare import equal_ids
from pytest_edfi_cte.contract_checks.answers import BAD_REQUEST, NOT_FOUND, OK, Answer
from pytest_edfi_cte.contract_checks.bench import Bench, Json
from pytest_edfi_cte.contract_checks.model import DoesNotApply, check, finding_of, status
from pytest_edfi_cte.judge import Finding

#: How many associations the student of the queries has.
SIZE = 3
#: A value of a key part that no record has, by the type of the real one.
OTHERS: dict[type, Callable[[Any], Any]] = {
    int: lambda value: value + 1,
    str: lambda value: f"{value} (none)",
}
LONG_AGO = "1901-01-01"


class Shelf:
    """A student of our own with three associations that nobody touches."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.student = bench.new_student()
        self.records = [
            bench.association(self.student, endDate=f"{bench.table.school_year + 1}-0{month}-01")
            for month in range(SIZE, 0, -1)
        ]

    def ask(self, **parameters: Any) -> Answer:
        """Query the student's associations."""
        return self.bench.query(self.student, **parameters)

    def ids(self, answer: Answer) -> list[str] | None:
        """The records' ids, without dashes; None where the answer is no list of records."""
        if answer.rows is None or not all(isinstance(r, dict) for r in answer.rows):
            return None
        return [str(row.get("id")).replace("-", "").lower() for row in answer.rows]

    @property
    def own(self) -> set[str]:
        """The ids of all three."""
        return {str(record.id).replace("-", "").lower() for record in self.records}

    def shows(self, answer: Answer, where: str, wanted: set[str]) -> Iterator[Finding]:
        """A 200 with exactly the wanted records, each once."""
        yield status(answer, OK, where=where)
        found = self.ids(answer)
        good = found is not None and sorted(found) == sorted(wanted)
        told = f"{len(found or ())} records" if found is not None else answer.text[:200]
        if found is not None and len(found) == len(wanted) and not good:
            told = "others"
        expected = f"{len(wanted)} records, the ones asked for"
        yield finding_of(good, f"result: {where}", expected, told, answer)


def _shelf(bench: Bench) -> Shelf:
    return bench.once("shelf", lambda: Shelf(bench))


@check
def query_by_student(bench: Bench) -> Iterator[Finding]:
    """A query by studentUniqueId gives the student's records and no others."""
    shelf = _shelf(bench)
    bench.common  # noqa: B018 - another student's record: what ignores the query shows it
    yield from shelf.shows(shelf.ask(), "query by studentUniqueId", shelf.own)


@check
def query_by_key_part(bench: Bench) -> Iterator[Finding]:
    """A collection can be queried by every part of the natural key."""
    shelf = _shelf(bench)
    record = shelf.records[0]
    key = bench.records.key_of(bench.resource, record.body)
    for name, value in key.items():
        if name == "studentUniqueId":
            continue
        wanted = {str(record.id).replace("-", "").lower()} if name == "beginDate" else shelf.own
        yield from shelf.shows(shelf.ask(**{name: value}), f"query by {name}", wanted)
        other = LONG_AGO if name == "beginDate" else OTHERS[type(value)](value)
        answer = shelf.ask(**{name: other})
        where = f"query by another {name}"
        # A descriptor or ed-org that does not exist may be refused as such.
        yield status(answer, OK, BAD_REQUEST, NOT_FOUND, where=where)
        found = answer.rows or []
        yield finding_of(not found, f"result: {where}", "no records", len(found), answer)


@check
def query_by_whole_key(bench: Bench) -> Iterator[Finding]:
    """A query by the whole natural key gives the one record."""
    shelf = _shelf(bench)
    for record in shelf.records[:2]:
        key = bench.records.key_of(bench.resource, record.body)
        wanted = {str(record.id).replace("-", "").lower()}
        yield from shelf.shows(shelf.ask(**key), f"query by the key of {record.id}", wanted)


@check
def query_by_other_property(bench: Bench) -> Iterator[Finding]:
    """A collection can be queried by other properties of the record's root."""
    shelf = _shelf(bench)
    record = shelf.records[0]
    wanted = {str(record.id).replace("-", "").lower()}
    yield from shelf.shows(shelf.ask(endDate=record["endDate"]), "query by endDate", wanted)


@check
def names_ignore_case(bench: Bench) -> Iterator[Finding]:
    """Names of query parameters and of paths are taken in any case."""
    shelf = _shelf(bench)
    student = shelf.student["studentUniqueId"]
    lower = bench.get(bench.resource, params={"studentuniqueid": student, "limit": SIZE})
    yield from shelf.shows(lower, "query by studentuniqueid in lower case", shelf.own)
    upper = bench.get(bench.resource.upper(), params={"studentUniqueId": student, "limit": SIZE})
    yield from shelf.shows(upper, "path in upper case", shelf.own)


@check
def query_shows_whole_records(bench: Bench) -> Iterator[Finding]:
    """A query shows each record as a GET by its id does."""
    shelf = _shelf(bench)
    record = shelf.records[0]
    single = bench.read(record)
    answer = shelf.ask(beginDate=record["beginDate"])
    rows: list[Any] = [r for r in answer.rows or () if isinstance(r, dict)]
    listed: Json = next((r for r in rows if equal_ids(r.get("id"), record.id)), {})
    lost = bench.difference(single, listed)
    yield finding_of(not lost, "record in the query", "as read by its id", lost, answer)


@check
def empty_result_is_an_array(bench: Bench) -> Iterator[Finding]:
    """A query that finds nothing is answered 200 with an empty array."""
    answer = _shelf(bench).ask(beginDate=LONG_AGO)
    yield status(answer, OK, where="query that finds nothing")
    yield finding_of(answer.json == [], "body", "[], an empty array", answer.text[:200], answer)


# -- paging ----------------------------------------------------------------------------------------


@check
def limit_limits(bench: Bench) -> Iterator[Finding]:
    """``limit`` is the most records that an answer has."""
    shelf = _shelf(bench)
    for limit in (1, 2):
        answer = shelf.ask(limit=limit)
        yield status(answer, OK, where=f"query with limit {limit}")
        found = len(answer.rows or ())
        yield finding_of(found == limit, f"records with limit {limit}", str(limit), found, answer)


@check
def pages_make_the_whole(bench: Bench) -> Iterator[Finding]:
    """Pages by limit and offset show every record once, in the order of the whole."""
    shelf = _shelf(bench)
    whole = shelf.ask()
    pages = [shelf.ask(limit=2, offset=offset) for offset in (0, 2)]
    found = [record for page in pages for record in shelf.ids(page) or ()]
    wanted = shelf.ids(whole)
    expected = "every record once, in one order"
    yield finding_of(found == wanted, "two pages", expected, _order(found, wanted or []), pages[-1])
    beyond = shelf.ask(offset=SIZE)
    yield status(beyond, OK, where="page behind the last record")
    yield finding_of(
        beyond.json == [], "page behind the last record", "[]", beyond.text[:200], beyond
    )


def _order(found: list[str], wanted: list[str]) -> str:
    places = [str(wanted.index(r) + 1) if r in wanted else "another" for r in found]
    return f"records {', '.join(places) or 'none'} of the whole query"


@check
def order_is_stable(bench: Bench) -> Iterator[Finding]:
    """The same query gives the same order."""
    shelf = _shelf(bench)
    first, second = shelf.ask(), shelf.ask()
    same = shelf.ids(first) is not None and shelf.ids(first) == shelf.ids(second)
    told = _order(shelf.ids(second) or [], shelf.ids(first) or [])
    yield finding_of(same, "second query", "the order of the first", told, second)


@check
def limit_zero_is_empty(bench: Bench) -> Iterator[Finding]:
    """``limit=0`` gives an empty array."""
    answer = _shelf(bench).ask(limit=0)
    yield status(answer, OK, where="query with limit 0")
    yield finding_of(answer.json == [], "body", "[]", answer.text[:200], answer)


@check
def bad_paging_is_refused(bench: Bench) -> Iterator[Finding]:
    """A limit or offset that is no number from 0 is refused."""
    shelf = _shelf(bench)
    for name, value in (("limit", -1), ("limit", "many"), ("offset", -1), ("offset", "far")):
        answer = shelf.ask(**{name: value})
        yield status(answer, BAD_REQUEST, where=f"query with {name}={value}")


@check
def total_count_is_told(bench: Bench) -> Iterator[Finding]:
    """``totalCount=true`` tells how many records there are, whatever the page."""
    shelf = _shelf(bench)
    for parameters in ({}, {"limit": 1}):
        answer = shelf.ask(totalCount="true", **parameters)
        where = f"Total-Count with {parameters or 'no limit'}"
        told = answer.header("Total-Count")
        yield finding_of(told == str(SIZE), where, str(SIZE), str(told), answer)


@check
def total_count_follows_the_query(bench: Bench) -> Iterator[Finding]:
    """The count is that of the query, not of the whole collection."""
    shelf = _shelf(bench)
    answer = shelf.ask(totalCount="true", beginDate=shelf.records[0]["beginDate"])
    told = answer.header("Total-Count")
    if told is None:
        raise DoesNotApply(f"the API sends no Total-Count: {answer.exchange.line}")
    yield finding_of(told == "1", "Total-Count of a query for one record", "1", told, answer)


@check
def total_count_only_where_asked(bench: Bench) -> Iterator[Finding]:
    """Without totalCount nothing is counted."""
    answer = _shelf(bench).ask()
    told = answer.header("Total-Count")
    yield finding_of(told is None, "Total-Count", "no such header", str(told), answer)
