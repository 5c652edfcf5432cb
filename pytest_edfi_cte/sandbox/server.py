"""A threaded HTTP server with keep-alive for one WSGI application; on loopback unless told."""

from __future__ import annotations

import contextlib
import selectors
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from cheroot.server import HTTPConnection
from cheroot.wsgi import Server as CherootServer

if TYPE_CHECKING:
    from socket import socket

    from _typeshed.wsgi import WSGIApplication

_THREADS = 8
#: Seconds for which a worker stays with a connection that has just had an answer.
_LINGER = 0.01
#: Seconds for which a request waits until the one before it is answered.
_TURN = 0.005

# One system call per wait; not every platform has poll.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


class _Connection(HTTPConnection):
    """A connection whose worker stays with it while requests follow each other closely.

    cheroot alone gives a connection back to the accepting thread after every request, and lets
    all workers run at once. In Python both cost more than most of our requests do: threads that
    want to run at the same time hand the interpreter to and fro at every system call. So requests
    take turns; a slow one (a delay that a test asked for) is not waited for.
    """

    #: Of all sandboxes of the process, since they share the interpreter.
    _turn: ClassVar = threading.Lock()

    def communicate(self) -> bool:
        """Answer what has come; True if the connection is to be kept."""
        while self._has_request():
            in_turn = self._turn.acquire(timeout=_TURN)
            try:
                if not super().communicate():  # type: ignore[no-untyped-call] # cheroot's own
                    return False
            finally:
                if in_turn:
                    self._turn.release()
        return True

    def _has_request(self) -> bool:
        if self.rfile.has_data():
            return True
        workers = self.server.requests
        # Whoever comes next must find a free worker.
        others_can_come = workers.idle and not workers.qsize
        with _Selector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            return bool(selector.select(_LINGER if others_can_come else 0))

    def close(self) -> None:
        # cheroot closes only the reading side; the writing one is left to the garbage collector,
        # which from Python 3.13 on reports that its socket is gone by then.
        with contextlib.suppress(OSError, ValueError):
            self.wfile.close()
        super().close()


class _Cheroot(CherootServer):
    #: Why an address could not be had; cheroot itself tells it as a text alone.
    refused: OSError | None = None

    def bind(self, family: int, type: int, proto: int = 0) -> Any:  # noqa: A002 - cheroot's name
        try:
            return super().bind(family, type, proto)
        except OSError as error:
            self.refused = error
            raise

    @staticmethod
    def bind_socket(socket_: socket, bind_addr: Any) -> Any:
        try:
            socket_.bind(bind_addr)
        except OSError:
            socket_.close()  # cheroot leaves this one to the garbage collector as well
            raise
        return socket_


class Server:
    """Listens from :meth:`start` to :meth:`stop`; port 0 is a free one.

    ``tls``: files of the certificate (with its chain) and of its key; then it speaks HTTPS alone.
    Raises OSError where they cannot be read or do not belong together.
    """

    def __init__(
        self,
        app: WSGIApplication,
        host: str,
        port: int,
        tls: tuple[str, str] | None = None,
    ) -> None:
        self._server: Any = _Cheroot(
            (host, port),
            app,
            numthreads=_THREADS,
            server_name="edfi-cte-sandbox",
            shutdown_timeout=1,
            # Five by default: of a dozen clients that come at once some would wait for seconds.
            request_queue_size=128,
        )
        if tls:
            self._server.ssl_adapter = _tls(*tls)
        self._server.ConnectionClass = _Connection
        # Ten by default: a test run with a few sessions would lose its connections.
        self._server.keep_alive_conn_limit = 1000
        # How often the accepting loop looks up, and so how long a stop may take, in seconds.
        self._server.expiration_interval = 0.05
        # The workers are made in this thread and so inherit that it is a daemon: a sandbox that
        # nobody stopped does not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="edfi-cte-sandbox", daemon=True)
        self._listening = threading.Event()
        self._error: OSError | None = None

    def start(self) -> int:
        """Begin to listen; the port. OSError when that is not possible."""
        self._thread.start()
        self._listening.wait()
        if self._error:
            raise self._error
        return int(self._server.bind_addr[1])

    def _run(self) -> None:
        try:
            self._server.prepare()
        except OSError as error:
            self._error = self._server.refused or error
            return
        finally:
            self._listening.set()
        self._server.serve()

    def stop(self) -> None:
        """Close every connection and free the port."""
        self._server.stop()
        self._thread.join()


def _tls(certificate: str, key: str) -> Any:
    # Imported late: few need it, and every start would wait for it.
    from cheroot.ssl.builtin import BuiltinSSLAdapter  # noqa: PLC0415 - see above

    for file in (certificate, key):
        if "ENCRYPTED" in Path(file).read_text(encoding="utf-8", errors="replace"):
            # OpenSSL would ask the terminal for the passphrase, and a CI job would wait for ever.
            raise OSError(f"{file} is encrypted: give a key without a passphrase")
    return BuiltinSSLAdapter(certificate, key)
