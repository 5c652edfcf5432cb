"""A light HTTP load: one thread, a few keep-alive connections, one request on each at a time.

Requests are bytes made beforehand and answers are only cut apart, so that what is measured is the
server and not this.
"""

from __future__ import annotations

import math
import re
import selectors
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TICKS = 100  # of CPU time per second in /proc, on every Linux


class Answer(NamedTuple):
    """Status, head and body of one answer."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> str:
        """The value of a header that the answer must have."""
        found = re.search(rb"\r\n" + name + rb": *([^\r]*)", self.head, re.IGNORECASE)
        assert found, (name, self.head)
        return found[1].decode()


class Process:
    """What the kernel says of a process (Linux)."""

    def __init__(self, pid: int) -> None:
        self._folder = Path("/proc", str(pid))

    @property
    def cpu(self) -> float:
        """Seconds of CPU spent so far, user and system."""
        fields = self._folder.joinpath("stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def memory(self) -> float:
        """Resident memory in MB."""
        status = self._folder.joinpath("status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else math.nan


@dataclass
class Measured:
    """How a number of requests went.

    ``seconds`` of wall time, ``cpu`` seconds of the server and ``own`` ones of the load.
    """

    seconds: float
    cpu: float
    own: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds

    @property
    def cpu_each(self) -> float:
        """Milliseconds of the server's CPU per request."""
        return 1000 * self.cpu / len(self.latencies)

    @property
    def own_each(self) -> float:
        """Milliseconds of the load's CPU per request."""
        return 1000 * self.own / len(self.latencies)

    def latency(self, share: float) -> float:
        """Milliseconds within which this share of the requests was answered."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass
class _Connection:
    socket: socket.socket
    received: bytearray = field(default_factory=bytearray)
    sent_at: float = 0.0


class Load:
    """``connections`` keep-alive connections to one server, whose process is ``server``."""

    def __init__(self, host: str, port: int, server: Process, connections: int = 4) -> None:
        self._host = f"{host}:{port}"
        self._server = server
        self._selector = selectors.DefaultSelector()
        self._connections = []
        for _ in range(connections):
            connected = socket.create_connection((host, port))
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = _Connection(connected)
            self._selector.register(connected, selectors.EVENT_READ, connection)
            self._connections.append(connection)

    def close(self) -> None:
        """End all connections."""
        self._selector.close()
        for connection in self._connections:
            connection.socket.close()

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        """A request as it is sent."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}"]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def run(self, requests: Iterable[bytes], answered: Callable[[Answer], None]) -> Measured:
        """Send every request, each connection its next one as soon as it has an answer."""
        waiting = iter(requests)
        latencies: list[float] = []
        cpu, own, begun = self._server.cpu, time.process_time(), time.perf_counter()
        busy = sum(self._send(connection, waiting) for connection in self._connections)
        while busy:
            for key, _ in self._selector.select():
                connection: _Connection = key.data
                part = connection.socket.recv(65536)
                assert part, "the server closed a connection"
                connection.received += part
                answer = _cut(connection.received)
                if answer is None:
                    continue
                latencies.append(time.perf_counter() - connection.sent_at)
                answered(answer)
                busy -= not self._send(connection, waiting)
        seconds = time.perf_counter() - begun
        own = time.process_time() - own
        return Measured(seconds, self._server.cpu - cpu, own, latencies)

    @staticmethod
    def _send(connection: _Connection, waiting: Iterator[bytes]) -> bool:
        request = next(waiting, None)
        if request is None:
            return False
        connection.sent_at = time.perf_counter()
        connection.socket.sendall(request)
        return True


def _cut(received: bytearray) -> Answer | None:
    """Take the one answer out of what was received; None while it is incomplete."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[:end])
    status = int(head[9:12])
    found = _LENGTH.search(head)
    assert found or status in {204, 304}, head
    whole = end + 4 + (int(found[1]) if found else 0)
    if len(received) < whole:
        return None
    answer = Answer(status, head, bytes(received[end + 4 : whole]))
    del received[:whole]
    return answer
