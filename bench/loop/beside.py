"""Creates at a steady pace, one after another: what somebody notices of the loop who has nothing to do with it."""

import json
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Self

from testbed.load.clients import NAME, Shot
from testbed.load.objects import to_be_cleared
from testbed.load.wire import Connection, Endpoint

_SHOWN_BYTES = 300


@dataclass(slots=True)
class Created:
    """How long each took that was answered with 2xx, and what became of the others."""

    latencies_seconds: list[float] = field(default_factory=list)
    failed: int = 0
    first_failure: str | None = None


class Creating:
    """A thread that creates a Secret with that reference so many times a second; a context manager.

    After a slow answer the next request goes out at once, so that slowness is not left out of what is counted.
    """

    def __init__(self, endpoint: Endpoint, namespace: str, reference: str, per_second: float) -> None:
        manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": NAME,
                "namespace": namespace,
                "annotations": {"data.keyhole.dev/password": reference},
            },
        }
        path = f"/api/v1/namespaces/{namespace}/secrets"
        self._shot = Shot("POST", path, json.dumps(to_be_cleared(manifest)), fresh_name=True)
        self._endpoint = endpoint
        self._pause_seconds = 1 / per_second
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="creating")
        self.created = Created()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        started, number = f"beside-{time.time_ns():x}", 0
        context, due = self._endpoint.tls_context(), time.monotonic()
        connection: Connection | None = None
        while not self._over.wait(max(0.0, due - time.monotonic())):
            number += 1
            due += self._pause_seconds
            try:
                connection = connection or Connection(self._endpoint, context)
                self._create(connection, f"{started}-{number}")
            except OSError as error:
                self._failed(f"{type(error).__name__}: {error}")
                connection = None
        if connection is not None:
            connection.close()

    def _create(self, connection: Connection, name: str) -> None:
        before = time.monotonic()
        answer = connection.exchange(self._shot.rendered(self._endpoint.host, name))
        if answer.status == HTTPStatus.CREATED:
            self.created.latencies_seconds.append(time.monotonic() - before)
        else:
            self._failed(f"{answer.status}: {answer.body[:_SHOWN_BYTES].decode('utf-8', 'replace')}")

    def _failed(self, problem: str) -> None:
        self.created.failed += 1
        self.created.first_failure = self.created.first_failure or problem
