"""A watch of objects' metadata: the stream of what happens to them from a version on, read in bounded memory.

Source: Kubernetes, *API Concepts*, "Efficient detection of changes", "Watch bookmarks" and "410 Gone responses". The
stream is JSON, a document for each line.
"""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from kube.client import call
from kube.documents import part
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.metadata_pages import MOST_BYTES
from kube.objects import Metadata

ACCEPT: Final = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
"""The headers of a request for a watch."""

_PIECE_BYTES: Final = 64 * 1024


class Change(StrEnum):
    """What happened to an object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Seen:
    """One event: what happened, and the object's metadata after it."""

    change: Change
    metadata: Metadata


class TooOld(Exception):
    """The API server no longer knows what has happened since that version: list again."""


class Watch:
    """One open watch. One thread reads it; another one may `end` it."""

    def __init__(self, purpose: str, response: Any) -> None:
        """`response` is urllib3's, unread; `purpose` is for errors."""
        self._purpose = purpose
        self._response = response
        self._ended = threading.Event()

    def end(self) -> None:
        """End it, whatever it waits for. `events` then ends without an error."""
        self._ended.set()
        # What closes a connection that nobody reads any more is no error.
        with contextlib.suppress(Exception):
            self._response.shutdown()

    def close(self) -> None:
        """Close the connection."""
        self._response.close()

    def events(self, beat: Callable[[], None] = lambda: None) -> Iterator[Seen]:
        """Yield what happens, until the API server ends the watch, as it does after a while.

        `beat` is called for each event and each bookmark; what it raises ends the watch. An event of more than
        `kube.metadata_pages.MOST_BYTES` is left out. Raises `TooOld`, `KubernetesUnavailable` when the stream breaks
        or nothing comes for too long, and `KubernetesError` when the API server tells of an error.
        """
        lines = _lines(self._response.stream(_PIECE_BYTES, decode_content=True))
        while not self._ended.is_set():
            try:
                line = call(self._purpose, lambda: next(lines, None))
            except KubernetesUnavailable:
                if self._ended.is_set():
                    return
                raise
            if line is None:
                return
            beat()
            seen = self._read(line)
            if seen is not None:
                yield seen

    def _read(self, line: bytes) -> Seen | None:
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise KubernetesUnavailable("sent an event that cannot be read")
        kind = document.get("type")
        if kind == "ERROR":
            status = part(document, "object").get("code")
            if status == HTTPStatus.GONE:
                raise TooOld
            raise KubernetesError(self._purpose, status if isinstance(status, int) else 0)
        return Seen(Change(kind), Metadata.of(part(document, "object"))) if kind in set(Change) else None


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the lines of a stream; a longer one than is read is passed over."""
    line = bytearray()
    is_too_long = False
    for piece in pieces:
        beginning, *others = piece.split(b"\n")
        line += b"" if is_too_long else beginning
        for other in others:
            if not is_too_long and 0 < len(line) <= MOST_BYTES:
                yield bytes(line)
            line, is_too_long = bytearray(other), False
        if len(line) > MOST_BYTES:
            line, is_too_long = bytearray(), True
