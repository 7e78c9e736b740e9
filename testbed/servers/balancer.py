"""A TCP balancer as kube-proxy is one: it spreads connections over the backends that it believes to be ready.

It does not retry, knows nothing of HTTP or TLS, leaves a connection where it is once it is made, and everything it
learns is some seconds old. Readiness is asked as the kubelet asks it. A thread of the process that makes it.
Source: Kubernetes, *Virtual IPs and Service Proxies*; *Pod Lifecycle*, Termination of Pods.
"""

import asyncio
import contextlib
import random
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

_HOST = "127.0.0.1"
_CHUNK_BYTES = 65536
# As the chart's readinessProbe has them: on a busy machine a single probe may be late.
_PROBE_TIMEOUT_SECONDS = 2.0
_FAILURE_THRESHOLD = 2
_CALL_SECONDS = 60.0
_random = random.SystemRandom()

Returned = TypeVar("Returned")


@dataclass(eq=False)
class Backend:
    """One replica: where it serves, and where it is asked whether it is ready."""

    port: int
    health_port: int
    is_ready: bool = field(default=False, init=False)
    is_leaving: bool = field(default=False, init=False)


class Balancer:
    """Listens on `port` of 127.0.0.1 until it is closed.

    `lag_seconds` is how old its knowledge is, of readiness and of terminations alike; `probe_seconds` how often the
    readiness of a backend is asked. `refused` counts the connections that no backend took.
    """

    def __init__(self, port: int, *, lag_seconds: float = 2.0, probe_seconds: float = 1.0) -> None:
        self.port = port
        self.refused = 0
        self._lag_seconds = lag_seconds
        self._probe_seconds = probe_seconds
        self._backends: list[Backend] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="balancer", daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._connected, _HOST, port))

    def add(self, backend: Backend) -> None:
        """Take up a backend, which gets connections once it is known to be ready."""
        self._call(self._add(backend))

    def remove(self, backend: Backend) -> None:
        """Note that a backend is being ended: what is known of it will change, later."""
        self._loop.call_soon_threadsafe(self._remove, backend)

    def close(self) -> None:
        """Close the listener and every connection."""
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine: Coroutine[Any, Any, Returned]) -> Returned:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_CALL_SECONDS)

    async def _close(self) -> None:
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _add(self, backend: Backend) -> None:
        self._backends.append(backend)
        self._spawn(self._probe(backend))

    def _remove(self, backend: Backend) -> None:
        backend.is_leaving = True
        self._loop.call_later(self._lag_seconds, self._learn, backend, False)

    def _learn(self, backend: Backend, is_ready: bool) -> None:  # noqa: FBT001 - called by the loop
        backend.is_ready = is_ready
        if backend.is_leaving and not is_ready:
            self._backends = [other for other in self._backends if other is not backend]

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _probe(self, backend: Backend) -> None:
        was_ready, failures = False, 0
        while not backend.is_leaving:
            failures = 0 if await _answers(backend.health_port) else failures + 1
            is_ready = failures < _FAILURE_THRESHOLD if was_ready else failures == 0
            if is_ready != was_ready and not backend.is_leaving:
                was_ready = is_ready
                self._loop.call_later(self._lag_seconds, self._learn, backend, is_ready)
            await asyncio.sleep(self._probe_seconds)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._spawn(self._pass_between(reader, writer))

    async def _pass_between(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        known = [backend for backend in self._backends if backend.is_ready]
        try:
            far_reader, far_writer = await asyncio.open_connection(_HOST, _random.choice(known).port)
        except (OSError, IndexError):
            self.refused += 1
            writer.transport.abort()
            return
        try:
            await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        finally:
            far_writer.transport.abort()
            writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until one side ends; an end is passed on as an end, a reset as a reset."""
    try:
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


async def _answers(health_port: int) -> bool:
    """Ask for /readyz as the kubelet does: a new connection, a limited time, 200 or not."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PROBE_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection(_HOST, health_port)
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: kubelet\r\nConnection: close\r\n\r\n")
                return b" 200 " in await reader.readline()
            finally:
                writer.transport.abort()
    return False
