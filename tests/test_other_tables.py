"""The report of another table than the certification's CTE table: nothing of that one in it."""

from __future__ import annotations

import html
import json
import re
import shlex

import pytest
import yaml

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.notations import act
from pytest_edfi_cte.reporting.document import merged
from pytest_edfi_cte.reporting.page import page
from pytest_edfi_cte.reporting.stored import read, to_json
from pytest_edfi_cte.retyped import as_run
from pytest_edfi_cte.secret import Secret
from pytest_edfi_cte.settings import Settings
from tests.reporting import check, made

ANOTHER = """
id: district-homeless
title: Homeless & <housed>
certification: District pilot
edition: Pilot of spring
resource: studentHomelessProgramAssociations
"""


@pytest.fixture
def of_another_table(kit, sandbox):
    """A pack of a table of somebody's own, and the options it was asked for with."""
    shipped_table = shipped().table("student-homeless-program-association").content
    table = {**shipped_table, **yaml.safe_load(ANOTHER)}
    (kit.pytester.path / "mine tables.yaml").write_text(yaml.safe_dump(table, sort_keys=False))
    options = [
        "--edfi-scenarios=mine tables.yaml",
        "--edfi-select=district-*",
        "--edfi-repeat=2-3",
        "--edfi-set=update:homelessUnaccompaniedYouth=false",
        "--edfi-strict",
        "--edfi-mask-people",
    ]
    kit.scenarios(sandbox, *options, "--edfi-seed=5", "--edfi-report=pack")
    return kit.pytester.path / "pack", options


def test_the_report_of_another_table_says_nothing_of_the_cte_table(of_another_table) -> None:
    pack, _ = of_another_table
    shown = (pack / "conformance.html").read_text()
    assert "Ed-Fi conformance report: Homeless &amp; &lt;housed&gt;" in shown
    summary = (pack / "summary.md").read_text()
    assert summary.startswith("# Ed-Fi conformance: conformant\n")
    assert (
        "(studentHomelessProgramAssociations), Pilot of spring: district-homeless-1-create"
        in summary
    )
    content = json.loads((pack / "results.json").read_text())
    assert content["rulings"] == []
    for words in ("Ed-Fi CTE", "without endDate", "School Year]"):
        assert words not in shown
        assert words not in summary
    judged = "<dt>Table</dt><dd>Homeless &amp; &lt;housed&gt; (studentHomelessProgramAssociations)"
    assert f"{judged}, Pilot of spring; scenarios: district-homeless-1-create" in shown
    assert '"label": "Ed-Fi conformance"' in (pack / "badge.json").read_text()


def test_the_command_of_a_report_repeats_what_decided_what_ran(of_another_table, kit) -> None:
    pack, options = of_another_table
    found = re.search("<pre>(pytest --pyargs .*)</pre>", (pack / "conformance.html").read_text())
    words = shlex.split(html.unescape(found[1]))
    assert set(options) <= set(words)
    assert "--edfi-report=pack" not in words
    again = kit.pytester.runpytest(*words[1:], "--collect-only", "-q", "-p", "no:randomly")
    again.stdout.fnmatch_lines(["*student-2]", "*student-3]"])


def test_of_the_default_table_nothing_is_added(kit, sandbox) -> None:
    kit.scenarios(sandbox, "--edfi-seed=5", "--edfi-report=pack").assert_outcomes(passed=2)
    pack = kit.pytester.path / "pack"
    shown = (pack / "conformance.html").read_text()
    assert "<header><p>Ed-Fi CTE conformance report</p></header>" in shown
    assert shown.count('id="ruling-') == len(shipped().explanations()["rulings"])
    found = re.search("<pre>(pytest --pyargs .*)</pre>", shown)
    assert [word.partition("=")[0] for word in shlex.split(html.unescape(found[1]))[3:]] == [
        "--edfi-url",
        "--edfi-school-year",
        "--edfi-seed",
    ]
    assert (pack / "summary.md").read_text().startswith("# Ed-Fi CTE conformance: conformant\n")


def test_pytest_html_names_the_table_that_was_judged(kit, sandbox) -> None:
    for select, title in {
        "sis-v5-student-cte-*": "Ed-Fi CTE conformance report",
        "sis-v5-student-h*": "Ed-Fi conformance report: Student Homeless Program Association",
    }.items():
        kit.scenarios(
            sandbox, f"--edfi-select={select}", "--html=page.html", "--self-contained-html"
        ).assert_outcomes(passed=2)
        shown = (kit.pytester.path / "page.html").read_text()
        assert f">{title}</h1>" in shown
        named = "(studentHomelessProgramAssociations)" in shown
        assert named == ("Homeless" in title)


def test_every_option_of_a_run_can_be_typed_again() -> None:
    settings = Settings(
        acts={"create": ("./sync.sh", "a b")},
        descriptors={"uri://state/XDescriptor#A": "uri://ed-fi.org/XDescriptor#B"},
        openapi=("state.json",),
        mode="observe",
        wait=90.0,
        repeat=(1, 20),
        client_secret=Secret("hidden"),
        client_id="key",
        report="pack",
        sources={},
    )
    assert as_run(settings) == [
        "--edfi-repeat=1-20",
        "--edfi-openapi=state.json",
        "--edfi-mode=observe",
        "--edfi-wait=90",
        "--edfi-act=create=./sync.sh 'a b'",
        "--edfi-descriptor=uri://state/XDescriptor#A=uri://ed-fi.org/XDescriptor#B",
    ]
    assert act("create=./sync.sh 'a b'")[1] == settings.acts["create"]


def test_rulings_are_about_tables_that_there_are() -> None:
    contract = shipped()
    known = {contract.table(name).content["id"] for name in contract.tables()}
    for ruling in contract.explanations()["rulings"]:
        assert set(ruling["tables"]) <= known


def test_the_ruling_on_dates_is_about_tables_with_that_date() -> None:
    contract = shipped()
    contents = [contract.table(name).content for name in contract.tables()]
    (ruling,) = [r for r in contract.explanations()["rulings"] if r["id"] == "school-year-dates"]
    for content in contents:
        if content["id"] in ruling["tables"]:
            assert any(r["path"] == "beginDate" and r["create"] == "8/23" for r in content["rows"])


def test_a_document_of_before_there_were_tables_ids_is_read(tmp_path) -> None:
    content = json.loads(to_json(made(check())))
    del content["runs"][0]["options"]
    for name in ("id", "edition", "judged"):
        del content["runs"][0]["tables"][0][name]
    for ruling in content["rulings"]:
        del ruling["tables"]
    content["runs"][0] |= {"mode": "observe"}
    content["runs"][0]["facts"]["Students"] = "1 to 3"
    (tmp_path / "old.json").write_text(json.dumps(content))
    old = merged([read(tmp_path / "old.json")])
    assert old["runs"][0]["tables"][0]["judged"] == ["s-1-create"]
    assert "scenarios: s-1-create" in page(old)
    assert "--edfi-repeat=1-3 --edfi-mode=observe</pre>" in page(old)
