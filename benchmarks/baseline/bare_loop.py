"""What the kit's cost per student is held to: a bare ``requests.Session`` in a loop.

``python bare_loop.py N`` sends for each of N students the very same 19 requests as ``--edfi-repeat
N`` and compares the fields: student looked up, made, enrolled; association made, read, found by its
key, read, changed by PUT, read, found by its key; each record read, deleted and read once more.
Session and token are made once. No retries, no evidence, no schema, no report, no pytest.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urljoin

import requests

sys.path.insert(0, str(Path(__file__).parent))

from test_by_hand import (
    ENROLLMENT_RECORD,
    KEY,
    STUDENT_RECORD,
    association,
)

TIMEOUT = 30


def main(students: int) -> None:
    with requests.Session() as session:
        urls = session.get(os.environ["EDFI_URL"], timeout=TIMEOUT).json()["urls"]
        data = urljoin(urls["dataManagementApi"].rstrip("/") + "/", "ed-fi/")
        answer = session.post(
            urls["oauth"],
            data={"grant_type": "client_credentials"},
            auth=(os.environ["EDFI_CLIENT_ID"], os.environ["EDFI_CLIENT_SECRET"]),
            timeout=TIMEOUT,
        )
        session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        for number in range(students):
            one_student(session, data, f"91{number:07}")


def one_student(session: requests.Session, data: str, student: str) -> None:
    assert found(session, data + "students", {"studentUniqueId": student}) == []
    enrollment = {**ENROLLMENT_RECORD, "studentReference": {"studentUniqueId": student}}
    first, second = (
        {**association(primary=primary), "studentReference": {"studentUniqueId": student}}
        for primary in (True, False)
    )
    collection = data + "studentCTEProgramAssociations"
    key = {**KEY, "studentUniqueId": student}
    made = [
        create(session, data + "students", {**STUDENT_RECORD, "studentUniqueId": student}),
        create(session, data + "studentSchoolAssociations", enrollment),
        create(session, collection, first),
    ]
    url = made[-1]
    compare(first, read(session, url).json())
    [same] = found(session, collection, key)
    compare(first, same)
    before = read(session, url)
    compare(first, before.json())
    headers = {"If-Match": before.headers["ETag"]} if "ETag" in before.headers else {}
    body = {"id": before.json()["id"], **second}
    answer = session.put(url, json=body, headers=headers, timeout=TIMEOUT)
    assert answer.status_code == 204, answer.text
    compare(second, read(session, url).json())
    [same] = found(session, collection, key)
    compare(second, same)
    read(session, url)
    delete(session, url)
    for url in reversed(made[:-1]):
        read(session, url)
    for url in reversed(made[:-1]):
        delete(session, url)


def found(session: requests.Session, url: str, key: dict) -> list[dict]:
    answer = session.get(url, params={**key, "limit": 5}, timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    return answer.json()


def create(session: requests.Session, url: str, record: dict) -> str:
    answer = session.post(url, json=record, timeout=TIMEOUT)
    assert answer.status_code == 201, answer.text
    return urljoin(url, answer.headers["Location"])


def read(session: requests.Session, url: str) -> requests.Response:
    answer = session.get(url, timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    return answer


def delete(session: requests.Session, url: str) -> None:
    answer = session.delete(url, timeout=TIMEOUT)
    assert answer.status_code == 204, answer.text
    assert session.get(url, timeout=TIMEOUT).status_code == 404


def compare(expected: dict, stored: dict) -> None:
    for name, value in expected.items():
        if isinstance(value, dict):
            compare(value, stored[name])
        elif isinstance(value, list):
            assert len(value) == len(stored[name])
            for one, other in zip(value, stored[name], strict=True):
                compare(one, other)
        else:
            assert type(value) is type(stored[name])
            assert value == stored[name]


if __name__ == "__main__":
    main(int(sys.argv[1]))
