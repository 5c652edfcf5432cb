"""Judging a product from records alone: no HTTP, no waiting."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.descriptors import DescriptorMap
from pytest_edfi_cte.observed import Before, ProductJudge
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.state import UNKNOWN, Fingerprints
from pytest_edfi_cte.tables import load
from pytest_edfi_cte.verdicts import MEANINGS

TABLE = load(shipped(), Settings(), "5.0")
SCHEMA = shipped().schema("5.0", TABLE.schema)
CREATE, UPDATE = TABLE.scenario("create"), TABLE.scenario("update")
JUDGE = ProductJudge(TABLE, SCHEMA)


def record(number: int = 1, step: str = "create", **changes):
    return {"id": f"{number:032x}", **TABLE.payload(step), **changes}


def other_student(number: int = 2):
    return record(number, studentReference={"studentUniqueId": "604822"})


def kinds(judgement) -> list[str]:
    return [finding.kind for finding in judgement.findings if not finding.ok]


def test_every_kind_of_a_product_has_its_own_words() -> None:
    said = [MEANINGS[kind][0] for kind in MEANINGS]
    products = {
        kind: words
        for kind, words in MEANINGS.items()
        if "product" in words[0] or kind in ("other-key", "key-namespace", "recreated")
    }
    assert len(products) >= 20
    assert len({words[0] for words in products.values()}) == len(products)
    assert all(said)


def test_a_right_create_and_a_right_update() -> None:
    first = JUDGE.created(CREATE, [record()])
    assert first.right
    assert not first.open
    assert len(first.findings) == 1 + len(TABLE.rows)
    before = Before(record()["id"], record())
    assert JUDGE.updated(UPDATE, before, [record(step="update")]).right


def test_nothing_is_open_and_a_near_miss_too() -> None:
    assert kinds(JUDGE.created(CREATE, [])) == ["not-sent"]
    assert JUDGE.created(CREATE, []).open
    near = JUDGE.created(CREATE, [record(beginDate="2026-08-24")])
    assert kinds(near) == ["other-key"]
    assert near.open


def test_given_other_students_too_it_names_the_student() -> None:
    """The witness of a sandbox sees them all, a host shows the one."""
    (finding,) = JUDGE.created(CREATE, [other_student()]).findings
    assert (finding.where, finding.expected, finding.received) == (
        f"studentReference.studentUniqueId (of {2:032x})",
        "222222",
        "604822",
    )


def test_the_nearest_misses_are_named_and_three_at_most() -> None:
    far = record(9, beginDate="2020-01-01", studentReference={"studentUniqueId": "1"})
    near = [record(n, beginDate=f"2026-08-{n}") for n in range(10, 15)]
    findings = JUDGE.created(CREATE, [far, *near]).findings
    assert [finding.where.partition(" ")[0] for finding in findings] == ["beginDate"] * 3


def test_known_records_are_neither_near_misses_nor_seconds() -> None:
    old = record(3, beginDate="2025-08-23")
    known = frozenset({old["id"]})
    assert kinds(JUDGE.created(CREATE, [old], known)) == ["not-sent"]
    assert JUDGE.created(CREATE, [old, record()], known).right
    assert kinds(JUDGE.created(CREATE, [old, record()], frozenset())) == ["second-record"]


def test_the_key_is_found_under_another_type_and_judged() -> None:
    loose = record(studentReference={"studentUniqueId": 222222})
    assert kinds(JUDGE.created(CREATE, [loose])) == ["supplied-type"]


def test_two_under_one_key() -> None:
    both = [record(1), record(2)]
    judgement = JUDGE.created(CREATE, both)
    assert kinds(judgement) == ["sent-twice"]
    assert not judgement.open
    before = Before(both[0]["id"], both[0])
    assert kinds(JUDGE.updated(UPDATE, before, [record(step="update"), both[1]])) == ["sent-twice"]


def test_a_mapped_program_type_is_the_tables() -> None:
    stored = "uri://state.example/ProgramTypeDescriptor#CTE"
    wanted = TABLE.payload("create")["programReference"]["programTypeDescriptor"]
    mapped = record()
    mapped["programReference"]["programTypeDescriptor"] = stored
    assert kinds(JUDGE.created(CREATE, [mapped])) == ["other-key"]
    mapping = DescriptorMap({stored: wanted})
    assert mapping.stored_as(wanted) == [wanted, stored]
    judge = ProductJudge(TABLE, SCHEMA, accepts=mapping.accepts())
    assert judge.created(CREATE, [mapped]).right


def test_a_mapping_does_not_hide_a_change() -> None:
    """Both values may count as the table's; an update has still no business to change one."""
    name = "technicalSkillsAssessmentDescriptor"
    stored = "uri://state.example/TechnicalSkillsAssessmentDescriptor#P"
    mapping = DescriptorMap({stored: TABLE.payload("create")[name]})
    judge = ProductJudge(TABLE, SCHEMA, accepts=mapping.accepts())
    before = Before(record()["id"], record())
    after = record(step="update", **{name: stored})
    assert kinds(judge.updated(UPDATE, before, [after])) == ["also-changed"]


