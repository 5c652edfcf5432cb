"""Products that are right, and products that are wrong in one way each, as scripted API clients.

A product gets a :class:`Link` to the API with a key of its own, the step and the scenario's values,
and sends what it sends. ``RIGHT`` must pass; of each of ``WRONG`` the kit must say what is wrong,
with every text of ``says``, and nothing of ``never``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import requests

Json = dict[str, Any]
ED_FI = "uri://ed-fi.org/"
STATE = "uri://state.example/"
SERVICE = "CTEProgramServiceDescriptor#"
IT, HEALTH = f"{ED_FI}{SERVICE}Information Technology", f"{ED_FI}{SERVICE}Health Science"
INDICATOR = "cteProgramServices[Information Technology].primaryIndicator"
CIP = "cteProgramServices[Information Technology].cipCode"


class Link:
    """A product's connection: its own credentials and token."""

    def __init__(self, url: str, client_id: str, client_secret: str) -> None:
        self._http = requests.Session()
        self._http.trust_env = False
        urls = self._http.get(url, timeout=10).json()["urls"]
        answer = self._http.post(
            urls["oauth"],
            data={"grant_type": "client_credentials"},
            auth=(client_id, client_secret),
            timeout=10,
        )
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self.data = urls["dataManagementApi"].rstrip("/") + "/ed-fi/"
        self.collection = f"{self.data}studentCTEProgramAssociations"

    def close(self) -> None:
        self._http.close()

    def send(self, method: str, url: str, body: Json | None = None) -> requests.Response:
        response = self._http.request(method, url, json=body, timeout=10)
        assert response.status_code < 400, f"{method} {url}: {response.text}"
        return response

    def post(self, body: Json, collection: str = "studentCTEProgramAssociations") -> str:
        response = self.send("POST", self.data + collection, body)
        return response.headers.get("Location", "")

    def find(self, values: Json) -> Json:
        """The association of the values' student that began last."""
        student = values["studentReference"]["studentUniqueId"]
        found = self.send("GET", f"{self.collection}?studentUniqueId={student}").json()
        return max(found, key=lambda record: record["beginDate"])

    def put(self, values: Json, record_id: str | None = None) -> None:
        record_id = record_id or self.find(values)["id"]
        self.send("PUT", f"{self.collection}/{record_id}", {**values, "id": record_id})

    def delete(self, record_id: str) -> None:
        self.send("DELETE", f"{self.collection}/{record_id}")


#: What a product does in one step.
Step = Callable[[Link, Json], object]


def post(link: Link, values: Json) -> None:
    link.post(values)


def put(link: Link, values: Json) -> None:
    link.put(values)


def nothing(_link: Link, _values: Json) -> None:
    """Says that it worked, and sends nothing."""


@dataclass(frozen=True)
class Product:
    """``create`` and ``update``: what it sends in each step; ``step``: the one it is wrong in.

    ``options``: further options of the run. ``delay``: seconds that pass before it sends.
    ``middleware``: changes what the API does, for what only a lenient host takes.
    """

    name: str
    create: Step = post
    update: Step = put
    step: str = "create"
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ("harness error",)
    options: tuple[str, ...] = ()
    delay: float = 0.0
    middleware: tuple[Any, ...] = ()


def changed(change: Callable[[Json], None], step: Step = post) -> Step:
    """Sends the values with one change."""

    def act(link: Link, values: Json) -> None:
        body = deepcopy(values)
        change(body)
        step(link, body)

    return act


def set_to(path: str, value: Any) -> Callable[[Json], None]:
    """Put a value at a dotted path; a collection is entered at its first element."""

    def change(body: Json) -> None:
        *parents, name = path.split(".")
        here: Any = body
        for part in parents:
            here = here[part][0] if isinstance(here[part], list) else here[part]
        here[name] = value

    return change


def without(path: str) -> Callable[[Json], None]:
    def change(body: Json) -> None:
        *parents, name = path.split(".")
        here: Any = body
        for part in parents:
            here = here[part][0] if isinstance(here[part], list) else here[part]
        del here[name]

    return change


def in_state_namespace(*names: str) -> Callable[[Json], None]:
    """The state's values of these descriptors, wherever they stand."""

    def change(body: Json) -> None:
        for name, value in body.items():
            if name in names:
                body[name] = value.replace(ED_FI, STATE)
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, dict):
                    change(inner)

    return change


