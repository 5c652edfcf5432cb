"""The certification rehearsed in the product's own test run."""

from cte_screen.api import Api
from cte_screen.database import Database
from cte_screen.sync import Sync


def test_our_product_is_ready_for_the_certification(edfi_rehearsal, subtests, tmp_path):
    def sync(task):
        database = Database(tmp_path / "cte_screen.sqlite")
        api = Api(task.url, task.client_id, task.client_secret, pause=0.1)
        job = Sync(database, api, task.url)
        job.import_csv(task.csv)
        job.run()
        api.close()
        database.close()

    edfi_rehearsal.run(sync)
    edfi_rehearsal.conclude(subtests, strict=True)
