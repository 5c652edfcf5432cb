"""The assertions that users call in tests of their own: offline, and inside a run."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

import pytest_edfi_cte
from pytest_edfi_cte import ABSENT, assert_conforms, assert_only_changed, assert_record
from pytest_edfi_cte.client.exchange import Exchange, Recorder
from pytest_edfi_cte.errors import NonConformance, NotTestable
from pytest_edfi_cte.secret import Redactor
from tests.conftest import SERVICE, association

TWO = [
    {"cteProgramServiceDescriptor": SERVICE + "Health Science", "primaryIndicator": True},
    {"cteProgramServiceDescriptor": SERVICE + "Marketing", "primaryIndicator": False},
]


def answer(content: object, status: int = 200, method: str = "GET") -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.url = "https://u:pw@host.example/ed-fi/studentCTEProgramAssociations/1"
    response._content = content if isinstance(content, bytes) else json.dumps(content).encode()
    response.request = requests.Request(method, response.url).prepare()
    return response


def told(call, *given, **named) -> str:
    """The text of the failure."""
    with pytest.raises(NonConformance) as raised:
        call(*given, **named)
    return str(raised.value)


@pytest.mark.parametrize("name", ["studentCTEProgramAssociation", "studentCTEProgramAssociations"])
@pytest.mark.parametrize(
    "given",
    [
        association(),
        [association(), association("1")],
        [],
        answer(association()),
        Exchange("GET", "https://host", 200, response_body=json.dumps(association())),
    ],
    ids=["record", "records", "no records", "response", "exchange"],
)
def test_what_fits_the_schema_conforms(given, name) -> None:
    assert_conforms(given, name)
    assert_conforms(given, name, data_standard="4.0")


def test_what_does_not_fit_is_told_with_property_type_and_exchange() -> None:
    text = told(assert_conforms, answer(association(beginDate=5)), "studentCTEProgramAssociation")
    assert text.splitlines() == [
        "The check failed: a value comes back with another JSON type.",
        "  beginDate",
        "    expected  string  (by the API model, Data Standard 5.0)",
        "    received  5  (number)",
        "  GET https://host.example/ed-fi/studentCTEProgramAssociations/1 → 200",
        f"  Answer to the GET: {json.dumps(association(beginDate=5))}",
        '  Next: Return a value with the JSON type of the API model: true is not 1, 1 is not "1".',
    ]


def test_of_several_records_the_wrong_one_is_named() -> None:
    second = association()
    del second["studentReference"]
    text = told(assert_conforms, [association(), second], "studentCTEProgramAssociation")
    assert "  [1].studentReference\n    expected  present" in text
    assert "received  nothing: the property is absent" in text


def test_each_missing_property_is_told_once() -> None:
    given = association()
    del given["programReference"], given["educationOrganizationReference"]
    text = told(assert_conforms, given, "studentCTEProgramAssociation")
    for name in ("programReference", "educationOrganizationReference"):
        assert text.count(f"  {name}\n    expected  present") == 1, text


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (answer({"detail": "Gone."}, 404), '    received  "404: Gone."  (string)'),
        (
            answer(b"<html>"),
            "    received  not JSON (Expecting value: line 1 column 1 (char 0)): <html>",
        ),
        (answer(b""), "    received  an empty body"),
        (answer(5), "    received  5  (number)"),
        (
            Exchange("GET", "https://host", None, error="refused"),
            '    received  "refused"  (string)',
        ),
        (Exchange("GET", "https://host", 500), "    received  500  (number)"),
    ],
)
def test_an_answer_that_is_no_record_is_a_finding(given, line) -> None:
    assert line in told(assert_conforms, given, "student").splitlines()
    assert line in told(assert_record, given, {"id": "1"}).splitlines()
    assert line in told(assert_only_changed, association(), given, "endDate").splitlines()


@pytest.mark.parametrize(
    ("given", "name", "words"),
    [
        (
            association(),
            "studentCTEProgramAsociation",
            "did you mean 'studentCTEProgramAssociation'",
        ),
        (answer(b"", 201, "POST"), "student", "the answer to the POST has no body, which is usual"),
    ],
)
def test_what_cannot_be_judged_is_not_testable(given, name, words) -> None:
    with pytest.raises(NotTestable, match=words):
        assert_conforms(given, name)


def test_an_exchange_that_was_cut_is_no_fault_of_the_api() -> None:
    recorder = Recorder(Redactor())
    for size in (20_000, 40_000):
        body = json.dumps([{"id": "a" * size}, {"id": "b" * size}])
        recorder.add(Exchange("GET", "https://host/students", 200, response_body=body))
    whole, cut = recorder.since(0)
    assert (whole.is_cut, cut.is_cut) == (False, True)
    assert "[0].birthDate" in told(assert_conforms, whole, "student")
    with pytest.raises(
        NotTestable, match="assert_conforms: the evidence keeps 64 KiB of the answer"
    ):
        assert_conforms(cut, "student")


def test_a_data_standard_that_is_not_there() -> None:
    with pytest.raises(NotTestable, match="no Data Standard '3.3' here; known: 4.0 and 5.0"):
        assert_conforms({}, "student", data_standard="3.3")


def test_a_record_has_what_is_expected() -> None:
    stored = association(cteProgramServices=TWO, endDate=None, _etag="1")
    expected = {"cteProgramServices": TWO[::-1], "studentReference": {"studentUniqueId": "604822"}}
    assert_record(stored, {**expected, "endDate": ABSENT, "serviceBeginDate": ABSENT})
    assert_record(answer(stored), expected)
    assert_record(stored, {"endDate": None})


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (
            {"beginDate": "2026-08-24"},
            ["  beginDate", '    expected  "2026-08-23"  (string, by this test)'],
        ),
        ({"studentReference": {"studentUniqueId": 604822}}, ["    received  604822  (number)"]),
        ({"studentReference": "604822"}, ["    expected  {\"studentUniqueId\": \"604822\"}  (an object, by this test)"]),
        ({"cteProgramServices": TWO[:1]}, ["  cteProgramServices[Marketing]", "    received  nothing: the property is absent"]),
        ({"cteProgramServices": [*TWO, TWO[1]]}, ["  cteProgramServices[Marketing]", "    expected  once  (by this test)"]),
        ({"cteProgramServices": [{**TWO[0], "primaryIndicator": 1}, TWO[1]]}, ["  cteProgramServices[Health Science].primaryIndicator", "    received  1  (number)"]),
        ({"cteProgramServices": None}, ["    received  null  (null)"]),
        ({"endDate": "2027-01-01"}, ["  endDate", "    expected  not there  (by this test)"]),
    ],
)  # fmt: skip
def test_what_a_record_lacks_is_told(changes, lines) -> None:
    expected = {**association(cteProgramServices=TWO), "endDate": ABSENT}
    text = told(assert_record, association(cteProgramServices=TWO) | changes, expected)
    for line in lines:
        assert line in text.splitlines(), text


CTE = "studentCTEProgramAssociation"
MISSPELT = "its name is like another's."


@pytest.mark.parametrize("resource", ["", CTE])
@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ({"beginDat": "2026-08-23"}, "string, by this test; did you mean 'beginDate'?)"),
        ({"studentReference": {"studentUniqueID": "604822"}}, "did you mean 'studentUniqueId'?)"),
    ],
)
def test_a_misspelt_name_is_told_with_the_one_that_is_meant(expected, line, resource) -> None:
    text = told(assert_record, association(), expected, resource)
    assert MISSPELT in text.splitlines()[0]
    assert line in text
    assert "If the test has misspelt it, correct the test; else" in text


def test_a_misspelt_name_in_a_collection_or_of_what_is_absent() -> None:
    stored = association(cteProgramServices=TWO)
    assert "endDate" not in stored
    text = told(assert_record, stored, {"endDat": "2027-05-23"}, CTE)
    assert "did you mean 'endDate'?)" in text
    service = {**TWO[0], "primaryIndicater": True}
    text = told(assert_record, stored, {"cteProgramServices": [service, TWO[1]]})
    assert "  cteProgramServices[Health Science].primaryIndicater\n" in text
    assert "did you mean 'primaryIndicator'?)" in text


@pytest.mark.parametrize(
    ("stored", "expected", "resource"),
    [
        (association(), {"endDate": "2027-05-23"}, ""),
        (association(), {"endDate": "2027-05-23"}, CTE),
        ({"beginDat": "2026-08-23"}, {"beginDate": "2026-08-23"}, CTE),
        (association(), {"somethingElse": 1}, CTE),
    ],
)
def test_what_the_model_has_or_is_like_nothing_is_missing(stored, expected, resource) -> None:
    text = told(assert_record, stored, expected, resource)
    assert "a value that was sent is missing from the stored record" in text
    assert "did you mean" not in text


def test_what_must_not_be_there_is_told_in_words_that_fit_a_value_and_an_element() -> None:
    text = told(assert_record, association(), {"beginDate": ABSENT})
    assert text.splitlines()[:3] == [
        "The check failed: the stored record has a value or an element that should not be there.",
        "  beginDate",
        "    expected  not there  (by this test)",
    ]
    assert text.endswith("store what was sent and nothing else.")
    assert "A write replaces the whole record, collections too" in text


def test_a_property_that_the_model_lacks_conforms() -> None:
    """The API guidelines let an API return more than the model; who minds says so."""
    assert_conforms(association(beginDat="2026-08-23"), CTE)
    told(assert_record, association(beginDat="2026-08-23"), {"beginDat": ABSENT})


def test_extra_elements_are_found_by_the_key_of_any_resource() -> None:
    assert_record({"tags": ["a", "b"]}, {"tags": ["b", "a"]})
    assert "  tags[c]\n    expected  not there" in told(
        assert_record, {"tags": ["c"]}, {"tags": []}
    )
    assert_record({"things": [{"a": 1, "b": 2}]}, {"things": [{"a": 1}]})
    text = told(assert_record, {"things": [{"a": 1}]}, {"things": [{"a": True}]})
    assert '  things[0]\n    expected  {"a": true}' in text


def test_the_resource_can_be_named() -> None:
    assert_record(
        {"cteProgramServices": TWO}, {"cteProgramServices": TWO}, "studentCTEProgramAssociations"
    )
    with pytest.raises(NotTestable, match="no resource 'x'"):
        assert_record({}, {}, "x")


def test_only_the_change_was_made() -> None:
    before = association(cteProgramServices=TWO, _etag="1")
    after = copy.deepcopy(before) | {"_etag": "2"}
    after["cteProgramServices"][0]["primaryIndicator"] = False
    path = "cteProgramServices.primaryIndicator"
    assert_only_changed(before, answer(after), path)
    after["endDate"] = "2027-05-23"
    assert_only_changed(before, after, [path, "endDate"])
    text = told(assert_only_changed, before, after, path)
    assert "failed: the update added a value that nobody sent." in text
    assert "  endDate\n    expected  absent" in text


def test_nothing_was_changed() -> None:
    text = told(assert_only_changed, association(), answer(association()), "beginDate")
    assert "The check failed: the update was accepted but not stored." in text
    assert "  beginDate\n    expected  changed  (by this test)\n    received  unchanged" in text
    assert "  GET https://host.example/ed-fi/" in text


def test_two_reads_must_be_records() -> None:
    text = told(assert_only_changed, [association()], association(), "beginDate")
    assert "    received  array and object" in text


TESTS = """
import pytest
from pytest_edfi_cte import assert_conforms, assert_only_changed, assert_record

