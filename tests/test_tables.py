"""The certification table: equal to the published one, resolved for a run, replaced on demand."""

from __future__ import annotations

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_edfi_cte.contract import STANDARDS, Contract, shipped
from pytest_edfi_cte.contract_text import ContractError, parsed
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.resolving import school_year_date
from pytest_edfi_cte.scenarios import get
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.tables import load, scenario_ids

COLUMN = {
    "beginDate": "2026-08-23",
    "educationOrganizationReference": {"educationOrganizationId": 255901},
    "programReference": {
        "programName": "Career and Technical Education",
        "programTypeDescriptor": "uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education",
        "educationOrganizationId": 255901,
    },
    "studentReference": {"studentUniqueId": "222222"},
    "nonTraditionalGenderStatus": True,
    "privateCTEProgram": False,
    "technicalSkillsAssessmentDescriptor": "uri://ed-fi.org/TechnicalSkillsAssessmentDescriptor#Passed",
    "cteProgramServices": [
        {
            "cteProgramServiceDescriptor": "uri://ed-fi.org/CTEProgramServiceDescriptor#Information Technology",
            "cipCode": "11.0103",
            "primaryIndicator": True,
        }
    ],
}


def table(**overrides: str):
    return load(shipped(), Settings(overrides=overrides), "5.0")


def test_the_payloads_are_the_certification_tables_columns() -> None:
    assert json.dumps(table().payload("create")) == json.dumps(COLUMN)
    second = json.loads(json.dumps(COLUMN))
    second["cteProgramServices"][0]["primaryIndicator"] = False
    assert json.dumps(table().payload("update")) == json.dumps(second)


def test_the_rows_are_in_the_order_of_the_published_table() -> None:
    names = [row.name for row in table().rows]
    assert names == [
        "beginDate",
        "educationOrganizationReference",
        "educationOrganizationId",
        "programReference",
        "programName",
        "programTypeDescriptor",
        "educationOrganizationId",
        "studentReference",
        "studentUniqueId",
        "nonTraditionalGenderStatus",
        "privateCTEProgram",
        "technicalSkillsAssessmentDescriptor",
        "cteProgramServices",
        "cteProgramServiceDescriptor",
        "cipCode",
        "primaryIndicator",
    ]
    assert {row.required for row in table().rows} == {"REQUIRED"}
    assert [row.name for row in table().rows if row.collection] == ["cteProgramServices"]


@pytest.mark.parametrize("standard", ["4.0", "5.0"])
@pytest.mark.parametrize("step", ["create", "update"])
def test_the_payload_fits_the_schema(standard, step) -> None:
    validator = shipped().validator(standard, "studentCTEProgramAssociation")
    assert not list(validator.iter_errors(table().payload(step)))


@pytest.mark.parametrize("standard", ["4.0", "5.0"])
def test_the_prerequisites_fit_their_schemas(standard) -> None:
    records = table().prerequisites
    for name, schema in (
        ("student", "student"),
        ("enrollment", "studentSchoolAssociation"),
        ("program", "program"),
    ):
        assert not list(shipped().validator(standard, schema).iter_errors(records[name]))
    assert records["enrollment"]["entryDate"] == "2026-08-31"
    assert (
        records["enrollment"]["entryGradeLevelDescriptor"]
        == "uri://ed-fi.org/GradeLevelDescriptor#Ninth grade"
    )
    assert records["education_organization"] == {"localEducationAgencyId": 255901}


def test_natural_key() -> None:
    found = table()
    assert found.key_of(found.payload("create")) == {
        "beginDate": "2026-08-23",
        "educationOrganizationId": 255901,
        "programEducationOrganizationId": 255901,
        "programName": "Career and Technical Education",
        "programTypeDescriptor": COLUMN["programReference"]["programTypeDescriptor"],
        "studentUniqueId": "222222",
    }
    assert get({"a": 1}, "a.b") is None


def test_scenario_ids_are_readable() -> None:
    ids = scenario_ids(shipped().table().content)
    assert ids == {
        "create": "sis-v5-student-cte-program-association-1-create",
        "update": "sis-v5-student-cte-program-association-2-update",
    }
    assert table().scenario("create").id == ids["create"]
    with pytest.raises(KeyError):
        table().scenario("delete")


