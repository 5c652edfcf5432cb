"""Prerequisites of a scenario: pre-loaded ones are looked up, the others reused or created."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import requests

from pytest_edfi_cte.client.problems import describe, problem_type
from pytest_edfi_cte.contract_text import nearest
from pytest_edfi_cte.errors import NotTestable, RequestFailed
from pytest_edfi_cte.records import Record, Records
from pytest_edfi_cte.scenarios import nowhere

Json = dict[str, Any]
#: As many descriptors of one kind as an API gives at once.
MOST = "500"
OK, REDIRECT, FORBIDDEN, SERVER_ERROR = 200, 300, 403, 500
ENROLL_IT = (
    "enroll it in a school under an ed-org of this key, or choose another with --edfi-set "
    "studentUniqueId=…."
)


@dataclass(frozen=True)
class MissingValue:
    """A descriptor value that the API lacks; ``elsewhere``: the URI it has the code value under."""

    uri: str
    used_for: str
    collection: str
    elsewhere: str | None
    near: str = ""
    place: str = ""

    @property
    def short(self) -> str:
        """``SexDescriptor#Mael``: enough to know it by."""
        return self.uri.rpartition("/")[2]

    @property
    def hint(self) -> str:
        """Where a table has it, and the value of the API that is like it."""
        return f"{self.place and f'; {self.place}'}{self.near}"

    @property
    def namespace(self) -> str | None:
        """The namespace in which the API has it, as ``--edfi-namespace`` takes it."""
        return self.elsewhere and self.elsewhere.partition("#")[0].rpartition("/")[0]

    def __str__(self) -> str:
        text = f"{self.uri} (for {self.used_for}) in {self.collection}"
        if self.elsewhere:
            text += f"; the API has it as {self.elsewhere}: try --edfi-namespace {self.namespace}"
        return text


class MissingDescriptors(NotTestable):
    """Descriptor values are missing."""

    advice = (
        "Load the Ed-Fi descriptors, or choose other values with --edfi-set (a code value, or a "
        "full uri://…#value)."
    )

    def __init__(self, values: list[MissingValue]) -> None:
        self.values = values
        listed = "\n  ".join(f"{value}{value.hint}" for value in values)
        # A terminal shows the first line alone.
        more = f" and {len(values) - 1} more" if len(values) > 1 else ""
        said = f"{values[0].short}{more}: descriptor values are missing in the API."
        super().__init__(f"{said}\n  {listed}\n  {self.advice}")