def test_good(edfi_cte_association, edfi_session):
    answer = edfi_session.get(edfi_cte_association.url)
    assert_conforms(answer, "studentCTEProgramAssociation")
    assert_record(answer, edfi_cte_association.body)
    assert_record(edfi_cte_association, {"beginDate": edfi_cte_association["beginDate"]})

def test_bad(edfi_cte_association, edfi_session):
    answer = edfi_session.get(edfi_cte_association.url)
    assert_record(answer, {"cteProgramServices": [{"cteProgramServiceDescriptor": "x"}]})

def test_mistaken(edfi_session):
    assert_conforms({}, "student5")
"""


def test_in_a_run_the_findings_are_in_the_report(kit, sandbox) -> None:
    kit.pytester.makepyfile(TESTS)
    result = kit.run(
        sandbox, "--edfi-report=pack", "test_in_a_run_the_findings_are_in_the_report.py"
    )
    result.assert_outcomes(passed=3, failed=2)
    assert "def test_bad" not in result.stdout.str(), "no code, the message alone"
    checks = json.loads((kit.pytester.path / "pack/results.json").read_text("utf-8"))["checks"]
    good, bad, mistaken = (
        next(c for c in checks if c["id"].endswith(name)) for name in ("good", "bad", "mistaken")
    )
    assert len(good["findings"]) == 15
    assert {row["verdict"] for row in good["findings"]} == {"ok"}
    wrong = {row["where"]: row["kind"] for row in bad["findings"] if row["verdict"] == "wrong"}
    assert wrong == {
        "cteProgramServices[x]": "missing",
        "cteProgramServices[Information Technology]": "extra",
    }
    assert bad["message"].startswith("The check failed: a value that was sent is missing")
    assert "→ 200" in bad["message"]
    assert mistaken["verdict"] == "not testable"
    assert "did you mean 'student'?" in mistaken["message"]


BY_ITSELF = """
import pytest
from pytest_edfi_cte import assert_conforms, assert_record

