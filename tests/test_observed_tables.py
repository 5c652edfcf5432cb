"""Observe mode for every table: what a product must do is read from the table's data alone."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from pytest_edfi_cte.catalogue import Catalogue, Chosen
from pytest_edfi_cte.contract import shipped
from pytest_edfi_cte.descriptors import DescriptorMap
from pytest_edfi_cte.observed import Before, ProductJudge
from pytest_edfi_cte.records import Records
from pytest_edfi_cte.sandbox import Sandbox
from pytest_edfi_cte.scenarios import Scenario, Table
from pytest_edfi_cte.settings import Settings
from pytest_edfi_cte.terminal import instructions
from pytest_edfi_cte.watch import Watch
from tests.broken_products import Link
from tests.observing import OBSERVER, FakeClock, Observing, link_to, written_by_us
from tests.test_scenarios import FOOD, PROGRAM, SMALL

HOMELESS = "sis-v5-student-homeless-program-association"
LANGUAGE = "sis-v5-student-language-instruction-program-association"
SPECIAL = "sis-v5-student-special-education-program-association"
MOVE = f"{PROGRAM}-3-update"
ID = "{:032x}"


class Product:
    """Plays any table: it knows the scenario it is asked for, and sends what its step needs.

    ``instead``: scenario id -> what it does in the right thing's place.
    """

    def __init__(self, link: Link, clock: FakeClock, instead: dict[str, Any] | None = None) -> None:
        self.link = link
        self.clock = clock
        self.instead = instead or {}

    @pytest.hookimpl
    def pytest_edfi_act(self, scenario: Any, step: str, values: dict[str, Any]) -> str:
        self.scenario, self.table = scenario, scenario.table
        for need in self.table.needs.values():
            if not need.preloaded:
                self.link.post(need.record, need.resource)
        wrong = self.instead.get(scenario.id)
        if wrong is not None:
            wrong(self, values)
        else:
            getattr(self, step)(values)
        return "done"

    # -- right ------------------------------------------------------------------------------

    def create(self, values: dict[str, Any]) -> None:
        self.link.post(values, self.table.resource)

    upsert = create

    def update(self, values: dict[str, Any]) -> None:
        if self.table.moves:
            self.delete(values)
            self.create(values)
        else:
            found = self.found()
            self.link.send("PUT", self.address(found), {**values, "id": found["id"]})

    def delete(self, _values: dict[str, Any]) -> None:
        self.link.send("DELETE", self.address(self.found()))

    def absent(self, _values: dict[str, Any]) -> None:
        """It has nothing more to send."""

    def found(self) -> dict[str, Any]:
        key = self.table.key_of(self.table.payload("create"))
        query = "&".join(f"{name}={str(value).replace('#', '%23')}" for name, value in key.items())
        (only,) = self.link.send("GET", f"{self.link.data}{self.table.resource}?{query}").json()
        return only

    def address(self, found: dict[str, Any]) -> str:
        return f"{self.link.data}{self.table.resource}/{found['id']}"


def nothing(_product: Product, _values: dict[str, Any]) -> None:
    """Says that it worked."""


def also(path: str, value: Any, step: str = "update"):
    """Sends the right values with one that is not."""

    def act(product: Product, values: dict[str, Any]) -> None:
        body = deepcopy(values)
        here: Any = body
        *parents, name = path.split(".")
        for part in parents:
            here = here[part][0] if isinstance(here[part], list) else here[part]
        here[name] = value
        getattr(product, step)(body)

    return act


def anew(product: Product, values: dict[str, Any]) -> None:
    product.delete(values)
    product.create(values)


@pytest.fixture
def stage(new_sandbox):
    return new_sandbox(clients=[OBSERVER])


@pytest.fixture
def play(stage, pytester, monkeypatch):
    """``play(*arguments, instead={})``: the product plays, and pytest observes."""

    observing = Observing(pytester, monkeypatch)

    def run(*arguments: str, instead: dict[str, Any] | None = None, on: Sandbox = stage) -> Any:
        with link_to(on) as link:
            product = Product(link, observing.clock, instead)
            result = observing.scenarios(on, *arguments, plugins=(product,))
        assert written_by_us(on) == []
        return result

    return run


def scenario_of(scenario_id: str, text: str = "") -> Scenario:
    catalogue = Catalogue(shipped())
    catalogue.add_shipped()
    if text:
        catalogue.add_table(shipped().read_table("ours.yaml", text).content, "ours.yaml")
    chosen = Chosen(shipped(), Settings(school_year=2027), [catalogue.entries[scenario_id]])
    return chosen.scenario(scenario_id, "5.0")


def judged(scenario_id: str) -> tuple[Scenario, ProductJudge]:
    scenario = scenario_of(scenario_id)
    schema = shipped().schema("5.0", scenario.table.schema)
    return scenario, ProductJudge(scenario.table, schema)


def asked(scenario_id: str, text: str = "") -> list[str]:
    """What a person is asked to do, without heading and address."""
    return instructions(scenario_of(scenario_id, text), "https://host", 300)[2:-1]


# -- right products -----------------------------------------------------------------------------


def test_every_table_of_sis_v5_is_green(play) -> None:
    play("--edfi-select=sis-v5-*").assert_outcomes(passed=27)


def test_the_edition_of_sis_v4_is_green_on_data_standard_4(play, new_sandbox) -> None:
    older = new_sandbox(clients=[OBSERVER], data_standard="4.0")
    play("--edfi-select=sis-v4-*", on=older).assert_outcomes(passed=2)


def test_every_step_of_a_table_of_ones_own_about_no_student(play, pytester, stage) -> None:
    pytester.makefile(".yaml", calendar=SMALL)
    play("--edfi-scenarios=calendar.yaml", "-v").assert_outcomes(passed=4)
    assert stage.records("calendars") == []


@pytest.mark.parametrize("number", [1, 2])
def test_a_new_key_is_right_under_the_old_id_and_under_a_new_one(number) -> None:
    """Some hosts let a key change, and nobody asks for a new record there."""
    scenario, judge = judged(MOVE)
    before = Before(ID.format(1), {"id": ID.format(1), **scenario.table.payload("create")})
    after = {"id": ID.format(number), **scenario.payload}
    assert judge.updated(scenario, before, [after]).right


def test_a_third_key_is_neither_the_old_nor_the_new_one() -> None:
    scenario, judge = judged(MOVE)
    before = Before(ID.format(1), {"id": ID.format(1), **scenario.table.payload("create")})
    after = {"id": ID.format(1), **scenario.payload, "beginDate": "2026-10-01"}
    found = judge.updated(scenario, before, [after])
    assert [(f.kind, f.expected, f.received) for f in found.findings] == [
        ("other-key", "2026-09-30", "2026-10-01")
    ]
    assert found.open


def test_both_phases_of_a_table_with_a_state_file_between(play, pytester) -> None:
    for phase, number in (("create", 2), ("update", 3)):
        arguments = (f"--edfi-phase={phase}", "--edfi-state=state.json")
        play(f"--edfi-select={SPECIAL}-*", *arguments).assert_outcomes(
            passed=number, deselected=5 - number
        )
    text = (pytester.path / "state.json").read_text()
    assert "111111" not in text
    assert "222222" not in text


MIGRANT = "sis-v5-student-migrant-education-program-association"
SERVICES = "migrantEducationProgramServices"


@pytest.mark.parametrize("left", [None, [], "out"])
def test_what_is_conditional_need_not_be_sent(left) -> None:
    scenario, judge = judged(f"{MIGRANT}-1-create")
    sent = {"id": ID.format(1), **scenario.payload, SERVICES: left}
    if left == "out":
        del sent[SERVICES]
    found = judge.created(scenario, [sent])
    assert found.right
    excused = [f.rule for f in found.findings if f.where.startswith(SERVICES)]
    assert any(rule.endswith("the product did not send it") for rule in excused)


@pytest.mark.parametrize(
    ("left", "kind"), [("out", "not-supplied"), (None, "supplied-null"), ("as asked", None)]
)
@pytest.mark.parametrize(
    ("scenario_id", "where"),
    [
        (f"{HOMELESS}-2-update", "homelessPrimaryNighttimeResidenceDescriptor"),
        (
            f"{LANGUAGE}-2-update",
            "englishLanguageProficiencyAssessments[2027].proficiencyDescriptor",
        ),
    ],
)
def test_what_is_optional_was_sent_and_is_to_change_may_not_be_cleared(
    scenario_id, where, left, kind
) -> None:
    plain, _ = judged(scenario_id)
    (path,) = plain.changed
    rows = (replace(r, required="OPTIONAL") if r.path == path else r for r in plain.table.rows)
    table = replace(plain.table, rows=tuple(rows))
    scenario, judge = table.scenario("update"), ProductJudge(table, schema_of(table))
    before = {"id": ID.format(1), **deepcopy(table.payload("create"))}
    after = {"id": ID.format(1), **deepcopy(scenario.payload)}
    collection, _, name = path.rpartition(".")
    holder = after[collection][0] if collection else after
    if left == "out":
        del holder[name]
    elif left is None:
        holder[name] = None
    found = judge.updated(scenario, Before(before["id"], before), [after])
    wrong = [(f.kind, f.where) for f in found.findings if not f.ok]
    assert wrong == ([(kind, where)] if kind else [])


def schema_of(table: Table) -> dict[str, Any]:
    return shipped().schema("5.0", table.schema)


class FullOfOthers:
    """A session that shows a full page of others' records; a query by the whole key is another."""

    api = SimpleNamespace(standard="5.0")

    def __init__(self, others: list[Any], by_key: tuple[int, Any]) -> None:
        self.others = others
        self.by_key = by_key

    def resource_url(self, *_place: str) -> str:
        return "http://h/x"

    def get(self, url: str, params: Any = None, headers: Any = None) -> requests.Response:
        is_key = len(params) > 2 and self.by_key[0]
        answer = requests.Response()
        answer.status_code = self.by_key[0] if is_key else 200
        answer._content = json.dumps(self.by_key[1] if is_key else self.others).encode()
        answer.url = url
        return answer


