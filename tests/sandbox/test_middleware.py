import pytest
import requests

from pytest_edfi_cte.sandbox import Request, Response, Sandbox, altered
from tests.sandbox.support import CTE, PREFIX, association, refused, student, unlinked


def test_the_first_middleware_is_outermost(new_box):
    seen = []

    def named(name):
        def middleware(request, proceed):
            seen.append(f"{name} in")
            response = proceed(request)
            seen.append(f"{name} out")
            return response

        return middleware

    box = new_box(middleware=[named("a"), named("b")])
    requests.get(box.url)

    assert seen == ["a in", "b in", "b out", "a out"]


def test_status_headers_and_json_can_be_seen_and_altered(new_box, connect):
    def middleware(request, proceed):
        response = proceed(request)
        assert isinstance(response, Response)
        if request.path.endswith("/schools"):
            schools = response.get_json()
            response.set_data(f"[{len(schools)}]")
            response.headers["X-Seen"] = str(response.status_code)
            response.status_code = 203
        return response

    answer = connect(new_box(middleware=[middleware])).get("schools")

    assert (answer.status_code, answer.headers["X-Seen"]) == (203, "200")
    assert answer.json() == [3]


def test_problems_are_answers_for_a_middleware(new_box):
    seen = []

    def middleware(request, proceed):
        response = proceed(request)
        seen.append(response.get_json()["type"])
        return Response("teapot", 418)

    box = new_box(middleware=[middleware])
    assert requests.get(f"{box.url}/nowhere").status_code == 418
    assert seen == [f"{PREFIX}not-found"]
    assert box.requests[0].status == 418


def test_proceed_twice(new_box, connect):
    def middleware(request, proceed):
        statuses = [proceed(request).status_code, proceed(request).status_code]
        return (
            Response(str(statuses))
            if request.method == "POST" and "data" in request.path
            else proceed(request)
        )

    api = connect(new_box(middleware=[middleware]))
    value = {"namespace": "uri://x", "codeValue": "y", "shortDescription": "y"}

    assert api.post("sexDescriptors", value).text == "[201, 200]"


def test_a_request_can_be_altered(new_box, connect):
    def middleware(request, proceed):
        if request.method == "POST" and request.path.endswith(CTE):
            body = request.get_json()
            del body["cteProgramServices"]
            request = altered(request, body=body)
        elif request.method == "PATCH":
            request = altered(
                request, method="GET", path="/data/v3/ed-fi/schools", headers={"X-Other": "1"}
            )
            assert request.headers["X-Other"] == "1"
        return proceed(request)

    box = new_box(middleware=[middleware])
    api = connect(box)
    box.load("students", [student()])
    box.load(
        "studentSchoolAssociations",
        [
            {
                "studentReference": {"studentUniqueId": "222222"},
                "schoolReference": {"schoolId": 255901001},
                "entryDate": "2024-08-31",
                "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Ninth grade",
            }
        ],
    )
    record = api.get(api.made(CTE, association())).json()

    assert "cteProgramServices" not in unlinked(record)
    assert len(api("PATCH", "nothing?limit=2").json()) == 2
    assert box.requests[-1].method == "PATCH"  # what was received, not what became of it


def test_an_altered_request_keeps_the_rest():
    request = Request.from_values("/a?b=c", method="PUT", json={"d": 1})
    copy = altered(request)

    assert (copy.method, copy.full_path, copy.get_json()) == ("PUT", "/a?b=c", {"d": 1})


def test_a_middleware_that_fails_is_a_system_error(new_box, caplog):
    def middleware(request, proceed):
        raise RuntimeError("hush")

    answer = requests.get(f"{new_box(middleware=[middleware]).url}/a%0Ab%1B[31m")

    document = refused(answer, 500, "system")
    assert "hush" not in str(document)
    assert "Traceback" not in answer.text
    assert "hush" in caplog.text
    assert r"'GET' '/a\nb\x1b[31m' failed" in caplog.text


def test_a_fault_of_our_own_is_a_system_error(new_box, connect, monkeypatch, caplog):
    seen = []

    def middleware(request, proceed):
        response = proceed(request)
        seen.append(response.status_code)
        return response

    box = new_box(middleware=[middleware])
    api = connect(box)
    monkeypatch.setattr(box._engine, "query", lambda *a, **k: 1 / 0)

    refused(api.get("schools"), 500, "system")
    assert seen[-1] == 500
    assert "ZeroDivisionError" in caplog.text
    assert box.requests[-1].status == 500


@pytest.mark.parametrize("middleware", [(), []])
def test_without_middleware(middleware):
    with Sandbox(middleware=middleware) as box:
        assert requests.get(box.url).status_code == 200
