"""What is there before the first request."""

import json

import pytest

from pytest_edfi_cte.sandbox import Sandbox
from pytest_edfi_cte.sandbox.seed import school_year
from tests.sandbox.support import CTE, ENROLLMENTS, association, enrollment, student, unlinked


def test_grand_bend_is_the_default():
    assert Sandbox().seed == "grand-bend"
    with pytest.raises(ValueError, match="nowhere' is neither grand-bend nor minimal nor a folder"):
        Sandbox(seed="nowhere")


@pytest.mark.parametrize("standard", ["4.0", "5.0"])
def test_minimal(standard):
    box = Sandbox(seed="minimal", year=2027, data_standard=standard)
    assert [r["localEducationAgencyId"] for r in box.records("localEducationAgencies")] == [255901]
    assert [r["schoolId"] for r in box.records("schools")] == [255901001]
    assert [r["programName"] for r in box.records("programs")] == ["Career and Technical Education"]
    assert box.records("educationServiceCenters") == []
    assert box.records("sexDescriptors") == unstamped(box, Sandbox(data_standard=standard))
    if standard == "5.0":
        assert [r["schoolYear"] for r in box.records("schoolYearTypes")] == [2027]
    box.load("students", [student()])
    box.load(ENROLLMENTS, [enrollment()])
    box.load(CTE, [association()])
    box.clear()
    assert len(box.records("schools")) == 1
    assert box.records("students") == []


def unstamped(box, other):
    """The other's sex descriptors with the ids and dates of the first's."""
    mine = box.records("sexDescriptors")
    same = [unlinked(record) for record in other.records("sexDescriptors")]
    assert [unlinked(record) for record in mine] == same
    return mine


def test_the_scenarios_pass_on_the_minimal_seed(kit, new_sandbox):
    kit.scenarios(new_sandbox(seed="minimal", year=2027)).assert_outcomes(passed=2)


def test_school_years_turn_in_july():
    assert school_year(1_782_863_999) == 2026  # 2026-06-30T23:59:59Z
    assert school_year(1_782_864_000) == 2027
    assert [
        r["schoolYear"]
        for r in Sandbox(seed="minimal", clock=lambda: 1_782_864_000).records("schoolYearTypes")
    ] == [2027]


@pytest.fixture
def folder(tmp_path):
    """Writes a seed: ``folder(students=[...], schools="text of schools.jsonl")``."""

    def write(**files):
        for name, content in files.items():
            if isinstance(content, str):
                (tmp_path / f"{name}.jsonl").write_text(content, encoding="utf-8")
            else:
                (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        return tmp_path

    return write


AGENCY = {
    "localEducationAgencyId": 7,
    "nameOfInstitution": "Seven",
    "categories": [
        {
            "educationOrganizationCategoryDescriptor": "uri://ed-fi.org/EducationOrganizationCategoryDescriptor#Local Education Agency"
        }
    ],
    "localEducationAgencyCategoryDescriptor": "uri://ed-fi.org/LocalEducationAgencyCategoryDescriptor#Independent",
}
SCHOOL = {
    "schoolId": 77,
    "nameOfInstitution": "Seventy-seven",
    "localEducationAgencyReference": {"localEducationAgencyId": 7},
    "educationOrganizationCategories": [
        {
            "educationOrganizationCategoryDescriptor": "uri://ed-fi.org/EducationOrganizationCategoryDescriptor#School"
        }
    ],
    "gradeLevels": [{"gradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Ninth grade"}],
}


def test_a_folder_is_loaded_in_the_order_of_the_model(folder, new_box, connect):
    """By name the agency would come after the enrollment needs it; the key speaks for it."""
    lines = [json.dumps(student("s1")), "", json.dumps({**student("s2"), "id": "x", "_etag": "1"})]
    seed = folder(
        localEducationAgencies=[AGENCY],
        Schools=[SCHOOL],
        students="\ufeff" + "\n".join(lines),
        studentSchoolAssociations=[enrollment("s1", school=77)],
    )
    (seed / "README.md").write_text("not a record")
    box = new_box(seed=str(seed))

    assert [r["studentUniqueId"] for r in box.records("students")] == ["s1", "s2"]
    assert [r["schoolId"] for r in box.records("schools")] == [77]
    assert box.records("programs") == []
    assert box.records("sexDescriptors")  # loaded as well
    assert box.seed == str(seed)
    assert [r["studentUniqueId"] for r in connect(box).get("students").json()] == ["s1"]
    box.clear()
    assert len(box.records("students")) == 2


def test_descriptors_of_the_folder_replace_that_set(folder):
    own = {"namespace": "uri://state", "codeValue": "Unknown", "shortDescription": "Unknown"}
    box = Sandbox(seed=folder(sexDescriptors=[own]))
    assert [r["namespace"] for r in box.records("sexDescriptors")] == ["uri://state"]
    assert len(box.records("gradeLevelDescriptors")) > 10


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"unicorns": []}, r"unicorns\.json: the sandbox has no resource 'unicorns'"),
        ({"students": {}}, r"students\.json: must be a JSON array of records"),
        ({"students": [student(), {}]}, r"students\.json, record 2: .*firstName is required"),
        ({"students": [7]}, r"students\.json, record 1: .*must be an object"),
        ({"students": "\n{]"}, r"students\.jsonl, line 2: is not JSON"),
        (
            {"studentSchoolAssociations": [enrollment("nobody")]},
            r"studentSchoolAssociations\.json, record 1: .*does not exist: School, Student",
        ),
    ],
)
def test_what_cannot_be_loaded_is_named(folder, files, text):
    with pytest.raises(ValueError, match=text):
        Sandbox(seed=folder(**files))


def test_a_seed_is_read_as_text(folder):
    seed = folder()
    (seed / "students.json").write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"students\.json cannot be read as UTF-8 text"):
        Sandbox(seed=seed)
    (seed / "students.json").write_text("[")
    with pytest.raises(ValueError, match=r"students\.json: is not JSON"):
        Sandbox(seed=seed)