class Prerequisites:
    """What must exist before scenario 1, in the order of the certification.

    ``seen`` keeps what was found of the pre-loaded records, so that one run asks once: look-up ->
    record or descriptor URIs. What was not found is not kept.
    """

    def __init__(self, records: Records, seen: dict[str, Any] | None = None) -> None:
        self.records = records
        self._seen = {} if seen is None else seen
        #: descriptor URI -> the API's own spelling of it
        self.spellings: dict[str, str] = {}
        #: why the student could not be created, where it may exist and be hidden from this key
        self._hidden_student = ""

    def same_descriptor(self, one: str, other: str) -> bool:
        """Whether the API itself holds two URIs for one value (differences in case only)."""
        spelled = (self.spellings.get(one, one), self.spellings.get(other, other))
        return spelled[0] == spelled[1]

    def preloaded(self, name: str, resource: str, body: Mapping[str, Any]) -> Record:
        """A record the certification calls pre-loaded: looked up, never made."""
        resources = [resource, "schools"] if resource == "localEducationAgencies" else [resource]
        for candidate in resources:
            query = self.records.key_of(candidate, body)
            if candidate != resource:  # a school in the place of a district
                query = {"schoolId": body["localEducationAgencyId"]}
            asked = f"{candidate}?{json.dumps(query, sort_keys=True)}"
            if asked in self._seen:
                return self._existing(candidate, self._seen[asked])
            found = self.records.look_up(candidate, query)
            if found.matches:
                self._seen[asked] = found.matches[0]
                return self._existing(candidate, found.matches[0])
            if not found.known:
                return Record(resource, body, None, created=False)
        key = ", ".join(f"{n}={v!r}" for n, v in self.records.key_of(resource, body).items())
        raise NotTestable(
            f"the {name} is missing: the API has no {resource} record with {key}.\n"
            "  The certification expects it to be loaded before. Load the Ed-Fi sample data "
            f"(Grand Bend), or POST it to {self.records.session.resource_url(resource)} with a key "
            "that may create it, or name one that exists with --edfi-set."
        )

    def descriptors(
        self, used: Mapping[str, str], written_at: Callable[[str], str] = nowhere
    ) -> None:
        """Look descriptor values up. ``used``: URI -> the property that it is for.

        ``written_at``: file and line of a URI. Raises :class:`MissingDescriptors`.
        """
        missing = self.spell(list(used), used)
        if missing:
            told = [replace(v, near=self._near(v), place=written_at(v.uri)) for v in missing]
            raise MissingDescriptors(told)

    def _near(self, value: MissingValue) -> str:
        """The API's own code value that is most like a missing one."""
        if value.elsewhere:
            return ""
        uris = self._uris(value.collection, {"limit": MOST}) or ()
        return nearest(value.uri.partition("#")[2], [u.partition("#")[2] for u in uris])

    def spell(self, uris: list[str], properties: Mapping[str, str]) -> list[MissingValue]:
        """Learn the API's own spelling of descriptor values; those that are missing."""
        missing: list[MissingValue] = []
        for uri in uris:
            namespace, _, code = uri.partition("#")
            name = namespace.rpartition("/")[2]
            collection = collection_of(name)
            found = self._seen.get(f"{collection}?{uri}") or self._descriptor(collection, code)
            if found is None:
                continue
            spelled = [u for u in found if u.lower() == uri.lower()]
            if spelled:
                self._seen[f"{collection}?{uri}"] = found
                self.spellings[uri] = spelled[0]
                self.spellings[spelled[0]] = spelled[0]
                continue
            same = (u for u in found if u.partition("#")[2].lower() == code.lower())
            missing.append(MissingValue(uri, properties[uri], collection, next(same, None)))
        return missing

    def _descriptor(self, collection: str, code: str) -> list[str] | None:
        """URIs the API holds for a code value; None where it would not say."""
        uris = self._uris(collection, {"codeValue": code})
        if uris and not any(u.partition("#")[2].lower() == code.lower() for u in uris):
            self.records.note(f"Could not look up {collection}: the API ignores codeValue")
            return None
        return uris

    def _uris(self, collection: str, query: Mapping[str, str]) -> list[str] | None:
        """URIs of the descriptors that a query finds; None where the API would not say."""
        url = self.records.session.resource_url(collection)
        try:
            response = self.records.session.get(url, params=dict(query))
            found = json.loads(response.content) if response.status_code == OK else None
        except (RequestFailed, ValueError) as error:
            self.records.note(f"Could not look up {collection}: {error}")
            return None
        if not isinstance(found, list):
            self.records.note(
                f"Could not look up {collection}: {response.status_code}: {describe(response)}"
            )
            return None
        return [
            f"{d['namespace']}#{d['codeValue']}"
            for d in found
            if isinstance(d, dict) and {"namespace", "codeValue"} <= d.keys()
        ]

    def reuse_or_create(
        self,
        name: str,
        resource: str,
        body: Mapping[str, Any],
        query: Mapping[str, Any] | None = None,
    ) -> Record:
        """The record if it exists (untouched), else a new one of ours.

        ``query`` widens the look-up, e.g. to any enrolment of the student in the school.
        """
        known = self.records.known(resource, body)
        if known is not None:
            return known
        found = self.records.look_up(resource, query or self.records.key_of(resource, body))
        if found.matches:
            return self._existing(resource, found.matches[0])
        return self.create(name, resource, body, absent=found.known)

    def create(
        self, name: str, resource: str, body: Mapping[str, Any], *, absent: bool = False
    ) -> Record:
        """POST a prerequisite; raises :class:`NotTestable` with the API's words when refused."""
        try:
            posted = self.records.post(resource, body, absent=absent)
        except RequestFailed as error:
            raise NotTestable(f"the {name} could not be created: no answer.\n  {error}") from None
        status = posted.response.status_code
        if status >= REDIRECT:
            text = refusal(f"the {name} could not be created", posted.response)
            hidden = status == FORBIDDEN and "access-denied" not in problem_type(posted.response)
            if resource == "students" and hidden:
                # It may exist, hidden until it is enrolled: the enrollment decides.
                self._hidden_student = text
                return Record(resource, body, None, created=False)
            if self._hidden_student:
                text = f"{text}\n{self._hidden_student}\n  If the student exists: {ENROLL_IT}"
            raise NotTestable(text)
        return posted.record

    def _existing(self, resource: str, body: Json) -> Record:
        record_id = body.get("id")
        url = None
        if isinstance(record_id, str):
            url = self.records.session.resource_url(resource, record_id)
        ours = self.records.is_ours(resource, record_id)
        return Record(resource, body, url, created=ours)


def slot_name(resource: str, key: Mapping[str, Any]) -> str:
    """What one natural key is called where runs on this machine wait for each other."""
    return f"{resource} {json.dumps(key, sort_keys=True)}"


def way_out(records: Records, resource: str, body: Mapping[str, Any]) -> str:
    """What to do about a record of others under the table's natural key."""
    url = records.session.resource_url(resource, str(body.get("id")))
    return (
        f"DELETE {url} if the record is yours, or choose another student with --edfi-set "
        "studentUniqueId=…"
    )


def collection_of(descriptor: str) -> str:
    """``CTEProgramServiceDescriptor`` → ``cteProgramServiceDescriptors``."""
    capitals = len(descriptor) - len(descriptor.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    head = max(1, capitals - 1)
    return descriptor[:head].lower() + descriptor[head:] + "s"


#: Likely cause by status, in the words of the person who can act on it.
_CAUSES = {
    400: "The API finds the record invalid; its answer says where.",
    401: "The token is not accepted: the client id may belong to another API or be disabled.",
    403: "This key may not write that: ask the host which claim set and ed-orgs the key has.",
    404: "The API has no such collection: check that the base URL and its data standard are right.",
    429: "The API limits the rate of requests: wait as long as it asks, then run again.",
    405: "The API does not allow this method here; perhaps it is read-only.",
    409: "The record refers to something the API does not have, or conflicts with another.",
}


def refusal(what: str, response: requests.Response) -> str:
    """A refused request as text: what it means, the exchange, the API's words, the likely cause."""
    status = response.status_code
    cause = _CAUSES.get(status, "The API's answer says why.")
    if status >= SERVER_ERROR:
        cause = "The API itself failed: its log, by time and correlation id, says why. Try again."
    about_student = "studentSchoolAssociations" not in response.url and "/students" not in (
        response.url
    )
    if status == FORBIDDEN and about_student and "/student" in response.url:
        cause = (
            "The student has no enrollment (studentSchoolAssociation) in a school under an ed-org "
            "of this key, or the key's claim set lacks the resource."
        )
    if "namespace" in problem_type(response):
        cause = "The descriptor's namespace is not one of this key's."
    wait = response.headers.get("Retry-After")
    if wait:
        cause = f"{cause} (Retry-After: {wait})"
    return (
        f"{what}.\n  {response.request.method} {response.url} → {status}\n"
        f"  The API says: {describe(response)}\n  {cause}"
    )
