"""Real clients as products of a rehearsal: what their users would write around them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edfi_api_client import EdFiClient
from requests import HTTPError

from pytest_edfi_cte.rehearsal.task import Task

Json = dict[str, Any]

LIGHTBEAM = """
data_dir: {folder}/data
state_dir: {folder}/state
edfi_api:
  base_url: {url}
  version: 3
  mode: shared_instance
  client_id: ${{EDFI_CLIENT_ID}}
  client_secret: ${{EDFI_CLIENT_SECRET}}
connection:
  num_retries: 4
  verify_ssl: false
validate:
  methods: [descriptors]
"""

#: Without it lightbeam sends nothing again, whatever came of it.
RESEND = ("--resend-status-codes", "401,403,409,429,500,503")


def lightbeam(folder: Path) -> Callable[[Task], None]:
    """``lightbeam validate+send`` in every step, over the files of records, its state kept."""
    (folder / "data").mkdir()

    def act(task: Task) -> None:
        (folder / "lightbeam.yaml").write_text(LIGHTBEAM.format(folder=folder, url=task.url))
        for name, records in task.records.items():
            text = "".join(f"{json.dumps(record)}\n" for record in records)
            (folder / f"data/{name}.jsonl").write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "lightbeam", "validate+send", *RESEND],
            cwd=folder,
            env={k: v for k, v in task.environment.items() if not k.startswith("COVERAGE")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return act


def edfi_api_client(sleep: Callable[[float], None]) -> Callable[[Task], None]:
    """A loop over ``session.post_response`` with retries switched on; ``sleep`` for its pauses."""

    def act(task: Task) -> None:
        client = EdFiClient(task.url, client_key=task.client_id, client_secret=task.client_secret)
        session = client.session
        session.connect(retry_on_failure=True, max_retries=4)
        session.safe_sleep = sleep
        try:
            for name, records in task.records.items():
                for record in records:
                    _post(client, name, record)
        finally:
            session.session.close()

    return act


def _post(client: EdFiClient, name: str, record: Json) -> None:
    """What is refused is reported, and the next one is sent."""
    try:
        client.session.post_response(client.resource(name).url, record)
    except (HTTPError, ConnectionError, RuntimeError) as error:
        print(f"{name}: {error}", file=sys.stderr)
