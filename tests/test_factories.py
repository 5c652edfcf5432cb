"""Factories: fictional, schema-valid, repeatable, cleaned up, and never over what exists."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.factories import Fiction, Recipes
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.tables import load
from tests.conftest import state

TABLE = load(shipped(), Settings(), "5.0")


def recipes() -> Recipes:
    return Recipes(
        TABLE, lambda name, code: f"uri://ed-fi.org/{shipped().descriptor_names[name]}#{code}"
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9), st.text(max_size=20))
def test_built_records_are_schema_valid_and_repeatable(seed, test) -> None:
    schemas = {
        "student": "student",
        "program": "program",
        "education_organization": "localEducationAgency",
    }
    for name, schema in schemas.items():
        one = getattr(recipes(), name)(Fiction(seed, lambda: test).next())
        again = getattr(recipes(), name)(Fiction(seed, lambda: test).next())
        assert one == again
        for standard in ("4.0", "5.0"):
            assert not list(shipped().validator(standard, schema).iter_errors(one))


def test_records_differ_by_number_test_and_seed() -> None:
    fiction = Fiction(1, lambda: "a")
    fakes = [
        fiction.next(),
        fiction.next(),
        Fiction(1, lambda: "b").next(),
        Fiction(2, lambda: "a").next(),
    ]
    assert len({json.dumps(recipes().student(fake)) for fake in fakes}) == 4


def run(kit, sandbox, body: str, *arguments: str):
    before = state(sandbox)
    kit.pytester.makepyfile(body)
    result = kit.run(sandbox, "-k", "not edfi_certification", *arguments)
    assert state(sandbox) == before
    return result


def test_every_factory_creates_in_the_api_and_cleans_up(sandbox, kit) -> None:
    result = run(
        kit,
        sandbox,
        """
        import pytest
        NAMES = ["student", "enrollment", "cte_association", "program", "education_organization"]
        @pytest.mark.parametrize("name", NAMES)
        def test_new(name, request, edfi_session):
            factory = request.getfixturevalue(f"edfi_new_{name}")
            one, two = factory(), factory()
            assert one.created and two.created and one.id != two.id
            assert one.body != two.body and len(one) == len(list(one))
            assert name in ("student", "education_organization") or edfi_session.get(one.url).status_code == 200
            assert factory.resource in repr(one) and one.id in repr(one)
        """,
    )
    result.assert_outcomes(passed=5, deselected=2)


def test_overrides_replace_and_remove_properties(sandbox, kit) -> None:
    run(
        kit,
        sandbox,
        """
        def test_overrides(edfi_new_student, edfi_new_enrollment, edfi_new_cte_association):
            student = edfi_new_student(firstName="Ada", middleName=None)
            assert student["firstName"] == "Ada" and "middleName" not in student
            number = student["studentUniqueId"]
            reference = {"studentUniqueId": number}
            enrollment = edfi_new_enrollment(studentReference=reference, **{"schoolReference.schoolId": 255901044})
            assert enrollment["schoolReference"] == {"schoolId": 255901044}
            edfi_new_enrollment(**{"studentReference.studentUniqueId": number})
            association = edfi_new_cte_association(studentReference=reference, endDate="2027-05-23")
            assert association["endDate"] == "2027-05-23"
        """,
    ).assert_outcomes(passed=1, deselected=2)


def test_build_sends_nothing(sandbox, kit) -> None:
    run(
        kit,
        sandbox,
        """
        def test_build(edfi_new_student, edfi_new_enrollment, edfi_session):
            mark = len(edfi_session.recorder)
            assert edfi_new_student.build(firstName="Ada")["firstName"] == "Ada"
            assert len(edfi_new_enrollment.build()["studentReference"]["studentUniqueId"]) == 9
            assert len(edfi_session.recorder) == mark
        """,
    ).assert_outcomes(passed=1, deselected=2)


def test_the_same_seed_makes_the_same_students(sandbox, kit) -> None:
    body = """
        def test_seed(edfi_new_student):
            print("made", [edfi_new_student()["lastSurname"] for _ in range(3)])
    """
    runs = [run(kit, sandbox, body, "-s", f"--edfi-seed={seed}").stdout.str() for seed in (7, 7, 8)]
    made = [next(line for line in text.splitlines() if "made" in line) for text in runs]
    assert made[0] == made[1] != made[2]


def test_an_existing_key_is_passed_over_and_left_alone(sandbox, kit) -> None:
    """The first fictional number is taken by a real student: the next one is used."""
    kit.pytester.makepyfile(
        "def test_a(edfi_new_student): print('number', edfi_new_enrollment.build)"
    )
    taken = recipes().student(Fiction(7, lambda: "test_x.py::test_taken").next())
    enrollment = {
        "studentReference": {"studentUniqueId": taken["studentUniqueId"]},
        "schoolReference": {"schoolId": 255901001},
        "entryDate": "2026-08-31",
        "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Ninth grade",
    }
    sandbox.load("students", [taken])
    sandbox.load("studentSchoolAssociations", [enrollment])
    before = state(sandbox)
    body = f"def test_taken(edfi_new_student):\n    assert edfi_new_student()['studentUniqueId'] != {taken['studentUniqueId']!r}\n"
    kit.pytester.makepyfile(test_x=body)
    kit.run(sandbox, "--edfi-seed=7", "test_x.py::test_taken").assert_outcomes(passed=1)
    assert state(sandbox) == before


def test_no_free_key_is_not_testable(sandbox, kit) -> None:
    result = run(
        kit, sandbox, "def test_taken(edfi_new_student): edfi_new_student(studentUniqueId='604822')"
    )
    result.assert_outcomes(failed=1, deselected=2)
    result.stdout.fnmatch_lines(
        ["not testable: no free key for a new student: 20 fictional ones exist already*"]
    )


def test_an_unknown_property_is_said(sandbox, kit) -> None:
    result = run(
        kit, sandbox, "def test_wrong(edfi_new_student): edfi_new_student(firstname='Ada')"
    )
    result.assert_outcomes(failed=1, deselected=2)
    result.stdout.fnmatch_lines(
        ["not testable: student: students has no property 'firstname'; it has *firstName*"]
    )