@pytest.mark.parametrize(
    ("status", "problem"),
    [(403, "the record may be beyond the first 25 that the API shows"), (200, None)],
)
def test_what_may_be_beyond_the_first_page_is_not_gone(status, problem) -> None:
    """A refused look-up shows no record, and says nothing of whether there is one."""
    scenario, judge = judged(f"{HOMELESS}-1-create")
    mine = {"id": ID.format(99), **scenario.payload}
    others = [{**mine, "id": ID.format(n), "beginDate": f"2020-01-{n + 1:02}"} for n in range(25)]
    session = FullOfOthers(others, (status, [] if status == 200 else {}))
    records = Records(session, shipped(), None, lambda _: None)
    look = Watch(records, judge, DescriptorMap({})).look(full=True)
    if problem:
        assert look.problem.startswith(problem)
        assert "403" in look.problem
    else:
        assert look.problem is None
        assert judge.gone(Before(mine["id"], mine), look.records).right


def test_a_full_page_of_other_keys_shows_nothing_either() -> None:
    scenario = scenario_of("our-calendar-1-create", SMALL)
    judge = ProductJudge(scenario.table, schema_of(scenario.table))
    others = [{**scenario.payload, "id": ID.format(n), "calendarCode": f"{n}"} for n in range(25)]
    records = Records(FullOfOthers(others, (0, None)), shipped(), None, lambda _: None)
    watch = Watch(records, judge, DescriptorMap({}))
    assert watch.look(full=True).problem.startswith("the record may be beyond")
    others.pop()
    assert watch.look(full=True).records == ()