def more_services(body: Json) -> None:
    body["cteProgramServices"].append(
        {"cteProgramServiceDescriptor": HEALTH, "primaryIndicator": True}
    )


def both_steps(*steps: Step) -> Step:
    def act(link: Link, values: Json) -> None:
        for step in steps:
            step(link, values)

    return act


def wrong_student(link: Link, values: Json) -> None:
    """Another student, enrolled like the table's."""
    link.post(
        {
            "studentUniqueId": "604899",
            "firstName": "A",
            "lastSurname": "B",
            "birthDate": "2010-01-01",
        },
        "students",
    )
    link.post(enrollment("604899"), "studentSchoolAssociations")
    changed(set_to("studentReference.studentUniqueId", "604899"))(link, values)


def delete_and_post(link: Link, values: Json) -> None:
    link.delete(link.find(values)["id"])
    link.post(values)


def delete_alone(link: Link, values: Json) -> None:
    link.delete(link.find(values)["id"])


def delete_and_begin_later(link: Link, values: Json) -> None:
    link.delete(link.find(values)["id"])
    changed(set_to("beginDate", "2026-09-01"))(link, values)


def twice(link: Link, values: Json) -> None:
    """The right one, and another under a later begin date."""
    link.post(values)
    changed(set_to("beginDate", "2026-09-01"))(link, values)


def only_the_change(link: Link, values: Json) -> None:
    """A PUT as if it were a PATCH: key and change alone."""
    body = deepcopy(values)
    for name in ("nonTraditionalGenderStatus", "technicalSkillsAssessmentDescriptor"):
        del body[name]
    link.put(body)


def fails(link: Link, values: Json) -> None:
    raise RuntimeError("the export queue is full")


def the_other_service(link: Link, values: Json) -> None:
    """Sets the indicator of the second service, not of the table's."""
    body = deepcopy(values)
    body["cteProgramServices"][0]["primaryIndicator"] = True
    more_services(body)
    body["cteProgramServices"][1]["primaryIndicator"] = False
    link.put(body)


def lenient(path: str, value: Any) -> tuple[Any, ...]:
    """A host that keeps a value with the type it was sent with (the sandbox would make it right)."""

    def middleware(request: Any, proceed: Any) -> Any:
        response = proceed(request)
        if request.method == "GET" and response.status_code == 200 and "CTE" in request.path:
            body = response.get_json()
            for record in body if isinstance(body, list) else [body]:
                set_to(path, value)(record)
            response.set_data(json.dumps(body))
        return response

    return (middleware,)


MAP_ALL = tuple(
    f"--edfi-descriptor={STATE}{name}={ED_FI}{name}"
    for name in (
        f"{SERVICE}Information Technology",
        "TechnicalSkillsAssessmentDescriptor#Passed",
        "ProgramTypeDescriptor#Career and Technical Education",
    )
)
DESCRIPTORS = (
    "cteProgramServiceDescriptor",
    "technicalSkillsAssessmentDescriptor",
    "programTypeDescriptor",
)
all_in_state = in_state_namespace(*DESCRIPTORS)

RIGHT = (
    Product("by-put"),
    Product("by-upserting-post", update=post),
    Product("slow", delay=2.5, options=("--edfi-wait=15m",)),
    Product(
        "state-namespace-with-mapping",
        create=changed(all_in_state),
        update=changed(all_in_state, put),
        options=MAP_ALL,
    ),
    Product(
        "local-code-value-with-mapping",
        create=changed(
            set_to("cteProgramServices.cteProgramServiceDescriptor", f"{STATE}{SERVICE}07")
        ),
        update=changed(
            set_to("cteProgramServices.cteProgramServiceDescriptor", f"{STATE}{SERVICE}07"), put
        ),
        options=(f"--edfi-descriptor={STATE}{SERVICE}07={IT}",),
    ),
    Product(
        "own-student-program-and-date",
        options=("--edfi-set=beginDate=9/1", "--edfi-set=studentUniqueId=604822"),
    ),
)


