"""Clients that use the API server as people and GitOps controllers do, until they are told to stop.

Each is a process with one connection. It goes through a cycle of requests again and again, says of each what it should
be answered, and notes what was answered otherwise.
"""

import contextlib
import itertools
import json
import multiprocessing
import secrets
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Self

from bench.errors import BenchError
from testbed.load.objects import KEY, no_reference, one_reference
from testbed.load.wire import Connection, Endpoint, HttpAnswer, request_bytes

_ANSWER_SECONDS = 60.0
_SHOWN_BYTES = 300
_SHOWN_FAILURES = 20
# One cycle in so many tries a reference that leads nowhere.
_CYCLES_FOR_BAD = 10
_BAD_REFERENCE = "vault:secret/app-nowhere#password"
_APPLY = "application/apply-patch+yaml"
_JSON = "application/json"


class Step(StrEnum):
    """What a client does."""

    CREATE = "create"
    APPLY = "re-apply"
    DRY_RUN = "dry run"
    PLAIN = "no reference"
    BAD = "bad reference"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Failure:
    """What was not answered as it should: when (the machine's monotonic clock), what, and how."""

    at_seconds: float
    step: Step
    told: str

    def __str__(self) -> str:
        return f"{self.step}: {self.told}"


@dataclass(slots=True)
class Tally:
    """What clients did so far: how often each step was answered as it should, and what went wrong (the first few)."""

    answered: dict[Step, int] = field(default_factory=dict)
    errors: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """How many were answered as they should."""
        return sum(self.answered.values())

    def succeed(self, step: Step) -> None:
        """Note that a request was answered as it should."""
        self.answered[step] = self.answered.get(step, 0) + 1

    def fail(self, step: Step, told: str) -> None:
        """Note a failure."""
        self.errors += 1
        if len(self.failures) < _SHOWN_FAILURES:
            self.failures.append(Failure(time.monotonic(), step, told))

    def add(self, other: "Tally") -> None:
        """Take over what others did."""
        for step, times in other.answered.items():
            self.answered[step] = self.answered.get(step, 0) + times
        self.errors += other.errors
        self.failures = sorted([*self.failures, *other.failures], key=lambda failure: failure.at_seconds)


class Mixture:
    """Client processes; a context manager. They work until its block ends.

    Client N works in namespace N modulo their number, waits `pause_seconds` before each request, and demands that what
    is filled shows `filled_base64`: the beginning of each value that Vault holds, in base64.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        namespaces: Sequence[str],
        *,
        clients: int,
        filled_base64: str,
        pause_seconds: float = 0.0,
    ) -> None:
        # What an earlier mixture left behind when it ended is not to be in the way.
        run = secrets.token_hex(3)
        self._settings = [
            _Settings(
                f"client-{run}-{number}", endpoint, namespaces[number % len(namespaces)], filled_base64, pause_seconds
            )
            for number in range(clients)
        ]
        self._pipes: list[Pipe] = []
        self._processes: list[BaseProcess] = []

    def __enter__(self) -> Self:
        # A fork would inherit the parent's threads' locks and its whole memory.
        context = multiprocessing.get_context("spawn")
        for settings in self._settings:
            ours, theirs = context.Pipe()
            process = context.Process(target=_client, args=(settings, theirs), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(0 if error else _ANSWER_SECONDS)
            if process.is_alive():
                process.terminate()
                process.join()

    def tally(self) -> Tally:
        """Return what all of them did so far. Raises BenchError when one does not answer."""
        for pipe in self._pipes:
            pipe.send(None)
        whole = Tally()
        for pipe in self._pipes:
            try:
                if not pipe.poll(_ANSWER_SECONDS):
                    raise BenchError("a client process does not answer")
                whole.add(pipe.recv())
            except EOFError:
                raise BenchError("a client process died") from None
        return whole


@dataclass(frozen=True, slots=True)
class _Settings:
    name: str
    endpoint: Endpoint
    namespace: str
    filled_base64: str
    pause_seconds: float


def _client(settings: _Settings, pipe: Pipe) -> None:
    """Be a client process: work, and tell what was done when asked, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    tally, client = Tally(), _Client(settings)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        for step, request, status in client.requests():
            while pipe.poll(settings.pause_seconds):
                pipe.recv()
                pipe.send(tally)
            told = client.told(step, request, status)
            if told is None:
                tally.succeed(step)
            else:
                tally.fail(step, told)


