"""Result documents: merged, compared, read back, rendered again by `edfi-cte report`."""

from __future__ import annotations

import csv
import io
import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edfi_cte.cli import main
from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.reporting.badge import badge_json, badge_svg
from pytest_edfi_cte.reporting.changes import compare
from pytest_edfi_cte.reporting.document import merged
from pytest_edfi_cte.reporting.junit import junit
from pytest_edfi_cte.reporting.mapping import FORMULA, data_mapping
from pytest_edfi_cte.reporting.markdown import github_annotations, summary
from pytest_edfi_cte.reporting.model import visible
from pytest_edfi_cte.reporting.screen import screen
from pytest_edfi_cte.reporting.stored import to_json
from pytest_edfi_cte.reporting.words import anchors
from tests.reporting import check, finding, made, run_info, wrong

PLANS = [
    {"id": "s-1-create", "kind": "scenario", "title": "Scenario 1: create"},
    {"id": "s-2-update", "kind": "scenario", "title": "Scenario 2: update"},
]


@pytest.fixture
def stored(tmp_path):
    """``stored(document)`` as a file."""

    def store(content, name: str = "results.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else to_json(content), encoding="utf-8")
        return str(path)

    return store


def phases():
    """A create and an update phase of one API, as two runs."""
    one = run_info(id="one", planned=PLANS)
    other = run_info(id="two", planned=PLANS)
    return made(check(), runs=[one]), made(check("s-2-update", number=2), runs=[other])


def test_documents_made_here_fit_the_schema() -> None:
    content = made(check(), check("x", "failed"))
    assert list(shipped().results_validator().iter_errors(json.loads(to_json(content)))) == []


# -- merge ----------------------------------------------------------------------------------------


def test_the_order_of_a_row_of_students_is_of_no_importance() -> None:
    """A file that another program wrote has an order of its own."""
    row = {"students": [[1, "passed", 5]], "id": "a", "title": "Create [it]"}
    content = {**made(check()), "students": [row]}
    assert json.loads(to_json(content)) == content


def test_two_phases_are_one_report() -> None:
    create, update = phases()
    assert "s-2-update" in [g["id"] for g in create["not_covered"]]
    both = merged([update, create])
    assert [c["id"] for c in both["checks"]] == ["s-1-create", "s-2-update"]
    assert [both["runs"][c["run"]]["id"] for c in both["checks"]] == ["one", "two"]
    assert both["verdict"] == "conformant"
    assert not {"s-1-create", "s-2-update"} & {g["id"] for g in both["not_covered"]}


def test_another_api_does_not_cover_what_this_one_lacks() -> None:
    create, update = phases()
    update["runs"][0]["api"]["url"] = "https://other/api"
    both = merged([create, update])
    gaps = {(both["runs"][g["run"]]["api"]["url"], g["id"]) for g in both["not_covered"]}
    assert ("https://host/api", "s-2-update") in gaps
    assert ("https://other/api", "s-1-create") in gaps


def test_a_run_counts_once() -> None:
    create, update = phases()
    both = merged([create, update, create])
    assert len(merged([both, create])["checks"]) == 2


def test_one_bad_run_makes_the_whole_not_conformant() -> None:
    create, update = phases()
    update["checks"][0]["verdict"] = "failed"
    assert merged([create, update])["verdict"] == "not conformant"


@pytest.mark.parametrize(
    ("verdict", "overall"),
    [
        ("passed", "conformant"),
        ("warning", "conformant"),
        ("waived", "conformant"),
        ("failed", "not conformant"),
        ("not testable", "not conformant"),
        ("harness error", "not conformant"),
        ("does not apply", "nothing judged"),
    ],
)
def test_the_overall_verdict(verdict, overall) -> None:
    assert made(check(verdict=verdict))["verdict"] == overall


def test_of_the_steps_only_what_no_check_shows_is_missing() -> None:
    wire = check("errors.backoff", kind="wire", number=0)
    assert [g["id"] for g in made(check(), wire)["not_covered"]] == []
    assert "transactional" in [g["id"] for g in made(wire)["not_covered"]]


# -- compare --------------------------------------------------------------------------------------


def test_new_failures_fixed_and_unchanged() -> None:
    old = made(check("a"), check("b", "failed"), check("c"), check("d", "failed"))
    new = made(check("a", "failed"), check("b"), check("c"), check("d", "failed"))
    changes = compare(old, new)
    text = "\n".join(changes.lines())
    assert changes.regression
    assert "New failures (1)\n  Scenario 1: Create a record: passed before, failed now" in text
    assert 'beginDate: expected "2026-08-23", received "2026-08-24"' in text
    assert "Fixed (1)" in text
    assert "Unchanged: 2, 1 of them not as required" in text


def test_nothing_new_is_no_regression() -> None:
    assert not compare(made(check(), check("b", "failed")), made(check(), check("b"))).regression


def test_a_check_that_is_gone_shows_nothing_any_more() -> None:
    changes = compare(made(check("a"), check("b", "failed")), made())
    assert changes.regression
    assert len(changes.no_longer_shown) == 1
    assert "failed before, not judged now" in changes.other[0]


def test_a_failure_in_more_places_is_a_regression() -> None:
    old = made(check("a", "failed", findings=[wrong("x")]))
    new = made(check("a", "failed", findings=[wrong("x"), wrong("y")]))
    assert compare(old, new).worse == ["Scenario 1: Create a record: y"]
    assert not compare(new, old).regression


def test_a_waived_failure_is_not_fixed() -> None:
    changes = compare(made(check("a", "failed")), made(check("a", "waived", waiver="ok")))
    assert changes.fixed == []
    assert "failed before, waived now" in changes.other[0]


def test_what_passed_and_no_longer_applies_is_not_shown_any_more() -> None:
    assert compare(made(check()), made(check(verdict="does not apply"))).regression


def test_repeated_checks_are_compared_in_their_order() -> None:
    old, new = made(check(), check(verdict="failed")), made(check(), check())
    assert len(compare(old, new).fixed) == 1


# -- the command ----------------------------------------------------------------------------------


def test_the_command_renders_again_and_merges(stored, tmp_path, capsys) -> None:
    create, update = phases()
    files = [stored(create, "create.json"), stored(update, "update.json")]
    assert main(["report", *files, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "CONFORMANT: 2 passed" in said
    assert f"report: {tmp_path / 'out' / 'conformance.html'}" in said
    assert json.loads((tmp_path / "out" / "results.json").read_text())["counts"] == {"passed": 2}
    assert main(["report", stored(made(check(verdict="failed")))]) == 1


def test_the_command_compares(stored, capsys) -> None:
    old, new = stored(made(check()), "old.json"), stored(made(check(verdict="failed")), "new.json")
    assert main(["report", "--compare", old, new]) == 1
    assert "New failures (1)" in capsys.readouterr().out
    assert main(["report", "--compare", new, old]) == 0
    assert "Fixed (1)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is no result document: it is not JSON"),
        ("[" * 100_000, "is no result document: it is not JSON"),
        ("[]", "is no result document: it has no format"),
        ("{}", "is no result document: it has no format"),
        ('{"format": 2}', "has format 2; this version"),
        ('{"format": true}', "has format true; this version"),
        ('{"format": 1}', "is damaged: the document: "),
    ],
)
def test_a_file_that_is_none_of_ours_is_a_configuration_mistake(
    content, said, stored, capsys
) -> None:
    assert main(["report", stored(content)]) == 4
    assert said in capsys.readouterr().err