def _create() -> Iterator[Product]:
    def wrong(name: str, create: Step, *says: str, **more: Any) -> Product:
        return Product(name, create=create, says=says, **more)

    yield wrong("never-sends", nothing, "the product's record is not there", "received  0")
    yield wrong(
        "raises",
        fails,
        "the product's own step failed",
        "raised RuntimeError",
        "the export queue is full",
    )
    yield wrong("wrong-student", wrong_student, "the product's record is not there", "--edfi-set")
    yield wrong(
        "wrong-program",
        changed(set_to("programReference.programName", "Career and Technical Education Club")),
        "under another natural key",
        "programReference.programName (of ",
        'expected  "Career and Technical Education"',
        'received  "Career and Technical Education Club"',
    )
    yield wrong(
        "wrong-begin-date",
        changed(set_to("beginDate", "2026-08-24")),
        "under another natural key",
        "beginDate (of ",
        'expected  "2026-08-23"',
        'received  "2026-08-24"',
    )
    yield wrong(
        "wrong-ed-org",
        changed(set_to("educationOrganizationReference.educationOrganizationId", 255901001)),
        "under another natural key",
        "educationOrganizationReference.educationOrganizationId (of ",
        "expected  255901",
        "received  255901001",
    )
    yield wrong(
        "program-type-in-state-namespace",
        changed(in_state_namespace("programTypeDescriptor")),
        "its code value matches and its namespace differs",
        "programReference.programTypeDescriptor (of ",
        f"{STATE}ProgramTypeDescriptor#Career",
        "--edfi-descriptor",
    )
    yield wrong(
        "wrong-cip-code",
        changed(set_to("cteProgramServices.cipCode", "11.0201")),
        "the product sent another value",
        CIP,
        'received  "11.0201"',
    )
    yield wrong(
        "indicator-false-on-create",
        changed(set_to("cteProgramServices.primaryIndicator", False)),
        "the product sent another value",
        INDICATOR,
        "expected  true",
        "received  false",
    )
    yield wrong(
        "indicator-missing",
        changed(without("cteProgramServices.primaryIndicator")),
        "the product did not send a value",
        INDICATOR,
        "the property is absent",
    )
    yield wrong(
        "two-services",
        changed(more_services),
        "the product sent more than was asked for",
        "cteProgramServices[Health Science]",
    )
    yield wrong(
        "service-missing",
        changed(set_to("cteProgramServices", [])),
        "the product sent the record without the element that is asked for",
        "cteProgramServices[Information Technology]",
        never=("harness error", CIP),
    )
    yield wrong(
        "services-left-out",
        changed(without("cteProgramServices")),
        "the product sent the record without the element that is asked for",
    )
    yield wrong(
        "other-service",
        changed(set_to("cteProgramServices.cteProgramServiceDescriptor", HEALTH)),
        "the product sent another element than the one asked for",
        "Information Technology",
        "Health Science",
    )
    yield wrong(
        "service-in-state-namespace",
        changed(in_state_namespace("cteProgramServiceDescriptor")),
        "a descriptor's code value matches, its namespace differs",
        f"{STATE}{SERVICE}Information Technology",
        "--edfi-descriptor",
        never=("harness error", "another element"),
    )
    yield wrong(
        "gender-status-left-out",
        changed(without("nonTraditionalGenderStatus")),
        "the product did not send a value",
        "nonTraditionalGenderStatus",
    )
    yield wrong(
        "text-for-boolean",
        post,
        "the product sent a value with another JSON type",
        "privateCTEProgram",
        'received  "false"  (string)',
        middleware=lenient("privateCTEProgram", "false"),
    )
    yield wrong(
        "number-for-cip-code",
        post,
        "the product sent a value with another JSON type",
        CIP,
        "received  11.0103  (number)",
        middleware=lenient("cteProgramServices.cipCode", 11.0103),
    )
    yield wrong(
        "null-for-skills",
        post,
        "the product sent null where a value is asked for",
        "technicalSkillsAssessmentDescriptor",
        middleware=lenient("technicalSkillsAssessmentDescriptor", None),
    )
    yield wrong(
        "descriptor-in-lower-case",
        post,
        "the product sent a descriptor in another spelling",
        "#passed",
        middleware=lenient(
            "technicalSkillsAssessmentDescriptor",
            f"{ED_FI}TechnicalSkillsAssessmentDescriptor#passed",
        ),
    )
    yield wrong(
        "two-associations",
        twice,
        "the product sent a second record of the student instead of one",
        "another record of the student",
    )


