"""``edfi-cte mutate``: what it calls caught, missed, blamed and not applicable, and why."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pytest_edfi_cte
from pytest_edfi_cte import cli
from pytest_edfi_cte.compare import json_type, same_json
from pytest_edfi_cte.mutation import by_table
from pytest_edfi_cte.mutation.by_table import OfOneTable
from pytest_edfi_cte.mutation.model import Cell, Matrix, Outcome, Row, State, Subject, short_names
from pytest_edfi_cte.mutation.runs import _settled
from pytest_edfi_cte.mutation.views import as_markdown, as_text, listed
from pytest_edfi_cte.sandbox.defects import DEFECTS, GROUPS, ROW_KINDS, VARIANTS
from pytest_edfi_cte.sandbox.defects.rows import other, retyped
from tests.broken_apis import CREATE, SET_UP, UPDATE
from tests.test_scenarios import SMALL, everything

ROOT = Path(pytest_edfi_cte.__file__).parents[1]
PAGE = ROOT / "docs/defects.md"
KINDS = list(ROW_KINDS)

#: A vendor's suite: one test that looks, one that looks away, one that asks too much.
CONFTEST = """
import pytest

USED = []  # a second run in the same process must not find what the first one left


@pytest.fixture
def stored(edfi_cte_association, edfi_session):
    assert USED == []
    USED.append(1)
    return edfi_session.get(edfi_cte_association.url)
"""
SEEING = """
def test_seeing(stored):
    assert stored.json()["beginDate"].endswith("-08-23")


def test_without_an_api():
    raise AssertionError("not a test of the API: never run here")
"""
#: Red at the first test: the second need not run, and the next file runs as ever.
TWICE = """
import pytest


@pytest.mark.parametrize("number", [1, 2])
def test_seeing(edfi_cte_association, edfi_session, number):
    stored = edfi_session.get(edfi_cte_association.url).json()
    assert stored["beginDate"].endswith("-08-23"), f"test {number} of the file"
"""
BLIND = """
def test_blind(edfi_cte_association, edfi_session):
    assert edfi_session.get(edfi_cte_association.url).ok
"""
STRICT = "def test_strict(stored): assert stored.headers['ETag']\n"


@pytest.fixture
def mutate(pytester, capsys, monkeypatch):
    """Runs the command in this process, in the test's own folder: (exit code, output, errors)."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(["mutate", "--jobs", "1", *arguments])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def rows(output: str) -> dict[str, dict]:
    return {row["name"]: row for row in json.loads(output)["rows"]}


def test_the_shipped_scenarios_catch_and_blame_nobody(mutate) -> None:
    names = ("update-not-stored", "relative-location", "epoch-expiry", "upsert-refused")
    chosen = (f"--defect={name}" for name in names)
    code, output, errors = mutate(*chosen, "--select=sis-v5-student-cte-*", "--format=json")
    assert (code, errors) == (0, "")
    found = rows(output)
    create, update = json.loads(output)["columns"]
    assert {name: found[name]["outcome"] for name in names} == {
        "update-not-stored": "caught",
        "relative-location": "passed",
        "epoch-expiry": "passed",  # altered while connecting: it concerns every test
        "upsert-refused": "not applicable",
    }
    cells = found["update-not-stored"]["cells"]
    assert cells[create]["state"] == "not applicable"
    assert cells[create]["altered"] == 0
    assert cells[update]["state"] == "caught"
    assert cells[update]["finding"] == (
        "cteProgramServices[Information Technology].primaryIndicator: expected false, received true"
    )
    altered = {c: cell["altered"] for c, cell in found["relative-location"]["cells"].items()}
    assert altered == {create: 3, update: 1}, "student, enrollment, association; association"
    assert json.loads(output)["share"] == 1


