import pytest

from tests.sandbox.support import CTE, ENROLLMENTS, association, enrollment, refused, student

PARAMETER = "bad-request:parameter-validation-failed"
NO_DATE = "beginDate must be a calendar date written YYYY-MM-DD."


@pytest.fixture
def many(enrolled):
    """A client that sees 60 enrolled students, s00 to s59, besides 222222."""
    names = [f"s{number:02d}" for number in range(60)]
    enrolled.sandbox.load("students", [student(name, firstName=name) for name in names])
    enrolled.sandbox.load(ENROLLMENTS, [enrollment(name) for name in names])
    return enrolled


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [record["studentUniqueId"] for record in answer.json()]


def test_nothing_is_an_empty_array(api):
    answer = api.get(CTE)

    assert answer.json() == []
    assert answer.headers["Content-Type"] == "application/json"


def test_25_records_unless_told_otherwise(many):
    assert len(ids(many.get("students"))) == 25
    assert len(ids(many.get("students", limit=500))) == 61
    assert ids(many.get("students", limit=0)) == []


def test_pages_are_stable_and_complete(many):
    pages = [ids(many.get("students", limit=20, offset=start)) for start in range(0, 80, 20)]

    assert [len(page) for page in pages] == [20, 20, 20, 1]
    assert [one for page in pages for one in page] == ids(many.get("students", limit=500))
    assert ids(many.get("students", offset=61)) == []


def test_an_update_does_not_move_a_record(many):
    before = ids(many.get("students", limit=3))
    record = many.get("students", studentUniqueId=before[1]).json()[0]
    many.put(f"students/{record['id']}", student(before[1], firstName="New"))

    assert ids(many.get("students", limit=3)) == before


@pytest.mark.parametrize("spelling", ["totalCount=true", "TOTALCOUNT=True"])
def test_the_total_count(many, spelling):
    answer = many("GET", f"students?limit=1&{spelling}")

    assert answer.headers["Total-Count"] == "61"
    assert many("GET", f"students?limit=0&{spelling}").headers["Total-Count"] == "61"


def test_no_total_count_unless_asked(many):
    for query in ("", "?totalCount=false"):
        assert "Total-Count" not in many("GET", f"students{query}").headers


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=501", "limit"),
        ("limit=-1", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("limit=1.5", "limit"),
        ("offset=-1", "offset"),
        ("offset=x", "offset"),
        ("offset=9223372036854775808", "offset"),
        ("totalCount=1", "totalCount"),
    ],
)
def test_parameters_out_of_range(api, query, name):
    (text,) = refused(api("GET", f"students?{query}"), 400, PARAMETER)["errors"]

    assert text.startswith(name)


def test_all_wrong_parameters_are_named(api):
    document = refused(api("GET", "students?limit=x&offset=x&totalCount=x"), 400, PARAMETER)

    assert len(document["errors"]) == 3


@pytest.mark.parametrize(
    ("query", "other"),
    [
        ({"beginDate": "2024-08-23"}, {"beginDate": "2024-08-24"}),
        ({"educationOrganizationId": 255901}, {"educationOrganizationId": 255901001}),
        ({"programEducationOrganizationId": 255901}, {"programEducationOrganizationId": 1}),
        ({"programName": "Career and Technical Education"}, {"programName": "Band"}),
        (
            {
                "programTypeDescriptor": "uri://ed-fi.org/ProgramTypeDescriptor"
                "#Career and Technical Education"
            },
            {"programTypeDescriptor": "uri://ed-fi.org/ProgramTypeDescriptor#Athletics"},
        ),
        ({"studentUniqueId": "222222"}, {"studentUniqueId": "2222220"}),
    ],
)
def test_every_part_of_the_natural_key_can_be_asked_for(associated, query, other):
    (name,) = query

    assert len(associated.get(CTE, **query).json()) == 1
    assert len(associated.get(CTE, **{name.upper(): query[name]}).json()) == 1
    assert associated.get(CTE, **other).json() == []


def test_conditions_are_all_required(associated):
    whole = {
        "beginDate": "2024-08-23",
        "educationOrganizationId": 255901,
        "programEducationOrganizationId": 255901,
        "programName": "Career and Technical Education",
        "programTypeDescriptor": "uri://ed-fi.org/programtypedescriptor"
        "#career and technical education",
        "studentUniqueId": "222222",
    }

    assert len(associated.get(CTE, **whole).json()) == 1
    for name in whole:
        other = 1 if isinstance(whole[name], int) else "2000-01-01"
        assert associated.get(CTE, **{**whole, name: other}).json() == []