GOOD = {"studentUniqueId": "1", "firstName": "A", "lastSurname": "B", "birthDate": "2010-01-01"}

def test_good():
    assert_conforms(GOOD, "student")

def test_bad():
    assert_conforms({}, "student")

def test_mistaken():
    assert_conforms({}, "student5")

def test_other():
    assert True

@pytest.fixture
def before():
    assert_record({"a": 1}, {"a": 2})

def test_before(before):
    pass

@pytest.fixture
def after():
    yield
    assert_record({"a": 1}, {"a": 2})

def test_after(after):
    pass
"""
ROWS = {
    "test_good": "passed",
    "test_bad": "failed",
    "test_mistaken": "not testable",
    "test_before": "failed",
    "test_after": "failed",
}


def rows_of(folder: Path) -> dict[str, str]:
    """Name of a test of one's own -> its verdict in the report."""
    content = json.loads((folder / "results.json").read_text("utf-8"))
    assert content["verdict"] == "not conformant"
    own = [check for check in content["checks"] if check["kind"] == "own"]
    return {check["id"].rpartition("::")[2]: check["verdict"] for check in own}


def test_in_a_run_a_test_that_asks_nothing_of_the_api_has_its_row(kit, sandbox) -> None:
    """A record of a file or of a test's own making: pack and screen must not say that all is well."""
    path = kit.pytester.makepyfile(BY_ITSELF)
    result = kit.run(sandbox, "--edfi-report=pack", path.name)
    result.assert_outcomes(passed=5, failed=2, errors=2)
    result.stdout.fnmatch_lines(["NOT CONFORMANT: 3 passed, 3 failed, 1 not testable*"])
    assert rows_of(kit.pytester.path / "pack") == ROWS


