"""The judge and its words, without any HTTP."""

from __future__ import annotations

import copy
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edfi_cte.client.exchange import Exchange
from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.differences import judge_unchanged
from pytest_edfi_cte.errors import NonConformance
from pytest_edfi_cte.judge import Kind, judge_modified, judge_record, judge_schema
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.tables import load
from pytest_edfi_cte.verdicts import MEANINGS, conclude, show

SCHEMA = shipped().schema("5.0", "studentCTEProgramAssociation")
VALIDATOR = shipped().validator("5.0", "studentCTEProgramAssociation")
CHANGES = "cteProgramServices.primaryIndicator"
CREATE = load(shipped(), Settings(), "5.0").scenario("create")


def record(**changes):
    return {"id": "1", **copy.deepcopy(CREATE.payload), **changes}


def wrong(findings):
    return [(f.where, f.kind) for f in findings if not f.ok]


def test_the_record_that_was_sent_is_right() -> None:
    findings = judge_record(CREATE, record(), SCHEMA)
    assert wrong(findings) == []
    assert len(findings) == len(CREATE.table.rows)
    assert wrong(judge_schema(VALIDATOR, record(), "schema")) == []


@given(st.permutations(list(record())))
def test_order_of_properties_does_not_matter(names) -> None:
    shuffled = {name: record()[name] for name in names}
    assert wrong(judge_record(CREATE, shuffled, SCHEMA)) == []


@given(
    st.sampled_from([row for row in CREATE.table.rows if "." not in row.path]),
    st.none() | st.booleans() | st.integers() | st.text() | st.just([]) | st.just({}),
)
def test_any_other_value_of_a_property_is_found(row, value) -> None:
    from pytest_edfi_cte.compare import same_json

    changed = record(**{row.path: value})
    found = [where for where, _ in wrong(judge_record(CREATE, changed, SCHEMA))]
    if same_json(value, record()[row.path]):
        assert found == []
    else:
        assert any(where.startswith(row.path) for where in found)


@pytest.mark.parametrize("body", [None, [], "text", 5])
def test_a_record_that_is_no_object(body) -> None:
    assert wrong(judge_record(CREATE, body, SCHEMA))[0][0] == "record"


def test_services_are_matched_by_descriptor_in_any_order() -> None:
    other = {"cteProgramServiceDescriptor": "uri://ed-fi.org/CTEProgramServiceDescriptor#Finance"}
    services = record()["cteProgramServices"]
    found = wrong(judge_record(CREATE, record(cteProgramServices=[other, *services]), SCHEMA))
    assert found == [("cteProgramServices[Finance]", "extra")]


def test_services_that_are_no_objects_are_extra() -> None:
    found = wrong(
        judge_record(
            CREATE, record(cteProgramServices=[5, *record()["cteProgramServices"]]), SCHEMA
        )
    )
    assert found == [("cteProgramServices[0]", "extra")]


def test_case_is_accepted_where_the_api_says_so() -> None:
    name = "technicalSkillsAssessmentDescriptor"
    lower = record(**{name: record()[name].replace("#Passed", "#passed")})
    assert wrong(judge_record(CREATE, lower, SCHEMA)) == [(name, "case")]
    assert (
        wrong(judge_record(CREATE, lower, SCHEMA, lambda one, other: one.lower() == other.lower()))
        == []
    )


def test_service_in_another_namespace_is_one_finding() -> None:
    services = record()["cteProgramServices"]
    services[0]["cteProgramServiceDescriptor"] = (
        "uri://tx.example/CTEProgramServiceDescriptor#Information Technology"
    )
    found = wrong(judge_record(CREATE, record(cteProgramServices=services), SCHEMA))
    assert found == [
        ("cteProgramServices[Information Technology].cteProgramServiceDescriptor", "namespace")
    ]