def test_what_a_hook_adds_must_be_sent() -> None:
    scenario, _ = judged(f"{MIGRANT}-1-create")
    table = replace(scenario.table, added={"create": {"_ext": {"State": {"code": "A"}}}})
    judge = ProductJudge(table, shipped().schema("5.0", table.schema))
    sent = {"id": ID.format(1), **scenario.payload}
    wrong = [f for f in judge.created(table.scenario("create"), [sent]).findings if not f.ok]
    assert [(f.kind, f.where) for f in wrong] == [("not-supplied", "_ext")]


def test_what_is_conditional_and_sent_is_judged() -> None:
    scenario, judge = judged(f"{MIGRANT}-1-create")
    other = {"migrantEducationProgramServiceDescriptor": "uri://ed-fi.org/X#Other"}
    sent = {"id": ID.format(1), **scenario.payload, SERVICES: [other]}
    kinds = [f.kind for f in judge.created(scenario, [sent]).findings if not f.ok]
    assert kinds == ["other-service"]


# -- wrong products -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "wrong", "says"),
    [
        # a create
        (f"{HOMELESS}-1-create", nothing, ["the product's record is not there"]),
        (
            f"{HOMELESS}-1-create",
            also("homelessUnaccompaniedYouth", False, "create"),
            ["the product sent another value", "homelessUnaccompaniedYouth", "expected  true"],
        ),
        (
            f"{FOOD}-1-create",
            also("schoolFoodServiceProgramServices", [], "create"),
            [
                "the product sent the record without the element that is asked for",
                "schoolFoodServiceProgramServices[Reduced Price Lunch]",
            ],
        ),
        (
            f"{LANGUAGE}-1-create",
            also("englishLanguageProficiencyAssessments.monitoredDescriptor", None, "create"),
            [
                "the product did not send a value",
                "englishLanguageProficiencyAssessments[2027].monitoredDescriptor",
            ],
        ),
        # an update of a property, of a property in an element, of the element itself, of several
        (
            f"{HOMELESS}-2-update",
            nothing,
            [
                "nothing changed",
                "homelessPrimaryNighttimeResidenceDescriptor",
                "#Doubled-up",
                "#Shelters",
            ],
        ),
        (
            f"{HOMELESS}-2-update",
            also("homelessUnaccompaniedYouth", False),
            ["the product changed more than it should", "homelessUnaccompaniedYouth"],
        ),
        (
            f"{HOMELESS}-2-update",
            anew,
            ["the record was deleted and re-created, not updated in place"],
        ),
        (
            f"{LANGUAGE}-2-update",
            nothing,
            [
                "nothing changed",
                "englishLanguageProficiencyAssessments[2027].proficiencyDescriptor",
            ],
        ),
        (
            f"{FOOD}-2-update",
            nothing,
            ["nothing changed", "schoolFoodServiceProgramServices[Free Lunch]"],
        ),
        (
            f"{SPECIAL}-5-update",
            also("endDate", "2027-05-24"),
            ["the product sent another value", "endDate", "2027-05-23"],
        ),
        # an update that changes the natural key
        (MOVE, nothing, ["nothing changed", "beginDate", "2026-09-30", "2026-08-23"]),
        (
            MOVE,
            Product.create,
            [
                "the record is still there under the old natural key, beside the new one",
                "Let the product DELETE the old record",
            ],
        ),
        (
            MOVE,
            Product.delete,
            ["the record under the old natural key is gone, and none is there under the new one"],
        ),
        (
            MOVE,
            also("endDate", "2027-05-23"),
            ["the product sent more than was asked for", "endDate"],
        ),
    ],
)  # fmt: skip - a scenario, a mistake, its words
def test_a_wrong_product_is_caught(play, scenario, wrong, says) -> None:
    table, number, _ = scenario.rsplit("-", 2)
    before = [f"--edfi-select={table}-1-create"] * (number != "1")
    if number == "5":
        before.append(f"--edfi-select={table}-3-update")
    result = play(*before, f"--edfi-select={scenario}", instead={scenario: wrong})
    result.assert_outcomes(passed=len(before), failed=1)
    said = re.sub(r"\s+", " ", result.stdout.str())
    for words in says:
        assert re.sub(r"\s+", " ", words) in said