def test_where_nothing_is_chosen_the_contract_pack_takes_part(mutate) -> None:
    names = ("upsert-refused", "delete-without-id-accepted", "token-refused", "json-in-utf-16")
    code, output, errors = mutate(*(f"--defect={name}" for name in names), "--format=markdown")
    assert (code, errors) == (0, "")
    assert "| defect | what the API does | 1-create | 2-update | contract | finding |" in output
    assert "3 defects apply: 3 caught (100%), 0 missed." in output
    assert "Of the caught ones stopped before anything was judged: 1 (token-refused)." in output
    assert "no answer that these tests judge: 1 (delete-without-id-accepted)." in output
    assert (
        "`upsert-refused` | Posting a natural key again is refused with 409. | - | - | caught"
        in output
    )
    # What the page says of them, word for word: nothing in it differs between runs.
    page = PAGE.read_text(encoding="utf-8")
    found = [line for line in output.splitlines() if line.startswith("| `")]
    assert len(found) == len(names)
    assert [line for line in found if line not in page] == []


def test_own_tests_catch_afresh_in_every_run(mutate, pytester) -> None:
    pytester.makepyfile(conftest=CONFTEST, test_seeing=SEEING)
    code, output, _ = mutate("--defect=read-date-*", "--defect=no-etags", ".")
    assert code == 0
    assert "1 defects apply: 1 caught (100%), 0 missed" in output
    assert re.search(r"read-date-off-by-one +caught +caught +.*AssertionError", output)
    assert re.search(r"no-etags +passed +passed", output)
    assert "1-create" not in output, "own paths are given: the shipped scenarios stay out"


def test_the_first_red_test_of_a_file_decides_and_disturbs_no_other(mutate, pytester) -> None:
    pytester.makepyfile(test_a=TWICE, test_b=TWICE, test_c=BLIND)
    code, output, _ = mutate("--defect=read-date-off-by-one", "--format=json", ".")
    cells = rows(output)["read-date-off-by-one"]["cells"]
    assert [cell["state"] for cell in cells.values()] == ["caught", "caught", "unnoticed"]
    assert [cell["altered"] for cell in cells.values()] == [1, 1, 1]
    assert "test 1 of the file" in cells["test_b.py"]["finding"]
    assert code == 0


def test_a_blind_test_is_told_what_it_missed(mutate, pytester) -> None:
    pytester.makepyfile(test_blind=BLIND)
    code, output, _ = mutate(
        "--defect=read-date-off-by-one", "--defect=update-not-stored", "test_blind.py"
    )
    assert code == 1
    assert "1 defects apply: 0 caught (0%), 1 missed" in output
    assert "MISSED read-date-off-by-one: A date reads back as the day before." in output
    assert "1 answers were altered, and no test failed." in output
    assert re.search(r"update-not-stored +does not apply +-", output)


def test_a_false_alarm_is_one(mutate, pytester) -> None:
    pytester.makepyfile(conftest=CONFTEST, test_strict=STRICT)
    code, output, _ = mutate("--defect=no-etags", "test_strict.py")
    assert code == 1
    assert "Variants: 0 passed, 1 blamed." in output
    assert "BLAMED no-etags: There are no ETag headers.\n  KeyError: 'etag'" in output


def test_a_run_that_cannot_start_is_stopped_and_says_why(mutate) -> None:
    code, output, _ = mutate("--defect=token-refused", "-k", "create", "--format=json")
    (cell,) = rows(output)["token-refused"]["cells"].values()
    assert code == 0
    assert cell["state"] == "stopped"
    assert "refused the client 'mutate'" in cell["finding"]
    assert "127.0.0.1" not in output


ID = "1e74c32ab0944e0b9d5f0123456789ab"


@pytest.mark.parametrize(
    ("line", "settled"),
    [
        (f"GET http://127.0.0.1:80/x/{ID}: 404", "GET <API>/x/<id>: 404"),
        ("".join(f"\x00{c}" for c in f'"{ID}"'), '"<id>"'),
        ("".join(f"\\u0000{c}" for c in f'"{ID}"'), '"<id>"'),
        (f'{{"id":"{ID[:9]}…', '{"id":"<id>…'),
        ("received 255901, expected 2026-08-23…", "received 255901, expected 2026-08-23…"),
        ("x" * 300, "x" * 240 + "…"),
    ],
)
def test_a_finding_is_the_same_in_every_run(line, settled) -> None:
    assert _settled(Cell(State.CAUGHT, line), "http://127.0.0.1:80").line == settled


