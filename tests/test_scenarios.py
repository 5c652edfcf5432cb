"""Scenarios as data: the format's checks, what is loaded and chosen, and every shipped table run."""

from __future__ import annotations

import json
import re
from importlib import resources
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from werkzeug import Response

from pytest_edfi_cte import catalogue
from pytest_edfi_cte.catalogue import Catalogue, Chosen, choose
from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.contract_text import ContractError
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.run import Run
from pytest_edfi_cte.sandbox import Sandbox
from pytest_edfi_cte.sandbox.defects import DEFECTS
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.table_files import check_sense, standards_of

PROGRAM = "sis-v5-student-program-association"
FOOD = "sis-v5-student-school-food-service-program-association"


def text_of(name: str = "student-program-association") -> str:
    folder = resources.files("pytest_edfi_cte_fixtures") / "scenarios"
    return (folder / f"{name}.yaml").read_text(encoding="utf-8")


def everything(**settings) -> Chosen:
    found = Catalogue(shipped())
    found.add_shipped()
    return Chosen(shipped(), Settings(school_year=2027, **settings), found.entries.values())


SMALL = """
id: our-calendar
title: Calendar
certification: ours
edition: first
resource: calendars
scenarios:
  create: {number: 1, step: create, title: Make it}
  again: {number: 2, step: upsert, title: Send it again}
  remove: {number: 3, step: delete, title: Remove it, of: create}
  gone: {number: 4, step: absent, title: It stays away, of: create}
rows:
- {path: calendarCode, type: string, collection: false, required: REQUIRED, create: {faker: last_name}, again: {faker: last_name}}
- {path: schoolReference, type: reference, collection: false, required: REQUIRED}
- {path: schoolReference.schoolId, type: integer, collection: false, required: REQUIRED, create: 255901001, again: 255901001}
- {path: schoolYearTypeReference, type: reference, collection: false, required: REQUIRED}
- {path: schoolYearTypeReference.schoolYear, type: integer, collection: false, required: REQUIRED, create: {school_year: 0}, again: {school_year: 0}}
- {path: calendarTypeDescriptor, type: descriptor, collection: false, required: REQUIRED, create: IEP, again: Student Specific}
"""


# -- the shipped tables -----------------------------------------------------------------------------


def test_every_shipped_table_makes_sense_and_fits_the_model() -> None:
    chosen = everything()
    assert len(chosen.entries) == 29
    for scenario_id, entry in chosen.entries.items():
        check_sense(shipped(), entry.file)
        for standard in standards_of(shipped(), entry.file.content):
            scenario = chosen.scenario(scenario_id, standard)
            assert scenario.id == scenario_id
            validator = shipped().validator(standard, scenario.table.schema)
            assert not list(validator.iter_errors(scenario.payload)), scenario_id
            for name, need in scenario.table.needs.items():
                if not need.preloaded:
                    schema = shipped().schema_name(standard, need.resource)
                    errors = list(shipped().validator(standard, schema).iter_errors(need.record))
                    assert not errors, (scenario_id, name, errors)


def test_no_line_of_python_is_about_one_of_the_tables() -> None:
    """All but the CTE table, whose public fixtures name it, are data alone."""
    resources_of = {e.file.content["resource"] for e in everything().entries.values()}
    names = [name.removesuffix("s").casefold() for name in resources_of if "CTE" not in name]
    assert len(names) == 8
    package = Path(catalogue.__file__).parent
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8").casefold()
        assert not [name for name in names if name in text], path


def test_what_is_changed_and_what_is_not_sent() -> None:
    chosen = everything()
    moved = chosen.scenario(f"{PROGRAM}-3-update", "5.0")
    assert moved.changed == ("beginDate", "endDate")
    assert moved.table.moves
    assert moved.changes is None
    assert moved.table.payload("create")["endDate"] == "2027-05-23"
    assert "endDate" not in moved.payload
    assert moved.payload["beginDate"] == "2026-09-30"
    assert moved.payload["studentReference"] == {"studentUniqueId": "111111"}
    food = chosen.scenario(f"{FOOD}-2-update", "5.0")
    assert food.changed == ("schoolFoodServiceProgramServices",)
    assert not food.table.moves


@pytest.fixture
def box(new_sandbox):
    """As new for each test: what a wrong API did not delete is in nobody's way later."""
    return new_sandbox()


def test_all_tables_are_green_in_one_run(kit, box) -> None:
    result = kit.scenarios(box, "--edfi-select=sis-v5-*")
    result.assert_outcomes(passed=27)
    for name in (
        "studentProgramAssociations",
        "students",
        "studentSchoolFoodServiceProgramAssociations",
    ):
        assert box.records(name) == []