def test_a_damaged_document_is_named_with_its_place(stored, capsys) -> None:
    content = made(check())
    content["checks"][0]["verdict"] = "great"
    assert main(["report", stored(content)]) == 4
    assert "is damaged: checks/0/verdict: 'great' is not one of" in capsys.readouterr().err
    lost = made(check())
    lost["checks"][0]["run"] = 7
    assert main(["report", stored(lost)]) == 4
    assert "belongs to a run that is not there" in capsys.readouterr().err


def test_wrong_uses_of_the_command(stored, tmp_path, capsys) -> None:
    file = stored(made(check()))
    for arguments in (
        ["report"],
        ["report", "missing.json"],
        ["report", file, "--compare", file, file],
        ["report", file, "--out", file],
    ):
        assert main(arguments) == 4
    said = capsys.readouterr().err
    assert "name one or more results.json" in said
    assert "missing.json cannot be read" in said
    assert "takes two documents and nothing else" in said
    assert "is a file; expected a folder" in said


# -- views with values that mean something there --------------------------------------------------


def rows_of(content):
    return list(csv.reader(io.StringIO(data_mapping(content))))


@pytest.mark.parametrize(
    "value", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", '=HYPERLINK("http://x")', "%x"]
)
def test_a_spreadsheet_takes_no_value_for_a_formula(value) -> None:
    content = made(check(findings=[finding(received=value)]))
    row = next(r for r in rows_of(content) if "beginDate" in r)
    assert row[-2] == f"'{value}"


