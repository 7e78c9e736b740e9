"""Which namespaces have opted in, whatever their owners wrote into them."""

from typing import Any

import pytest
from kubernetes import client

from kube.metadata_pages import MOST_BYTES
from kube.namespaces import Namespaces, OptedIn
from tests.kube.answers import Response


def _namespace(name: str, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": "1", **metadata}}


@pytest.fixture
def namespaces(monkeypatch: pytest.MonkeyPatch) -> Namespaces:
    """Answer as an API server whose etcd takes more than it does: no real one has such a namespace."""
    listed = [
        _namespace("team", annotations={"keyhole.dev/restart": "true"}),
        _namespace("going", deletionTimestamp="2026-01-01T00:00:00Z"),
        _namespace("huge", annotations={"note": "x" * MOST_BYTES}),
        _namespace("another"),
    ]

    def page(
        _namespaces: Namespaces, selector: str, _timeout_seconds: float, limit: int, position: str | None
    ) -> Response:
        assert selector.startswith("keyhole.dev/enabled=true")
        start = int(position or 0)
        rest = str(start + limit) if start + limit < len(listed) else ""
        metadata, items = {"resourceVersion": "1", "continue": rest}, listed[start : start + limit]
        return Response.of({"kind": "PartialObjectMetadataList", "metadata": metadata, "items": items})

    monkeypatch.setattr(Namespaces, "_page", page)
    return Namespaces(client.ApiClient(client.Configuration()))


def test_their_names_come_in_order_without_those_that_are_being_deleted(namespaces: Namespaces) -> None:
    assert namespaces.list_enabled(1) == ["another", "huge", "team"]


def test_their_metadata_comes_in_the_same_order_and_what_is_too_large_by_its_name(namespaces: Namespaces) -> None:
    found = namespaces.list_enabled_metadata(1)
    assert [one.name.name for one in found] == ["another", "huge", "team"]
    assert [one.annotations for one in found] == [{}, {}, {"keyhole.dev/restart": "true"}]


class Labelled:
    """Answers one read of a namespace after another with the next labels, and counts them."""

    def __init__(self, *labels: dict[str, str]) -> None:
        self._labels = list(labels)
        self.reads = 0

    def read_namespace(self, name: str, *, _request_timeout: float) -> client.V1Namespace:
        assert (name, _request_timeout) == ("team", 1)
        self.reads += 1
        return client.V1Namespace(metadata=client.V1ObjectMeta(labels=self._labels.pop(0)))


def labelled(monkeypatch: pytest.MonkeyPatch, *labels: dict[str, str]) -> tuple[Namespaces, Labelled]:
    namespaces = Namespaces(client.ApiClient(client.Configuration()))
    core = Labelled(*labels)
    monkeypatch.setattr(namespaces, "_core", core)
    return namespaces, core


ENABLED, VARIABLES = {"keyhole.dev/enabled": "true"}, {"keyhole.dev/variables": "true"}


def test_both_labels_are_read_together_and_believed_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    namespaces, core = labelled(monkeypatch, {**ENABLED, **VARIABLES})
    assert namespaces.opted_in("team", 1) == OptedIn(is_enabled=True, has_variables=True)
    assert namespaces.opted_in("team", 1) == OptedIn(is_enabled=True, has_variables=True)
    assert namespaces.is_enabled("team", 1)
    assert core.reads == 1


def test_a_no_is_never_believed_for_longer_than_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    namespaces, core = labelled(monkeypatch, ENABLED, VARIABLES, {**ENABLED, **VARIABLES})
    assert namespaces.opted_in("team", 1) == OptedIn(is_enabled=True, has_variables=False)
    assert namespaces.opted_in("team", 1) == OptedIn(is_enabled=False, has_variables=True)
    assert namespaces.is_enabled("team", 1)
    assert core.reads == 3