def test_red_from_the_start_shows_nothing(mutate, pytester) -> None:
    pytester.makepyfile("def test_red(edfi_session): assert not 'always red'")
    code, output, errors = mutate("--defect=no-etags", ".")
    assert (code, output) == (4, "")
    assert "not green against the sandbox as it is" in errors
    assert "always red" in errors


def test_nothing_to_run_is_said(mutate, pytester) -> None:
    pytester.makepyfile("def test_plain(): pass")
    code, _, errors = mutate("--defect=no-etags", ".")
    assert code == 4
    assert "no test that uses an Ed-Fi API" in errors


def test_several_processes_and_the_users_options(pytester, monkeypatch) -> None:
    """As a user starts it, with options in the ini that have no place in a run of many."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makeini(
        "[pytest]\naddopts = -n 2 --html=report.html\ntestpaths = nowhere\nedfi_report = pack"
    )
    command = [
        sys.executable,
        "-c",
        "import sys; from pytest_edfi_cte import cli; sys.exit(cli.main())",
    ]
    chosen = ["--jobs=2", "--defect=id-*", "--select=sis-v5-student-cte-*-1-create"]
    done = subprocess.run(
        [*command, "mutate", *chosen], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 defects apply: 2 caught (100%), 0 missed" in done.stdout
    assert not (pytester.path / "report.html").exists()
    assert not (pytester.path / "pack").exists()
    assert not (pytester.path / ".pytest_cache").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--defect=update-not-storde"], "near: update-not-stored"),
        (["--group=nothing"], "the groups are contract, create"),
    ],
)
def test_unknown_names_are_mistakes(mutate, arguments, says) -> None:
    code, _, errors = mutate(*arguments)
    assert code == 4
    assert says in errors


# -- table by table ---------------------------------------------------------------------------------


def test_a_table_is_attacked_in_its_own_rows(mutate) -> None:
    chosen = (
        "row-*:homelessUnaccompaniedYouth",
        "update-not-stored",
        "no-etags",
        "create-loses-f*",
    )
    defects = [f"--defect={name}" for name in chosen]
    code, output, errors = mutate("--by-table", "--select=*-homeless-*", *defects)
    assert (code, errors) == (0, "")
    head, line, *_ = output.splitlines()
    assert head.split()[:4] == ["table", "scenarios", "defects", "of"]
    assert line.split() == [
        *("sis-v5-student-homeless-program-association", "2"),
        *("6", "5", "6", "(100%)", "0", "1", "0"),
    ], "the table sends no false that could be lost"


def test_a_table_of_ones_own_is_attacked_where_it_is(mutate, pytester) -> None:
    """The collection is the table's, without --resource."""
    pytester.makefile(".yaml", calendar=SMALL)
    defects = ("--defect=row-*:calendarTypeDescriptor", "--defect=id-absent")
    code, output, errors = mutate(
        "--by-table", "--scenarios=calendar.yaml", *defects, "--format=json"
    )
    assert (code, errors) == (0, "")
    (table,) = json.loads(output)["tables"]
    assert table["resource"] == "calendars"
    assert table["caught"] == [
        "id-absent",
        *(f"{kind}:calendarTypeDescriptor" for kind in KINDS[:3]),
    ]
    assert table["not_applicable"] == [f"{kind}:calendarTypeDescriptor" for kind in KINDS[3:]], (
        "the table has no PUT"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--select=sis-v5-student-homless-*"], "no scenario is called 'sis-v5-student-homless-*'"),
        (["--select=sis-v4-*", "--select=*homeless*"], "no data standard has all of the chosen"),
        (
            ["--scenarios=calendar.yaml", "--select=our-*", "--select=*homeless*"],
            "the chosen tables are about calendars, studentHomelessProgramAssociations",
        ),
        (["--scenarios=nothing.yaml"], "--edfi-scenarios: .*nothing.yaml cannot be read"),
        (["--defect=row-lost:beginDate"], "no defect or variant is called 'row-lost:beginDate'"),
        (["--by-table", "--select=*homeless*", "--defect=row-lost:x"], "no table has row-lost:x"),
    ],
)
def test_what_cannot_be_attacked_is_said(mutate, pytester, arguments, says) -> None:
    pytester.makefile(".yaml", calendar=SMALL)
    code, output, errors = mutate(*arguments)
    assert (code, output) == (4, "")
    assert re.search(says.replace("*-*", r"\*"), errors) or says in errors