@given(st.integers(1, 12), st.integers(1, 28), st.integers(1990, 2100))
def test_a_month_day_falls_inside_the_school_year(month, day, year) -> None:
    found = school_year_date(f"{month}/{day}", year)
    assert f"{year - 1}-07-01" <= found <= f"{year}-06-30"
    assert found.endswith(f"-{month:02}-{day:02}")


def test_school_year_dates_of_the_table() -> None:
    assert school_year_date("8/23", 2027) == "2026-08-23"
    assert school_year_date("5/23", 2027) == "2027-05-23"
    with pytest.raises(ValueError):
        school_year_date("2/29", 2027)


def test_values_are_replaced_by_name_or_path() -> None:
    replaced = table(
        **{
            "studentUniqueId": "604822",
            "programReference.programName": "Shop",
            "cipCode": "12.0500",
            "beginDate": "9/1",
            "technicalSkillsAssessmentDescriptor": "uri://tx.example/TechnicalSkillsAssessmentDescriptor#Yes",
            "cteProgramServiceDescriptor": "Health Science",
            "nonTraditionalGenderStatus": "False",
            "programReference.educationOrganizationId": "7",
            "enrollment.schoolReference.schoolId": "42",
            "enrollment.entryDate": "2026-09-02",
            "enrollment.fullTimeEquivalency": "2",
            "enrollment.primarySchool": "false",
            "student.firstName": "Ada",
        }
    )
    for step in ("create", "update"):
        record = replaced.payload(step)
        assert record["studentReference"] == {"studentUniqueId": "604822"}
        assert record["programReference"]["programName"] == "Shop"
        assert record["programReference"]["educationOrganizationId"] == 7
        assert record["beginDate"] == "2026-09-01"
        assert record["nonTraditionalGenderStatus"] is False
        assert record["technicalSkillsAssessmentDescriptor"].startswith("uri://tx.example/")
        assert record["cteProgramServices"][0]["cteProgramServiceDescriptor"].endswith(
            "CTEProgramServiceDescriptor#Health Science"
        )
        assert record["cteProgramServices"][0]["cipCode"] == "12.0500"
    assert replaced.prerequisites["student"]["studentUniqueId"] == "604822"
    assert replaced.prerequisites["student"]["firstName"] == "Ada"
    enrollment = replaced.prerequisites["enrollment"]
    assert enrollment["schoolReference"] == {"schoolId": 42}
    assert (
        enrollment["entryDate"],
        enrollment["fullTimeEquivalency"],
        enrollment["primarySchool"],
    ) == ("2026-09-02", 2, False)
    assert replaced.prerequisites["program"]["programName"] == "Shop"


def test_a_value_is_replaced_in_one_scenario() -> None:
    replaced = table(
        **{"create:primaryIndicator": "false", "update:cteProgramServices.primaryIndicator": "true"}
    )
    values = [
        replaced.payload(step)["cteProgramServices"][0]["primaryIndicator"]
        for step in ("create", "update")
    ]
    assert values == [False, True]


def test_namespace() -> None:
    found = load(shipped(), Settings(namespace="uri://tea.example"), "5.0")
    assert (
        found.payload("create")["technicalSkillsAssessmentDescriptor"]
        == "uri://tea.example/TechnicalSkillsAssessmentDescriptor#Passed"
    )


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (
            "studentId",
            "5",
            "no such property. Did you mean studentUniqueId? Known names: beginDate, educationOrganizationReference.educationOrganizationId",
        ),
        ("cipcode", "11.0201", "no such property. Did you mean cipCode? Known names: beginDate"),
        ("unicorn", "5", "no such property. Known names: beginDate"),
        ("enrollment.nothing", "5", "enrollment.entryDate"),
        (
            "educationOrganizationId",
            "5",
            "stands more than once; write educationOrganizationReference.educationOrganizationId or programReference.educationOrganizationId",
        ),
        ("programReference.educationOrganizationId", "abc", "'abc' is not an integer"),
        ("privateCTEProgram", "0", "'0' is not a boolean; write true or false"),
        ("beginDate", "23.8.", "is not a date"),
        ("beginDate", "2026-02-30", "day is out of range"),
        ("beginDate", "2/30", "'2/30': day is out of range"),
        ("cipCode", "", "the value is empty"),
        ("primaryIndicator", "true", "must differ between the scenarios"),
        ("update:studentUniqueId", "5", "is part of the natural key"),
        ("delete:studentUniqueId", "5", "no such property"),
        ("create:student.firstName", "Ada", "no such property"),
    ],
)
def test_replacements_that_make_no_sense(name, value, says) -> None:
    with pytest.raises(ConfigurationError) as caught:
        table(**{name: value})
    assert says in str(caught.value)


