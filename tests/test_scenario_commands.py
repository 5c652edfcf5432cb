"""``edfi-cte scenarios``: a first file that runs as it is, and what is said of any file."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from pytest_edfi_cte import cli
from pytest_edfi_cte.authoring import screens
from pytest_edfi_cte.authoring.draft import OPTIONAL, REQUIRED, draft
from pytest_edfi_cte.authoring.missing import Attacked, Missed
from pytest_edfi_cte.authoring.page import page_of
from pytest_edfi_cte.authoring.reading import read_file
from pytest_edfi_cte.authoring.samples import words
from pytest_edfi_cte.authoring.yaml_file import as_yaml
from pytest_edfi_cte.contract import STANDARDS, shipped
from pytest_edfi_cte.properties import paths
from pytest_edfi_cte.sandbox import Sandbox

#: Their required school year has no resource in this project's Data Standard 4.0.
WITHOUT_YEARS = ("calendars", "graduationPlans")
CASES = [(s, name) for s in STANDARDS for name in shipped().resource_schemas(s)]
HOMELESS = "scenarios/student-homeless-program-association.yaml"


@pytest.fixture
def scenarios(pytester, capsys, monkeypatch):
    """Runs the command in this process, in the test's own folder: (exit code, output, errors)."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(["scenarios", *map(str, arguments)])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def shipped_file(name: str = HOMELESS) -> str:
    return str(shipped().root.joinpath(name))


# -- new --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("standard", "resource"), CASES)
def test_a_first_file_is_valid_for_every_resource(scenarios, tmp_path, standard, resource) -> None:
    file = tmp_path / "ours.yaml"
    code, out, err = scenarios("new", resource, "--data-standard", standard, "-o", file)
    assert code == 0
    assert f"{file}: " in out
    assert bool(err) == (standard == "4.0" and resource in WITHOUT_YEARS)
    table = shipped().read_table(str(file), file.read_text())
    schema = shipped().resource_schemas(standard)[resource]
    rows = {row["path"]: row for row in table.content["rows"]}
    assert set(rows) == set(paths(schema)), "a row for every property"
    levels = [row["required"] for row in rows.values()]
    assert levels == sorted(levels, key=lambda level: level != REQUIRED), "required ones first"
    assert [s["step"] for s in table.content["scenarios"].values()] == ["create", "update"]
    changed = table.content["scenarios"]["update"]["changes"]
    different = [p for p, row in rows.items() if row.get("create") != row.get("update")]
    assert different == [changed]
    code, out, err = scenarios("check", file, "--no-mutate")
    assert (code, err) == (0, "")
    assert f"POST   /ed-fi/{resource}  (answer 201)" in out
    assert f"PUT    /ed-fi/{resource}/{{id}}  (answer 204, in place)" in out


@pytest.mark.parametrize("standard", STANDARDS)
def test_first_files_are_green_as_they_are(kit, tmp_path, standard) -> None:
    """All of a data standard in one run, but for two of 4.0, whose notes say why."""
    names = [name for s, name in CASES if s == standard]
    for name in names:
        (tmp_path / f"{name}.yaml").write_text(as_yaml(draft(shipped(), standard, name)))
    refused = WITHOUT_YEARS if standard == "4.0" else ()
    with Sandbox(data_standard=standard) as sandbox:
        before = {name: len(sandbox.records(name)) for name in names}
        result = kit.scenarios(sandbox, f"--edfi-scenarios={tmp_path}")
        result.assert_outcomes(passed=2 * (len(names) - len(refused)), failed=2 * len(refused))
        assert {name: len(sandbox.records(name)) for name in names} == before
    for name in refused:
        (note,) = draft(shipped(), standard, name).notes
        assert "no resource for schoolYearType here: the sandbox refuses the record" in note


def test_a_first_file_says_what_it_does_not_send_and_why(scenarios) -> None:
    code, out, _ = scenarios("new", "graduationPlan")
    assert code == 0
    (line,) = (line for line in out.splitlines() if "path: requiredAssessments, " in line)
    assert line.endswith(
        "# needs a record of assessment: write its key, and the record as prerequisite"
    )
    assert "{path: totalRequiredCredits, " in re.sub(" +", " ", out)
    assert "create: 1, update: 2}" in re.sub(" +", " ", out)


