"""One sandbox for all of xdist's workers: they ask the controller for it.

A worker ends when it has no more tests, while others may still be using what it started, and what
a killed process started nobody stops. So the controller starts a sandbox when the first worker
asks, and it ends with the controller. The conversation is JSON over an authenticated loopback
connection.
"""

from __future__ import annotations

import json
import secrets
import threading
from contextlib import ExitStack, suppress
from multiprocessing.connection import Client, Listener
from typing import Any

from pytest_edfi_cte.sandboxes import started


class SandboxDesk:
    """In the controller: starts sandboxes for whoever asks, one for each set of options.

    ``ready``: options in JSON -> a sandbox that runs already.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._listener = Listener(("127.0.0.1", 0), authkey=self._key)
        self._stack = ExitStack()
        self._handles: dict[str, dict[str, str]] = {}
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="edfi-sandbox-desk", daemon=True)
        self._thread.start()

    @property
    def address(self) -> dict[str, Any]:
        """What a worker needs to ask: plain values. Holds a key: never print it."""
        host, port = self._listener.address
        return {"host": host, "port": port, "key": self._key.hex()}

    def close(self) -> None:
        """Stop listening, then every sandbox."""
        self._closing = True
        with Client(self._listener.address, authkey=self._key):
            pass  # wakes the thread that waits for somebody to ask
        self._thread.join()
        self._listener.close()
        self._stack.close()

    def _serve(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except Exception:  # noqa: BLE001, S112 - somebody without the key, or who hung up
                continue
            with connection:
                # Only after an accept: whoever closes waits for his call to be taken.
                if self._closing:
                    return
                try:
                    answer = {"sandbox": self._sandbox(connection.recv_bytes().decode())}
                except EOFError:
                    continue
                except Exception as error:  # noqa: BLE001 - the worker that asked reports it
                    answer = {"error": {"text": str(error), "type": type(error).__name__}}
                with suppress(OSError):  # a worker that was killed meanwhile
                    connection.send_bytes(json.dumps(answer).encode())

    def _sandbox(self, options: str) -> dict[str, str]:
        if options not in self._handles:
            sandbox = started(**json.loads(options))
            self._stack.callback(sandbox.close)
            self._handles[options] = {"url": sandbox.admin_url, "token": sandbox.admin_token}
        return self._handles[options]


def ask(address: dict[str, Any], options: dict[str, Any]) -> dict[str, str]:
    """In a worker: ``url`` and ``token`` of the admin path of the shared sandbox.

    Raises RuntimeError with the reason where it cannot be started.
    """
    key = bytes.fromhex(address["key"])
    with Client((address["host"], address["port"]), authkey=key) as connection:
        connection.send_bytes(json.dumps(options, sort_keys=True).encode())
        answer = json.loads(connection.recv_bytes())
    if "error" in answer:
        raise RuntimeError(f"the shared sandbox did not start: {answer['error']['text']}")
    handle: dict[str, str] = answer["sandbox"]
    return handle