def test_workers_tell_of_it_too_and_judge_by_the_run_s_data_standard(kit, new_sandbox) -> None:
    sandbox = new_sandbox(data_standard="4.0")
    path = kit.pytester.makepyfile(BY_ITSELF)
    kit.monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugins = ("-p", "xdist", "-p", "pytest_edfi_cte.plugin", "-n2")
    result = kit.subprocess(sandbox, *plugins, "--edfi-report=pack", path.name)
    result.assert_outcomes(passed=5, failed=2, errors=2)
    assert rows_of(kit.pytester.path / "pack") == ROWS
    assert "by the API model, Data Standard 4.0" in result.stdout.str()
    assert "Data Standard 5" not in result.stdout.str()


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="subtests came with pytest 9")
def test_a_subtest_that_failed_fails_the_row_of_its_test(kit, sandbox) -> None:
    path = kit.pytester.makepyfile(
        """
        from pytest_edfi_cte import assert_conforms

        def test_parts(subtests):
            for record in ({}, {"studentUniqueId": 5}):
                with subtests.test():
                    assert_conforms(record, "student")
            with subtests.test():
                assert True
        """
    )
    kit.run(sandbox, "--edfi-report=pack", path.name)
    assert rows_of(kit.pytester.path / "pack") == {"test_parts": "failed"}


def test_without_an_api_there_is_no_report_and_the_test_fails_all_the_same(kit, sandbox) -> None:
    path = kit.pytester.makepyfile(BY_ITSELF)
    result = kit.run(sandbox, "--edfi-report=pack", f"{path.name}::test_bad")
    result.assert_outcomes(failed=1)
    assert "CONFORMANT" not in result.stdout.str()
    assert not (kit.pytester.path / "pack").exists()


def test_without_a_run_pytest_shows_no_code_of_ours(pytester) -> None:
    pytester.makepyfile(
        "from pytest_edfi_cte import assert_record\n"
        "def test_a():\n    assert_record({'a': 1}, {'a': True})\n"
    )
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    result.stdout.fnmatch_lines(["*NonConformance: The check failed: *", "E*received  1  (number)"])
    assert "asserting.py" not in result.stdout.str()


TYPED = """
import requests
from pytest_edfi_cte import ABSENT, assert_conforms, assert_only_changed, assert_record

def check(answer: requests.Response) -> None:
    assert_conforms(answer, "student")
    assert_record(answer, {"a": ABSENT})
    assert_only_changed(answer, {"a": 1}, "a")
    assert_conforms(5, "student")
"""


def test_the_assertions_are_typed(tmp_path) -> None:
    (tmp_path / "use.py").write_text(TYPED)
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "use.py"]
    env = {**os.environ, "MYPYPATH": str(Path(pytest_edfi_cte.__file__).parents[1])}
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.stdout.count("error:") == 1, done.stdout
    assert "use.py:9: error: Argument 1" in done.stdout


def test_the_package_is_cheap_and_has_no_other_names() -> None:
    code = "import sys, pytest_edfi_cte; print(sorted(m for m in sys.modules if 'requests' in m or 'edfi' in m))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "['pytest_edfi_cte']\n"
    assert all(getattr(pytest_edfi_cte, name) for name in pytest_edfi_cte.__all__)
    with pytest.raises(AttributeError, match="no attribute 'assert_everything'"):
        pytest_edfi_cte.assert_everything  # noqa: B018 - asked for on purpose
