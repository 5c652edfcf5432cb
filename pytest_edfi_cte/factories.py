"""Factories of fictional, schema-valid records, repeatable by their seed.

Each recipe gives the required and customary properties of one resource; Faker invents the values.
The same seed in the same test makes the same record, whatever runs before or beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.errors import ConfigurationError, NotTestable
from pytest_edfi_cte.payloads import changed_by
from pytest_edfi_cte.prerequisites import Prerequisites
from pytest_edfi_cte.records import Record
from pytest_edfi_cte.scenarios import Table, put
from pytest_edfi_cte.user_hooks import Call

if TYPE_CHECKING:
    from faker import Faker

Json = dict[str, Any]
#: How often a fictional key may turn out to be taken before we give up.
TRIES = 20
HIGH_SCHOOL_AGES = (14, 18)


class Fiction:
    """Where invented values come from: one Faker per (seed, test, number of the record)."""

    def __init__(self, seed: int, current_test: Callable[[], str]) -> None:
        self._seed = seed
        self._current_test = current_test
        self._made: dict[str, int] = {}

    def next(self) -> Faker:
        """A Faker of its own for the next record of the test that is running."""
        from faker import Faker  # noqa: PLC0415 - half a second that only its users pay

        test = self._current_test()
        number = self._made[test] = self._made.get(test, 0) + 1
        fake: Faker = Faker("en_US", use_weighting=False)
        digest = hashlib.sha256(f"{self._seed}/{test}/{number}".encode()).digest()
        fake.seed_instance(int.from_bytes(digest[:8], "big"))
        return fake


class RecordFactory:
    """Makes records of one resource: ``factory(**overrides)`` creates one in the API.

    An override replaces a property of the record's root; a dotted name in a dict reaches deeper:
    ``factory(**{"schoolReference.schoolId": 255901044})``. What was made is deleted at the end of
    the run. Raises :class:`NotTestable` where the API refuses the record.
    """

    def __init__(
        self,
        name: str,
        resource: str,
        recipe: Callable[[Faker], Json],
        fiction: Fiction,
        prerequisites: Prerequisites,
    ) -> None:
        self.name = name
        self.resource = resource
        self._recipe = recipe
        self._fiction = fiction
        self._prerequisites = prerequisites
        self._student: Callable[[], str] | None = None

    def about(self, student: Callable[[], str]) -> RecordFactory:
        """Make the records be about a student; ``student`` gives the id of a new one."""
        self._student = student
        return self

    def build(self, **overrides: Any) -> Json:
        """The record as JSON, without sending anything; a property set to None is left out."""
        fake = self._fiction.next()
        record = self._recipe(fake)
        if self._student:
            record["studentReference"] = {"studentUniqueId": fictional_id(fake)}
        known = self._prerequisites.records.schemas[self.resource]["properties"]
        for path, value in overrides.items():
            if path.partition(".")[0] not in known:
                raise ConfigurationError(
                    f"{self.name}: {self.resource} has no property {path!r}; "
                    f"it has {', '.join(sorted(known))}"
                )
            if value is None:
                record.pop(path, None)
            else:
                put(record, path, value, frozenset())
        self._prerequisites.records.session.recorder.learn(record)
        return record

    def __call__(self, **overrides: Any) -> Record:
        """Create a record under a key that nobody has yet, and return it."""
        records = self._prerequisites.records
        if self._student and not any(name.startswith("studentReference") for name in overrides):
            overrides["studentReference"] = {"studentUniqueId": self._student()}
        for _ in range(TRIES):
            body = self.build(**overrides)
            found = records.look_up(self.resource, records.key_of(self.resource, body))
            if not found.matches:
                return self._prerequisites.create(
                    self.name, self.resource, body, absent=found.known
                )
        raise NotTestable(
            f"no free key for a new {self.name}: {TRIES} fictional ones exist already, the last is "
            f"{records.key_of(self.resource, body)}. It is not ours and was left alone; choose "
            "another key, or another --edfi-seed."
        )


def fictional_id(fake: Faker) -> str:
    """Nine digits from 900000000: a range that real student numbers hardly reach."""
    return str(fake.random_int(900_000_000, 999_999_999))


class Recipes:
    """The fictional records, around the table's own ed-org, program and school year."""

    def __init__(
        self, table: Table, uri: Callable[[str, str], str], payload: Call | None = None
    ) -> None:
        """``payload``: the hook that changes what is sent; the table's records have it already."""
        self._table = table
        self._payload = payload
        #: (property, code value) -> descriptor URI
        self._uri = uri

    def student(self, fake: Faker) -> Json:
        """A fictional student of high-school age."""
        birth_year = self._table.school_year - fake.random_int(*HIGH_SCHOOL_AGES)
        record = {
            "studentUniqueId": fictional_id(fake),
            "firstName": fake.first_name(),
            "middleName": fake.first_name(),
            "lastSurname": fake.last_name(),
            "birthDate": f"{birth_year}-{fake.random_int(1, 12):02}-{fake.random_int(1, 28):02}",
        }
        return self._changed("students", record)

    def enrollment(self, fake: Faker) -> Json:  # noqa: ARG002 - a recipe like the others
        """An enrollment in the table's high school; its student is set by the factory."""
        return deepcopy(self._table.prerequisites["enrollment"])

    def cte_association(self, fake: Faker) -> Json:  # noqa: ARG002 - a recipe like the others
        """The table's association as in scenario 1; its student is set by the factory."""
        return self._table.payload("create")

    def program(self, fake: Faker) -> Json:
        """A fictional program of the table's ed-org and program type."""
        values: Mapping[str, Any] = deepcopy(self._table.prerequisites["program"])
        name = f"{fake.job()[:40]} {fake.random_int(1000, 9999)}"
        return self._changed("programs", {**values, "programName": name})

    def education_organization(self, fake: Faker) -> Json:
        """A fictional local education agency."""
        kind = "localEducationAgencyCategoryDescriptor"
        category = "educationOrganizationCategoryDescriptor"
        record = {
            "localEducationAgencyId": fake.random_int(900_000_000, 999_999_999),
            "nameOfInstitution": f"{fake.city()} School District (fictional)",
            kind: self._uri(kind, "Independent"),
            "categories": [{category: self._uri(category, "Local Education Agency")}],
        }
        return self._changed("localEducationAgencies", record)

    def _changed(self, resource: str, record: Json) -> Json:
        return changed_by(self._payload, resource, record) if self._payload else record