def test_root_properties_outside_the_key(many):
    assert ids(many.get("students", firstName="s07")) == ["s07"]
    assert ids(many.get("students", firstName="s07", lastSurname="Johnson")) == ["s07"]
    assert ids(many.get("students", firstName="s07", studentUniqueId="s08")) == []
    assert ids(many.get("students", firstName="S07")) == []
    assert len(ids(many.get("students", birthDate="2001-01-01", limit=500))) == 61


@pytest.mark.parametrize("value", ["true", "TRUE"])
def test_booleans_can_be_asked_for(associated, value):
    assert associated.get(CTE, privateCTEProgram=value).json() == []
    associated.put(associated.association, association(privateCTEProgram=True))

    assert len(associated.get(CTE, privateCTEProgram=value).json()) == 1
    assert associated.get(CTE, privateCTEProgram="false").json() == []


def test_numbers_can_be_asked_for(enrolled):
    enrolled.put(enrolled.enrollment, enrollment(fullTimeEquivalency=0.5))

    assert len(enrolled.get(ENROLLMENTS, fullTimeEquivalency="0.50").json()) == 1
    assert enrolled.get(ENROLLMENTS, fullTimeEquivalency="1").json() == []


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"educationOrganizationId": "x"}, "educationOrganizationId must be a JSON integer."),
        ({"privateCTEProgram": "perhaps"}, "privateCTEProgram must be a JSON boolean."),
        ({"educationOrganizationId": "9" * 19}, "educationOrganizationId is out of range."),
        ({"id": "x"}, "id is not an id."),
        ({"beginDate": "2024-02-30"}, NO_DATE),
        ({"BEGINDATE": "2024-08-23T00:00:00"}, NO_DATE),
        ({"beginDate": "20240823"}, NO_DATE),
        ({"beginDate": ""}, NO_DATE),
    ],
)
def test_a_value_of_another_type_is_refused(api, query, text):
    assert refused(api.get(CTE, **query), 400, PARAMETER)["errors"] == [text]


def test_by_id(associated):
    record_id = associated.association.rpartition("/")[2]

    assert len(associated.get(CTE, id=record_id).json()) == 1
    assert len(associated.get(CTE, id=record_id.upper(), studentUniqueId="222222").json()) == 1
    assert associated.get(CTE, id="0" * 32).json() == []
    assert associated.get("students", id=record_id).json() == []


def test_unknown_parameters_are_ignored(associated):
    assert len(associated.get(CTE, unicorn="1").json()) == 1


def test_of_a_repeated_parameter_the_first_counts(associated):
    assert len(associated("GET", f"{CTE}?studentUniqueId=222222&STUDENTUNIQUEID=x").json()) == 1


@pytest.mark.parametrize("path", [CTE.upper(), CTE.lower(), f"{CTE}/"])
def test_paths_in_any_case_and_with_a_slash(associated, path):
    assert len(associated.get(path).json()) == 1
    base = associated.sandbox.url
    assert associated("GET", f"{base}/DATA/V3/Ed-Fi/{path}").status_code == 200


def test_the_count_knows_the_conditions(many):
    answer = many.get("students", studentUniqueId="s01", totalCount="true")

    assert answer.headers["Total-Count"] == "1"


def test_cursor_paging_survives_deletions(api):
    first = api.get("sexDescriptors", limit=2)
    token = first.headers["Next-Page-Token"]
    assert api.delete(f"sexDescriptors/{first.json()[0]['id']}").status_code == 204
    rest = api.get("sexDescriptors", pageToken=token, pageSize=500)
    assert "Next-Page-Token" not in rest.headers
    stored = [record["id"] for record in api.sandbox.records("sexDescriptors")]
    assert [first.json()[1]["id"], *(record["id"] for record in rest.json())] == stored
    assert "Next-Page-Token" not in api.get("sexDescriptors", limit=1, offset=1).headers


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"pageToken": "x"}, "pageToken must be one that an answer carried as Next-Page-Token."),
        ({"pageToken": "YWZ0ZXIgeA=="}, "pageToken must be one that an answer carried"),
        ({"pageToken": "YWZ0ZXIgMQ==", "offset": 1}, "pageToken and offset cannot be used"),
        ({"pageSize": 501}, "pageSize must be a whole number from 0 to 500."),
    ],
)
def test_wrong_cursors(api, query, text):
    answer = api.get("sexDescriptors", **query)
    document = refused(answer, 400, "bad-request:parameter-validation-failed")
    assert document["errors"][0].startswith(text)
