"""The stream of a watch, as no real API server can be brought to send it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3.exceptions

from kube.errors import KubernetesError, KubernetesUnavailable
from kube.metadata_pages import MOST_BYTES
from kube.variables.watch import Change, TooOld, Watch


class Stream:
    """What urllib3 gives for an answer that never ends by itself. An error among the pieces is raised in its place."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = pieces
        self.is_shut = False

    def stream(self, _amount: int, *, decode_content: bool) -> Iterator[bytes]:
        assert decode_content
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def shutdown(self) -> None:
        self.is_shut = True

    def close(self) -> None:
        pass


def event(kind: str, name: str = "web", **metadata: Any) -> bytes:
    told = {"name": name, "namespace": "shop", "resourceVersion": "7", **metadata}
    return json.dumps({"type": kind, "object": {"metadata": told}}).encode() + b"\n"


def names(*pieces: bytes | Exception) -> list[tuple[str, str]]:
    return [(seen.change, seen.metadata.name.name) for seen in Watch("watching pods", Stream(*pieces)).events()]


def test_events_come_however_the_stream_is_cut() -> None:
    whole = event("ADDED", "a") + event("MODIFIED", "b") + event("DELETED", "c")
    expected = [(Change.ADDED, "a"), (Change.MODIFIED, "b"), (Change.DELETED, "c")]
    assert names(whole) == expected
    assert names(*(bytes([each]) for each in whole)) == expected
    assert names(whole[:50], whole[50:]) == expected


def test_a_bookmark_is_a_sign_of_life_and_nothing_else() -> None:
    beats: list[None] = []
    watch = Watch("watching pods", Stream(event("BOOKMARK"), event("ADDED", "a")))
    assert len(list(watch.events(lambda: beats.append(None)))) == 1
    assert len(beats) == 2


def test_a_line_that_is_too_long_is_passed_over() -> None:
    long = event("ADDED", "long", annotations={"x": "y" * MOST_BYTES})
    pieces = [long[start : start + 64 * 1024] for start in range(0, len(long), 64 * 1024)]
    assert names(event("ADDED", "a"), *pieces, event("ADDED", "b")) == [(Change.ADDED, "a"), (Change.ADDED, "b")]


@pytest.mark.parametrize("line", [b"<html>\n", b"[]\n", b"[" * 100_000 + b"\n", event("ADDED", "")])
def test_what_is_no_event_is_an_error(line: bytes) -> None:
    with pytest.raises(KubernetesUnavailable):
        names(line)


def test_a_version_that_is_too_old_is_told_apart() -> None:
    gone = json.dumps({"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}).encode()
    with pytest.raises(TooOld):
        names(gone + b"\n")


def test_another_error_has_its_status_and_not_its_message() -> None:
    error = json.dumps({"type": "ERROR", "object": {"code": 500, "message": "some secret"}}).encode()
    with pytest.raises(KubernetesError, match="status 500") as raised:
        names(error + b"\n")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "error",
    [urllib3.exceptions.ProtocolError("broken"), urllib3.exceptions.ReadTimeoutError(None, "", "silent")],  # type: ignore[arg-type]
)
def test_a_stream_that_breaks_or_is_silent_is_an_outage(error: Exception) -> None:
    with pytest.raises(KubernetesUnavailable):
        names(event("ADDED"), error)


def test_who_ends_it_ends_it_without_an_error() -> None:
    stream = Stream(event("ADDED", "a"), urllib3.exceptions.ProtocolError("shut down"))
    watch = Watch("watching pods", stream)
    found = []
    for seen in watch.events():
        found.append(seen.metadata.name.name)
        watch.end()
    assert found == ["a"]
    assert stream.is_shut
