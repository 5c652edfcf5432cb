"""Options, environment and ini become one frozen :class:`Settings` that knows each value's source.

Precedence: option > environment > env file > ini > default.
"""

from __future__ import annotations

import os
import random
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_edfi_cte.errors import ConfigurationError
from pytest_edfi_cte.given import Given, GivenToPytest
from pytest_edfi_cte.notations import current_school_year
from pytest_edfi_cte.options import DRIVE, OBSERVE, OPTIONS, Option
from pytest_edfi_cte.secret import Secret
from pytest_edfi_cte.values import SANDBOX, SECRET_VARIABLE

if TYPE_CHECKING:
    import pytest

#: Options that are a list of words each.
LISTS = ("scenarios", "select", "openapi")


@dataclass(frozen=True)
class Settings:
    """The effective settings of a run. ``sources`` maps each name to where its value came from.

    ``timeout`` is in seconds; ``school_year`` is the year it ends in; ``overrides`` are the raw
    ``NAME -> VALUE`` texts of ``--edfi-set``, checked when the table is loaded. ``wait``,
    ``settle`` and ``act_timeout`` are seconds; ``acts`` maps a step to the words of its command;
    ``descriptors`` maps a stored descriptor value to the table's that it counts as; ``repeat`` is
    the number of the first and of the last fictional student, None for the table's own student.
    """

    url: str | None = None
    client_id: str | None = None
    client_secret: Secret = field(default_factory=lambda: Secret(""))
    env_file: str | None = None
    school_year: int = 2027
    overrides: Mapping[str, str] = field(default_factory=dict)
    scenarios: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    repeat: tuple[int, int] | None = None
    openapi: tuple[str, ...] = ()
    namespace: str = "uri://ed-fi.org"
    seed: int = 0
    timeout: float = 30.0
    retries: int = 3
    ca_bundle: str | None = None
    insecure: bool = False
    keep_data: bool = False
    contract: bool = False
    strict: bool = False
    report: str | None = None
    waive: str | None = None
    mask_people: bool = False
    mode: str = DRIVE
    wait: float = 0.0
    settle: float = 10.0
    acts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    act_timeout: float = 600.0
    phase: str | None = None
    state: str | None = None
    descriptors: Mapping[str, str] = field(default_factory=dict)
    descriptor_file: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def embedded(self) -> bool:
        """True where the API is the sandbox inside this run."""
        return self.url == SANDBOX

    @property
    def observing(self) -> bool:
        """True where the product is judged and this run only reads."""
        return self.mode == OBSERVE

    def facts(self) -> dict[str, str]:
        """In the report's words: who is judged, and which values count as the table's."""
        modes = {
            DRIVE: "drive: the API is judged",
            OBSERVE: "observe: the product is judged, this run only reads",
        }
        pairs = [f"{stored} as {own}" for stored, own in self.descriptors.items()]
        mapped = ", ".join([*pairs, *([self.descriptor_file] if self.descriptor_file else [])])
        return {"Mode": modes[self.mode], **({"Mapped descriptors": mapped} if mapped else {})}

    def header(self) -> list[str]:
        """Lines for the pytest header: each effective value with its source; no secret."""
        if self.url is None:
            return []
        shown: dict[str, object] = {"url": self.url}
        if not self.embedded:
            shown["client_id"] = self.client_id
            shown["client_secret"] = "set" if self.client_secret else "missing"
        shown |= {
            "school_year": f"{self.school_year} ({self.school_year - 1}-{self.school_year})",
            "seed": self.seed,
            "namespace": self.namespace,
            "timeout": f"{self.timeout:g} s",
            "retries": self.retries,
            "mode": self.mode,
        }
        if self.repeat:
            shown["repeat"] = "students {}-{}".format(*self.repeat)
        for name in LISTS:
            shown |= {f"{name} {each}": "" for each in getattr(self, name)}
        shown |= {f"set {name}": value for name, value in self.overrides.items()}
        names = (
            "env_file ca_bundle descriptor_file report waive keep_data contract strict mask_people"
        )
        for name in names.split():
            if getattr(self, name):
                shown[name] = getattr(self, name)
        shown |= {f"descriptor {stored}": f"as {own}" for stored, own in self.descriptors.items()}
        if self.observing:
            shown |= {"wait": f"{self.wait:g} s", "settle": f"{self.settle:g} s"}
            shown |= {f"act {step}": shlex.join(words) for step, words in self.acts.items()}
            shown |= {n: getattr(self, n) for n in ("phase", "state") if getattr(self, n)}
        items = [f"{k} {v} [{self.sources.get(k, 'default')}]" for k, v in shown.items()]
        lines = ["edfi: " + ", ".join(items[i : i + 3]) for i in range(0, len(items), 3)]
        if self.insecure:
            source = self.sources.get("insecure", "default")
            lines.append(
                f"edfi: WARNING: TLS CERTIFICATES ARE NOT VERIFIED [{source}]; "
                "anyone on the way can read the client secret and change the answers"
            )
        return lines


def read_settings(
    config: pytest.Config,
    *,
    environment: Mapping[str, str] | None = None,
    today: date | None = None,
) -> Settings:
    """The effective settings of a pytest run; see :func:`resolve`."""
    return resolve(GivenToPytest(config), environment=environment, today=today)