def test_levels_come_from_the_model() -> None:
    lines = {line.path: line for line in draft(shipped(), "5.0", "graduationPlans").lines}
    assert lines["creditsBySubjects"].required == OPTIONAL
    assert lines["creditsBySubjects.credits"].required == "CONDITIONAL"
    assert lines["educationOrganizationReference.educationOrganizationId"].required == REQUIRED


@pytest.mark.parametrize(("standard", "resource"), CASES)
def test_what_the_model_does_not_require_may_be_deleted(tmp_path, standard, resource) -> None:
    """Each time the page has nothing of it: the rows go, and the file stays valid."""
    file = tmp_path / "ours.yaml"
    found = draft(shipped(), standard, resource)
    gone = {line.path for line in found.lines if line.required != REQUIRED}
    rows = (line.partition("path: ")[2].partition(",")[0] for line in as_yaml(found).splitlines())
    lines = zip(rows, as_yaml(found).splitlines(), strict=True)
    text = "\n".join(line for path, line in lines if path not in gone)
    file.write_text(re.sub(r" +changes: .*\n", "", text))
    read_file(shipped(), file)


def test_an_unknown_resource_is_a_mistake_with_the_nearest_word(scenarios) -> None:
    code, out, err = scenarios("new", "StudentHomelesProgramAssociations")
    assert (code, out) == (4, "")
    assert (
        "Data Standard 5.0 has no resource 'StudentHomelesProgramAssociations' here; did you" in err
    )
    assert "did you mean 'studentHomelessProgramAssociations'? Known are: calendars, " in err