def test_the_edition_of_sis_v4_is_green_on_data_standard_4(kit) -> None:
    with Sandbox(data_standard="4.0") as sandbox:
        kit.scenarios(sandbox, "--edfi-select=sis-v4-*").assert_outcomes(passed=2)
        requests = [r.body for r in sandbox.requests if r.method == "PUT"]
    assert len(requests) == 1
    assert '"endDate": "2026-10-02"' in str(requests[0])


def test_one_student_is_one_slot_whichever_table_needs_it(kit, box, monkeypatch) -> None:
    """Else two workers would both make the student, and one of them an error of the other's."""
    names = []
    held = Run.alone_with
    monkeypatch.setattr(
        Run, "alone_with", lambda run, name: (names.append(name), held(run, name))[1]
    )
    both = ("--edfi-select=sis-v5-student-cte-*-1-create", f"--edfi-select={PROGRAM}-2-create")
    kit.scenarios(box, *both).assert_outcomes(passed=2)
    asked = [name for name in names if name.startswith(("student ", "students "))]
    assert len(asked) == 3
    assert len(set(asked)) == 2  # 222222 of both tables, and the elementary one


@pytest.mark.parametrize(
    ("select", "defect", "says"),
    [
        (f"{PROGRAM}-3-update", "delete-not-done", "after the delete"),
        (f"{FOOD}-2-update", "update-keeps-old-element", "schoolFoodServiceProgramServices"),
    ],
)
def test_a_wrong_api_is_caught(kit, box, select, defect, says) -> None:
    box.fault(path="/ed-fi/student*programassociations*", defect=defect)
    result = kit.scenarios(box, f"--edfi-select={select}")
    result.assert_outcomes(failed=1)
    assert says in result.stdout.str()


def test_what_a_wrong_api_kept_is_deleted_by_the_next_run_of_the_folder(kit, box) -> None:
    """Without that, another table's or the same one's scenarios would find it in their way."""
    fault = box.fault(path="/ed-fi/student*programassociations*", defect="delete-not-done")
    result = kit.scenarios(box, f"--edfi-select={PROGRAM}-3-update")
    result.assert_outcomes(failed=1)
    assert len(box.records("studentProgramAssociations")) == 2
    fault.remove()
    kit.scenarios(box, f"--edfi-select={PROGRAM}-*").assert_outcomes(passed=4)
    for name in ("studentProgramAssociations", "students", "studentSchoolAssociations"):
        assert box.records(name) == []


def test_a_token_that_is_refused_in_the_middle_is_nobodys_bug(kit, new_sandbox) -> None:
    """The API takes no token it gave, until it gives none any more."""
    box = new_sandbox(DEFECTS["token-not-accepted"].make())
    result = kit.scenarios(box, "--edfi-select=sis-v5-student-language-*")
    result.assert_outcomes(errors=2)
    assert "not testable: the student could not be created" in result.stdout.str()
    result.stdout.fnmatch_lines(["not testable: *gave no token (429*"])
    assert "harness error" not in result.stdout.str()


# -- the format's checks ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "resource: studentProgramAssociations",
            "resource: studentProgramAssociation",
            "line 7: resource: Data Standard 5.0 has no resource 'studentProgramAssociation' here; did you mean 'studentProgramAssociations'?",
        ),
        (
            "path: beginDate,",
            "path: beginDat,",
            "has no property 'beginDat'; did you mean 'beginDate'?",
        ),
        ("title: Student", "titel: Student", "'titel' was unexpected); did you mean 'title'?"),
        ("step: update", "step: updat", "'updat' is not one of .*; did you mean 'update'?"),
        ("required: REQUIRED", "required: REQUIRD", "did you mean 'REQUIRED'?"),
        ("type: date", "type: string", "beginDate is of type 'date' in the API's model"),
        (
            "of: create-high",
            "of: create-hgh",
            "no other scenario 'create-hgh' sends a record; did you mean 'create-high'?",
        ),
        (
            "from: student.studentUniqueId",
            "from: student.studentUniqId",
            "names no value; did you mean 'student.studentUniqueId'?",
        ),
        ("number: 4", "number: 3", "two scenarios have this number"),
        (
            "create-high: 8/23, ",
            "create-hgh: 8/23, ",
            "no scenario of this name sends a record; did you mean 'create-high'?",
        ),
        (
            "update-high: 10/20",
            "required: REQUIRED",
            "beginDate has no value for 'update-high'; write -",
        ),
        (
            "resource: students\n",
            "resource: student\n",
            "there is no resource 'student'; did you mean 'students'?",
        ),
        (
            "      firstName:",
            "      fristName:",
            "students has no value 'fristName'; did you mean 'firstName'?",
        ),
        (
            "found_by: [studentUniqueId,",
            "found_by: [studentUniqeId,",
            "is no part of the natural key; did you mean 'studentUniqueId'?",
        ),
        (
            '["beginDate", "endDate"]',
            '["beginDate", "enDate"]',
            "there is no row 'enDate'; did you mean 'endDate'?",
        ),
        ("collection: false", "collection: true", "beginDate is no collection"),
        ("- {path: studentReference,", "- {path: endDate,", "endDate has a row already"),
        (
            "number: 1\n    step: create",
            "number: 1\n    step: update",
            "needs a scenario above it that sends the record",
        ),
        ("number: 1\n", "number: 1\n    of: create-high\n", "a create is of no other"),
        ("create-high:\n", "path:\n", "'path' cannot name one, rows use the word"),
    ],
)  # fmt: skip - one mistake a line
def test_a_mistake_is_told_with_line_and_nearest_word(old, new, says) -> None:
    # Blanks inside rows are for the eye; indentation is kept.
    source = re.sub(r"(?<=\S) +", " ", text_of())
    assert old in source
    with pytest.raises(ContractError) as caught:
        check_sense(shipped(), shipped().read_table("ours.yaml", source.replace(old, new, 1)))
    assert re.search(says.replace("?", r"\?").replace(")", r"\)"), str(caught.value))
    assert re.match(r"contract file ours\.yaml, line \d+: ", str(caught.value))