def test_a_line_for_each_table_and_what_was_missed() -> None:
    right = OfOneTable("right", "a", 2, Matrix(("s-0",), (row(State.CAUGHT), row(State.STOPPED))))
    blamed = row(State.CAUGHT, is_variant=True, name="three")
    wrong = OfOneTable("wrong", "b", 1, Matrix(("s-0",), (row(State.UNNOTICED, name="x"), blamed)))
    text = by_table.as_text([right, wrong])
    assert re.search(r"right +2 +2 +0 +2 \(100%\) +1 +0 +0\n", text)
    assert re.search(r"wrong +1 +1 +0 +0 \(0%\) +0 +0 +1\n", text)
    assert "MISSED x: It is" in text
    assert "BLAMED three" in text
    page = by_table.as_markdown([right, wrong])
    assert "| `right` | 2 | 2 | 0 | 2 (100%) | 1 | 0 | 0 |" in page
    assert "MISSED x: It is &lt;b&gt;wrong&lt;/b&gt; \\| \\*here\\*." in page
    first, second = json.loads(by_table.as_json([right, wrong]))["tables"]
    assert (first["good"], second["good"]) == (True, False)
    assert (second["missed"], second["blamed"]) == (["x"], ["three"])


@given(
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["2026-08-23", "uri://ed-fi.org/XDescriptor#A", "222222", "11.0103"])
)
def test_a_rows_defect_changes_the_value_or_its_type(value) -> None:
    assert json_type(other(value)) == json_type(value)
    if not (isinstance(value, float) and value + 1 == value):  # beyond what a float can count
        assert not same_json(other(value), value)
    assert json_type(retyped(value)) != json_type(value)


def test_the_page_has_every_shipped_table_with_all_caught() -> None:
    page = (ROOT / "docs/defects-by-table.md").read_text(encoding="utf-8")
    lines = [line.strip("| ").split(" | ") for line in page.splitlines() if line[:3] == "| `"]
    known = {entry.file.content["id"] for entry in everything().entries.values()}
    assert {line[0].strip("`") for line in lines} == known
    for _, _, defects, rows_of, caught, _, variants, blamed in lines:
        assert caught == f"{defects} (100%)"
        assert blamed == "0"
        assert int(rows_of) >= 20
        assert int(variants) >= 15


def test_jobs_is_a_number(mutate, capsys) -> None:
    with pytest.raises(SystemExit):
        mutate("--jobs=0")
    assert "'0' is not a number from 1 to 64" in capsys.readouterr().err


def test_the_list(mutate) -> None:
    code, output, _ = mutate("--list")
    assert code == 0
    names = [line.split()[0] for line in output.splitlines()]
    assert names == [*DEFECTS, *VARIANTS]
    _, output, _ = mutate("--list", "--group=types", "--format=json")
    assert [each["name"] for each in json.loads(output)] == [
        each.name for each in DEFECTS.values() if each.group == "types"
    ]
    _, output, _ = mutate("--list", "--defect=id-absent", "--format=markdown")
    assert "| `id-absent` | identity | A record has no id when it is read. |" in output


# -- the model and its views ----------------------------------------------------------------------


def row(*states: State, is_variant: bool = False, name: str = "one") -> Row:
    subject = Subject(name, "types", "It is <b>wrong</b> | *here*.", "must", is_variant)
    return Row(subject, {f"s-{n}": Cell(state, "a_b|c") for n, state in enumerate(states)})


