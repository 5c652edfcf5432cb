"""Records in a file: they outlive the process, the file says whose it is, and one process has it."""

import sqlite3
import stat
import subprocess
import sys

import pytest

from pytest_edfi_cte.sandbox import DatabaseRefused, Sandbox, bodies
from pytest_edfi_cte.sandbox import database as module
from pytest_edfi_cte.sandbox.model import Model, model_of
from tests.sandbox.support import ENROLLMENTS, enrollment, student, unlinked


@pytest.fixture
def file(tmp_path):
    return tmp_path / "sandbox.db"


@pytest.fixture
def opened(file):
    """Makes sandboxes over one file; closes them all."""
    made = []

    def make(**options):
        made.append(Sandbox(**{"db": file, **options}))
        return made[-1]

    yield make
    for box in made:
        box.close()


def test_records_outlive_the_sandbox(opened):
    box = opened()
    box.load("students", [student()])
    kept = box.records("students"), box.records("sexDescriptors")
    box.close()

    again = opened()
    assert (again.records("students"), again.records("sexDescriptors")) == kept
    assert again.seed == "grand-bend"


def page_size(box):
    return box._engine.store._db.execute("PRAGMA page_size").fetchone()[0]


def test_a_file_keeps_the_size_of_its_pages(opened, monkeypatch):
    monkeypatch.setattr(module, "_PAGE", 4096)
    box = opened()
    box.load("students", [student()])
    assert page_size(box) == 4096
    box.close()
    monkeypatch.undo()

    again = opened()
    assert len(again.records("students")) == 1
    assert page_size(again) == 4096


def test_a_new_file_has_small_pages(opened):
    assert page_size(opened()) == 1024


