"""ETags, where the API has them: not modified, and no update lost."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_edfi_cte.contract_checks.answers import NO_CONTENT, NOT_MODIFIED, OK, STALE, Answer
from pytest_edfi_cte.contract_checks.bench import Bench
from pytest_edfi_cte.contract_checks.model import DoesNotApply, check, finding_of, status
from pytest_edfi_cte.judge import Finding
from pytest_edfi_cte.records import Record


def _tagged(bench: Bench, record: Record, *, strong: bool = False) -> tuple[Answer, str]:
    """A record as read and its ETag; :class:`DoesNotApply` where it has none that can be used."""
    read = bench.get(record.url or "")
    tag = read.etag
    if not tag:
        raise DoesNotApply(f"the API sends no ETag: {read.exchange.line}")
    if strong and tag.startswith("W/"):
        raise DoesNotApply(f"the API's ETags are weak ({tag}): such a one never matches If-Match")
    return read, tag


def _changed(record: Record) -> dict[str, object]:
    """The record's body with another value: a write that makes a tag stale."""
    return {**record.body, "privateCTEProgram": not record["privateCTEProgram"]}


@check
def etag_follows_the_record(bench: Bench) -> Iterator[Finding]:
    """The ETag stays while the record stays, and changes with it."""
    record = bench.association()
    _, first = _tagged(bench, record)
    again = bench.get(record.url or "")
    yield finding_of(again.etag == first, "ETag of a second read", first, str(again.etag), again)
    yield status(bench.put(record, _changed(record)), NO_CONTENT, OK, where="PUT")
    after = bench.get(record.url or "")
    different = bool(after.etag) and after.etag != first
    expected = f"another than {first}"
    yield finding_of(different, "ETag after a change", expected, str(after.etag), after)


@check
def if_none_match_is_304(bench: Bench) -> Iterator[Finding]:
    """A GET with If-None-Match and the current ETag is answered 304 without a body."""
    _, tag = _tagged(bench, bench.common)
    answer = bench.get(bench.common.url or "", headers={"If-None-Match": tag})
    yield status(answer, NOT_MODIFIED, where="GET with the current ETag in If-None-Match")
    yield finding_of(not answer.text, "body of the answer", "none", answer.text[:200], answer)


@check
def if_none_match_of_another_is_200(bench: Bench) -> Iterator[Finding]:
    """A GET with If-None-Match and another ETag shows the record."""
    _tagged(bench, bench.common)
    answer = bench.get(bench.common.url or "", headers={"If-None-Match": '"another"'})
    yield status(answer, OK, where="GET with another ETag in If-None-Match")


@check
def stale_if_match_is_412(bench: Bench) -> Iterator[Finding]:
    """A PUT with a stale ETag in If-Match is refused with 412 and changes nothing."""
    record = bench.association()
    _, stale = _tagged(bench, record, strong=True)
    yield status(bench.put(record, _changed(record)), NO_CONTENT, OK, where="first PUT")
    before = bench.read(record)
    answer = bench.put(record, record.body, headers={"If-Match": stale})
    yield status(answer, STALE, where="PUT with a stale If-Match")
    after = bench.get(record.url or "")
    lost = bench.difference(before, after.json)
    where = "the record after the PUT with a stale If-Match"
    yield finding_of(not lost, where, "unchanged", lost, after)


@check
def current_if_match_is_accepted(bench: Bench) -> Iterator[Finding]:
    """A PUT with the current ETag in If-Match is carried out."""
    record = bench.association()
    _, tag = _tagged(bench, record, strong=True)
    answer = bench.put(record, _changed(record), headers={"If-Match": tag})
    yield status(answer, NO_CONTENT, OK, where="PUT with the current If-Match")


@check
def stale_if_match_is_412_in_delete(bench: Bench) -> Iterator[Finding]:
    """A DELETE with a stale ETag in If-Match is refused with 412."""
    record = bench.association()
    _, stale = _tagged(bench, record, strong=True)
    yield status(bench.put(record, _changed(record)), NO_CONTENT, OK, where="PUT")
    answer = bench.send("DELETE", record.url or "", headers={"If-Match": stale})
    yield status(answer, STALE, where="DELETE with a stale If-Match")
