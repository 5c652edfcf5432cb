"""``python -m cte_screen``: import the file of the environment and synchronise, once."""

import logging
import os
import sys

from cte_screen.api import Api
from cte_screen.database import Database
from cte_screen.sync import Sync


def main():
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO)
    environment = os.environ
    url, key = environment["EDFI_URL"], environment["EDFI_CLIENT_ID"]
    pause = float(environment.get("CTE_SCREEN_PAUSE", "0.5"))
    database = Database(environment["CTE_SCREEN_DB"])
    api = Api(url, key, environment["EDFI_CLIENT_SECRET"], pause=pause)
    try:
        sync = Sync(database, api, f"{key}@{url}")
        sync.import_csv(environment["EDFI_STUDENTS_CSV"])
        done = sync.run()
        for resource, student, problem in database.problems(f"{key}@{url}"):
            logging.error("needs a look: %s of student %s: %s", resource, student, problem)
        return 0 if done else 1
    finally:
        api.close()
        database.close()


if __name__ == "__main__":
    sys.exit(main())