class _Client:
    def __init__(self, settings: _Settings) -> None:
        self._settings = settings
        self._context = settings.endpoint.tls_context()
        self._connection: Connection | None = None
        self._is_created = False
        self._filled = json.dumps(KEY).encode() + b':"' + settings.filled_base64.encode()

    def requests(self) -> Iterator[tuple[Step, bytes, HTTPStatus]]:
        """Give the requests, and the status that each should have, for ever."""
        namespace, name = self._settings.namespace, self._settings.name
        kept, plain = one_reference(namespace, name), no_reference(namespace, f"plain-{name}")
        for cycle in itertools.count():
            fresh = f"{name}-{cycle}"
            yield Step.CREATE, self._post(one_reference(namespace, fresh)), HTTPStatus.CREATED
            yield Step.APPLY, self._apply(kept), HTTPStatus.OK
            yield Step.DRY_RUN, self._apply(kept, dry=True), HTTPStatus.OK
            yield Step.APPLY, self._apply(kept), HTTPStatus.OK
            yield Step.PLAIN, self._apply(plain), HTTPStatus.OK
            if cycle % _CYCLES_FOR_BAD == 0:
                yield Step.BAD, self._post(_referring(one_reference(namespace, f"bad-{fresh}"))), HTTPStatus.FORBIDDEN
            if self._is_created:
                yield Step.DELETE, self._request("DELETE", f"/{fresh}"), HTTPStatus.OK

    def told(self, step: Step, request: bytes, status: HTTPStatus) -> str | None:
        """Send a request; return what is wrong with its answer, None when nothing is."""
        told = self._exchanged(step, request, status)
        if step is Step.CREATE:
            self._is_created = told is None
        return told

    def _exchanged(self, step: Step, request: bytes, status: HTTPStatus) -> str | None:
        try:
            if self._connection is None:
                self._connection = Connection(self._settings.endpoint, self._context)
            answer = self._connection.exchange(request)
        except OSError as error:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return f"{type(error).__name__}: {error}"
        return self._wrong(step, answer, status)

    def _wrong(self, step: Step, answer: HttpAnswer, status: HTTPStatus) -> str | None:
        # The first apply of a name makes the object.
        if answer.status != status and not (step in {Step.APPLY, Step.PLAIN} and answer.status == HTTPStatus.CREATED):
            return f"{answer.status}: {answer.body[:_SHOWN_BYTES].decode('utf-8', 'replace')}"
        if step in {Step.CREATE, Step.APPLY} and self._filled not in answer.body:
            return f"{answer.status}, but it is not filled"
        return None

    def _post(self, manifest: Mapping[str, Any]) -> bytes:
        return self._request("POST", "", manifest)

    def _apply(self, manifest: Mapping[str, Any], *, dry: bool = False) -> bytes:
        query = "?fieldManager=bench&force=true" + ("&dryRun=All" if dry else "")
        # JSON is YAML: https://kubernetes.io/docs/reference/using-api/server-side-apply/
        return self._request("PATCH", f"/{manifest['metadata']['name']}{query}", manifest, _APPLY)

    def _request(
        self, method: str, below: str, body: Mapping[str, Any] | None = None, content_type: str = _JSON
    ) -> bytes:
        path = f"/api/v1/namespaces/{self._settings.namespace}/secrets{below}"
        content = b"" if body is None else json.dumps(body).encode()
        return request_bytes(method, path, self._settings.endpoint.host, content_type, content)


def _referring(manifest: dict[str, Any]) -> dict[str, Any]:
    manifest["metadata"]["annotations"] = {f"data.keyhole.dev/{KEY}": _BAD_REFERENCE}
    return manifest
