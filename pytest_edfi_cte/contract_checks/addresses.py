"""Ids, addresses and methods: what they lead to, and what they must not do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from pytest_edfi_cte.compare import nothing
from pytest_edfi_cte.contract_checks.answers import (
    BAD_REQUEST,
    CONFLICT,
    CREATED,
    FORBIDDEN,
    NO_CONTENT,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_IMPLEMENTED,
    OK,
)
from pytest_edfi_cte.contract_checks.bench import Bench
from pytest_edfi_cte.contract_checks.model import DoesNotApply, check, finding_of, status
from pytest_edfi_cte.errors import NotTestable
from pytest_edfi_cte.judge import Finding
from pytest_edfi_cte.records import Record

#: What stands where a method is not possible; the others say less precisely that nothing was done.
NO_METHOD = (NOT_ALLOWED, BAD_REQUEST, NOT_FOUND, NOT_IMPLEMENTED)


@check
def unknown_id_reads_404(bench: Bench) -> Iterator[Finding]:
    """A GET of an id that does not exist is a 404."""
    yield status(bench.get(bench.gone.url or ""), NOT_FOUND, where="GET of an unknown id")


@check
def unknown_id_is_not_updated(bench: Bench) -> Iterator[Finding]:
    """A PUT to an id that does not exist is a 404 and creates nothing."""
    gone = bench.gone
    answer = bench.put(gone, gone.body)
    if answer.accepted:  # it may be there again, and is ours
        bench.known_as(dict(gone.body), gone)
    yield status(answer, NOT_FOUND, where="PUT to an unknown id")
    found, own = bench.under(gone)
    yield finding_of(not own, "records after the PUT", "none", len(own), found)


@check
def unknown_id_is_not_deleted(bench: Bench) -> Iterator[Finding]:
    """A DELETE of an id that does not exist is a 404."""
    answer = bench.send("DELETE", bench.gone.url or "")
    yield status(answer, NOT_FOUND, where="DELETE of an unknown id")


@check
def malformed_id_is_refused(bench: Bench) -> Iterator[Finding]:
    """What is no id leads nowhere."""
    url = f"{bench.collection}/no-id-at-all"
    yield status(bench.get(url), NOT_FOUND, BAD_REQUEST, where="GET of what is no id")


@check
def unknown_resource_is_404(bench: Bench) -> Iterator[Finding]:
    """A collection that the API does not have is a 404."""
    answer = bench.get("noSuchResources")
    allowed = (NOT_FOUND, FORBIDDEN)  # a key without a claim to it may not even hear that
    yield status(answer, *allowed, where="GET of an unknown collection")


@check
def key_change_is_refused(bench: Bench) -> Iterator[Finding]:
    """A PUT that changes the natural key is refused, and the record stays as it was."""
    record = bench.association()
    before = bench.read(record)
    # A day before the table's: keys of ours come after it.
    other = date.fromisoformat(bench.table.payload("create")["beginDate"]) - timedelta(days=1)
    body = {**record.body, "beginDate": other.isoformat()}
    answer = bench.put(record, body)
    if answer.accepted:
        bench.known_as(body, record)
    yield status(answer, BAD_REQUEST, CONFLICT, where="PUT with another beginDate")
    yield _unchanged(bench, record, before, "the PUT with another beginDate")


@check
def id_mismatch_is_refused(bench: Bench) -> Iterator[Finding]:
    """A PUT whose body has another id than its address is refused; no record changes."""
    record, other = bench.association(), bench.association()
    before = bench.read(record)
    body = {**record.body, "id": other.id, "privateCTEProgram": not record["privateCTEProgram"]}
    answer = bench.send("PUT", record.url or "", json=body)
    yield status(answer, BAD_REQUEST, CONFLICT, where="PUT with the id of another record")
    yield _unchanged(bench, record, before, "the PUT with the id of another record")


@check
def id_in_post_is_refused(bench: Bench) -> Iterator[Finding]:
    """A POST that brings an id is refused: ids are the API's to give."""
    answer = bench.post({"id": bench.gone.id, **bench.body()})
    yield status(answer, BAD_REQUEST, where="POST with an id")


