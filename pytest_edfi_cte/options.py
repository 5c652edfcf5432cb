"""The table of options: each name gives an option, an environment variable and an ini key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_edfi_cte.notations import (
    STEPS,
    act,
    assignment,
    choice,
    descriptor_pair,
    duration,
    listed,
    school_year,
    students,
)
from pytest_edfi_cte.values import (
    SECRET_VARIABLE,
    boolean,
    count,
    namespace,
    positive,
    seed,
    url,
)

DRIVE, OBSERVE = "drive", "observe"


@dataclass(frozen=True)
class Option:
    """One setting: ``name`` gives ``--edfi-name``, ``EDFI_NAME`` and the ini key ``edfi_name``."""

    name: str
    help: str
    parse: Callable[[str], Any]
    default: Any = None
    metavar: str | None = None
    kind: str = "value"  # or "flag", "list", "path"
    #: Refused on a command line in drive mode, where it would say nothing.
    observe_only: bool = False

    @property
    def flag(self) -> str:
        """The command-line option."""
        return "--edfi-" + self.name.replace("_", "-")

    @property
    def short_flag(self) -> str:
        """The option of an ``edfi-cte`` command."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"EDFI_{self.name.upper()}"

    @property
    def ini(self) -> str:
        """The key in the pytest configuration."""
        return f"edfi_{self.name}"


OPTIONS: tuple[Option, ...] = (
    Option(
        "url",
        "Base URL of the Ed-Fi API to judge, or 'sandbox' for an embedded one.",
        url,
        metavar="URL",
    ),
    Option("client_id", "OAuth client id (key) for the API.", str, metavar="ID"),
    Option(
        "env_file",
        f"Dotenv file with EDFI_… variables. The secret ({SECRET_VARIABLE}) stands here or in the "
        "environment, nowhere else.",
        str,
        metavar="PATH",
        kind="path",
    ),
    Option(
        "school_year",
        "Current school year, named by the year it ends in (default: from today's date, "
        "turning on July 1).",
        school_year,
        metavar="YEAR",
    ),
    Option(
        "set",
        "Replace a value of the certification table, e.g. studentUniqueId=604822; repeatable. "
        "update:NAME=VALUE replaces it in one scenario only.",
        assignment,
        metavar="NAME=VALUE",
        kind="list",
    ),
    Option(
        "scenarios",
        "File or folder with tables of scenarios (YAML), to run in place of the shipped CTE table; "
        "repeatable.",
        listed,
        metavar="PATH",
        kind="list",
    ),
    Option(
        "select",
        "Scenarios to run, of any known table, by id or glob; repeatable.",
        listed,
        metavar="ID",
        kind="list",
    ),
    Option(
        "repeat",
        "Run the scenarios for N fictional students, each with its own records, in place of the "
        "table's student; FROM-TO: only for these of them.",
        students,
        metavar="N",
    ),
    Option(
        "openapi",
        "OpenAPI document of a state's extension (Swagger 2.0 or OpenAPI 3, JSON or YAML): tables "
        "may be about its resources, and its _ext is judged; repeatable.",
        listed,
        metavar="FILE",
        kind="list",
    ),
    Option(
        "namespace",
        "Namespace of the table's descriptor values.",
        namespace,
        default="uri://ed-fi.org",
        metavar="URI",
    ),
    Option("seed", "Seed of the fictional data (default: random, printed).", seed, metavar="N"),
    Option("timeout", "Seconds to wait for the API.", positive, default=30.0, metavar="SECONDS"),
    Option(
        "retries",
        "How often to try again after a connection error, 429, 502, 503 or 504.",
        count,
        default=3,
        metavar="N",
    ),
    Option(
        "ca_bundle", "PEM file with the certificates to trust.", str, metavar="FILE", kind="path"
    ),
    Option(
        "insecure",
        "Do NOT verify the API's TLS certificate. Anyone on the way can read the secret.",
        boolean,
        default=False,
        kind="flag",
    ),
    Option(
        "keep_data",
        "Leave the records this run created in the API.",
        boolean,
        default=False,
        kind="flag",
    ),
    Option(
        "contract",
        "Add the contract pack: checks of the API against the Ed-Fi API guidelines.",
        boolean,
        default=False,
        kind="flag",
    ),
    Option(
        "strict",
        "Contract pack: a broken recommendation (should) fails, instead of being a warning.",
        boolean,
        default=False,
        kind="flag",
    ),
    Option(
        "report",
        "Folder for the evidence pack: a page to publish, results.json, JUnit XML, summary, badge, "
        "data mapping, checksums; with a start page for a web server.",
        str,
        metavar="DIR",
        kind="path",
    ),
    Option(
        "waive",
        "YAML file with findings that somebody accepts until a date.",
        str,
        metavar="FILE",
        kind="path",
    ),
    Option(
        "mask_people",
        "Mask names, birth dates and ids of students in everything that is written.",
        boolean,
        default=False,
        kind="flag",
    ),
    Option(
        "mode",
        "drive: the kit sends and the API is judged. observe: your product sends and is judged; "
        "this run only reads.",
        choice(DRIVE, OBSERVE),
        default=DRIVE,
        metavar="MODE",
    ),
    Option(
        "wait",
        "Observe: how long the product may take for a scenario, e.g. 90, 90s, 15m, 1h; 0 judges "
        "what is there.",
        duration,
        default=0.0,
        metavar="TIME",
        observe_only=True,
    ),
    Option(
        "settle",
        "Observe: how long a wrong record must stay unchanged to fail before the wait is over.",
        duration,
        default=10.0,
        metavar="TIME",
        observe_only=True,
    ),
    Option(
        "act",
        "Observe: command that makes the product act in a scenario, e.g. "
        "'create=./sync.sh create'; no shell; repeatable.",
        act,
        metavar="STEP=COMMAND",
        kind="list",
        observe_only=True,
    ),
    Option(
        "act_timeout",
        "Observe: how long a command of --edfi-act may run.",
        duration,
        default=600.0,
        metavar="TIME",
        observe_only=True,
    ),
    Option(
        "phase",
        "Observe: create judges the creates alone, update what follows them; in two runs, with "
        "--edfi-state.",
        choice(*STEPS),
        metavar="STEP",
        observe_only=True,
    ),
    Option(
        "state",
        "Observe: file that keeps what the create phase saw for the update phase; no secrets, "
        "no names.",
        str,
        metavar="FILE",
        kind="path",
        observe_only=True,
    ),
    Option(
        "descriptor",
        "A stored descriptor value that counts as one of the table: 'uri://state…#A=uri://ed-fi…#B'"
        "; repeatable.",
        descriptor_pair,
        metavar="STORED=TABLE",
        kind="list",
    ),
    Option(
        "descriptor_file",
        "CSV file with pairs as in --edfi-descriptor: a line 'stored,table', then one pair a line.",
        str,
        metavar="FILE",
        kind="path",
    ),
)


#: The options that change what a run meets at the API: those of `edfi-cte doctor`.
#: Left out: what a run makes, and how it watches a product.
OF_THE_DOCTOR = frozenset(option.name for option in OPTIONS if not option.observe_only) - {
    "seed",
    "keep_data",
    "mode",
    "repeat",
    "descriptor",
    "descriptor_file",
}
