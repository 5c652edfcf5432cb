"""`--edfi-mask-people`: no name, birth date or id of a student in anything that is written."""

from __future__ import annotations

import json
import logging
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from pytest_edfi_cte.logs import cleaned
from pytest_edfi_cte.people import PERSON, People
from tests.conftest import with_other_student
from tests.reporting import MIXED
from tests.test_report import HTML

PEOPLE = ("222222", "Madison", "Johnson", "2001-01-01")
OWN = """
import json, logging
def test_shows_all(edfi_session, edfi_new_student, edfi_enrollment, request):
    student = edfi_new_student(lastSurname="O'Neill Smith", birthCity="Spring" + "field")
    built = edfi_new_student.build(firstName="Zoë")
    found = edfi_session.get("/ed-fi/students", params={"lastSurname": "O'Neill Smith"})
    logging.getLogger("own").warning("made %s", student)
    print(student, built)
    with open("seen.txt", "w") as stream:
        json.dump([student.body["studentUniqueId"], student.body["firstName"]], stream)
    assert student == 0
"""
ARGUMENTS = (
    "--junitxml=junit.xml",
    "-vvv",
    "--showlocals",
    "--log-file=run.log",
    "--log-level=DEBUG",
    "--setup-show",
    "--edfi-report=pack",
    *HTML,
)


def everything(pytester, result) -> str:
    files = [
        p
        for p in pytester.path.rglob("*")
        if p.is_file() and p.suffix in (".html", ".xml", ".log", ".json", ".csv", ".md", ".svg")
    ]
    assert len(files) >= 9
    texts = [p.read_text() for p in files if ".pytest_cache" not in p.parts]
    return "\n".join([*texts, result.stdout.str(), result.stderr.str()])


def test_nothing_that_is_written_tells_who_a_student_is(new_sandbox, kit, pytester) -> None:
    pytester.makepyfile(test_own=OWN)
    arguments = (*ARGUMENTS, "--edfi-set=student.firstName=Ada")
    text = everything(pytester, kit.run(new_sandbox(MIXED[0]), *arguments))
    assert "Ada" in text
    seen = json.loads((pytester.path / "seen.txt").read_text())
    assert all(
        value in text
        for value in (*PEOPLE[:1], *PEOPLE[2:], *seen, "O'Neill", "Zoë", "Springfield")
    )
    for folder in ("pack", "seen.txt"):
        assert (pytester.path / folder).exists()
    text = everything(pytester, kit.run(new_sandbox(MIXED[0]), *arguments, "--edfi-mask-people"))
    seen = json.loads((pytester.path / "seen.txt").read_text())
    for value in (
        *PEOPLE,
        *seen,
        "Ada",
        "O'Neill Smith",
        quote("O'Neill Smith"),
        "O&#39;Neill",
        "Zoë",
        "Springfield",
    ):
        assert value not in text, value
    assert PERSON in text
    # What is no person's stays.
    for value in ("255901001", "Career and Technical Education", "2026-08-23"):
        assert value in text, value
    assert (
        json.loads((pytester.path / "pack" / "results.json").read_text())["runs"][0]["masked"]
        is True
    )


@given(st.from_regex(r"\w([ '.-]?\w){0,9}", fullmatch=True))
def test_a_learned_value_is_masked_where_it_is_a_word(value) -> None:
    people = People()
    people.learn([{"student": {"firstName": value}}])
    assert people.clean(value) == PERSON
    # A key that is no word: the name "a" would rightly be masked in a key "a" too.
    assert people.clean(json.dumps({"%": value})) == json.dumps({"%": PERSON})


def test_a_part_of_another_word_is_no_person() -> None:
    people = People()
    people.learn({"firstName": "Ann", "studentUniqueId": 17, "schoolId": 5})
    assert people.clean("Annual 170 Ann 17 5") == f"Annual 170 {PERSON} {PERSON} 5"


def test_words_that_mean_something_elsewhere_are_masked_beside_their_name() -> None:
    people = People()
    text = '{"birthCity": "Grand \\" Bend", "nameOfInstitution": "Grand Bend High School"}'
    assert (
        people.clean(text)
        == f'{{"birthCity": "{PERSON}", "nameOfInstitution": "Grand Bend High School"}}'
    )


def test_only_students_numbers_are_personal() -> None:
    people = People()
    people.learn({"identificationCodes": [{"identificationCode": "255901"}]})
    people.learn({"studentIdentificationCodes": [{"identificationCode": "77"}, None]})
    people.learn_text("no json")
    people.learn({"firstName": " ", "lastSurname": True, "middleName": None})
    assert people.clean("255901 77 True") == f"255901 {PERSON} True"


def test_other_students_are_learned_from_what_the_api_shows(new_sandbox, kit, pytester) -> None:
    sandbox = with_other_student(new_sandbox())
    pytester.makepyfile(
        "def test_a(edfi_session): print(edfi_session.get('/ed-fi/students').json()); assert 0"
    )
    text = kit.run(sandbox, "-k", "test_a", "--edfi-mask-people").stdout.str()
    assert PERSON in text
    assert "604822" not in text
    assert "Example" not in text


def test_a_log_record_with_a_wrong_format_stays_as_it_was() -> None:
    with cleaned(lambda text: text.replace("secret", "***")):
        record = logging.getLogRecordFactory()("a", 20, "f", 1, "%d secret", ("x",), None)
        good = logging.getLogRecordFactory()("a", 20, "f", 1, "%s", ("secret",), None)
        plain = logging.getLogRecordFactory()("a", 20, "f", 1, "%s", ("x",), None)
    assert record.msg == "%d secret"
    assert (good.getMessage(), plain.args) == ("***", ("x",))
    assert logging.getLogRecordFactory()("a", 20, "f", 1, "secret", (), None).msg == "secret"