# -- the contract's files -------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path):
    """A contract folder of our own to break."""
    import shutil
    from importlib import resources

    folder = tmp_path / "fixtures"
    with resources.as_file(resources.files("pytest_edfi_cte_fixtures")) as shipped_folder:
        shutil.copytree(shipped_folder, folder)
    return folder


TABLE = "scenarios/student-cte-program-association.yaml"


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            TABLE,
            'create: "11.0103"',
            "create: 11.0103",
            r"line 36: rows\[14\]\.create: 11.0103 is not of type 'string'",
        ),
        (TABLE, "type: boolean", "type: bool", r"line 31: rows\[9\]\.type: 'bool' is not one of"),
        (
            TABLE,
            "create: 8/23",
            "create: 23rd",
            r"line 22: rows\[0\]\.create: '23rd' does not match",
        ),
        (TABLE, "\nscenarios:", "\nscenarios: [", "not YAML"),
        (
            TABLE,
            "title: Student CTE",
            "titel: Student CTE",
            "Additional properties are not allowed",
        ),
        (TABLE, "resource: studentCTE", "\tresource: studentCTE", "line 7: not YAML"),
        ("schemas/5.0/studentCTEProgramAssociation.json", '"title":', "title:", "line 4: not JSON"),
        (
            "schemas/5.0/studentCTEProgramAssociation.json",
            '"required": [',
            '"required": 5, "x": [',
            "line 15: not a JSON Schema: 5 is not of type 'array'",
        ),
        (
            "schemas/scenario-table.json",
            '"type": "object",',
            '"type": "thing",',
            "line 5: not a JSON Schema",
        ),
    ],
)
def test_broken_file_is_said_with_its_line(file, old, new, says, copy) -> None:
    path = copy / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ContractError, match=f"contract file {file}.*{says}"):
        load(Contract(copy), Settings(), "5.0")


def test_missing_and_unreadable_files_are_said(copy) -> None:
    (copy / TABLE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ContractError, match="cannot be read"):
        Contract(copy).table()
    (copy / TABLE).unlink()
    with pytest.raises(ContractError, match="cannot be read"):
        Contract(copy).table()
    (copy / TABLE).write_text("\x01")
    with pytest.raises(ContractError, match="not YAML"):
        Contract(copy).table()
    (copy / TABLE).write_text("")
    with pytest.raises(ContractError, match="yaml: the file is empty"):
        Contract(copy).table()
    (copy / "schemas/5.0/student.json").write_text("true")
    with pytest.raises(ContractError, match="a JSON object is expected"):
        Contract(copy).schema("5.0", "student")


def test_all_schemas_are_valid_and_formats_are_checked() -> None:
    contract = shipped()
    for standard in ("4.0", "5.0"):
        schemas = contract.resource_schemas(standard)
        assert len(schemas) >= 19
        assert {name: s["x-edfi-resource"] for name, s in schemas.items()} == {
            n: n for n in schemas
        }
        assert contract.unchecked_schemas(standard) == dict(schemas)
    validator = contract.validator("5.0", "schoolYearType")
    good = {"schoolYear": 2027, "currentSchoolYear": True, "schoolYearDescription": "2026-2027"}
    assert not list(
        validator.iter_errors({**good, "_lastModifiedDate": "2026-11-24T03:00:00.123Z"})
    )
    assert list(validator.iter_errors({**good, "_lastModifiedDate": "2026-11-24 03:00"}))
    student = contract.validator("5.0", "student")
    body = {"studentUniqueId": "1", "firstName": "A", "lastSurname": "B", "birthDate": "2010-01-01"}
    assert not list(student.iter_errors(body))
    assert list(student.iter_errors({**body, "birthDate": "2010-01-01T00:00:00"}))
    assert list(student.iter_errors({**body, "birthDate": "2010-02-30"}))


