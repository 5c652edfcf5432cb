"""The product under test, for the kit: how it is made to act."""

import os
import sys
from contextlib import closing
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cte_screen.api import Api
from cte_screen.database import Database
from cte_screen.records import row_of
from cte_screen.sync import Sync


@pytest.fixture(scope="module")
def edfi_rehearsal_options():
    return {"students": 12, "retry_after": 1}


def pytest_edfi_rehearse(task):
    """A step of a rehearsal: import the file that a school would have typed, and synchronise."""
    api = Api(task.url, task.client_id, task.client_secret, pause=0.2)
    with closing(api), closing(Database(task.csv.parent / "cte_screen.sqlite")) as database:
        job = Sync(database, api, task.url)
        job.import_csv(task.csv)
        job.run()
    return "synchronised"


def pytest_edfi_act(step, values):
    """A scenario in observe mode: somebody types the record in, and the nightly job runs."""
    url, *key = (os.environ[f"CTE_SCREEN_{name}"] for name in ("URL", "CLIENT_ID", "CLIENT_SECRET"))
    database = Database(os.environ.get("CTE_SCREEN_DB", "cte_screen.sqlite"))
    with closing(Api(url, *key, pause=0.2)) as api, closing(database):
        database.type_in(row_of(values))
        Sync(database, api, url).run()
    return f"{step}: synchronised"
