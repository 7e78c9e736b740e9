"""Asks every view of the page over HTTP: as somebody who sees everything, and as somebody of one namespace."""

import http.client
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request

from changes import answers
from changes.page.app import make
from changes.wanted import Wanted

_OK: Final = 200
_MILLISECONDS: Final = 1000
_TIMEOUT_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class _Somebody:
    namespaces: Collection[str] | None
    name: str = "somebody@example.com"

    def visible(self, namespaces: Collection[str]) -> Collection[str] | None:
        return None if self.namespaces is None else [each for each in namespaces if each in self.namespaces]


@dataclass(frozen=True, slots=True)
class _Door:
    somebody: _Somebody

    def viewer(self, _request: Request) -> _Somebody:
        return self.somebody


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_arguments: Any) -> None:
        """Say nothing."""


def measure(index: Path, times: int) -> Mapping[str, Sequence[float]]:
    """Return for each view, by its name, how many milliseconds of processor time each of `times` answers took.

    That is over HTTP, with both ends in this process. Each time it is asked about something else, as far as the index
    has enough. The first answer is not counted: it opens the index.
    """
    found: dict[str, list[float]] = {}
    for who, namespaces in (("all", None), ("one namespace", _one_namespace(index))):
        with _served(index, _Somebody(namespaces)) as port:
            for name, addresses in _addresses(index, namespaces, times).items():
                found[f"{name}, {who}"] = [_ask(port, each) for each in (addresses[0], *addresses)][1:]
    return found


def _one_namespace(index: Path) -> Sequence[str]:
    database = answers.opened(index)
    try:
        return [answers.namespaces(database)[0]]
    finally:
        database.close()


def _addresses(index: Path, visible: Sequence[str] | None, times: int) -> Mapping[str, Sequence[str]]:
    database = answers.opened(index)
    try:
        changes = answers.page(database, Wanted(visible), size=times).changes
    finally:
        database.close()
    changes = [changes[number % len(changes)] for number in range(times)]
    about = [each.object for each in changes]
    references = [each.fields[0].field.references[0].text for each in changes]
    return {
        "changes": ["/"] * times,
        "changes as JSON": ["/?format=json"] * times,
        "changes as CSV": ["/?format=csv"] * times,
        "older changes": [f"/?behind={round(each.time.timestamp() * 10**6)}-{each.number}" for each in changes],
        "filtered by namespace": [f"/?namespace={quote(each.namespace)}" for each in about],
        "filtered by name": [f"/?kind={quote(each.kind)}&name={quote(each.name)}" for each in about],
        "filtered by requester": [f"/?requester={quote(each.requester)}" for each in changes],
        "filtered by reference": [f"/?reference={quote(each)}" for each in references],
        "filtered by day": [f"/?since={each.time:%Y-%m-%d}&until={each.time:%Y-%m-%d}" for each in changes],
        "object": [f"/object/{quote(each.namespace)}/{quote(each.kind)}/{quote(each.name)}" for each in about],
        "namespace": [f"/namespace/{quote(each.namespace)}" for each in about],
        "person": [f"/person?name={quote(each.requester)}" for each in changes],
        "compliance": ["/compliance"] * times,
        "standards": ["/standards"] * times,
    }


@contextmanager
def _served(index: Path, somebody: _Somebody) -> Iterator[int]:
    app = make(index, _Door(somebody), None, "bench")
    server = make_server("127.0.0.1", 0, app, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _ask(port: int, address: str) -> float:
    begun = time.process_time()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", address)
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    if answer.status != _OK:
        raise RuntimeError(f"{address} answers {answer.status}")
    return (time.process_time() - begun) * _MILLISECONDS