# -- what is loaded and chosen ----------------------------------------------------------------------


def chosen_ids(tmp_path, hook=None, **settings):
    return [e.id for e in choose(shipped(), Settings(**settings), tmp_path, hook)]


def test_the_default_is_the_cte_table_alone(tmp_path) -> None:
    ids = chosen_ids(tmp_path)
    assert ids == [f"sis-v5-student-cte-program-association-{n}" for n in ("1-create", "2-update")]


def test_files_folders_and_globs(tmp_path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "calendar.yaml").write_text(SMALL)
    for path in ("ours", "ours/calendar.yaml"):
        assert chosen_ids(tmp_path, scenarios=(path,))[0] == "our-calendar-1-create"
    both = chosen_ids(tmp_path, scenarios=("ours",), select=("our-*-create", "*homeless*2*"))
    assert both == [
        "sis-v5-student-homeless-program-association-2-update",
        "our-calendar-1-create",
    ]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"select": ("our-calender-1-create",)}, "no scenario is called 'our-calender-1-create'"),
        ({"scenarios": ("nothing.yaml",)}, "--edfi-scenarios: .*nothing.yaml cannot be read"),
        ({"scenarios": ("empty",)}, "there is no YAML file in .*empty"),
        ({"scenarios": ("copy.yaml",)}, "two scenarios have the id sis-v5-student-program-.*copy"),
        ({"scenarios": ("bad.yaml",)}, "bad.yaml, line 1: 'id' is a required property"),
    ],
)
def test_what_cannot_be_loaded_is_told(tmp_path, settings, says) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "copy.yaml").write_text(text_of().replace("edition: ", "edition: our "))
    (tmp_path / "bad.yaml").write_text("title: x")
    with pytest.raises(ConfigurationError, match=says):
        chosen_ids(tmp_path, **settings)


def test_installed_packages_offer_scenarios_to_be_chosen(tmp_path, monkeypatch) -> None:
    (tmp_path / "calendar.yaml").write_text(SMALL)
    point = EntryPoint("state", "conftest:nothing", catalogue.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda _self: lambda: tmp_path)
    monkeypatch.setattr(
        catalogue, "entry_points", lambda group: [point] * (group == catalogue.GROUP)
    )
    assert chosen_ids(tmp_path, select=("our-*",))[1] == "our-calendar-2-upsert"
    assert "our-calendar-2-upsert" not in chosen_ids(tmp_path)


def test_a_table_of_ones_own_with_every_step_and_a_folder_from_a_hook(kit, box) -> None:
    kit.pytester.makefile(".yaml", calendar=SMALL)
    kit.pytester.makeconftest(
        """
        def pytest_edfi_scenarios(config):
            return "calendar.yaml"

        def pytest_edfi_modify_scenarios(config, scenarios):
            scenarios[:] = [s for s in scenarios if s.id.startswith("our-")]
        """
    )
    result = kit.scenarios(box, "-v")
    result.assert_outcomes(passed=4)
    assert "test_scenario[our-calendar-4-absent]" in result.stdout.str()
    assert box.records("calendars") == []


def test_a_table_for_another_standard_is_refused(kit, box) -> None:
    result = kit.scenarios(box, "--edfi-select=sis-v4-*")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*sis-v4.yaml is for Data Standard 4.0; this API has 5.0*"])