@pytest.mark.parametrize(
    ("changes", "where", "kind"),
    [
        ({"beginDate": "2026-08-23T00:00:00"}, "beginDate", "schema"),
        ({"studentReference": {}}, "studentReference.studentUniqueId", "missing"),
        ({"privateCTEProgram": "no"}, "privateCTEProgram", "wrong-type"),
        (
            {"cteProgramServices": [{"cteProgramServiceDescriptor": "uri://x/Y#Z", "cipCode": ""}]},
            "cteProgramServices[Z].cipCode",
            "schema",
        ),
        (
            {"cteProgramServices": [{}]},
            "cteProgramServices[0].cteProgramServiceDescriptor",
            "missing",
        ),
        (
            {"programReference": {**record()["programReference"], "link": {"rel": 5}}},
            "programReference.link.rel",
            "wrong-type",
        ),
    ],
)
def test_schema_findings_name_the_property(changes, where, kind) -> None:
    assert (where, kind) in wrong(judge_schema(VALIDATOR, record(**changes), "schema"))


REQUIRED = {
    "": ["beginDate", "educationOrganizationReference", "programReference", "studentReference"],
    "programReference": ["educationOrganizationId", "programName", "programTypeDescriptor"],
}


@pytest.mark.parametrize(("part", "names"), REQUIRED.items(), ids=["root", "nested"])
@given(data=st.data())
def test_each_missing_property_is_named_once(part, names, data) -> None:
    gone = data.draw(st.sets(st.sampled_from(names)))
    body = record()
    for name in gone:
        del (body[part] if part else body)[name]
    assert sorted(wrong(judge_schema(VALIDATOR, body, "schema"))) == sorted(
        (f"{part}.{name}".lstrip("."), "missing") for name in gone
    )


def test_each_missing_property_is_named_once_in_each_element_and_optional_reference() -> None:
    validator = shipped().validator("5.0", "graduationPlan")
    body = {
        "graduationPlanTypeDescriptor": "uri://x/Y#Z",
        "educationOrganizationReference": {"educationOrganizationId": 1},
        "graduationSchoolYearTypeReference": {"schoolYear": 2027},
        "totalRequiredCredits": 28,
        "creditsBySubjects": [{}, {}],
    }
    assert wrong(judge_schema(validator, body, "schema")) == [
        (f"creditsBySubjects[{n}].{name}", "missing")
        for n in range(2)
        for name in ("academicSubjectDescriptor", "credits")
    ]
    validator = shipped().validator("5.0", "studentSchoolAssociation")
    body = {
        "entryDate": "2026-08-23",
        "entryGradeLevelDescriptor": "uri://x/Y#Z",
        "schoolReference": {"schoolId": 1},
        "studentReference": {"studentUniqueId": "1"},
        "calendarReference": {"schoolYear": 2027},
    }
    assert wrong(judge_schema(validator, body, "schema")) == [
        ("calendarReference.calendarCode", "missing"),
        ("calendarReference.schoolId", "missing"),
    ]


def test_schema_of_an_optional_reference_looks_inside() -> None:
    validator = shipped().validator("5.0", "school")
    body = {
        "schoolId": 1,
        "nameOfInstitution": "A",
        "gradeLevels": [],
        "educationOrganizationCategories": [],
        "localEducationAgencyReference": {"localEducationAgencyId": "x"},
    }
    assert wrong(judge_schema(validator, body, "schema")) == [
        ("localEducationAgencyReference.localEducationAgencyId", "wrong-type")
    ]


def unchanged(before, after):
    return wrong(judge_unchanged(before, after, CHANGES, SCHEMA))


def test_without_a_change_every_difference_of_two_reads_counts() -> None:
    other = record(privateCTEProgram=True)
    assert wrong(judge_unchanged(record(), record(), "", SCHEMA)) == []
    assert wrong(judge_unchanged(record(), other, "", SCHEMA)) == [("privateCTEProgram", "changed")]


def test_nothing_else_changed() -> None:
    before = record(_etag="1", _lastModifiedDate="a", _lineage=1)
    after = record(_etag="2", _lastModifiedDate="b")
    after["cteProgramServices"][0]["primaryIndicator"] = False
    after["programReference"]["link"] = {"rel": "Program", "href": "/x"}
    assert unchanged(before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"x": 1}, {}, [("x", "lost")]),
        ({"x": 1}, {"x": None}, [("x", "lost")]),
        ({}, {"x": 1}, [("x", "appeared")]),
        ({"x": 1}, {"x": True}, [("x", "changed")]),
        ({"x": None}, {}, [("x", "lost")]),
        ({"x": []}, {}, [("x", "lost")]),
        ({"x": [1, 2]}, {"x": [2, 1]}, []),
        ({"x": [1]}, {"x": [True]}, [("x[]", "lost"), ("x[]", "appeared")]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [("a.b", "changed")]),
        ({"a": {"b": 1}}, {"a": 5}, [("a", "changed")]),
    ],
)
def test_differences_between_two_reads(before, after, expected) -> None:
    assert unchanged(before, after) == expected