@pytest.mark.parametrize(
    ("scenario", "wrong", "says"),
    [
        ("our-calendar-2-upsert", nothing, ["nothing changed", "calendarTypeDescriptor"]),
        (
            "our-calendar-2-upsert",
            anew,
            ["the record was deleted and re-created, not updated in place"],
        ),
        (
            "our-calendar-3-delete",
            nothing,
            ["the record is still there: the product did not delete it", "let it send the DELETE"],
        ),
        (
            "our-calendar-3-delete",
            anew,
            ["the record was deleted, and the product sent it again"],
        ),
        (
            "our-calendar-4-absent",
            Product.create,
            ["the record was deleted, and the product sent it again", "must stay away"],
        ),
    ],
)  # fmt: skip - a scenario, a mistake, its words
def test_a_wrong_product_is_caught_in_every_step(play, pytester, scenario, wrong, says) -> None:
    pytester.makefile(".yaml", calendar=SMALL)
    number = int(scenario.rsplit("-", 2)[1])
    chosen = [f"--edfi-select=our-calendar-{n}-*" for n in range(1, number + 1)]
    result = play("--edfi-scenarios=calendar.yaml", *chosen, instead={scenario: wrong})
    result.assert_outcomes(passed=number - 1, failed=1)
    for words in says:
        assert words in result.stdout.str()


