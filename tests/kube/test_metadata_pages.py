"""Lists of metadata are read in bounded memory, whatever an object's owner wrote into it."""

import json
from typing import Any

import pytest

from kube.errors import KubernetesUnavailable
from kube.metadata_pages import MOST_BYTES, MOST_OBJECTS, Oversized, objects
from kube.objects import Metadata
from tests.kube.answers import Response


def _object(name: str, bytes_each: int = 10) -> dict[str, Any]:
    named = {"name": name, "namespace": "team", "resourceVersion": "1"}
    return {"kind": "PartialObjectMetadata", "metadata": {**named, "annotations": {"a": "x" * bytes_each}}}


class Server:
    """Pages through objects as the API server does. Its tokens are positions."""

    def __init__(self, *listed: dict[str, Any]) -> None:
        self._listed = listed
        self.limits: list[int] = []
        self.answers: list[Response] = []

    def ask(self, limit: int, position: str | None) -> Response:
        self.limits.append(limit)
        start = int(position or 0)
        end = start + limit
        metadata = {"resourceVersion": "1", "continue": str(end) if end < len(self._listed) else ""}
        items = list(self._listed[start:end]) or None
        document = {"kind": "PartialObjectMetadataList", "apiVersion": "v1", "metadata": metadata, "items": items}
        self.answers.append(Response.of(document))
        return self.answers[-1]

    def names(self) -> list[str]:
        return [_name(found) for found in objects("listing", self.ask)]


def _name(found: Metadata | Oversized) -> str:
    return found.name.name if isinstance(found, Metadata) else f"oversized {found.name}"


def test_an_empty_list_is_null() -> None:
    assert Server().names() == []


def test_all_pages_are_read() -> None:
    names = [f"n{number}" for number in range(2 * MOST_OBJECTS + 1)]
    server = Server(*map(_object, names))
    assert server.names() == names
    assert server.limits == [MOST_OBJECTS] * 3


def test_large_objects_come_in_smaller_pages() -> None:
    names = [f"n{number}" for number in range(40)]
    server = Server(*(_object(name, 250_000) for name in names))
    assert server.names() == names
    assert max(answer.bytes_read for answer in server.answers) <= MOST_BYTES + 1
    # The first was too large; what it taught holds for the rest.
    assert [answer.is_closed for answer in server.answers].count(True) == 1


def test_pages_grow_again_behind_large_objects() -> None:
    names = [f"n{number}" for number in range(300)]
    server = Server(*(_object(name, 1_000_000 if number < 9 else 10) for number, name in enumerate(names)))
    assert server.names() == names
    assert server.limits[-1] == MOST_OBJECTS


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_object_that_is_too_large_by_itself_is_told_by_name_and_passed_over(place: int) -> None:
    listed = [_object("one"), _object("two")]
    listed.insert(place, _object("huge", 3 * MOST_BYTES))
    server = Server(*listed)
    expected = ["one", "two"]
    expected.insert(place, "oversized huge")
    assert server.names() == expected
    assert max(answer.bytes_read for answer in server.answers) <= MOST_BYTES + 1


@pytest.mark.parametrize(
    "document",
    [{}, {"kind": "SecretList", "items": []}, {"kind": "Status"}, {"items": []}],
    ids=json.dumps,
)
def test_something_else_does_not_pass_for_an_empty_list(document: dict[str, Any]) -> None:
    with pytest.raises(KubernetesUnavailable, match="something else than a list"):
        list(objects("listing", lambda _limit, _position: Response.of(document)))


def test_something_else_without_end_is_not_read() -> None:
    with pytest.raises(KubernetesUnavailable, match="cannot be read"):
        list(objects("listing", lambda _limit, _position: Response(b"x" * (2 * MOST_BYTES))))
