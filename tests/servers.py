"""Small real HTTP servers for what a sandbox would never do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter
from werkzeug.wrappers import Request, Response


@contextmanager
def serving(
    answer: Callable[[Request], Response], *, certificate: Path | None = None
) -> Iterator[str]:
    """Serve ``answer`` on loopback; gives the base URL. ``certificate``: PEM with key and chain."""
    server = wsgi.Server(("127.0.0.1", 0), Request.application(answer), numthreads=2)
    server.shutdown_timeout = 1
    if certificate:
        server.ssl_adapter = BuiltinSSLAdapter(str(certificate), str(certificate))
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    scheme = "https" if certificate else "http"
    try:
        yield f"{scheme}://localhost:{server.bind_addr[1]}"
    finally:
        server.stop()
        thread.join()


@contextmanager
def raw_server(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A socket that gives one answer per connection (b"" hangs up); gives URL and requests."""
    received: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in answers:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                received.append(connection.recv(65536))
                if answer:
                    connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", received
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