def test_a_file_is_replaced_only_by_force(scenarios, tmp_path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text("mine")
    code, _, err = scenarios("new", "calendars", "-o", file)
    assert (code, file.read_text()) == (4, "mine")
    assert "exists already and was left alone; name another file, or give --force" in err
    assert scenarios("new", "calendars", "-o", file, "--force")[0] == 0
    assert file.read_text().startswith("# A table of scenarios")
    code, _, err = scenarios("new", "calendars", "-o", tmp_path / "no/such/folder.yaml")
    assert code == 4
    assert "cannot be written" in err


def test_names_as_words() -> None:
    assert words("nameOfInstitution") == "Name of institution"
    assert words("studentCTEProgramAssociation") == "Student CTE program association"
    assert words("addressLine1") == "Address line 1"


# -- check ------------------------------------------------------------------------------------------


def test_check_names_every_mistake_with_line_and_nearest_word(scenarios, tmp_path) -> None:
    file = tmp_path / "ours.yaml"
    text = as_yaml(draft(shipped(), "5.0", "calendars")).replace("calendarCode,", "calendarKode,")
    text = re.sub(r"(calendarTypeDescriptor, +type: )descriptor", r"\1string", text)
    file.write_text(text)
    code, out, err = scenarios("check", file)
    assert (code, out) == (4, "")
    numbered = list(enumerate(text.splitlines(), 1))
    (first,) = (n for n, line in numbered if "calendarKode" in line)
    (second,) = (n for n, line in numbered if line.startswith("- {path: calendarType"))
    assert (
        f"ours.yaml, line {first}: rows[0].path: calendars has no property 'calendarKode'; did you mean 'calendarCode'?"
        in err
    )
    assert f"line {second}: rows[5].type: calendarTypeDescriptor is of type 'descriptor'" in err
    file.write_text("id: ours\n")
    assert "'title' is a required property" in scenarios("check", file)[2]
    assert "cannot be read" in scenarios("check", tmp_path / "none.yaml")[2]


def test_check_says_what_it_would_send(scenarios) -> None:
    code, out, err = scenarios(
        "check", shipped_file(), "--no-mutate", "--school-year=2027", "--seed=7"
    )
    assert (code, err) == (0, "")
    flat = re.sub(r"\s+", " ", out)
    assert (
        "In school year 2026-2027 it would send: Before: GET /ed-fi/localEducationAgencies?localEducationAgencyId=255901 (must be there)"
        in flat
    )
    assert (
        "GET /ed-fi/students?studentUniqueId=111111 (is it there?) POST /ed-fi/students (if it is not)"
        in flat
    )
    assert '"beginDate": "2026-08-23"' in flat
    assert '"endDate": "2027-05-23"' in flat
    assert (
        flat.count(
            '"homelessPrimaryNighttimeResidenceDescriptor": "uri://ed-fi.org/HomelessPrimaryNighttimeResidenceDescriptor#Doubled-up"'
        )
        == 1
    )
    invented = re.search(r'"firstName": "(\w+)"', flat)
    again = re.sub(
        r"\s+",
        " ",
        scenarios("check", shipped_file(), "--no-mutate", "--school-year=2027", "--seed=7")[1],
    )
    assert invented
    assert again == flat
    other = scenarios("check", shipped_file(), "--no-mutate", "--school-year=2026", "--seed=8")[1]
    assert '"beginDate": "2025-08-23"' in re.sub(r"\s+", " ", other)


def test_check_shows_a_key_that_moves_and_an_unsent_step(scenarios, tmp_path) -> None:
    moving = scenarios(
        "check", shipped_file("scenarios/student-program-association.yaml"), "--no-mutate"
    )[1]
    assert "(answer 204: the API's model lets no PUT change the key)" in re.sub(r"\s+", " ", moving)
    file = tmp_path / "ours.yaml"
    text = as_yaml(draft(shipped(), "5.0", "calendars"))
    more = "  again: {number: 3, step: upsert, title: Again}\n  gone: {number: 4, step: delete, title: Delete it}\n\n# 8/23"
    file.write_text(
        re.sub(
            r"(update: )(Calendar code 1|255901001|\{school_year: 0\}|Student Specific|Infant/toddler)\}",
            r"\1\2, again: \2}",
            text,
        ).replace("\n# 8/23", more, 1)
    )
    out = scenarios("check", file, "--no-mutate")[1]
    assert "DELETE /ed-fi/calendars/{id}  (answer 204)" in out
    assert "POST   /ed-fi/calendars  (answer 200, the same record; the body as above)" in out
    assert "(finds nothing)" in out


def test_check_names_what_it_would_miss_and_the_row_that_would_notice(scenarios, tmp_path) -> None:
    """Without the rows of booleans nothing notices that booleans come back as texts."""
    file = tmp_path / "ours.yaml"
    lines = as_yaml(draft(shipped(), "5.0", "studentHomelessProgramAssociations")).splitlines()
    file.write_text("\n".join(line for line in lines if "type: boolean" not in line))
    options = ("--jobs=1", "--defect=true-as-text", "--defect=update-not-stored")
    code, out, err = scenarios("check", file, *options)
    assert (code, err) == (1, "")
    assert "Of 2 defects of an API it would notice 1." in out
    assert re.search(r"true-as-text: .+\n +a row would: [\w.]+\n", out)


def test_a_copy_of_a_shipped_table_needs_an_id_of_its_own(scenarios, tmp_path) -> None:
    file = tmp_path / "copy.yaml"
    text = Path(shipped_file()).read_text()
    file.write_text(text)
    assert scenarios("check", file, "--no-mutate")[0] == 0, "word for word it is that table"
    file.write_text(text.replace("edition: SIS v5", "edition: ours"))
    code, out, err = scenarios("check", file, "--no-mutate")
    assert (code, out) == (4, "")
    assert "--edfi-select=sis-v5-student-homeless-program-association-1-create" in err
    assert "two scenarios have the id sis-v5-student-homeless-program-association-1-create" in err


def test_a_table_that_misses_nothing(scenarios) -> None:
    code, out, _ = scenarios("check", shipped_file(), "--jobs=1", "--defect=update-not-stored")
    assert code == 0
    assert "Of 1 defects of an API it would notice 1." in out


def test_advice_names_the_row() -> None:
    assert Missed("d", "s", "", in_table=False).advice.startswith("no row would")
    assert Missed("d", "s", "a.b", in_table=False).advice == "a row would: a.b"
    assert "give the row a.b another value" in Missed("d", "s", "a.b", in_table=True).advice
    whole = Missed("d", "s", "", in_table=False, elsewhere="body of the GET: expected JSON")
    assert whole.advice.endswith("(edfi-cte scenarios new): body of the GET: expected JSON")
    assert not Attacked(1, (), ("right",)).good


def test_check_tells_of_a_change_that_nobody_named(scenarios, tmp_path) -> None:
    file = tmp_path / "ours.yaml"
    text = as_yaml(draft(shipped(), "5.0", "graduationPlans"))
    row = re.search(r"- \{path: individualPlan.*", text)[0]
    file.write_text(text.replace(row, re.sub(r"update: true", "update: false", row)))
    code, out, _ = scenarios("check", file, "--no-mutate")
    assert code == 1
    assert "It changes: totalRequiredCredits, individualPlan" in out
    assert "Not named in its changes: individualPlan. Name it, or let it be equal." in out


def test_check_tells_of_an_update_that_changes_nothing(scenarios, tmp_path) -> None:
    file = tmp_path / "ours.yaml"
    text = as_yaml(draft(shipped(), "5.0", "calendars")).replace("Student Specific", "IEP")
    file.write_text(re.sub(r" +changes: .*\n", "", text))
    code, out, _ = scenarios("check", file, "--no-mutate")
    assert code == 1
    assert "It changes nothing: an API that ignores it passes." in out


def test_check_tells_of_a_code_value_that_the_sandbox_lacks(scenarios, tmp_path) -> None:
    file = tmp_path / "ours.yaml"
    text = as_yaml(draft(shipped(), "5.0", "calendars")).replace(
        "update: Student Specific", "update: Student Specfic"
    )
    file.write_text(text)
    code, out, _ = scenarios("check", file)
    (line,) = (
        n for n, each in enumerate(text.splitlines(), 1) if "update: Student Specfic" in each
    )
    assert code == 1
    assert (
        f"line {line}: CalendarTypeDescriptor has no code value 'Student Specfic' there; did you mean 'Student Specific'?"
        in out
    )
    assert "was not attacked" in out


# -- list and table ---------------------------------------------------------------------------------


def test_list_shows_scenarios_checks_and_coverage(scenarios) -> None:
    code, out, err = scenarios("list")
    assert (code, err) == (0, "")
    flat = re.sub(r"\s+", " ", out)
    assert out.count("rows with values: ") == len(shipped().tables())
    assert "2 update PUT Modify the Student Homeless Program Association" in flat
    assert "rows with values: 9 (9 REQUIRED)" in flat
    assert "update: PUT is answered 204; what the scenario changes is stored" in flat


def test_list_as_json_names_every_property(scenarios, tmp_path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text(as_yaml(draft(shipped(), "5.0", "graduationPlans")))
    code, out, _ = scenarios("list", tmp_path, "--format=json")
    (found,) = json.loads(out)
    assert code == 0
    assert found["id"] == "our-graduation-plan"
    assert found["model"]["required"] == {
        "exercised": [
            "graduationPlanTypeDescriptor",
            "educationOrganizationReference.educationOrganizationId",
            "graduationSchoolYearTypeReference.schoolYear",
            "totalRequiredCredits",
        ],
        "not exercised": [],
    }
    assert "individualPlan" in found["model"]["optional"]["exercised"]
    assert "creditsByCourses.credits" in found["model"]["optional"]["not exercised"]
    assert [s["method"] for s in found["scenarios"]] == ["POST", "PUT"]
    assert "not exercised: creditsByCourses.courseSetName, " in re.sub(
        r"\s+", " ", scenarios("list", file, "--missing")[1]
    )
    (tmp_path / "empty").mkdir()
    assert "there is no YAML file" in scenarios("list", tmp_path / "empty")[2]


PUBLISHED = """\
| StudentHomelessProgramAssociations | beginDate | FALSE | date | REQUIRED | 8/23/[Current School Year] | 8/23/[Current School Year] |
| StudentHomelessProgramAssociations | endDate | FALSE | date | REQUIRED | 5/23/[Current School Year] | 5/23/[Current School Year] |
| StudentHomelessProgramAssociations | educationOrganizationReference | FALSE | educationOrganizationReference | REQUIRED | - | - |
| educationOrganizationReference | educationOrganizationId | FALSE | integer | REQUIRED | 255901 | 255901 |
| StudentHomelessProgramAssociations | programReference | FALSE | programReference | REQUIRED | - | - |
| programReference | programName | FALSE | string | REQUIRED | Homeless | Homeless |
| programReference | programTypeDescriptor | FALSE | programTypeDescriptor | REQUIRED | Homeless | Homeless |
| programReference | educationOrganizationId | FALSE | integer | REQUIRED | 255901 | 255901 |
| StudentHomelessProgramAssociations | studentReference | FALSE | studentReference | REQUIRED | - | - |
| studentReference | studentUniqueId | FALSE | string | REQUIRED | 111111 | 111111 |
| StudentHomelessProgramAssociations | homelessPrimaryNighttimeResidenceDescriptor | FALSE | homelessPrimaryNighttimeResidenceDescriptor | REQUIRED | Shelters | **Doubled-up** |
| StudentHomelessProgramAssociations | homelessUnaccompaniedYouth | FALSE | boolean | REQUIRED | TRUE | TRUE |
"""


def test_a_table_is_as_published(scenarios) -> None:
    code, out, _ = scenarios("table", shipped_file(), "--format=markdown")
    assert code == 0
    assert (
        "| Resource | Property Name | Is Collection | Data Type | Required | Scenario 1: POST | Scenario 2: PUT |"
        in out
    )
    assert PUBLISHED in out


def rendered(path: str, width: int) -> str:
    from rich.console import Console

    shown = Console(width=width, highlight=False, emoji=False, markup=False, file=io.StringIO())
    for line in screens.page(page_of(read_file(shipped(), Path(path))), width):
        shown.print(line)
    return shown.file.getvalue()


def test_a_table_in_a_wide_place_marks_what_changes(scenarios, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    out = scenarios("table", shipped_file())[1]
    assert "Doubled-up*" in out
    assert "Shelters*" not in out
    assert re.search("│ studentReference .*│ studentUniqueId .*│ 111111 .*│ 111111 ", out)
    assert rendered(shipped_file(), 400) in out


@pytest.mark.parametrize(("columns", "width"), [(None, 80), ("", 80), ("100", 100), ("60", 60)])
def test_a_table_in_a_pipe_is_as_wide_as_columns_says_or_80(
    scenarios, monkeypatch, columns, width
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    # The width of a terminal that the tests may have been started in.
    monkeypatch.setattr("os.get_terminal_size", _no_terminal)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    out = scenarios("table", shipped_file())[1]
    assert max(map(len, out.splitlines())) <= width
    assert out.startswith(rendered(shipped_file(), width))
    markdown = scenarios("table", shipped_file(), "--format=markdown")[1]
    assert PUBLISHED in markdown, "never folded"


def _no_terminal(_descriptor: int = 1) -> None:
    raise OSError


def test_other_answers_in_a_pipe_are_folded_where_columns_says_so_alone(
    scenarios, monkeypatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert max(map(len, scenarios("list")[1].splitlines())) > 90
    monkeypatch.setenv("COLUMNS", "90")
    assert max(map(len, scenarios("list")[1].splitlines())) <= 90


def test_a_narrow_terminal_gets_property_below_property() -> None:
    out = rendered(shipped_file(), 80)
    assert max(map(len, out.splitlines())) <= 80
    assert "│" not in out
    assert "  homelessUnaccompaniedYouth (boolean, REQUIRED)\n      1: POST  TRUE\n" in re.sub(
        " +\n", "\n", out
    )
    assert "2: PUT   Doubled-up*" in out


def test_scenarios_of_a_table_stand_side_by_side(scenarios) -> None:
    special = scenarios(
        "table",
        shipped_file("scenarios/student-special-education-program-association.yaml"),
        "--format=markdown",
    )[1]
    assert (
        "| studentReference | studentUniqueId | FALSE | string | REQUIRED | 111111 | 222222 | 111111 | 222222 | 111111 |"
        in special
    )
    assert "**5/23/[Current School Year]**" in special


def test_made_values_are_said_in_words(scenarios, tmp_path) -> None:
    file = Path(tmp_path, "ours.yaml")
    text = (
        as_yaml(draft(shipped(), "5.0", "calendars"))
        .replace("create: Calendar code 1, ", "create: {faker: last_name}, ")
        .replace("update: Calendar code 1}", "update: {faker: last_name}}")
    )
    file.write_text(text.replace("{school_year: 0}", "{school_year: -1}"))
    out = scenarios("table", file, "--format=markdown")[1]
    assert "| [last name, invented] | [last name, invented] |" in out
    assert "| [Current School Year - 1] | [Current School Year - 1] |" in out
