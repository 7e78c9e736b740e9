"""Load from separate processes, one for each client, all of which start at one moment.

Each process opens a connection for each load, while it warms up. The clock is the machine's monotonic one, which the
processes share.
"""

import contextlib
import itertools
import multiprocessing
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

from bench.errors import BenchError
from testbed.load.wire import Connection, Endpoint, request_bytes

NAME = "@name@"
_HEAD_START_SECONDS = 0.02
_GRACE_SECONDS = 60.0
_SHOWN_BYTES = 300


@dataclass(frozen=True, slots=True)
class Shot:
    """One kind of request. `NAME` in path and body becomes the client's name, or one of its own for each request."""

    method: str
    path: str
    body: str
    content_type: str = "application/json"
    fresh_name: bool = False

    def rendered(self, host: str, name: str) -> bytes:
        """Return the bytes of one request."""
        body = self.body.replace(NAME, name).encode()
        return request_bytes(self.method, self.path.replace(NAME, name), host, self.content_type, body)


@dataclass(frozen=True, slots=True)
class Quota:
    """When a client has done enough: after so many seconds, or after so many requests of its own."""

    seconds: float | None = None
    requests: int | None = None

    def is_met(self, elapsed_seconds: float, sent: int) -> bool:
        """Return whether it has."""
        return sent >= self.requests if self.requests is not None else elapsed_seconds >= (self.seconds or 0.0)

    def part(self, parts: int) -> "Quota":
        """Return one of so many equal parts; requests are rounded up."""
        return Quota(
            None if self.seconds is None else self.seconds / parts,
            None if self.requests is None else ceil(self.requests / parts),
        )


@dataclass(frozen=True, slots=True)
class Load:
    """What each client sends: first, untimed, so many requests to warm up; then the quota."""

    shot: Shot
    quota: Quota
    warm_up_requests: int = 10


@dataclass(frozen=True, slots=True)
class Volley:
    """What came of a load: the latency of each answered request, and what was not answered with a 2xx."""

    latencies_seconds: Sequence[float]
    errors: int
    first_error: str | None
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class _Report:
    latencies_seconds: list[float]
    errors: int
    first_error: str | None
    began_seconds: float
    ended_seconds: float


class Fleet:
    """Client processes; a context manager."""

    def __init__(self, endpoint: Endpoint, size: int) -> None:
        self._endpoint = endpoint
        self._size = size
        self._pipes: list[Pipe] = []
        self._aimed: tuple[Load, list[Pipe]] | None = None
        self._processes: list[BaseProcess] = []

    def __enter__(self) -> Self:
        # A fork would inherit the parent's threads' locks and its whole memory.
        context = multiprocessing.get_context("spawn")
        for number in range(self._size):
            ours, theirs = context.Pipe()
            process = context.Process(target=_client, args=(number, self._endpoint, theirs), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in self._pipes:
            with contextlib.suppress(OSError):
                pipe.send(None)
            pipe.close()
        for process in self._processes:
            process.join(0 if error else 5)
            if process.is_alive():
                process.terminate()
                process.join()

    def aim(self, load: Load, clients: int) -> None:
        """Hand a load to the first `clients` of the fleet, and return when they have warmed up.

        Raises BenchError when one of them dies.
        """
        self._aimed = load, self._pipes[:clients]
        for pipe in self._pipes[:clients]:
            pipe.send(load)
        for pipe in self._pipes[:clients]:
            _received(pipe, load)

    def fire(self) -> Volley:
        """Have the clients send what was handed to them, all at once. Raises BenchError when one of them dies."""
        if self._aimed is None:
            raise BenchError("there is nothing to send")
        (load, pipes), self._aimed = self._aimed, None
        start_seconds = time.monotonic() + _HEAD_START_SECONDS
        for pipe in pipes:
            pipe.send(start_seconds)
        reports = [_received(pipe, load) for pipe in pipes]
        return _together([report for report in reports if report is not None])

    def run(self, load: Load, clients: int) -> Volley:
        """Warm up and send."""
        self.aim(load, clients)
        return self.fire()


def _received(pipe: Pipe, load: Load) -> _Report | None:
    try:
        if not pipe.poll((load.quota.seconds or 0.0) + _GRACE_SECONDS):
            raise BenchError("a client process does not answer")
        report: _Report | None = pipe.recv()
    except EOFError:
        raise BenchError("a client process died") from None
    return report


def _together(reports: Sequence[_Report]) -> Volley:
    return Volley(
        latencies_seconds=[latency for report in reports for latency in report.latencies_seconds],
        errors=sum(report.errors for report in reports),
        first_error=next((report.first_error for report in reports if report.first_error), None),
        duration_seconds=max(report.ended_seconds for report in reports)
        - min(report.began_seconds for report in reports),
    )


def _client(number: int, endpoint: Endpoint, pipe: Pipe) -> None:
    """Be a client process: a load comes in, readiness goes out, the moment to start comes in, a report goes out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    gun = _Gun(number, endpoint)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while (load := pipe.recv()) is not None:
            gun.reconnect()
            gun.fire(load.shot, Quota(requests=load.warm_up_requests))
            pipe.send(None)
            start_seconds: float = pipe.recv()
            time.sleep(max(0.0, start_seconds - time.monotonic()))
            pipe.send(gun.fire(load.shot, load.quota))


class _Gun:
    """One client's connection, and the names that it gives."""

    def __init__(self, number: int, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._context = endpoint.tls_context()
        self._connection: Connection | None = None
        self._name = f"client-{number}"
        self._numbers = itertools.count()

    def reconnect(self) -> None:
        """Have the next request open a connection: which worker gets it shall not be one stroke of luck for all."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def fire(self, shot: Shot, quota: Quota) -> _Report:
        latencies: list[float] = []
        errors, first_error = 0, None
        began = time.monotonic()
        for sent, request in enumerate(self._requests(shot)):
            before = time.monotonic()
            if quota.is_met(before - began, sent):
                break
            problem = self._shoot(request)
            if problem is None:
                latencies.append(time.monotonic() - before)
            else:
                errors, first_error = errors + 1, first_error or problem
        return _Report(latencies, errors, first_error, began, time.monotonic())

    def _requests(self, shot: Shot) -> Iterator[bytes]:
        host = self._endpoint.host
        if not shot.fresh_name:
            yield from itertools.repeat(shot.rendered(host, self._name))
        while True:
            yield shot.rendered(host, f"{self._name}-{next(self._numbers)}")

    def _shoot(self, request: bytes) -> str | None:
        """Send a request; return what went wrong, None when nothing did."""
        try:
            if self._connection is None:
                self._connection = Connection(self._endpoint, self._context)
            answer = self._connection.exchange(request)
        except OSError as error:
            self.reconnect()
            return f"{type(error).__name__}: {error}"
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return None
        return f"{answer.status}: {answer.body[:_SHOWN_BYTES].decode('utf-8', 'replace')}"
