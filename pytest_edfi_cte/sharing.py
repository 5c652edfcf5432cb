"""What xdist's workers ask the controller for: a sandbox, a new token. One of each for all.

A worker ends when it has no more tests, while others may still be using what it started, and what
a killed process started nobody stops; a token that each renews for itself is as many tokens as
workers. So the controller answers. The conversation is JSON over an authenticated loopback
connection: what is secret in it is never on a disk.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from multiprocessing.connection import Client, Listener
from typing import Any

from pytest_edfi_cte.client.tokens import Token
from pytest_edfi_cte.errors import EdFiError, NoToken
from pytest_edfi_cte.sandboxes import started


class Desk:
    """In the controller: answers whoever asks, one after the other, in a thread of its own.

    ``answer``: makes plain values of plain values; what it raises is the asker's error.
    """

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self._answer = answer
        self._key = secrets.token_bytes(32)
        # As many may wait as there are workers: who is not let in would be an error.
        self._listener = Listener(("127.0.0.1", 0), backlog=128, authkey=self._key)
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="edfi-desk", daemon=True)
        self._thread.start()

    @property
    def address(self) -> dict[str, Any]:
        """What a worker needs to ask: plain values. Holds a key: never print it."""
        host, port = self._listener.address
        return {"host": host, "port": port, "key": self._key.hex()}

    def close(self) -> None:
        """Stop listening."""
        self._closing = True
        with Client(self._listener.address, authkey=self._key):
            pass  # wakes the thread that waits for somebody to ask
        self._thread.join()
        self._listener.close()

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
                    answer = {"answer": self._answer(json.loads(connection.recv_bytes()))}
                except EOFError:
                    continue
                except Exception as error:  # noqa: BLE001 - the worker that asked reports it
                    name = "" if isinstance(error, EdFiError) else type(error).__name__
                    answer = {"error": str(error), "bug": name}
                with suppress(OSError):  # a worker that was killed meanwhile
                    connection.send_bytes(json.dumps(answer).encode())


class Refused(Exception):
    """The controller could not give what was asked for; the text says why.

    ``bug``: the exception's name where it is none that is meant for people, else "".
    """

    def __init__(self, text: str, *, bug: str = "") -> None:
        super().__init__(text)
        self.bug = bug


def ask(address: dict[str, Any], question: Any) -> Any:
    """In a worker: what the desk answers. Raises :class:`Refused`, or OSError where it is gone."""
    key = bytes.fromhex(address["key"])
    with Client((address["host"], address["port"]), authkey=key) as connection:
        connection.send_bytes(json.dumps(question, sort_keys=True).encode())
        answer = json.loads(connection.recv_bytes())
    if "error" in answer:
        raise Refused(answer["error"], bug=answer["bug"])
    return answer["answer"]


def new_token(address: dict[str, Any], mark: str) -> Token | None:
    """In a worker: the run's token that is not the one of ``mark``; None where the desk is gone.

    Raises :class:`NoToken` where the controller gets none.
    """
    try:
        return Token.of(ask(address, mark))
    except Refused as error:
        if error.bug:
            raise RuntimeError(f"the controller failed: {error.bug}: {error}") from None
        raise NoToken(str(error)) from None
    except (OSError, EOFError):
        return None


class Sandboxes:
    """In the controller: the sandboxes that workers share, one for each set of options."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._handles: dict[str, dict[str, str]] = {}

    def __call__(self, options: dict[str, Any]) -> dict[str, str]:
        """``url`` and ``token`` of the admin path of the sandbox with these options."""
        name = json.dumps(options, sort_keys=True)
        if name not in self._handles:
            sandbox = started(**options)
            self._stack.callback(sandbox.close)
            self._handles[name] = {"url": sandbox.admin_url, "token": sandbox.admin_token}
        return self._handles[name]

    def close(self) -> None:
        """Stop every sandbox."""
        self._stack.close()
