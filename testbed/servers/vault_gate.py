"""A way to Vault that can be closed: it passes requests on, resets connections, or takes requests and never answers.

It ends TLS with a certificate of its own, so that it sees each request and can say when it came and what it asked for.
A thread of the process that makes it. Whoever is to go through it gets its `url` and `ca_file` in the connections file.
"""

import asyncio
import contextlib
import re
import ssl
import threading
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TypeVar

from certs.files import write
from certs.issue import issue_ca, issue_serving
from testbed.servers.ports import free_port

_HOST = "127.0.0.1"
_CHUNK_BYTES = 65536
_CALL_SECONDS = 60.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

Returned = TypeVar("Returned")


class Way(StrEnum):
    """What becomes of a request."""

    OPEN = "passed on"
    REFUSED = "refused"
    HANGING = "never answered"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request, and when it came (seconds since the epoch). While connections are refused, one of those: no path."""

    at_seconds: float
    method: str = ""
    path: str = ""


class VaultGate:
    """Stands before a server on TLS that `ca_file` vouches for, and listens until it is closed; a context manager."""

    def __init__(self, folder: Path, target_port: int, target_ca_file: Path) -> None:
        ca = issue_ca()
        files = write(folder, ca, issue_serving(ca, [_HOST]))
        self.ca_file = files.ca_certificate
        self.port = free_port()
        self._way = Way.OPEN
        self._arrivals: list[Arrival] = []
        self._target = target_port, ssl.create_default_context(cafile=target_ca_file)
        self._serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._serving.load_cert_chain(files.certificate, files.key)
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="vault-gate", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_error: object) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://{_HOST}:{self.port}"

    def lead(self, way: Way) -> None:
        """Treat requests so from now on. The connections that are open are reset, unless they are to hang."""
        self._call(self._lead(way))

    def arrivals(self, since_seconds: float = 0.0) -> Sequence[Arrival]:
        """Return what came since then, oldest first."""
        return [each for each in list(self._arrivals) if each.at_seconds >= since_seconds]

    async def _listen(self) -> None:
        refused = self._way is Way.REFUSED
        connected, tls = (self._refuse, None) if refused else (self._connected, self._serving)
        self._server = await asyncio.start_server(connected, _HOST, self.port, ssl=tls)

    async def _lead(self, way: Way) -> None:
        before, self._way = self._way, way
        if way is not Way.HANGING:
            self._abort()
        if Way.REFUSED in {before, way} and before is not way:
            self._server.close()
            await self._listen()

    def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _end(self) -> None:
        self._server.close()
        self._abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _refuse(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._arrivals.append(Arrival(time.time()))
        writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._pass(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port, context = self._target
        far_reader, far_writer = await asyncio.open_connection(_HOST, port, ssl=context)
        back = asyncio.create_task(_forward(far_reader, writer))
        try:
            while head := await _head(reader):
                method, path, _ = head.split(b" ", 2)
                self._arrivals.append(Arrival(time.time(), method.decode(), path.decode()))
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                if self._way is Way.OPEN:
                    far_writer.write(head + body)
                    await far_writer.drain()
        finally:
            back.cancel()
            far_writer.transport.abort()

    def _call(self, work: Coroutine[Any, Any, Returned]) -> Returned:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_SECONDS)


async def _head(reader: asyncio.StreamReader) -> bytes:
    """Return a request up to its empty line; nothing at the end."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.transport.abort()
