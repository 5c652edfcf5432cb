"""Products for the wire witness: some right, the rest wrong in one way each.

Real HTTP clients; only their pauses are on a clock of the test's, which the sandbox shares.
``RIGHT`` must pass every check; of each of ``WRONG`` exactly the checks in ``fails`` must say so,
with every text of ``says``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import requests

from pytest_edfi_cte.rehearsal.task import Task

Json = dict[str, Any]
STUDENTS = "students"
ENROLLMENTS = "studentSchoolAssociations"
ASSOCIATIONS = "studentCTEProgramAssociations"
SETS = (
    "gradeLevel",
    "entryType",
    "enrollmentType",
    "residencyStatus",
    "country",
    "cteProgramService",
    "programType",
    "technicalSkillsAssessment",
)


class Clock:
    """Time passes only in sleeps."""

    def __init__(self) -> None:
        self.time = 1_900_000_000.0

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def student_of(record: Json) -> str:
    return str(record.get("studentReference", record)["studentUniqueId"])


class Product:
    """Right in every way: a queue, a token that is kept, pauses that double, children that wait."""

    tries = 5
    base_pause = 0.1

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.http = requests.Session()
        self.http.trust_env = False
        self.urls: Json = {}
        self.sent: dict[tuple[str, str], Json] = {}
        self.places: dict[tuple[str, str], str] = {}
        self.dead: set[str] = set()

    def __call__(self, task: Task) -> None:
        self.task = task
        self.dead = set()
        self.connect()
        self.work()

    def close(self) -> None:
        self.http.close()

    # -- what wrong products override -------------------------------------------------------

    def connect(self) -> None:
        if not self.urls:
            self.discover()
            self.renew()
            self.download()

    def discover(self) -> None:
        self.urls = self.http.get(self.task.url).json()["urls"]

    def renew(self) -> None:
        answer = self.http.post(
            self.urls["oauth"],
            data={"grant_type": "client_credentials"},
            headers={"Authorization": None},
            auth=(self.task.client_id, self.task.client_secret),
        )
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def download(self) -> None:
        for name in SETS:
            assert self.http.get(self.address(f"{name}Descriptors"), params={"limit": 100}).ok

    def work(self) -> None:
        for collection in (STUDENTS, ENROLLMENTS, ASSOCIATIONS):
            for record in self.task.records[collection]:
                self.consider(collection, record)

    def consider(self, collection: str, record: Json) -> None:
        student = student_of(record)
        if self.waits(student) or self.sent.get((collection, student)) == record:
            return
        if self.deliver(collection, record):
            self.sent[collection, student] = deepcopy(record)
        else:
            self.failed(student)

    def waits(self, student: str) -> bool:
        return student in self.dead

    def failed(self, student: str) -> None:
        self.dead.add(student)

    def deliver(self, collection: str, record: Json) -> bool:
        renewed = False
        for number in range(self.tries):
            answer = self.send(collection, record)
            if answer is not None and answer.status_code == 401 and not renewed:
                self.unauthorized()
                renewed = True
                answer = self.send(collection, record)
            if answer is not None and answer.ok:
                place = answer.headers.get("Location")
                if place:
                    self.places[collection, student_of(record)] = place
                return True
            if answer is not None and answer.status_code < 429:
                return False
            if number < self.tries - 1:
                asked = float(answer.headers.get("Retry-After", 0)) if answer is not None else 0.0
                self.pause(number, asked)
        return False

    def unauthorized(self) -> None:
        self.renew()

    def pause(self, number: int, asked: float) -> None:
        self.clock.sleep(max(self.base_pause * 2**number, asked))

    def send(self, collection: str, record: Json) -> requests.Response | None:
        return self.request("POST", self.address(collection), self.body(collection, record))

    def body(self, _collection: str, record: Json) -> Json:
        return record

    # -- how it talks -----------------------------------------------------------------------

    def address(self, collection: str) -> str:
        return self.urls["dataManagementApi"].rstrip("/") + f"/ed-fi/{collection}"

    def request(self, method: str, url: str, body: Json) -> requests.Response | None:
        try:
            return self.http.request(method, url, json=body, timeout=10)
        except requests.ConnectionError:
            return None


class ByPut(Product):
    """Updates with PUT to the address that the POST gave."""

    def send(self, collection, record):
        place = self.places.get((collection, student_of(record)))
        if not place:
            return super().send(collection, record)
        return self.request("PUT", place, {**record, "id": place.rpartition("/")[2]})


class StudentByStudent(Product):
    """All records of a student, then the next student; what failed is tried again at the end."""

    tries = 1

    def work(self):
        self.rest, self.asked = 0.5, 0.0
        for _ in range(6):
            for number in range(len(self.task.records[STUDENTS])):
                for collection in (STUDENTS, ENROLLMENTS, ASSOCIATIONS):
                    self.consider(collection, self.task.records[collection][number])
            if not self.dead:
                return
            self.clock.sleep(max(self.rest, self.asked))
            self.rest, self.asked = 2 * self.rest, 0.0
            self.dead = set()

    def send(self, collection, record):
        answer = super().send(collection, record)
        if answer is not None:
            self.asked = max(self.asked, float(answer.headers.get("Retry-After", 0)))
        return answer


class NewToken(Product):
    """A token for each record: of the first step, before the API has had enough of it."""

    def send(self, collection, record):
        if self.task.step == "create":
            self.renew()
        return super().send(collection, record)


class NewTokenPerResource(Product):
    def consider(self, collection, record):
        if self.task.step == "batch" and record is self.task.records[collection][0]:
            self.renew()
        super().consider(collection, record)


class NeverRenews(Product):
    """Takes a token at the start of each step, and keeps it whatever comes."""

    def connect(self):
        if self.urls:
            self.renew()
        super().connect()

    def unauthorized(self):
        pass


class RenewsForNothing(NeverRenews):
    """Asks for a new token and goes on with the old one."""

    def unauthorized(self):
        old = self.http.headers["Authorization"]
        self.renew()
        self.http.headers["Authorization"] = old


class Hammers(Product):
    tries = 12

    def pause(self, number, asked):
        self.clock.sleep(max(0.001, asked))


class ConstantPauses(Product):
    def pause(self, number, asked):
        self.clock.sleep(max(0.2, asked))


class ShrinkingPauses(Product):
    def pause(self, number, asked):
        self.clock.sleep(max(1.0 / 2**number, asked))


class IgnoresRetryAfter(Product):
    def pause(self, number, asked):
        super().pause(number, 0.0)


class GivesUpAtOnce(Product):
    """One try; the rest at the next run."""

    tries = 1


class LosesWhatFailed(Product):
    """Tries, gives up, and takes it for delivered."""

    tries = 3

    def failed(self, student):
        super().failed(student)
        for collection in (STUDENTS, ENROLLMENTS, ASSOCIATIONS):
            self.sent.setdefault((collection, student), {"lost": True})

    def consider(self, collection, record):
        if (collection, student_of(record)) not in self.sent or self.task.step == "update":
            super().consider(collection, record)


class ForgetsTheLastStudent(Product):
    def consider(self, collection, record):
        given = self.task.records[STUDENTS]
        if len(given) == 1 or student_of(record) != given[-1]["studentUniqueId"]:
            super().consider(collection, record)


class SendsOrphans(Product):
    def waits(self, student):
        return False


class DeletesAndCreates(Product):
    def send(self, collection, record):
        place = self.places.pop((collection, student_of(record)), None)
        if place:
            assert self.http.delete(place).ok
        return super().send(collection, record)


class SendsEverythingAgain(Product):
    def work(self):
        if self.task.step == "update":
            self.sent.clear()
        super().work()


class SendsTheUnchangedInTheBatch(Product):
    def work(self):
        if self.task.step == "batch":
            for (collection, _), record in list(self.sent.items()):
                self.send(collection, record)
        super().work()


class SendsTwice(Product):
    def deliver(self, collection, record):
        done = super().deliver(collection, record)
        again = self.task.step == "batch" and collection == ASSOCIATIONS
        return super().deliver(collection, record) if again else done


class ReadsBeforeItSends(Product):
    def send(self, collection, record):
        query = {"studentUniqueId": student_of(record)}
        self.http.get(self.address(collection), params=query)
        return super().send(collection, record)


class NoDescriptors(Product):
    def download(self):
        pass


class DescriptorsAfterwards(Product):
    """Looks at the descriptors when everything was sent."""

    def download(self):
        pass

    def work(self):
        super().work()
        if self.task.step == "recover":
            super().download()


class OneDescriptorSetShort(Product):
    def download(self):
        self.http.get(self.address("gradeLevelDescriptors"))
        for name in SETS:
            if name != "cteProgramService":
                self.http.get(self.address(f"{name}Descriptors"))


class WrongOrder(Product):
    """Associations first; what is refused is sent again when the rest is there."""

    def work(self):
        if self.task.step == "batch":
            for record in self.task.records[ASSOCIATIONS]:
                self.deliver(ASSOCIATIONS, record)
        super().work()


class EnrollsStrangers(Product):
    """Enrollments before students, tried again after the 409."""

    def work(self):
        if self.task.step == "create":
            assert not self.deliver(ENROLLMENTS, self.task.records[ENROLLMENTS][0])
        super().work()


class IdInPost(Product):
    """Puts an id of its own into each new record, and leaves it out when that is refused."""

    def send(self, collection, record):
        if self.task.step == "create":
            own = {**record, "id": uuid.uuid4().hex}
            assert not self.request("POST", self.address(collection), own).ok
        return super().send(collection, record)


class NewConnections(Product):
    def request(self, method, url, body):
        self.http.close()
        return super().request(method, url, body)


class IgnoresDiscovery(Product):
    def discover(self):
        url = self.task.url
        self.urls = {"oauth": f"{url}/oauth/token", "dataManagementApi": f"{url}/data/v3"}


class DuplicatesStudents(Product):
    """Numbers students by itself, too."""

    def consider(self, collection, record):
        super().consider(collection, record)
        if self.task.step == "batch" and collection == STUDENTS:
            own = {**record, "studentUniqueId": f"X{record['studentUniqueId']}"}
            self.send(collection, own)


def changed(name: str, change: Callable[[str, Json], None], step: str = "batch") -> type[Product]:
    """A product that sends records with one change in a step."""

    def body(self: Product, collection: str, record: Json) -> Json:
        copy = deepcopy(record)
        if self.task.step == step:
            change(collection, copy)
        return copy

    return type(name, (Product,), {"body": body})


def _cip_code(collection: str, record: Json) -> None:
    if collection == ASSOCIATIONS:
        service = record["cteProgramServices"][0]
        service["cipCode"] = "11.9999"


def _birth_date(collection: str, record: Json) -> None:
    if collection == STUDENTS:
        record["birthDate"] = "2010-01-01"


def _no_assessment(collection: str, record: Json) -> None:
    if collection == ASSOCIATIONS:
        del record["technicalSkillsAssessmentDescriptor"]


class Silent(Product):
    """Says that it worked, and sends nothing."""

    def __call__(self, task):
        pass


class Breaks(Product):
    def __call__(self, task):
        super().__call__(task)
        if task.step == "batch":
            raise RuntimeError("the import broke")


class NoUpdate(Product):
    def consider(self, collection, record):
        if self.task.step != "update":
            super().consider(collection, record)


class SendsMoreInTheUpdate(Product):
    def body(self, collection, record):
        if self.task.step == "update" and collection == ASSOCIATIONS:
            return {**record, "privateCTEProgram": True}
        return record


@dataclass(frozen=True)
class Wrong:
    """A product that is wrong: the checks that fail or warn, and what is said."""

    make: Callable[[Clock], Product]
    fails: set[str]
    says: tuple[str, ...]
    untestable: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        return getattr(self.make, "__name__", "product")


RIGHT: tuple[type[Product], ...] = (Product, ByPut, StudentByStudent)

WRONG = (
    Wrong(
        NewToken,
        {"practice.token-reuse"},
        ("asks for a token more often than it needs to", "token requests in step create", "4 for "),
    ),
    Wrong(NewTokenPerResource, {"practice.token-reuse"}, ("step batch", "expected  at most 2")),
    Wrong(
        NeverRenews,
        {"batch.present", "practice.token-renewal"},
        ("does not get over a token that has expired", "no token request; ", "→ 401"),
    ),
    Wrong(
        RenewsForNothing,
        {"batch.present", "practice.token-renewal"},
        ("a new token, but no record was accepted with it",),
    ),
    Wrong(
        Hammers,
        {"errors.backoff", "errors.hammering"},
        ("the product tries again too fast", "expected  at most 10", "received  over 1000"),
    ),
    Wrong(
        ConstantPauses,
        {"errors.backoff"},
        ("the product does not back off", "0.20 s, 0.20 s, 0.20 s"),
    ),
    Wrong(ShrinkingPauses, {"errors.backoff"}, ("1.0 s, 0.50 s, 0.25 s",)),
    Wrong(
        IgnoresRetryAfter,
        {"errors.retry-after"},
        ("before the time that the API had asked for", "expected  at least 2.0 s", "0.10 s"),
    ),
    Wrong(
        GivesUpAtOnce,
        set(),
        (
            "no record was tried 3 times while it failed (at most 1)",
            "Next: Try again after growing",
        ),
        {"errors.backoff", "errors.hammering"},
    ),
    Wrong(
        LosesWhatFailed,
        {"errors.redelivered", "errors.complete"},
        ("a record that met a trouble never arrived", "records are missing or wrong at the end"),
    ),
    Wrong(
        ForgetsTheLastStudent,
        {"batch.present", "errors.complete"},
        ("records of the batch are missing", "received  5: missing for student", "no request was"),
    ),
    Wrong(
        SendsOrphans,
        {"errors.children"},
        ("sent records whose parent had failed", "not sent before its parent (students)", "→ 409"),
    ),
    Wrong(
        DeletesAndCreates,
        {"update.in-place", "practice.no-recreation"},
        ("deleted and re-created, not updated in place", "DELETE /data/v3/ed-fi/studentCTE"),
    ),
    Wrong(
        SendsEverythingAgain,
        {"update.only-changed"},
        ("sent records that had not changed", "1 of students, 1 of studentSchoolAssociations"),
    ),
    Wrong(
        SendsTheUnchangedInTheBatch,
        {"batch.unneeded"},
        ("sent more than it needed to", "none that was there before and has not changed"),
    ),
    Wrong(
        SendsTwice,
        {"batch.unneeded"},
        ("sent more than it needed to", "records, times sent", "expected  once"),
    ),
    Wrong(
        ReadsBeforeItSends,
        {"practice.lookups"},
        ("for (nearly) every record that it sends", "19 for 18 records sent"),
    ),
    Wrong(
        NoDescriptors,
        {"descriptors.downloaded"},
        ("without having looked at the API's own", "received  8 not: "),
    ),
    Wrong(DescriptorsAfterwards, {"descriptors.downloaded"}, ("received  8 not: ",)),
    Wrong(
        OneDescriptorSetShort,
        {"descriptors.downloaded"},
        ("all 8 read", "1 not: CTEProgramServiceDescriptor"),
    ),
    Wrong(
        WrongOrder,
        {"practice.order"},
        ("before the one it depends on", "sent after the student and enrollment", "→ 409"),
    ),
    Wrong(EnrollsStrangers, {"practice.order"}, ("expected  sent after the student\n",)),
    Wrong(IdInPost, {"practice.no-id"}, ("the product sent an id with a POST", "→ 400")),
    Wrong(
        NewConnections,
        {"practice.keep-alive"},
        ("opens a connection for (nearly) every request", "received  19 for 20 requests"),
    ),
    Wrong(
        IgnoresDiscovery,
        {"practice.discovery"},
        ("did not read the API's discovery document", "received  never"),
    ),
    Wrong(
        DuplicatesStudents,
        {"batch.once"},
        ("made records that nobody asked for", "expected  the 6 that were handed out"),
    ),
    Wrong(
        changed("WrongCipCode", _cip_code),
        {"batch.values"},
        ("other values than the ones handed out", "cipCode", 'received  "11.9999"'),
    ),
    Wrong(
        changed("WrongBirthDate", _birth_date),
        {"batch.values"},
        ("students of student", 'received  "2010-01-01"', "handed out to the product", "3 more"),
    ),
    Wrong(
        changed("NoAssessment", _no_assessment),
        {"batch.values"},
        ("technicalSkillsAssessmentDescriptor", "received  nothing"),
    ),
    Wrong(
        changed("WrongTable", _cip_code, "create"),
        {"create.record", "update.in-place"},
        ('expected  "11.0103"', "the product sent another value"),
    ),
    Wrong(Breaks, {"runs"}, ("the product's own step failed", "RuntimeError: the import broke")),
    Wrong(
        NoUpdate,
        {"update.in-place"},
        ("nothing changed: the record is as it was", "step update: the product sent nothing at"),
        {"update.only-changed"},
    ),
    Wrong(SendsMoreInTheUpdate, {"update.in-place"}, ("changed more than it should",)),
)
