"""``python -m cte_screen``: take over what the environment asks for and synchronise, once.

That is the file of EDFI_STUDENTS_CSV (a rehearsal), else the one record of EDFI_VALUES (observe
mode). The key is CTE_SCREEN_CLIENT_ID and CTE_SCREEN_CLIENT_SECRET, else EDFI_CLIENT_ID and
EDFI_CLIENT_SECRET.
"""

import json
import logging
import os
import sys

from cte_screen.api import Api
from cte_screen.database import Database
from cte_screen.records import row_of
from cte_screen.sync import Sync


def setting(name):
    if name not in os.environ:
        sys.exit(f"{name} is not set")
    return os.environ[name]


def credential(name):
    """The product's own; whoever watches it may have another."""
    return os.environ.get(f"CTE_SCREEN_{name}") or setting(f"EDFI_{name}")


def main():
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO)
    environment = os.environ
    url, key, secret = setting("EDFI_URL"), credential("CLIENT_ID"), credential("CLIENT_SECRET")
    pause = float(environment.get("CTE_SCREEN_PAUSE", "0.5"))
    database = Database(environment["CTE_SCREEN_DB"])
    api = Api(url, key, secret, pause=pause)
    try:
        sync = Sync(database, api, f"{key}@{url}")
        if "EDFI_STUDENTS_CSV" in environment:
            sync.import_csv(environment["EDFI_STUDENTS_CSV"])
        else:
            database.type_in(row_of(json.loads(setting("EDFI_VALUES"))))
        done = sync.run()
        for resource, student, problem in database.problems(f"{key}@{url}"):
            logging.error("needs a look: %s of student %s: %s", resource, student, problem)
        return 0 if done else 1
    finally:
        api.close()
        database.close()


if __name__ == "__main__":
    sys.exit(main())