def _unchanged(bench: Bench, record: Record, before: dict[str, object], where: str) -> Finding:
    after = bench.get(record.url or "")
    lost = bench.difference(before, after.json)
    return finding_of(not lost, f"the record after {where}", "unchanged", lost, after)


# -- methods ---------------------------------------------------------------------------------------


@check
def put_needs_an_id(bench: Bench) -> Iterator[Finding]:
    """A PUT to the collection is not possible."""
    record = bench.association()
    before = bench.read(record)
    changed = {**record.body, "privateCTEProgram": not record["privateCTEProgram"]}
    answer = bench.send("PUT", bench.collection, json={"id": record.id, **changed})
    yield status(answer, *NO_METHOD, where="PUT without an id")
    yield _unchanged(bench, record, before, "the PUT without an id")


@check
def post_needs_no_id(bench: Bench) -> Iterator[Finding]:
    """A POST to a record's address is not possible."""
    record = bench.association()
    answer = bench.send("POST", record.url or "", json=bench.body())
    yield status(answer, *NO_METHOD, where="POST to a record")


@check
def patch_is_refused(bench: Bench) -> Iterator[Finding]:
    """A PATCH is not possible: a write replaces the record."""
    record = bench.association()
    before = bench.read(record)
    answer = bench.send("PATCH", record.url or "", json={"privateCTEProgram": None})
    yield status(answer, *NO_METHOD, where="PATCH of a record")
    yield _unchanged(bench, record, before, "the PATCH")


@check
def refused_method_is_405(bench: Bench) -> Iterator[Finding]:
    """A method that is not possible is answered with 405."""
    answer = bench.send("PATCH", bench.common.url or "", json={})
    yield status(answer, NOT_ALLOWED, where="PATCH of a record")


# -- delete ----------------------------------------------------------------------------------------


@check
def delete_removes(bench: Bench) -> Iterator[Finding]:
    """A DELETE is answered with 204 and no body, and the record is gone from both reads."""
    record = bench.association()
    answer = bench.remove(record)
    yield status(answer, NO_CONTENT, where="DELETE of a record")
    yield finding_of(not answer.text, "body of the answer", "none", answer.text[:200], answer)
    read = bench.get(record.url or "")
    yield status(read, NOT_FOUND, where="GET after the DELETE")
    found, own = bench.under(record)
    yield finding_of(not own, "records under the key after the DELETE", "none", len(own), found)


@check
def delete_twice_is_404(bench: Bench) -> Iterator[Finding]:
    """A second DELETE of a record is a 404."""
    record = bench.association()
    first = bench.remove(record)
    if not first.accepted:
        raise NotTestable(f"a record cannot be deleted: {first.exchange.line}")
    second = bench.send("DELETE", record.url or "")
    yield status(second, NOT_FOUND, where="second DELETE of a record")


@check
def created_again_is_new(bench: Bench) -> Iterator[Finding]:
    """A record that is created again after its DELETE is a new one, without the old content."""
    record = bench.association()
    if not bench.remove(record).accepted:
        raise NotTestable("a record cannot be deleted; the check delete-removes shows more.")
    body = {k: v for k, v in record.body.items() if k != "privateCTEProgram"}
    again = bench.post(body)
    yield status(again, CREATED, where="POST of a deleted key")
    if again.record is not None and again.record.url:
        read = bench.get(again.record.url)
        shown = read.at("privateCTEProgram")
        yield finding_of(nothing(shown), "privateCTEProgram", "absent or null", str(shown), read)


@check
def referenced_record_is_kept(bench: Bench) -> Iterator[Finding]:
    """A record that others refer to is not deleted."""
    url = bench.address_of(bench.new_student())
    answer = bench.send("DELETE", url)
    if answer.status == FORBIDDEN:
        raise DoesNotApply(f"this key may not delete students: {answer.exchange.line}")
    yield status(answer, CONFLICT, BAD_REQUEST, where="DELETE of a student who is enrolled")
    read = bench.get(url)
    yield status(read, OK, where="GET of the student after the refused DELETE")