def test_what_comes_back_while_it_is_watched_did_not_stay_away(play, pytester) -> None:
    """Absent at the first look is not enough: it must stay so for --edfi-settle."""
    pytester.makefile(".yaml", calendar=SMALL)
    options = ("--edfi-scenarios=calendar.yaml", "--edfi-wait=60s", "--edfi-settle=10s")

    def later(product: Product, values: dict[str, Any]) -> None:
        product.clock.after(5, lambda: product.create(values))

    result = play(*options, instead={"our-calendar-4-absent": later})
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*Wrong, and unchanged for 10 s*", "*the product sent it again*"])
    result = play(*options)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*  Gone after 10 s (*"])


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        (
            ["our-calendar-2-upsert"],
            "there is no record to upsert under the natural key",
        ),
        (["our-calendar-4-absent"], "no record was seen under the natural key (calendarCode="),
        (
            ["our-calendar-1-create", "our-calendar-3-delete", "our-calendar-5-delete"],
            "was gone before the product was to delete it",
        ),
        (
            ["our-calendar-1-create", "our-calendar-6-upsert"],
            "the scenario changes no value",
        ),
    ],
)
def test_what_shows_nothing_is_not_testable(play, pytester, chosen, says) -> None:
    more = "  twice: {number: 5, step: delete, title: Once more, of: create}\n"
    more += "  same: {number: 6, step: upsert, title: The same again, of: create}\n"
    text = SMALL.replace("rows:", f"{more}rows:")
    text = re.sub(r"create: (.*), again: (.*)}\n", r"create: \1, again: \2, same: \1}\n", text)
    pytester.makefile(".yaml", calendar=text)
    options = [f"--edfi-select={name}" for name in chosen]
    result = play("--edfi-scenarios=calendar.yaml", *options)
    result.assert_outcomes(passed=len(chosen) - 1, failed=1)
    assert says in result.stdout.str()


def test_a_record_under_the_new_key_already_shows_nothing(play, stage) -> None:
    pick = (f"--edfi-select={PROGRAM}-1-create", f"--edfi-select={MOVE}")

    def both(product: Product, values: dict[str, Any]) -> None:
        product.create(values)
        product.create({**values, "beginDate": "2026-09-30"})

    result = play(*pick, instead={f"{PROGRAM}-1-create": both})
    result.assert_outcomes(failed=2)
    assert "there is a record under the natural key that scenario 3 asks for" in (
        result.stdout.str()
    )


# -- what is asked of a person ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "says"),
    [
        (
            f"{HOMELESS}-2-update",
            "In the product, change homelessPrimaryNighttimeResidenceDescriptor from Shelters to Doubled-up (student 111111), and let it send the change.",
        ),
        (
            f"{FOOD}-2-update",
            "In the product, change schoolFoodServiceProgramServiceDescriptor in schoolFoodServiceProgramServices from Reduced Price Lunch to Free Lunch (student 111111), and let it send the change.",
        ),
        (
            f"{LANGUAGE}-2-update",
            "In the product, change proficiencyDescriptor in englishLanguageProficiencyAssessments from Not Proficient to Proficient (student 222222), and let it send the change.",
        ),
        (
            MOVE,
            "In the product, change beginDate from 2026-08-23 to 2026-09-30 and endDate from 2027-05-23 to nothing (student 111111), and let it send the change.",
        ),
        (
            f"{SPECIAL}-5-update",
            "In the product, change endDate from nothing to 2027-05-23 and reasonExitedDescriptor from nothing to Transferred to regular education and specialEducationExitDate from nothing to 2027-05-23 (student 111111), and let it send the change.",
        ),
    ],
)
def test_the_change_is_said_in_the_words_of_the_table(scenario, says) -> None:
    first, second = asked(scenario)
    assert first.strip() == says
    key = "The natural key changes: PUT where the API lets it, else DELETE and POST."
    assert (key in second) is (scenario == MOVE)


def test_a_create_says_what_is_sent_and_nothing_else() -> None:
    lines = "\n".join(asked(f"{SPECIAL}-1-create"))
    assert "ideaEligibility" in lines
    assert "endDate" not in lines
    assert "reasonExitedDescriptor" not in lines


@pytest.mark.parametrize(
    ("scenario", "says"),
    [
        ("our-calendar-2-upsert", "change calendarTypeDescriptor from IEP to Student Specific"),
        ("our-calendar-3-delete", "Delete in the product, and let it send the DELETE"),
        ("our-calendar-4-absent", "What is deleted must stay away"),
    ],
)
def test_every_step_is_told_with_the_record(scenario, says) -> None:
    lines = asked(scenario, SMALL)
    assert says in lines[0]
    assert any(line.strip() == "schoolYear  2027" for line in lines)