def test_with_lets_go_of_the_file(file):
    for _ in range(2):
        with Sandbox(db=str(file)) as box:
            box.load("students", [student()])
            assert len(box.records("students")) == 1
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_file_is_the_users_alone(opened, file):
    opened().load("students", [student()])

    assert {stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == {0o600}


def test_an_empty_file_is_taken(opened, file):
    file.touch()
    assert opened().records("schools")


def test_planting_is_not_repeated(opened, monkeypatch):
    opened().close()
    monkeypatch.setattr(module, "create", None)
    monkeypatch.setattr("pytest_edfi_cte.sandbox.engine.Engine.adopt", None)
    assert opened().records("schools")


def test_planting_that_fails_leaves_a_file_that_is_new(opened, monkeypatch, tmp_path):
    """As after a kill while the seed is planted: the next start does it again."""
    (tmp_path / "seed").mkdir()
    broken = tmp_path / "seed/students.jsonl"
    broken.write_text("{}\n")
    with pytest.raises(ValueError, match="students.jsonl, line 1"):
        opened(seed=tmp_path / "seed")
    broken.unlink()
    assert opened().seed == "grand-bend"


def test_etags_never_come_back(opened):
    box = opened()
    box.load("students", [student()])
    (first,) = box.records("students")
    box.clear()
    box.close()
    box = opened()
    box.load("students", [student()])
    (second,) = box.records("students")
    box.close()
    box = opened()
    box.load("students", [student(middleName="M")])
    (third,) = box.records("students")

    tags = [int(record["_etag"]) for record in (first, second, third)]
    assert tags == sorted(set(tags))


def test_clear_goes_back_to_the_seed_of_the_file(opened):
    box = opened()
    schools = box.records("schools")
    box.load("students", [student()])
    box.load(ENROLLMENTS, [enrollment()])
    box.load("schools", [{**schools[0], "nameOfInstitution": "Changed", "id": None}])
    assert box.records("schools") != schools
    box.close()
    box = opened()
    box.clear()

    assert box.records("students") == box.records(ENROLLMENTS) == []
    assert box.records("schools") == schools
    # What refers to the school that was put back, and what it refers to, still hold.
    store = box._engine.store
    assert store._rows("PRAGMA foreign_key_check", ()) == []
    for name in module.TABLES:
        now, planted = (
            sorted(map(repr, store._rows(f"SELECT * FROM {table}", ())))
            for table in (name, f"seed_{name}")
        )
        assert now == planted


# Files that are refused ---------------------------------------------------------------------


def test_another_data_standard(opened):
    opened().close()
    with pytest.raises(DatabaseRefused, match=r"holds records of Data Standard 5.0, not 4.0"):
        opened(data_standard="4.0")
    assert opened().records("schools")


def test_another_model(opened, monkeypatch):
    opened().close()
    whole = model_of("5.0")
    part = Model([r for r in whole.resources if r.collection != "students"])
    monkeypatch.setattr("pytest_edfi_cte.sandbox.extended", lambda *_: part)
    with pytest.raises(DatabaseRefused, match=r"for resources that this sandbox has not.*students"):
        opened()


def test_a_model_with_more_resources_is_no_other(opened, monkeypatch):
    whole = model_of("5.0")
    part = Model([r for r in whole.resources if r.collection != "students"])
    with monkeypatch.context() as patch:
        patch.setattr("pytest_edfi_cte.sandbox.extended", lambda *_: part)
        opened().close()
    assert opened().records("students") == []


def test_another_seed(opened, tmp_path):
    opened(seed="minimal").close()
    with pytest.raises(ValueError, match="began with the seed minimal, not grand-bend"):
        opened(seed="grand-bend")
    box = opened(seed="minimal")
    assert box.seed == "minimal"


def test_a_file_that_is_none_of_ours(opened, file):
    file.write_text("my thesis\n" * 100)
    with pytest.raises(DatabaseRefused, match=r"sandbox\.db cannot be used: it is no SQLite"):
        opened()
    assert file.read_text() == "my thesis\n" * 100


def test_a_database_of_another_program(opened, file):
    db = sqlite3.connect(file)
    db.execute("CREATE TABLE mine(x)")
    db.commit()
    db.close()
    before = file.read_bytes()
    with pytest.raises(DatabaseRefused, match="but none of this sandbox"):
        opened()
    assert file.read_bytes() == before


def test_a_file_of_another_version(opened, file):
    opened().close()
    db = sqlite3.connect(file)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(DatabaseRefused, match=r"has file format 99 and this version.* format 1:"):
        opened()


def test_a_folder_that_is_not_there(opened, tmp_path):
    with pytest.raises(DatabaseRefused, match=r"cannot be opened: No such file"):
        opened(db=tmp_path / "nowhere/sandbox.db")


def test_one_sandbox_at_a_time(opened):
    opened()
    with pytest.raises(DatabaseRefused, match="another process uses it; one sandbox at a time"):
        opened()


HOLD = """
import sys
from pytest_edfi_cte.sandbox import Sandbox
box = Sandbox(db=sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("planted", [False, True], ids=["new", "reopened"])
def test_one_process_at_a_time_and_a_killed_one_lets_go(opened, file, planted):
    if planted:
        opened().close()
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLD, file], stdin=pipe, stdout=pipe) as other:
        try:
            assert other.stdout.readline() == b"ready\n"
            with pytest.raises(DatabaseRefused, match="another process uses it"):
                opened()
        finally:
            other.kill()
    assert opened().records("schools")


def test_a_full_disk_is_no_half_write(opened, monkeypatch):
    """A commit that fails is undone, and the next write goes through."""
    box = opened()
    db = box._engine.store._db
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        box.load("students", (student(f"s{n}", lastSurname="x" * 70) for n in range(10_000)))
    kept = len(box.records("students"))
    db.execute(f"PRAGMA max_page_count = {pages * 2}")
    box.load("students", [student("another")])

    assert len(box.records("students")) == kept + 1
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_an_inner_transaction_that_fails_leaves_the_outer_one(box):
    """Savepoints, so that what a caught failure wrote is gone and the rest stays."""
    store = box._engine.store
    with store.transaction():
        box.load("students", [student("a")])
        with pytest.raises(ValueError, match="firstName"), store.transaction():
            box.load("students", [student("b"), {}])
        box.load("students", [student("c")])
    assert [record["studentUniqueId"] for record in box.records("students")] == ["a", "c"]


@pytest.mark.parametrize("standard", ["4.0", "5.0"])
def test_the_seed_is_planted_as_posts_would_store_it(standard):
    """It is not compared with the schemas; here it goes through every check, and stays as it is."""
    box = Sandbox(data_standard=standard)
    own = {"id", "_etag", "_lastModifiedDate"}
    planted = 0
    for resource in box._engine.model.resources:
        before = box.records(resource.collection)
        box.load(
            resource.collection,
            [{k: v for k, v in record.items() if k not in own} for record in before],
        )
        assert box.records(resource.collection) == before
        planted += len(before)
    assert planted > 2000


def test_a_file_with_links_is_used_without(opened, monkeypatch):
    monkeypatch.setattr(bodies, "_BATCH", 2)  # several of them, for as few records
    note = 'no "link":{} of ours'
    box = opened()
    box.load("students", [student(str(n), middleName=note) for n in range(3)])
    box.load(ENROLLMENTS, [enrollment(str(n)) for n in range(3)])
    linked = box.records(ENROLLMENTS)
    assert "link" in linked[0]["schoolReference"]
    box.close()

    box = opened(links=False)
    assert [unlinked(r) for r in linked] == [
        {k: v for k, v in r.items() if k[0] != "_" and k != "id"} for r in box.records(ENROLLMENTS)
    ]
    assert {r["middleName"] for r in box.records("students")} == {note}
    box.clear()
    assert [r for r in box.records("schools") if "link" in str(r)] == []
    assert len(box.records("schools")) == 3


@pytest.mark.parametrize("name", ["a%20b?mode=memory #1.db", ":memory:", "file:x?mode=memory"])
def test_file_names_may_be_strange(opened, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    opened(db=name).close()
    assert (tmp_path / name).stat().st_size > 0
