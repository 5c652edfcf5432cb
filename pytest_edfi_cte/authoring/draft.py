"""A first table of scenarios for a resource, from its schema: every property, with a value.

What the model requires is REQUIRED; what it requires of something that may be left out is
CONDITIONAL; the rest is OPTIONAL. References go to what Grand Bend has, or to the certification's
student. What cannot be sent without a record that nobody makes is not sent, and says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pytest_edfi_cte.authoring.samples import Samples, words
from pytest_edfi_cte.contract import Contract, plural
from pytest_edfi_cte.contract_text import nearest
from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.properties import at_path, inner, kind_of, resolved
from pytest_edfi_cte.scenarios import CONTAINERS
from pytest_edfi_cte.table_files import NOT_SENT

Json = dict[str, Any]
REQUIRED, CONDITIONAL, OPTIONAL = "REQUIRED", "CONDITIONAL", "OPTIONAL"
STUDENT, STUDENTS, ENROLLMENT = "student", "students", "studentSchoolAssociations"
#: Of what the sample data has, in the order in which they refer to each other. The first one that
#: is an ed-org stands for "an ed-org of any kind".
PRELOADED = (
    "localEducationAgencies",
    "schools",
    "educationServiceCenters",
    "schoolYearTypes",
    "programs",
)
#: The sooner it stands, the better it shows that an update is stored.
_TELLING = ("boolean", "descriptor", "number", "integer", "string", "date")


@dataclass
class Line:
    """A row. ``values``: up to two different ones, none of what is not sent; ``why`` it is not."""

    path: str
    type: str
    required: str
    values: list[Any] = field(default_factory=list)
    why: str = ""
    fixed: bool = False  # a part of the natural key, of an element's, or of a reference

    @property
    def holds(self) -> bool:
        """True of a row that only holds others."""
        return self.type in CONTAINERS


@dataclass
class Draft:
    """A table to be. ``changed`` is the path that its update changes, None where there is none."""

    resource: str
    standard: str
    title: str
    lines: list[Line]
    prerequisites: dict[str, Json]
    notes: list[str]
    changed: str | None


def draft(contract: Contract, standard: str, word: str) -> Draft:
    """A table for the resource that ``word`` names, by its collection or in the singular.

    Raises :class:`ConfigurationError` with the nearest word for an unknown one.
    """
    schemas = contract.resource_schemas(standard)
    known = {name.casefold(): name for name in schemas}
    said = word.rpartition("/")[2].casefold()
    resource = known.get(said) or known.get(plural(said))
    if resource is None:
        by_word = {name.casefold(): name for name in schemas}
        near = nearest(said, by_word)
        for folded, name in by_word.items():
            near = near.replace(f"'{folded}'", f"'{name}'")
        raise ConfigurationError(
            f"Data Standard {standard} has no resource {word!r} here{near or '.'} "
            f"Known are: {', '.join(schemas)}"
        )
    return _Drafter(contract, standard, resource).drafted()


class _Drafter:
    def __init__(self, contract: Contract, standard: str, resource: str) -> None:
        self._contract = contract
        self._schemas = contract.resource_schemas(standard)
        self._schema = self._schemas[resource]
        self._samples = Samples(contract, resource)
        self._needs: dict[str, Json] = {}
        self._notes: list[str] = []
        self._standard, self._resource = standard, resource

    def drafted(self) -> Draft:
        lines = list(self._below(self._schema, "", REQUIRED))
        if self._resource == STUDENTS:
            self._student("", after=True)
        entity = self._contract.schema_name(self._standard, self._resource)
        return Draft(
            resource=self._resource,
            standard=self._standard,
            title=" ".join(part[:1].upper() + part[1:] for part in words(entity).split()),
            lines=lines,
            prerequisites=dict(sorted(self._needs.items(), key=_position)),
            notes=self._notes,
            changed=self._changed(lines),
        )

    def _below(self, fact: Json, under: str, level: str) -> Iterator[Line]:
        """The rows below one, what is required first. ``level``: of what holds them."""
        here = resolved(self._schema, fact)
        here = resolved(self._schema, here["items"]) if "items" in here else here
        properties = inner(self._schema, here)
        must = set(here.get("required", ()))
        for name in sorted(properties, key=lambda name: name not in must):
            path = f"{under}.{name}".lstrip(".")
            own = (REQUIRED if level == REQUIRED else CONDITIONAL) if name in must else OPTIONAL
            yield from self._lines(path, properties[name], own)

    def _lines(self, path: str, fact: Json, level: str) -> Iterator[Line]:
        kind = kind_of(fact)
        if kind == "reference":
            yield from self._reference(path, fact, level)
        elif kind in CONTAINERS:
            below = list(self._below(fact, path, level))
            # One element without its own must is none: then nothing of it is sent.
            broken = next((each for each in below if each.why and each.required != OPTIONAL), None)
            if broken is not None:
                below = [_unsent(each) for each in below]
            yield Line(path, kind, level, why=broken.why if broken else "")
            yield from below
        else:
            key = path in self._schema["x-edfi-naturalKey"].values()
            values = self._samples.pair(path, fact, key=key)
            why = "" if values else f"no code value of {fact.get('x-edfi-descriptor')} is known"
            yield Line(path, kind, level, values, why, bool(fact.get("x-edfi-identity")))

    # -- references -------------------------------------------------------------------------------

    def _reference(self, path: str, fact: Json, level: str) -> Iterator[Line]:
        """A reference with the parts of its key, to a record that is there or is made before."""
        entity = fact["x-edfi-reference"]
        parts = inner(self._schema, fact)
        why = ""
        if entity == STUDENT:
            self._student(path)
        else:
            target = self._target(entity)
            if target:
                self._preload(path, entity, parts, target, level)
            elif level == REQUIRED:
                self._notes.append(
                    f"{path} is required, and Data Standard {self._standard} has no resource for "
                    f"{entity} here: the sandbox refuses the record, a host that has one takes it."
                )
            else:
                why = f"needs a record of {entity}: write its key, and the record as prerequisite"
        yield Line(path, "reference", level, why=why)
        must = fact.get("required", ())
        for name in sorted(parts, key=lambda name: name not in must):
            inside = f"{path}.{name}"
            values = [] if why else self._referred(inside, entity, parts[name])
            own = (REQUIRED if level == REQUIRED else CONDITIONAL) if name in must else OPTIONAL
            yield Line(inside, kind_of(parts[name]), own, values, fixed=True)

    def _target(self, entity: str) -> tuple[str, dict[str, str], Json] | None:
        """Collection, part of the key -> path, and a record of Grand Bend; None without one."""
        for collection in PRELOADED:
            if collection not in self._schemas:
                continue
            schema = self._schemas[collection]
            record = self._contract.grand_bend(collection)[0]
            if plural(entity) == collection:
                return collection, schema["x-edfi-naturalKey"], self._program(record, collection)
            if entity in schema.get("x-edfi-isA", {}):
                return collection, schema["x-edfi-isA"][entity], record
        return None

    def _program(self, record: Json, collection: str) -> Json:
        """Of the programs the one that the resource's published table names, or the CTE one."""
        if collection != "programs":
            return record
        tables = [self._contract.table(name).content for name in self._contract.tables()]
        own = [t for t in tables if t["resource"] == self._resource]
        rows = {row["path"]: row for row in (own or [self._contract.table().content])[0]["rows"]}
        named = next(
            value
            for name, value in rows["programReference.programName"].items()
            if name not in ("path", "type", "collection", "required")
        )
        programs = self._contract.grand_bend(collection)
        found: Json = next(each for each in programs if each["programName"] == named)
        return found

    def _preload(
        self,
        path: str,
        entity: str,
        parts: Json,
        target: tuple[str, dict[str, str], Json],
        level: str,
    ) -> None:
        """Rows that may be deleted leave a prerequisite that stands on its own."""
        collection, key, _ = target
        values = {
            inside: {"from": f"{path}.{part}"}
            if level == REQUIRED
            else self._referred(f"{path}.{part}", entity, parts[part])[0]
            for part, inside in key.items()
        }
        spec = {"preloaded": True, "resource": collection, "values": values}
        self._needs.setdefault(_snake(entity), spec)

    def _referred(self, path: str, entity: str, fact: Json) -> list[Any]:
        part = path.rpartition(".")[2]
        target = self._target(entity)
        if entity == STUDENT:
            rows = {row["path"]: row for row in self._contract.table().content["rows"]}
            return [rows["studentReference.studentUniqueId"]["create"]]
        if target is None or part.casefold().endswith("schoolyear"):
            return self._samples.pair(path, fact, key=False)[:1]
        _, key, value = target
        for step in key[part].split("."):
            value = value[step]
        return [value.partition("#")[2] if kind_of(fact) == "descriptor" else value]  # type: ignore[attr-defined]  # a record's leaf is a text

    def _student(self, path: str, *, after: bool = False) -> None:
        """The certification's student, enrolled in its high school unless that is the record.

        ``after``: the record is the student, who cannot be read back before it is enrolled.
        """
        published = self._contract.table().content["prerequisites"]
        names = [] if after else ["student"]
        names += [] if self._resource == ENROLLMENT else ["enrollment"]
        for name in names:
            spec = published[name]
            values = {
                place: {"from": f"{path}.studentUniqueId".lstrip(".")}
                if place.rpartition(".")[2] == "studentUniqueId"
                else value
                for place, value in spec["values"].items()
                if at_path(self._schemas[spec["resource"]], place) is not None
            }
            late = {"after": True} if after else {}
            self._needs.setdefault(name, {**late, **spec, "values": values})

    # -- the update -------------------------------------------------------------------------------

    def _changed(self, lines: list[Line]) -> str | None:
        """What the published table of the resource changes, else what shows an update best."""
        free = [each for each in lines if len(each.values) > 1 and not each.fixed]
        by_path = {each.path: each for each in free}
        for path in self._samples.changes:
            if path in by_path:
                return path

        def rank(each: Line) -> tuple[int, bool, int]:
            optional = each.required != REQUIRED
            return each.path.count("."), optional, _TELLING.index(each.type)

        return min(free, key=rank).path if free else None


def _unsent(line: Line) -> Line:
    return Line(line.path, line.type, line.required, fixed=line.fixed)


def _snake(entity: str) -> str:
    return words(entity).replace(" ", "_").lower()


def _position(item: tuple[str, Json]) -> int:
    """Pre-loaded records first, then the student, then its enrollment."""
    name, spec = item
    return 0 if spec.get("preloaded") else 1 if name == "student" else 2


def cell(line: Line, *, second: bool) -> Any:
    """A line's value in a column: the other one where the scenario changes it."""
    if not line.values:
        return NOT_SENT
    return line.values[1] if second else line.values[0]