def _update() -> Iterator[Product]:
    def wrong(name: str, update: Step, *says: str, **more: Any) -> Product:
        return Product(name, update=update, step="update", says=says, **more)

    yield wrong(
        "updates-nothing",
        nothing,
        "nothing changed",
        INDICATOR,
        "expected  false",
        "received  true",
    )
    yield wrong(
        "sends-the-old-values-again",
        changed(set_to("cteProgramServices.primaryIndicator", True), put),
        "nothing changed",
        INDICATOR,
    )
    yield wrong(
        "delete-and-post",
        delete_and_post,
        "was deleted and re-created, not updated in place",
        "The certification refuses DELETE and POST",
        never=("harness error", "nothing changed"),
    )
    yield wrong("deletes", delete_alone, "the record is gone: the product deleted it")
    yield wrong(
        "deletes-and-begins-later",
        delete_and_begin_later,
        "the record is gone: the product deleted it",
        "beginDate (of ",
        'received  "2026-09-01"',
    )
    yield wrong(
        "other-service-updated",
        the_other_service,
        "the product changed the wrong element",
        "cteProgramServices[Health Science].primaryIndicator",
        INDICATOR,
        create=changed(more_services),
    )
    yield wrong(
        "replaces-the-service",
        changed(set_to("cteProgramServices.cteProgramServiceDescriptor", HEALTH), put),
        "the element was replaced by another instead of being changed",
        "Health Science",
    )
    yield wrong(
        "drops-cip-code",
        changed(without("cteProgramServices.cipCode"), put),
        "the product's update lost a value",
        CIP,
        never=("harness error", "nothing changed"),
    )
    yield wrong(
        "changes-another-property",
        changed(set_to("privateCTEProgram", True), put),
        "the product changed more than it should",
        "privateCTEProgram",
        "expected  false",
        "received  true",
    )
    yield wrong(
        "sends-the-change-alone",
        only_the_change,
        "the product's update lost a value",
        "nonTraditionalGenderStatus",
    )
    yield wrong(
        "adds-a-property",
        changed(set_to("endDate", "2027-05-23"), put),
        "the product's update added a value that was not asked for",
        "endDate",
    )
    yield wrong(
        "adds-a-service",
        changed(more_services, put),
        "the product's update added a value that was not asked for",
        "cteProgramServices[Health Science]",
    )
    yield wrong(
        "indicator-dropped",
        changed(without("cteProgramServices.primaryIndicator"), put),
        "the product did not send a value",
        INDICATOR,
    )
    yield wrong(
        "second-association",
        changed(set_to("beginDate", "2026-09-01")),
        "the product sent a second record of the student instead of one",
        INDICATOR,
    )
    yield wrong(
        "raises-in-update",
        both_steps(put, fails),
        "the product's own step failed",
        "raised RuntimeError",
    )


WRONG = (*_create(), *_update())


def prepare(sandbox: Any) -> None:
    """What the certification calls pre-loaded, and what a state and other programs add to it."""
    for student in ("222222", "604822"):
        sandbox.load(
            "students",
            [
                {
                    "studentUniqueId": student,
                    "firstName": "Ola",
                    "lastSurname": "Example",
                    "birthDate": "2010-04-05",
                }
            ],
        )
        sandbox.load("studentSchoolAssociations", [enrollment(student)])
    values = {
        "cteProgramServiceDescriptors": ("Information Technology", "07"),
        "technicalSkillsAssessmentDescriptors": ("Passed",),
        "programTypeDescriptors": ("Career and Technical Education",),
    }
    for collection, codes in values.items():
        name = collection[0].upper() + collection[1:-1]
        name = name.replace("Cte", "CTE")
        sandbox.load(
            collection,
            [
                {"namespace": f"{STATE}{name}", "codeValue": code, "shortDescription": code}
                for code in codes
            ],
        )
    sandbox.load(
        "programs",
        [
            program("Career and Technical Education Club", ED_FI),
            program("Career and Technical Education", STATE),
        ],
    )


def enrollment(student: str) -> Json:
    return {
        "studentReference": {"studentUniqueId": student},
        "schoolReference": {"schoolId": 255901001},
        "entryDate": "2026-08-31",
        "entryGradeLevelDescriptor": f"{ED_FI}GradeLevelDescriptor#Ninth grade",
    }


def program(name: str, namespace: str) -> Json:
    return {
        "educationOrganizationReference": {"educationOrganizationId": 255901},
        "programName": name,
        "programTypeDescriptor": f"{namespace}ProgramTypeDescriptor#Career and Technical Education",
    }
