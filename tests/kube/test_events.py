"""What an Event holds; that a real API server takes it, tests/e2e/following shows."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes import client

from kube.events import MOST_NOTE_BYTES, Event, Events, cut
from kube.objects import Metadata, ObjectName
from tests.kube.answers import Taken


class Recorded(client.ApiClient):
    """Takes note of what is sent, and answers that it was created."""

    def __init__(self) -> None:
        super().__init__(client.Configuration())
        self.sent: list[tuple[str, str, Any]] = []

    def call_api(self, method: str, url: str, header_params: Any = None, body: Any = None, *_: Any, **__: Any) -> Any:
        self.sent.append((method, url, json.loads(json.dumps(body))))
        return Taken({"kind": "Event"})


def test_it_lies_beside_its_object_and_names_it() -> None:
    api = Recorded()
    about = Metadata(ObjectName("shop", "app"), "7", {}, uid="1-2")
    Events(api, "pod-1").create(Event(about, "Secret", "v1", "Refreshed", "from 3 to 4"), 1.0)
    ((method, url, body),) = api.sent
    assert (method, url.rpartition("/apis")[2]) == ("POST", "/events.k8s.io/v1/namespaces/shop/events")
    assert body["regarding"] == {"apiVersion": "v1", "kind": "Secret", "namespace": "shop", "name": "app", "uid": "1-2"}
    assert (body["type"], body["reason"], body["note"]) == ("Normal", "Refreshed", "from 3 to 4")
    assert (body["reportingController"], body["reportingInstance"]) == ("keyhole.dev/controller", "pod-1")
    assert body["metadata"]["name"].startswith("app.")


@pytest.mark.parametrize("name", ["a" * 253, ("a" * 229) + "." + "b" * 23, ("a" * 228) + "-." + "b" * 23])
def test_its_name_is_one_that_kubernetes_takes(name: str) -> None:
    api = Recorded()
    Events(api, "x" * 500).create(Event(Metadata(ObjectName("shop", name), "7", {}), "Secret", "v1", "R" * 500, ""), 1)
    ((_, _, body),) = api.sent
    assert ObjectName.parse(f"shop/{body['metadata']['name']}")
    assert len(body["reason"]) == len(body["reportingInstance"]) == 128


@given(st.text(max_size=2000))
def test_a_note_fits(note: str) -> None:
    taken = cut(note)
    assert len(taken.encode()) <= MOST_NOTE_BYTES
    assert taken == note or taken.endswith("…")


def test_a_long_note_is_cut_between_characters() -> None:
    assert cut("ä" * 2000) == "ä" * 510 + "…"