@given(st.text(max_size=30))
def test_no_cell_begins_a_formula(value) -> None:
    content = made(
        check(value or "x", findings=[finding(received=visible(value), expected=visible(value))])
    )
    assert not [cell for row in rows_of(content)[1:] for cell in row if cell.startswith(FORMULA)]


def test_a_row_that_nothing_showed_is_said_so() -> None:
    row = next(r for r in rows_of(made(check(findings=[]))) if "beginDate" in r)
    assert row[-3:] == ['"2026-08-23"', "not seen", "not seen"]


EVIL = "a|b `c` <script> [x](javascript:1) ![i](http://x/i.png) @all *d* http://e\r\n::error::f"


def test_markdown_shows_values_as_text() -> None:
    text = summary(made(check(verdict="failed", title=EVIL, message=EVIL, findings=[wrong(EVIL)])))
    (row,) = [line for line in text.splitlines() if line.startswith("| ✗")]
    assert row.count("|") - row.count(r"\|") == 4
    for live in ("<script>", "](", "http://", "\n::error", " @all", " *d*"):
        assert live not in text.replace("\\" + live.strip(), "")


def test_a_summary_fits_a_ci_page() -> None:
    checks = [
        check(f"c{n}", "failed", title="t" * 5000, findings=[wrong("w" * 5000)])
        for n in range(3000)
    ]
    text = summary(made(*checks))
    assert len(text.encode()) < 1_000_000
    assert "2,700 more checks are in results.json." in text


def test_annotations_are_one_line_each() -> None:
    bad = check(verdict="failed", title="50%: a, b", file="tests/a,b.py", findings=[wrong("x\ny")])
    (line,) = github_annotations(made(bad, check("fine")))
    assert line.startswith(
        "::error file=tests/a%2Cb.py,line=3,title=failed%3A Scenario 1%3A 50%25%3A a%2C b::"
    )
    assert "\n" not in line
    assert "%0Ax%0Ay: expected" in line
    assert len(github_annotations(made(*[check(f"c{n}", "failed") for n in range(30)]))) == 10


@given(st.text(max_size=40))
def test_junit_and_badge_are_xml_whatever_a_value_is(text) -> None:
    value = visible(text)
    content = made(check(value, "failed", message=value, findings=[wrong(value)]))
    root = ElementTree.fromstring(junit(content))
    assert root.find(".//failure").text in (value, value.replace("\r", "\n"), None)
    ElementTree.fromstring(badge_svg(content))


def test_a_harness_error_is_an_error_and_a_warning_is_said() -> None:
    content = made(
        check(verdict="harness error", findings=[], message="ours"),
        check("w", "warning", message="should"),
    )
    root = ElementTree.fromstring(junit(content))
    assert root.get("errors") == "1"
    assert root.find(".//error").get("message") == "ours"
    assert root.find(".//system-out").text == "warning: should"


@pytest.mark.parametrize(
    ("verdicts", "said", "colour"),
    [
        (["passed", "passed"], "2 passed", "brightgreen"),
        (["passed", "waived"], "1 passed, 1 waived", "brightgreen"),
        (["failed", "passed"], "not conformant, 1 of 2 passed", "red"),
        ([], "nothing judged", "lightgrey"),
    ],
)
def test_badges(verdicts, said, colour) -> None:
    content = made(*(check(f"c{n}", v) for n, v in enumerate(verdicts)))
    badge = json.loads(badge_json(content))
    assert (badge["message"], badge["color"]) == (said, colour)
    assert said in badge_svg(content)


def test_a_screen_is_one_screen() -> None:
    checks = [check(f"c{n}", "failed") for n in range(100)]
    lines = [line for line, _ in screen(made(*checks))]
    assert len(lines) < 30
    assert lines[0] == "NOT CONFORMANT: 100 failed"
    assert lines[-1] == "  … and 88 more, in the report"


def test_anchors() -> None:
    assert anchors(["a b", "a-b", "é", "a b"]) == ["a-b", "a-b-2", "x", "a-b-3"]
