"""Values as a table writes them: what the API's model does not allow is a mistake of the file."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from pytest_edfi_cte import cli
from pytest_edfi_cte.catalogue import Catalogue, Chosen
from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.literals import refused
from pytest_edfi_cte.prerequisites import MissingDescriptors, MissingValue
from pytest_edfi_cte.settings import Settings

HOMELESS = resources.files("pytest_edfi_cte_fixtures") / (
    "scenarios/student-homeless-program-association.yaml"
)


def changed(*replacements: tuple[str, str]) -> str:
    """A table of our own: the shipped one with other words, each of which it has."""
    text = re.sub(r"(?<=\S) +", " ", HOMELESS.read_text(encoding="utf-8"))
    for old, new in (("id: sis-v5-", "id: our-"), *replacements):
        assert old in text
        text = text.replace(old, new, 1)
    return text


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.fixture
def check(tmp_path, capsys):
    """(exit code, output, errors) of ``scenarios`` and a question, by default check."""

    def run(text: str, question: str = "check", *more: str) -> tuple[int, str, str]:
        (tmp_path / "ours.yaml").write_text(text, encoding="utf-8")
        options = ["--no-mutate", *more] if question == "check" else more
        code = cli.main(["scenarios", question, str(tmp_path / "ours.yaml"), *options])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def test_the_shipped_words_are_right_and_a_date_needs_no_quotes(check) -> None:
    assert check(changed())[0] == 0
    code, out, _ = check(changed(("create: 8/23, update: 8/23", ISO)))
    assert code == 0
    assert '"beginDate": "2026-08-24"' in out


ISO = "create: 2026-08-24, update: 2026-08-24"
IN_A_ROW = ("create: 8/23, update: 8/23", "create: 2/30, update: 8/23")
WRONG = [
    (IN_A_ROW, r"rows\[0\]\.create: 2/30 is no day"),
    (("create: 8/23, update: 8/23", "create: 8/23, update: 13/23"), "update: 13/23 is no day"),
    (("create: 8/23, ", "create: 2026-02-30, "), "2026-02-30 is no day"),
    (("entryDate: 8/31", "entryDate: 13/31"), "values.entryDate: 13/31 is no day"),
    (("entryDate: 8/31", "entryDate: soon"), "'soon' is no date; write 8/23"),
    (
        ("REQUIRED, create: Homeless,", f"REQUIRED, create: {'H' * 61},"),
        "has 61 characters, and the API's model allows at most 60",
    ),
    (("firstName: {faker: first_name}", "firstName: " + "A" * 76), "at most 75"),
    (("firstName: {faker: first_name}", 'firstName: ""'), "0 characters, .* at least 1"),
    (("schoolId: 255901107", 'schoolId: "255901107"'), "'255901107' is not of type 'integer'"),
    (
        ("schoolId: 255901107", "schoolId: {from: studentReference.studentUniqueId}"),
        "studentReference.studentUniqueId: '111111' is not of type 'integer'",
    ),
    (
        ("firstName: {faker: first_name}", "birthSexDescriptor: 7"),
        "birthSexDescriptor: 7 is not of type 'string'",
    ),
]


@pytest.mark.parametrize(("replacement", "says"), WRONG)
def test_a_value_that_cannot_be_is_refused_everywhere(check, replacement, says) -> None:
    text = changed(replacement)
    line = line_of(text, replacement[1])
    for question in ("check", "table"):
        code, out, err = check(text, question)
        assert (code, out) == (4, "")
        assert re.search(rf"ours\.yaml, line {line}: .*{says}", err)


@pytest.mark.parametrize(
    ("replacement", "says"),
    [
        (("firstName: {faker: first_name}", "firstName: {faker: iana_id}"), None),
        (("firstName: {faker: first_name}", "multipleBirthStatus: {faker: boolean}"), None),
        (
            ("firstName: {faker: first_name}", "multipleBirthStatus: {faker: first_name}"),
            r"{faker: first_name} gives what cannot be: '\w+' is not of type 'boolean', 'null'",
        ),
        (("firstName: {faker: first_name}", "firstName: {faker: text}"), "allows at most 75"),
        (
            ("255901, update: 255901", "{faker: last_name}, update: 255901"),
            r"gives what cannot be: '\w+' is not of type 'integer'",
        ),
    ],
)
def test_what_is_made_is_judged_once_it_is_made(check, replacement, says) -> None:
    text = changed(replacement)
    code, _, err = check(text)
    assert code == (4 if says else 0), err
    if says:
        line = line_of(text, replacement[1])
        assert re.search(rf"ours\.yaml, line {line}: .*{says}", err)


@pytest.mark.parametrize("old", ["create: 8/23, update: 8/23", "entryDate: 8/31"])
def test_a_leap_day_is_a_day_of_some_school_years(check, old) -> None:
    replacement = (old, old.replace("8/23", "2/29").replace("8/31", "2/29"))
    text = changed(replacement)
    assert check(text, "check", "--school-year=2028")[0] == 0
    code, _, err = check(text, "check", "--school-year=2027")
    assert code == 4
    line = line_of(text, replacement[1])
    said = f"line {line}: 2/29 is no day of school year 2026-2027: 2027 is no leap year"
    assert said in err


def test_a_run_and_the_doctor_refuse_a_day_that_is_none(kit, new_sandbox, tmp_path, capsys) -> None:
    text = changed(IN_A_ROW)
    (tmp_path / "ours.yaml").write_text(text, encoding="utf-8")
    option = f"--edfi-scenarios={tmp_path / 'ours.yaml'}"
    result = kit.scenarios(new_sandbox(), option)
    assert result.ret == 4
    said = f"ours.yaml, line {line_of(text, '2/30')}: rows[0].create: 2/30 is no day"
    result.stderr.fnmatch_lines([f"*{said.replace('[', '[[]')}*"])
    assert "INTERNALERROR" not in f"{result.stdout}{result.stderr}"
    assert cli.main(["doctor", "--edfi-url=sandbox", option]) == 4
    assert said in capsys.readouterr().err


def test_every_shipped_table_writes_what_the_model_allows() -> None:
    found = Catalogue(shipped())
    found.add_shipped()
    for year in (2027, 2028):
        assert Chosen(shipped(), Settings(school_year=year), found.entries.values()).entries


def test_patterns_bounds_and_words_of_a_schema() -> None:
    assert refused({"type": "string", "pattern": "^[A-Z]+$"}, "AB") is None
    assert "does not match" in str(refused({"type": "string", "pattern": "^[A-Z]+$"}, "ab"))
    assert refused({"type": "integer", "minimum": 1, "maximum": 9}, 9) is None
    assert "less than the minimum" in str(refused({"type": "integer", "minimum": 1}, 0))
    assert "greater than the maximum" in str(refused({"type": "number", "maximum": 9}, 9.5))
    assert refused({"enum": ["A", "B"], "type": "string"}, "B") is None
    assert "is not one of" in str(refused({"enum": ["A", "B"], "type": "string"}, "C"))
    assert refused({"type": "integer", "minimum": 1}, {"from": "a.b"}) is None


SAME = ("create: Shelters, update: Doubled-up", "create: Shelters, update: Shelters")


def test_changes_that_do_not_differ_are_told_with_both_lines(check) -> None:
    text = changed(SAME)
    code, out, err = check(text)
    assert (code, out) == (4, "")
    first, second = line_of(text, "changes: "), line_of(text, SAME[1])
    assert f"ours.yaml, line {first}: scenarios.update.changes: " in err
    assert f"both columns have 'Shelters' (line {second})" in err
    assert "--edfi-set" not in err


def test_a_step_that_changes_nothing_can_have_no_changes(check) -> None:
    text = changed((" step: create\n", " step: create\n changes: beginDate\n"))
    text = text.replace("\n changes: beginDate", "\n    changes: beginDate")
    _, _, err = check(text)
    assert "scenarios.create.changes: a step 'create' changes nothing" in err


def test_what_edfi_set_makes_equal_is_still_told_as_such() -> None:
    found = Catalogue(shipped())
    name = "homelessPrimaryNighttimeResidenceDescriptor"
    entries = found._add(shipped().table("student-homeless-program-association"))
    with pytest.raises(ConfigurationError, match="--edfi-set: .*Give it for one: update:"):
        Chosen(shipped(), Settings(overrides={name: "Shelters"}), entries)


def test_a_mistyped_key_is_told_at_its_own_line(check) -> None:
    text = changed(("\nprerequisites:", "\nprerequisits:"))
    code, _, err = check(text)
    assert code == 4
    line = line_of(text, "prerequisits:")
    assert f"ours.yaml, line {line}: " in err
    assert "did you mean 'prerequisites'?" in err


@pytest.mark.parametrize("text", ["", "# to be written\n"])
def test_an_empty_file_is_said_to_be_empty(check, text) -> None:
    code, _, err = check(text)
    assert code == 4
    assert "ours.yaml: the file is empty" in err


# -- what an API lacks ------------------------------------------------------------------------------


def test_check_names_what_the_sandbox_lacks_in_prerequisites(check) -> None:
    grade = ("entryGradeLevelDescriptor: Fifth grade", "entryGradeLevelDescriptor: Fith grade")
    school = ("schoolReference.schoolId: 255901107", "schoolReference.schoolId: 999")
    text = changed(grade, school)
    code, out, _ = check(text)
    flat = re.sub(r"\s+", " ", out)
    assert code == 1
    said = "GradeLevelDescriptor has no code value 'Fith grade' there; did you mean 'Fifth grade'?"
    assert f"line {line_of(text, grade[1])}: {said}" in flat
    assert f"line {line_of(text, school[1])}: there is no schoolId 999 there; it has " in flat
    code, out, _ = check(changed())
    assert code == 0
    assert "lacks" not in out


def test_check_names_an_ed_org_of_a_row_that_the_sandbox_lacks(check) -> None:
    code, out, _ = check(changed(("create: 255901, update: 255901", "create: 1, update: 1")))
    assert code == 1
    assert "there is no educationOrganizationId 1 there" in out


def test_a_school_that_the_table_makes_need_not_be_loaded(check) -> None:
    school = "  school_of_ours: {resource: schools, values: {schoolId: 999}}\n  student:\n"
    used = ("schoolReference.schoolId: 255901107", "schoolReference.schoolId: 999")
    code, out, err = check(changed(used, (" student:\n", school.removeprefix(" "))))
    assert (code, err) == (0, "")
    assert '"schoolId": 999' in out


def test_a_run_names_a_missing_value_its_row_and_the_nearest(kit, new_sandbox, tmp_path) -> None:
    row = ("create: Shelters, update: Doubled-up", "create: Sheltrs, update: Doubled-up")
    text = changed(row)
    (tmp_path / "ours.yaml").write_text(text, encoding="utf-8")
    option = f"--edfi-scenarios={tmp_path / 'ours.yaml'}"
    result = kit.scenarios(new_sandbox(), option)
    shown = result.stdout.str()
    value = "HomelessPrimaryNighttimeResidenceDescriptor#Sheltrs"
    assert f"ours.yaml, line {line_of(text, row[1])}; did you mean 'Shelters'?" in shown
    lines = shown.splitlines()
    first = lines[next(n for n, line in enumerate(lines) if "? not testable" in line) + 1]
    assert first.strip() == f"{value}: descriptor values are missing in the API."
    # What an option replaces stands in no file.
    name = value.partition("#")[0].replace("Homeless", "homeless", 1)
    replaced = [f"--edfi-set=create:{name}=Nowhr", f"--edfi-set=update:{name}=Doubled-up"]
    shown = kit.scenarios(new_sandbox(), option, *replaced).stdout.str()
    assert "#Nowhr" in shown
    assert f"line {line_of(text, row[1])}" not in shown


def test_of_several_missing_values_the_first_is_named() -> None:
    values = [MissingValue(f"uri://x/ADescriptor#{n}", "a", "aDescriptors", None) for n in "123"]
    assert str(MissingDescriptors(values)).startswith("ADescriptor#1 and 2 more: descriptor values")


def test_a_value_that_a_shipped_table_sends_is_no_mistake_of_a_file(kit, new_sandbox) -> None:
    sandbox = new_sandbox()
    option = "--edfi-set=create:homelessPrimaryNighttimeResidenceDescriptor=Sheltrs"
    shown = kit.scenarios(sandbox, "--edfi-select=*homeless*", option).stdout.str()
    assert "did you mean 'Shelters'?" in shown
    assert "association.yaml, line" not in shown


def test_a_shipped_table_given_by_path_is_that_table(kit, new_sandbox, tmp_path) -> None:
    option = f"--edfi-scenarios={HOMELESS}"
    kit.scenarios(new_sandbox(), option).assert_outcomes(passed=2)
    ours = tmp_path / "ours.yaml"
    ours.write_text(HOMELESS.read_text(encoding="utf-8").replace("SIS v5\n", "mine\n", 1))
    result = kit.scenarios(new_sandbox(), f"--edfi-scenarios={ours}")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["*two scenarios have the id*--edfi-select=sis-v5-student-homeless*"]
    )


def test_the_four_scenarios_of_the_how_to_are_green(kit, new_sandbox, tmp_path) -> None:
    page = (Path(__file__).parents[1] / "docs/how-to/add-a-scenario.md").read_text("utf-8")
    text = page.partition('```yaml title="two-students.yaml"\n')[2].partition("```")[0]
    (tmp_path / "two.yaml").write_text(text, encoding="utf-8")
    sandbox = new_sandbox()
    before = len(sandbox.records("students"))
    result = kit.scenarios(sandbox, f"--edfi-scenarios={tmp_path / 'two.yaml'}")
    result.assert_outcomes(passed=4)
    assert len(sandbox.records("students")) == before