def test_elements_of_a_collection_are_compared_by_key() -> None:
    it, finance = "uri://x/D#IT", "uri://x/D#Finance"
    one = {
        "cteProgramServices": [
            {"cteProgramServiceDescriptor": it, "cipCode": "1"},
            {"cteProgramServiceDescriptor": finance},
        ]
    }
    other = {
        "cteProgramServices": [
            {"cteProgramServiceDescriptor": finance},
            {"cteProgramServiceDescriptor": it, "cipCode": "2"},
        ]
    }
    assert unchanged(one, other) == [("cteProgramServices[IT].cipCode", "changed")]
    del other["cteProgramServices"][0]
    other["cteProgramServices"].append({"cteProgramServiceDescriptor": "uri://x/D#New"})
    assert unchanged(one, other) == [
        ("cteProgramServices[IT].cipCode", "changed"),
        ("cteProgramServices[Finance]", "lost"),
        ("cteProgramServices[New]", "appeared"),
    ]


def test_every_kind_of_finding_has_its_words() -> None:
    assert set(get_args(Kind)) - {"ok"} == set(MEANINGS)


def test_the_failure_reads_as_people_need_it() -> None:
    changed = record()
    changed["cteProgramServices"][0]["primaryIndicator"] = "true"
    changed["privateCTEProgram"] = None
    url = "https://host/data/v3/ed-fi/studentCTEProgramAssociations"
    exchanges = [
        Exchange("GET", f"{url}?studentUniqueId=222222", 200, response_body="[]"),
        Exchange("POST", url, 201),
        Exchange("GET", "https://host/data/v3/ed-fi/programs", 200, response_body="[1]"),
        Exchange("GET", f"{url}/1", 200, response_body='{"id":\n "1"}'),
    ]
    with pytest.raises(NonConformance) as caught:
        conclude(CREATE, judge_record(CREATE, changed, SCHEMA), exchanges)
    assert str(caught.value).splitlines() == [
        "Scenario 1 (Create a Student CTE Program Association for a high school student) failed: a value that was sent reads back as null.",
        "  privateCTEProgram",
        "    expected  false  (boolean, REQUIRED by the certification table)",
        "    received  null  (null)",
        "  cteProgramServices[Information Technology].primaryIndicator",
        "    expected  true  (boolean, REQUIRED by the certification table)",
        '    received  "true"  (string)',
        f"  POST {url} → 201",
        f"  GET {url}/1 → 200",
        '  Answer to the GET: {"id": "1"}',
        "  Next: Store the property and return the value that was sent.",
        '  Next: Return a value with the JSON type of the API model: true is not 1, 1 is not "1".',
    ]


def test_a_right_record_concludes_silently() -> None:
    conclude(CREATE, judge_record(CREATE, record(), SCHEMA), [])


def test_long_values_are_shortened() -> None:
    assert show("x" * 300).endswith("… (302 chars)")
    assert show("x" * 50) == '"' + "x" * 50 + '"'


def test_the_date_of_the_last_change_is_one_where_no_model_says_so() -> None:
    name = "_lastModifiedDate"
    older = shipped().schema("4.0", "studentCTEProgramAssociation")
    newer = shipped().schema("5.0", "studentCTEProgramAssociation")
    assert judge_modified({name: "2026-11-25T11:10:12.217251Z"}, older) == []
    assert judge_modified({}, older) == []
    assert judge_modified({name: "yesterday"}, newer) == []  # there the schema says it
    (finding,) = judge_modified({name: "yesterday"}, older)
    assert (finding.where, finding.expected) == (name, "a date and time (RFC 3339)")