@pytest.mark.parametrize(
    ("states", "defect", "variant"),
    [
        ([State.CAUGHT, State.UNNOTICED], Outcome.CAUGHT, Outcome.BLAMED),
        ([State.STOPPED, State.UNNOTICED], Outcome.CAUGHT, Outcome.BLAMED),
        ([State.UNNOTICED, State.NOT_APPLICABLE], Outcome.MISSED, Outcome.PASSED),
        ([State.ERROR, State.NOT_APPLICABLE], Outcome.MISSED, Outcome.BLAMED),
        ([State.NOT_APPLICABLE] * 2, Outcome.NOT_APPLICABLE, Outcome.NOT_APPLICABLE),
    ],
)
def test_outcomes(states, defect, variant) -> None:
    assert row(*states).outcome is defect
    assert row(*states, is_variant=True).outcome is variant
    good = Matrix(("s-0", "s-1"), (row(*states),)).good
    assert good is (defect is not Outcome.MISSED)


@pytest.mark.parametrize(("level", "outcome"), [("", Outcome.BLAMED), ("must", Outcome.PASSED)])
def test_a_variant_may_break_what_only_the_contract_pack_asks_for(level, outcome) -> None:
    subject = Subject("one", "variant", "It differs.", level, is_variant=True)
    cells = {"s": Cell(State.UNNOTICED), "contract": Cell(State.CAUGHT)}
    assert Row(subject, cells).outcome is outcome


def test_views_show_hostile_text_harmlessly() -> None:
    matrix = Matrix(("s-0",), (row(State.CAUGHT), row(State.UNNOTICED, name="two")))
    page = as_markdown(matrix)
    assert "It is &lt;b&gt;wrong&lt;/b&gt; \\| \\*here\\*." in page
    assert "| `one` |" in page
    assert "a\\_b\\|c" in page
    shown = as_text(matrix)
    assert "50%" in shown
    head, first, *_ = shown.splitlines()
    assert head.index("outcome") == first.index("caught")
    assert "stopped: red, but before anything was judged" in shown


def test_short_names_drop_what_all_share() -> None:
    ids = ["table-a-1-create", "table-a-2-update", "contract", "tests/test_a.py"]
    assert list(short_names(ids).values()) == ["1-create", "2-update", "contract", ids[-1]]
    assert short_names(["table-a-1-create"]) == {"table-a-1-create": "table-a-1-create"}


# -- the registry and the page ---------------------------------------------------------------------


def test_the_registry_is_large_named_and_described() -> None:
    applying = [each for each in DEFECTS.values() if each.group != "contract"]
    assert len(applying) >= 60
    assert len(VARIANTS) >= 15
    assert set(GROUPS) == {
        *("create", "read", "update", "identity", "types", "transport", "contract")
    }
    summaries = set()
    for each in (*DEFECTS.values(), *VARIANTS.values()):
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", each.name)
        assert re.fullmatch(r"[A-Z].*\.", each.summary), each.summary
        assert callable(each.make())
        assert callable(each.make("students"))
        summaries.add(each.summary)
    assert len(summaries) == len(DEFECTS) + len(VARIANTS)
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"{len(DEFECTS)} named defects and {len(VARIANTS)} conforming variants" in changes


def test_the_numbers_of_the_readme_are_so() -> None:
    met = {*CREATE, *UPDATE, *SET_UP, "token-not-accepted"}
    words = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"The two scenarios catch all {len(met)} defects of what they judge" in words
    assert f"none of the {len(VARIANTS)} variants is blamed" in words


def test_the_page_lists_exactly_the_registry() -> None:
    words = PAGE.read_text(encoding="utf-8")
    shown, group = [], ""
    for line in words.splitlines():
        group = line.removeprefix("## ") if line.startswith("## ") else group
        if line.startswith("| `"):
            name, what, *_ = line.removeprefix("| ").split(" | ")
            shown.append(f"| {name} | {group} | {what.removesuffix(' (should)')} |")
            assert what.endswith(" (should)") is (
                {**DEFECTS, **VARIANTS}[name.strip("`")].level == "should"
            ), name
    subjects = [
        Subject(each.name, each.group, each.summary, each.level, each.name in VARIANTS)
        for each in (*DEFECTS.values(), *VARIANTS.values())
    ]
    assert shown == listed(subjects, "markdown").splitlines()[2:]
    assert "caught (100%), 0 missed" in words
    assert not re.search(r"127\.0\.0\.1|[0-9a-f]{32}|\\\\u0000", words)
    assert f"Variants: {len(VARIANTS)} passed, 0 blamed." in words