def test_the_place_of_services_does_not_matter() -> None:
    health = {
        "cteProgramServiceDescriptor": "uri://ed-fi.org/CTEProgramServiceDescriptor#Health Science"
    }
    first = record()
    first["cteProgramServices"].append(health)
    after = record(step="update")
    after["cteProgramServices"].insert(0, health)
    before = Before(first["id"], first)
    assert kinds(JUDGE.updated(UPDATE, before, [after])) == ["supplied-extra"]


def test_what_a_host_keeps_may_change() -> None:
    before = Before(record()["id"], record(_etag="1", _lastModifiedDate="x"))
    after = record(step="update", _etag="2", _lastModifiedDate="y")
    assert JUDGE.updated(UPDATE, before, [after]).right


def test_the_model_judges_what_the_table_does_not_name() -> None:
    validator = shipped().validator("5.0", TABLE.schema)
    judge = ProductJudge(TABLE, SCHEMA, validator=validator)
    loose = record(servedOutsideOfRegularSession="no", _lastModifiedDate="yesterday")
    judgement = judge.created(CREATE, [loose])
    assert [(f.kind, f.where) for f in judgement.findings if not f.ok] == [
        ("supplied-type", "servedOutsideOfRegularSession")
    ]


@pytest.mark.parametrize("value", [1, "false", None, 0])
def test_the_indicator_is_a_boolean(value) -> None:
    after = record()
    after["cteProgramServices"][0]["primaryIndicator"] = value
    before = Before(record()["id"], record())
    judgement = JUDGE.updated(UPDATE, before, [after])
    assert kinds(judgement) == ["supplied-null" if value is None else "supplied-type"]
    assert not judgement.open


def test_true_and_1_are_a_change_of_another_property() -> None:
    before = Before(record()["id"], record())
    after = record(step="update", nonTraditionalGenderStatus=1)
    assert kinds(JUDGE.updated(UPDATE, before, [after])) == ["also-changed"]


def test_whether_it_is_updated_already() -> None:
    assert not JUDGE.is_updated(UPDATE, Before("1", record()))
    assert JUDGE.is_updated(UPDATE, Before("1", record(step="update")))
    assert not JUDGE.is_updated(UPDATE, Before("1", record(cteProgramServices=None)))


SALT = "00" * 16
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False)
)
RECORDS = st.dictionaries(
    st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=5),
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3), max_leaves=6),
    max_size=5,
)


@given(RECORDS)
def test_fingerprints_tell_equal_from_different_and_come_back(body) -> None:
    prints = Fingerprints(SALT, ())
    view = prints.view(body)
    assert view == Fingerprints(SALT, ()).view(deepcopy(body))
    shown = prints.shown(view)
    assert shown == {k: v for k, v in body.items() if k != "id"}
    for name in view:
        if isinstance(body[name], bool):
            assert view[name] != prints.view({name: int(body[name])})[name]


def test_a_fingerprint_of_something_unseen_stays_unknown() -> None:
    view = Fingerprints(SALT, ()).view({"a": "Ola", "b": True, "c": 1.0})
    other = Fingerprints(SALT, ())
    assert other.shown(view) == {"a": UNKNOWN, "b": True, "c": UNKNOWN}
    assert other.view({"c": 1})["c"] == view["c"]
    assert Fingerprints("11" * 16, ()).view({"a": "Ola"})["a"] != view["a"]


def test_what_is_hidden_or_kept_by_the_api_leaves_no_print() -> None:
    hidden = TABLE.natural_key.values()
    view = Fingerprints(SALT, hidden).view(record(_etag="1", link={}))
    assert set(view) == {
        "nonTraditionalGenderStatus",
        "privateCTEProgram",
        "technicalSkillsAssessmentDescriptor",
        "cteProgramServices",
    }