# -- values -----------------------------------------------------------------------------------------


def resolved(text: str, **settings):
    file = shipped().read_table("ours.yaml", text)
    check_sense(shipped(), file)
    found = Catalogue(shipped())
    entries = found.add_table(file.content, "ours.yaml")
    return Chosen(shipped(), Settings(school_year=2027, **settings), entries)


def test_invented_values_follow_the_seed() -> None:
    first = resolved(SMALL, seed=1).scenario("our-calendar-1-create", "5.0").payload
    again = resolved(SMALL, seed=1).scenario("our-calendar-2-upsert", "5.0").payload
    other = resolved(SMALL, seed=2).scenario("our-calendar-1-create", "5.0").payload
    assert first["calendarCode"] == again["calendarCode"] != other["calendarCode"]
    assert first["schoolYearTypeReference"] == {"schoolYear": 2027}
    with pytest.raises(ConfigurationError, match="no provider 'last_nam'; did you mean 'last_name"):
        resolved(SMALL.replace("last_name", "last_nam"))


def test_what_a_prerequisite_does_not_say_is_made_from_its_schema() -> None:
    needs = """
prerequisites:
  student: {resource: students}
  enrollment: {resource: studentSchoolAssociations, values: {schoolReference.schoolId: 255901001}}
"""
    table = resolved(SMALL + needs).scenario("our-calendar-1-create", "5.0").table
    for name, schema in (("student", "student"), ("enrollment", "studentSchoolAssociation")):
        assert not list(shipped().validator("5.0", schema).iter_errors(table.prerequisites[name]))
    student = table.prerequisites["student"]["studentUniqueId"]
    assert table.prerequisites["enrollment"]["studentReference"]["studentUniqueId"] == student
    with pytest.raises(ConfigurationError, match="studentReference.studentUniqueId is required"):
        resolved(SMALL + needs.replace("  student: {resource: students}\n", ""))


def test_values_from_prerequisites_are_replaced_there() -> None:
    with pytest.raises(ConfigurationError, match="write elementary_student.studentUniqueId or"):
        everything(overrides={"studentUniqueId": "5"})
    chosen = everything(overrides={"elementary_student.studentUniqueId": "5"})
    table = chosen.scenario(f"{PROGRAM}-1-create", "5.0").table
    assert table.payload("create")["studentReference"] == {"studentUniqueId": "5"}
    enrollment = table.prerequisites["elementary_enrollment"]
    assert enrollment["studentReference"] == {"studentUniqueId": "5"}
    with pytest.raises(ConfigurationError, match="no such property"):
        everything(overrides={"nowhere": "5"})


def load_needs(sandbox: Sandbox, table) -> None:
    for need in table.needs.values():
        if not need.preloaded:
            sandbox.load(need.resource, [need.record])


@pytest.mark.parametrize("twice", [False, True])
def test_what_others_have_under_a_key_that_could_not_be_looked_up_stays(
    new_sandbox, kit, twice
) -> None:
    """The new natural key of a record; ``twice``: the API keeps two records under one key."""
    name = f"{PROGRAM}-3-update"
    catalogue = Catalogue(shipped())
    catalogue.add_shipped()
    chosen = Chosen(shipped(), Settings(school_year=2027), [catalogue.entries[name]])
    table = chosen.scenario(name, "5.0").table
    theirs = table.payload("update")
    asked, deleted, second = [], [], "f" * 32

    def through(request, proceed):
        of_them = request.path.endswith(f"/{table.resource}")
        if of_them and theirs["beginDate"] in request.query_string.decode():
            asked.append(request.method)
            if len(asked) == 1:
                return Response(status=500)
        if twice and request.method == "POST" and of_them and asked and deleted:
            return Response(status=201, headers={"Location": f"{request.base_url}/{second}"})
        if request.path.endswith(second) and request.method == "GET":
            body = json.dumps({"id": second, **theirs})
            return Response(status=404) if second in deleted else Response(body)
        if request.method == "DELETE" and f"/{table.resource}/" in request.path:
            deleted.append(request.path.rpartition("/")[2])
            if second in deleted:
                return Response(status=204)
        return proceed(request)

    sandbox = new_sandbox(through)
    load_needs(sandbox, table)
    sandbox.load(table.resource, [theirs])
    before = sandbox.records(table.resource)
    result = kit.scenarios(sandbox, f"--edfi-select={name}", "--edfi-school-year=2027")
    result.assert_outcomes(failed=1)
    assert sandbox.records(table.resource) == before
    assert (second in deleted) is twice
    if not twice:
        result.stdout.fnmatch_lines(
            ["not testable: the POST updated a record that existed already*"]
        )
