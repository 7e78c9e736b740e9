"""Many clients in one process, each on a connection of its own, sending one request after another until told to stop.

A process for each of 64 clients would drown what is measured: the machine would be busy switching between them.
"""

import contextlib
import itertools
import multiprocessing
import re
import secrets
import signal
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from multiprocessing.connection import Connection as Pipe

from testbed.errors import CrowdFailed
from testbed.load.clients import NAME, Shot
from testbed.load.wire import Connection, Endpoint, HttpAnswer

_START_SECONDS = 60.0
_ANSWER_SECONDS = 60.0
_SHOWN_BYTES = 300
_RETRY_AFTER = re.compile(rb'"retryAfterSeconds": ?(\d+)')


@dataclass(slots=True)
class Tally:
    """What became of the requests that were answered while it was kept. `refused` are those that were told 429."""

    latencies_seconds: list[float] = field(default_factory=list)
    refused_seconds: list[float] = field(default_factory=list)
    failed: int = 0
    first_failure: str | None = None
    duration_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many clients of an endpoint, which send a request again and again.

    One that is told 429 waits for as long as it is told to when the crowd is `patient`, as client-go does; otherwise it
    comes again at once.
    """

    endpoint: Endpoint
    shot: Shot
    clients: int
    patient: bool = True


class Running:
    """A crowd at work."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def begin(self) -> None:
        """Count from now on."""
        self._pipe.send("begin")

    def end(self) -> Tally:
        """Return what was counted; the crowd goes on."""
        self._pipe.send("end")
        if not self._pipe.poll(_ANSWER_SECONDS):
            raise CrowdFailed("the process of the crowd does not answer")
        tally: Tally = self._pipe.recv()
        return tally


@contextlib.contextmanager
def at_work(crowd: Crowd) -> Iterator[Running]:
    """Have a crowd at work until the block ends. It begins when every client had an answer. Raises CrowdFailed."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_be, args=(crowd, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(_START_SECONDS):
            raise CrowdFailed("a crowd was not answered")
        ours.recv()
        yield Running(ours)
    except EOFError:
        raise CrowdFailed("the process of a crowd died") from None
    finally:
        ours.close()
        process.join(_ANSWER_SECONDS)
        if process.is_alive():
            process.terminate()
            process.join()


def _be(crowd: Crowd, pipe: Pipe) -> None:
    """Be the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    members = _Members(crowd)
    members.start()
    with contextlib.suppress(EOFError, BrokenPipeError):
        pipe.send(None)
        began = time.monotonic()
        while True:
            if pipe.recv() == "begin":
                members.tally = Tally()
                began = time.monotonic()
            else:
                tally, members.tally = members.tally, Tally()
                tally.duration_seconds = time.monotonic() - began
                pipe.send(tally)
    members.over.set()


class _Members:
    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._tls = crowd.endpoint.tls_context()
        # No other crowd's: what those created may still be there.
        self._name = secrets.token_hex(4)
        self._numbers = itertools.count()
        self._answered = threading.Semaphore(0)
        self.tally = Tally()
        self.over = threading.Event()

    def start(self) -> None:
        """Start every member, and return when each had an answer, or has tried for long."""
        for number in range(self._crowd.clients):
            threading.Thread(target=self._shoot, args=(number,), daemon=True).start()
        deadline = time.monotonic() + _START_SECONDS / 2
        for _ in range(self._crowd.clients):
            self._answered.acquire(timeout=max(0.0, deadline - time.monotonic()))

    def _shoot(self, number: int) -> None:
        connection: Connection | None = None
        is_first = True
        for request in self._requests(number):
            if self.over.is_set():
                break
            before = time.monotonic()
            try:
                connection = connection or Connection(self._crowd.endpoint, self._tls)
                answer = connection.exchange(request)
            except OSError as error:
                self._failed(f"{type(error).__name__}: {error}")
                if connection is not None and not isinstance(error, ssl.SSLError):
                    connection.close()
                connection = None
                continue
            finally:
                if is_first:
                    self._answered.release()
                    is_first = False
            self._note(answer, time.monotonic() - before)

    def _requests(self, number: int) -> Iterator[bytes]:
        host, shot = self._crowd.endpoint.host, self._crowd.shot
        if not shot.fresh_name or NAME not in shot.body:
            yield from itertools.repeat(shot.rendered(host, f"client-{number}"))
        while True:
            yield shot.rendered(host, f"client-{self._name}-{next(self._numbers)}")

    def _note(self, answer: HttpAnswer, seconds: float) -> None:
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS or b'"code": 429' in answer.body:
            self.tally.refused_seconds.append(seconds)
            told = _RETRY_AFTER.search(answer.body)
            if self._crowd.patient and told is not None:
                self.over.wait(int(told[1]))
        elif HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES and b'"allowed": false' not in answer.body:
            self.tally.latencies_seconds.append(seconds)
        else:
            self._failed(f"{answer.status}: {answer.body[:_SHOWN_BYTES].decode('utf-8', 'replace')}")

    def _failed(self, problem: str) -> None:
        self.tally.failed += 1
        self.tally.first_failure = self.tally.first_failure or problem