def report_of(config: pytest.Config) -> str | None:
    """The report's folder as given, where a mistake elsewhere keeps the settings from being read.

    What an env file names is not among it.
    """
    (option,) = [option for option in OPTIONS if option.name == "report"]
    with suppress(ConfigurationError):
        folder: str | None = _Reader(GivenToPytest(config), os.environ).value(option)
        return folder
    return None


def resolve(
    given: Given,
    *,
    environment: Mapping[str, str] | None = None,
    today: date | None = None,
) -> Settings:
    """The effective settings; raises :class:`ConfigurationError` for the first wrong value."""
    environ = os.environ if environment is None else environment
    reader = _Reader(given, environ)
    values: dict[str, Any] = {}
    # The env file first: what it holds is looked up for every other option.
    for option in sorted(OPTIONS, key=lambda option: option.name != "env_file"):
        values[option.name] = reader.pairs(option) if option.kind == "list" else None
        if option.kind != "list":
            values[option.name] = reader.value(option)
        if option.name == "env_file" and values["env_file"]:
            reader.load_env_file(values["env_file"])
    for name, plural in (("set", "overrides"), ("act", "acts"), ("descriptor", "descriptors")):
        values[plural] = values.pop(name)
    for name in LISTS:
        values[name] = tuple(values[name])
    if values["mode"] == DRIVE:
        _refuse_observing(reader.sources)
    values["client_secret"] = reader.secret()
    if values["url"] == "":
        values["url"] = None
    if values["school_year"] is None:
        values["school_year"] = current_school_year(today)
        reader.sources["school_year"] = "today's date"
    if values["seed"] is None:
        values["seed"] = random.SystemRandom().randrange(10**9)
        reader.sources["seed"] = "random"
    return Settings(**values, sources=reader.sources)


def _refuse_observing(sources: Mapping[str, str]) -> None:
    """In drive mode an observe option on the command line is a mistake; in an ini it may rest."""
    for option in OPTIONS:
        given = option.observe_only and f"option {option.flag}" in sources.values()
        if given:
            raise ConfigurationError(
                f"option {option.flag}: only --edfi-mode=observe, where your product acts, uses it"
            )


class _Reader:
    """Looks a setting up in every place, first found wins, and remembers the place."""

    def __init__(self, given: Given, environment: Mapping[str, str]) -> None:
        self.given = given
        self.environment = environment
        self.env_file: Mapping[str, str] = {}
        self.env_file_name = ""
        self.sources: dict[str, str] = {}

    def _places(self, option: Option) -> list[tuple[Any, str]]:
        """What each place says, strongest first: (value or None, source)."""
        return [
            (self.given.option(option), f"option {self.given.flag(option)}"),
            (self.environment.get(option.variable), f"environment {option.variable}"),
            (self.env_file.get(option.variable), f"{option.variable} in {self.env_file_name}"),
            (self.given.ini(option), f"ini {option.ini}"),
        ]

    def value(self, option: Option) -> Any:
        for found, source in self._places(option):
            if found is None or (found == "" and option.kind in ("value", "path")):
                continue
            self.sources[option.name] = source
            if isinstance(found, bool):
                return found
            if option.kind == "path" and source.startswith("ini"):
                found = str(self.given.ini_folder / found)  # noqa: PLW2901 - made absolute once
            return self._parse(option, found, source)
        return option.default

    def pairs(self, option: Option) -> dict[str, Any]:
        """NAME=VALUE pairs; the environment holds one per line. Stronger places win per name."""
        merged: dict[str, Any] = {}
        for found, source in reversed(self._places(option)):
            lines = found.splitlines() if isinstance(found, str) else found or []
            for line in filter(str.strip, lines):
                name, value = self._parse(option, line, source)
                if option.name in ("scenarios", "openapi") and source.startswith("ini"):
                    name = value = str(self.given.ini_folder / name)
                merged[name] = value
                self.sources[f"{option.name} {name}"] = source
        return merged

    def secret(self) -> Secret:
        for place, source in (
            (self.environment, f"environment {SECRET_VARIABLE}"),
            (self.env_file, f"{SECRET_VARIABLE} in {self.env_file_name}"),
        ):
            if place.get(SECRET_VARIABLE):
                self.sources["client_secret"] = source
                return Secret(place[SECRET_VARIABLE])
        self.sources["client_secret"] = f"expected in {SECRET_VARIABLE}"
        return Secret("")

    def load_env_file(self, name: str) -> None:
        from dotenv import dotenv_values  # noqa: PLC0415 - only where asked for

        path = self.given.folder / Path(name).expanduser()
        try:
            with path.open(encoding="utf-8") as stream:
                values = dotenv_values(stream=stream, interpolate=False)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"{self.sources['env_file']}: {path} cannot be read: {error}"
            ) from None
        self.env_file = {key: value for key, value in values.items() if value is not None}
        self.env_file_name = path.name

    @staticmethod
    def _parse(option: Option, text: str, source: str) -> Any:
        try:
            return option.parse(text.strip() if option.kind != "list" else text)
        except ValueError as error:
            raise ConfigurationError(f"{source}: {error}") from None