def test_what_no_run_checks_is_checked_here() -> None:
    """A run takes the shipped schemas, the default table and the reports' words as they are."""
    root = resources.files("pytest_edfi_cte_fixtures")
    checked = 0
    for standard in (*STANDARDS, "protocol"):
        for file in root.joinpath("schemas").joinpath(standard).iterdir():
            Contract(root).validator(standard, file.name.removesuffix(".json"))
            checked += 1
    for file in root.joinpath("schemas").iterdir():
        if file.name.endswith(".json"):
            Draft202012Validator.check_schema(json.loads(file.read_text()))
            checked += 1
    assert checked > 50
    assert Contract(root).table().content == shipped().table().content
    assert Contract(root).explanations() == shipped().explanations()


def test_a_run_checks_no_schema_and_reads_each_once(monkeypatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("checked in a run")

    monkeypatch.setattr(Draft202012Validator, "check_schema", refuse)
    contract = Contract()
    validator = contract.validator("5.0", "student")
    assert validator is contract.validator("5.0", "student")
    assert contract.schema("5.0", "student") is contract.schema("5.0", "student")
    assert validator.schema is contract.schema("5.0", "student")
    load(contract, Settings(), "5.0")
    contract.explanations()


def test_a_descriptor_is_found_in_the_schemas_that_name_it(monkeypatch) -> None:
    contract = Contract()
    names = contract.descriptor_names
    assert names["entryGradeLevelDescriptor"] == "GradeLevelDescriptor"
    monkeypatch.setattr(contract, "naming", lambda name: iter(()))
    assert names["entryGradeLevelDescriptor"] == "GradeLevelDescriptor", "remembered"
    with pytest.raises(KeyError, match="noSuchDescriptor"):
        names["noSuchDescriptor"]


def test_yaml_is_read_alike_with_and_without_libyaml(monkeypatch) -> None:
    import yaml

    text = resources.files("pytest_edfi_cte_fixtures").joinpath(TABLE).read_text()
    fast = parsed(TABLE, text)[0]
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert parsed(TABLE, text)[0] == fast


def test_grand_bend_fits_its_schemas() -> None:
    contract = shipped()
    for name, schema in (
        ("educationServiceCenters", "educationServiceCenter"),
        ("localEducationAgencies", "localEducationAgency"),
        ("schools", "school"),
        ("programs", "program"),
        ("schoolYearTypes", "schoolYearType"),
    ):
        records = contract.grand_bend(name)
        assert records
        for record in records:
            assert not list(contract.validator("5.0", schema).iter_errors(record))
    assert len(contract.grand_bend("descriptors")) == 86


def test_a_schema_is_read_when_its_resource_is_used(copy) -> None:
    (copy / "schemas/5.0/calendar.json").write_text("{")
    schemas = Contract(copy).resource_schemas("5.0")
    assert "calendars" in schemas
    assert "descriptors" not in schemas
    assert schemas["students"]["x-edfi-resource"] == "students"
    with pytest.raises(ContractError, match=r"calendar\.json, line 1: not JSON"):
        schemas["calendars"]
    with pytest.raises(KeyError):
        schemas["nothing"]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "problem-details",
            {"type": "urn:ed-fi:api:system", "title": "T", "status": 500, "detail": "D"},
            {"type": "about:blank", "title": "T", "status": 500, "detail": "D"},
        ),
        (
            "token",
            {"access_token": "x", "token_type": "Bearer", "expires_in": 1800},
            {"access_token": ""},
        ),
        (
            "discovery",
            {"urls": {"oauth": "https://a", "dataManagementApi": "https://b"}},
            {"urls": {"oauth": "https://a"}},
        ),
    ],
)
def test_protocol_schemas(name, good, bad) -> None:
    validator = shipped().validator("protocol", name)
    assert not list(validator.iter_errors(good))
    assert list(validator.iter_errors(bad))


def test_descriptor_schema() -> None:
    validator = shipped().validator("5.0", "descriptor")
    good = {"namespace": "uri://ed-fi.org/X", "codeValue": "A", "shortDescription": "A"}
    assert not list(validator.iter_errors(good))
    for name in good:
        assert list(validator.iter_errors({k: v for k, v in good.items() if k != name}))
