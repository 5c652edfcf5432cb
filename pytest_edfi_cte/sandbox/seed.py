"""What is there before the first request: Grand Bend, the least of it, or a folder of records."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.openapi_import import ED_FI
from pytest_edfi_cte.sandbox.dependencies import loading_order
from pytest_edfi_cte.sandbox.model import collection_of
from pytest_edfi_cte.sandbox.problems import Problem
from pytest_edfi_cte.sandbox.shapes import SERVER_OWNED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_edfi_cte.sandbox.engine import Engine
    from pytest_edfi_cte.sandbox.model import Resource
    from pytest_edfi_cte.sandbox.shapes import Json

#: The district whose data is pre-loaded.
GRAND_BEND = 255901
#: Its high school.
HIGH_SCHOOL = 255901001

#: The seeds that have a name; anything else is a folder.
EVERYTHING, MINIMAL = "grand-bend", "minimal"

_FIRST_MONTH = 7  # of a school year

# In the order in which they refer to each other.
_RESOURCES = (
    "schoolYearTypes",
    "educationServiceCenters",
    "localEducationAgencies",
    "schools",
    "programs",
)


def school_year(now: float) -> int:
    """The school year, named by the year it ends in, at a time in seconds since 1970."""
    day = datetime.fromtimestamp(now, tz=timezone.utc)
    return day.year + (day.month >= _FIRST_MONTH)


def plant(engine: Engine, seed: str | Path | None, year: int) -> None:
    """Load a seed and make it the state of ``clear()``; all of it, or nothing.

    A file in which a seed was planted already is left as it is, and that must not be another one.

    ``seed``: ``"grand-bend"``, ``"minimal"`` (one district, its high school and CTE program, and
    the school ``year`` named by the year it ends in) or a folder of ``COLLECTION.json`` (an array)
    and ``COLLECTION.jsonl`` (a record a line) in any order, those of another namespace than Ed-Fi's
    own in a folder of its name. Descriptors are loaded as well, but
    for those that the folder has itself.

    ValueError for a folder or a record in it that cannot be loaded, with the place.
    """
    named = str(seed or EVERYTHING)
    folder = None if named in (EVERYTHING, MINIMAL) else Path(named).resolve()
    name = str(folder or named)
    if not engine.store.new:
        if seed is not None and name != engine.store.seed:
            raise ValueError(
                f"the database began with the seed {engine.store.seed}, not {name}: leave the seed"
                " out, or name another file"
            )
        return
    with engine.store.planting(name):
        if folder is None:
            _plant_grand_bend(engine, name, year)
        else:
            files = _files(engine, folder)
            _plant_descriptors(engine, files)
            order = loading_order(engine.model)
            for resource_name in sorted(files, key=lambda resource_name: order[resource_name]):
                for file in files[resource_name]:
                    _load(engine, resource_name, file)


def _plant_grand_bend(engine: Engine, name: str, year: int) -> None:
    _plant_descriptors(engine, {})
    for collection in _RESOURCES:
        resource = engine.model.find(collection)
        if resource is None:
            continue  # a data standard without school year types has none to load
        records = shipped().grand_bend(collection)
        if name == MINIMAL:
            records = _least(collection, records, year)
        if not resource.extension:
            engine.adopt(resource, records)
            continue
        for record in records:  # a state's document may ask for more than Grand Bend has
            _put(engine, resource, record, f"the seed {name}, {collection}")


def _least(collection: str, records: list[dict[str, Any]], year: int) -> list[dict[str, Any]]:
    """Of Grand Bend the records that no certification scenario can do without."""
    wanted: dict[str, Callable[[Json], bool]] = {
        "schoolYearTypes": lambda r: r["schoolYear"] == year,
        "localEducationAgencies": lambda r: r["localEducationAgencyId"] == GRAND_BEND,
        "schools": lambda r: r["schoolId"] == HIGH_SCHOOL,
        "programs": lambda r: (
            r["programName"] == "Career and Technical Education"
            and r["educationOrganizationReference"]["educationOrganizationId"] == GRAND_BEND
        ),
    }
    keep = wanted.get(collection)
    return [record for record in records if keep and keep(record)]


def _plant_descriptors(engine: Engine, files: Mapping[str, Any]) -> None:
    for uri, values in shipped().grand_bend("descriptors").items():
        resource = engine.model.named(collection_of(uri.rpartition("/")[2]))
        if resource.name not in files:
            engine.adopt(
                resource,
                (
                    {"namespace": uri, "codeValue": value, "shortDescription": value[:75]}
                    for value in values
                ),
            )


def _files(engine: Engine, folder: Path) -> dict[str, list[Path]]:
    """Name of a resource -> its files in the folder, or in the folder of its namespace."""
    found: dict[str, list[Path]] = {}
    namespaces = {resource.namespace for resource in engine.model.resources}
    try:
        paths = sorted(folder.iterdir())
        paths += [
            file for path in paths if path.name in namespaces for file in sorted(path.iterdir())
        ]
    except OSError as error:
        raise ValueError(
            f"the seed {str(folder)!r} is neither {EVERYTHING} nor {MINIMAL} nor a folder"
            f" that can be read: {error.strerror}"
        ) from None
    for path in paths:
        if path.suffix.lower() not in (".json", ".jsonl"):
            continue
        name = path.relative_to(folder).with_suffix("").as_posix()
        resource = engine.model.find(name.removeprefix(f"{ED_FI}/"))
        if resource is None:
            raise ValueError(
                f"{path}: the sandbox has no resource {name!r}; a seed's files are named by"
                " their collection, such as students.jsonl or tx/studentFoos.jsonl"
            )
        found.setdefault(resource.name, []).append(path)
    return found


def _load(engine: Engine, collection: str, file: Path) -> None:
    resource = engine.model.named(collection)
    for place, value in _records(file):
        record = value
        if isinstance(value, dict):
            # Records that another API gave out may be loaded as they are.
            record = {name: part for name, part in value.items() if name not in SERVER_OWNED}
        _put(engine, resource, record, f"{file}, {place}")


def _put(engine: Engine, resource: Resource, record: Any, place: str) -> None:
    try:
        engine.create(resource, record, None)
    except Problem as problem:
        raise ValueError(f"{place}: {problem}") from None


def _records(file: Path) -> Iterator[tuple[str, Any]]:
    """(place, record) of each."""
    try:
        if file.suffix.lower() == ".jsonl":
            with file.open(encoding="utf-8-sig") as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        yield f"line {number}", _value(line, file, f"line {number}")
            return
        values = _value(file.read_text(encoding="utf-8-sig"), file, "")
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{file} cannot be read as UTF-8 text: {error}") from None
    if not isinstance(values, list):
        raise ValueError(f"{file}: must be a JSON array of records")  # noqa: TRY004 - of the file, not of an argument
    yield from ((f"record {number}", value) for number, value in enumerate(values, 1))


def _value(text: str, file: Path, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f"{file}, {place}" if place else str(file)
        raise ValueError(f"{where}: is not JSON: {error}") from None
