"""Lists of objects without their content: types of Secrets, numbers of keys, and who wrote what."""

from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes import client

from kube.checking.described import Described, described
from kube.checking.managers import Manager, managers_of
from kube.errors import KubernetesUnavailable
from kube.metadata_pages import Oversized
from kube.objects_of import ObjectsOf, Resource
from tests.kube.answers import Response, Taken

SECRET = Resource("", "v1", "Secret", "secrets")
BOX = Resource("example.org", "v1", "Box", "boxes")
MOST = 1024 * 1024
COLUMNS = [{"name": name} for name in ("Name", "Type", "Data", "Age")]
MANAGED = {
    "manager": "kubectl",
    "operation": "Update",
    "time": "2026-11-28T21:49:09Z",
    "fieldsV1": {
        "f:data": {".": {}, "f:b": {}, "f:a": {}},
        "f:stringData": {"f:c": {}},
        "f:metadata": {"f:annotations": {".": {}, "f:data.keyhole.dev/x": {}}},
        "f:type": {},
    },
}
OWNED = Manager(
    "kubectl", "Update", "", datetime(2026, 11, 28, 21, 49, 9, tzinfo=UTC), ("a", "b", "c"), ("data.keyhole.dev/x",)
)


def metadata(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "namespace": "shop", "resourceVersion": "7", **more}


def row(name: str, *cells: Any, **more: Any) -> dict[str, Any]:
    return {
        "cells": [name, *cells, "3d"],
        "object": {"kind": "PartialObjectMetadata", "metadata": metadata(name, **more)},
    }


class Server(client.ApiClient):
    """Answers each request with the next page, and remembers in which form it was asked for."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        super().__init__(client.Configuration(host="https://kube"))
        self._pages = list(pages)
        self.asked: list[str] = []

    def call_api(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        assert (method, kwargs["_request_timeout"]) == ("GET", 3.0), url
        self.asked.append(args[0]["Accept"])
        return Taken(self._pages.pop(0)) if len(self._pages) > 1 else Taken(self._pages[0])


def listed(resource: Resource, *pages: dict[str, Any]) -> list[Described | Oversized]:
    return list(described(ObjectsOf(Server(*pages), resource), "shop", 3.0, lambda request: request()))


def table(*rows: dict[str, Any], position: str = "", columns: Any = COLUMNS) -> dict[str, Any]:
    listed_as = {"resourceVersion": "9", "continue": position}
    return {"kind": "Table", "metadata": listed_as, "columnDefinitions": columns, "rows": list(rows) or None}


def test_one_list_of_secrets_has_types_and_numbers_of_keys_and_who_wrote_them() -> None:
    server = Server(table(row("a", "Opaque", 3, managedFields=[MANAGED]), position="next"), table(row("b", "x/y", 0)))
    found = list(described(ObjectsOf(server, SECRET), "shop", 3.0, lambda request: request()))
    assert [
        (one.metadata.name.name, one.type, one.keys, one.managers) for one in found if isinstance(one, Described)
    ] == [
        ("a", "Opaque", 3, (OWNED,)),
        ("b", "x/y", 0, None),
    ]
    assert {"as=Table" in asked for asked in server.asked} == {True}


def test_of_other_kinds_metadata_alone_is_asked_for() -> None:
    server = Server({"kind": "PartialObjectMetadataList", "metadata": {}, "items": [{"metadata": metadata("a")}]})
    (found,) = described(ObjectsOf(server, BOX), "shop", 3.0, lambda request: request())
    assert isinstance(found, Described)
    assert (found.type, found.keys, found.managers) == ("", None, None)
    assert "as=PartialObjectMetadataList" in server.asked[0]


def test_a_row_that_is_too_large_is_passed_over_by_its_name() -> None:
    huge = row("huge", "Opaque", 1, annotations={"a": "x" * MOST})
    assert Response.of(table(huge)).size > MOST
    found = listed(
        SECRET, table(huge, position="next"), *[table(huge, position="next")] * 7, table(row("b", "Opaque", 1))
    )
    names = [one.name if isinstance(one, Oversized) else one.metadata.name.name for one in found]
    assert set(names) == {"huge", "b"}


@pytest.mark.parametrize(
    "page",
    [
        {"kind": "PartialObjectMetadataList", "metadata": {}, "items": []},
        table(row("a", "Opaque", 1), columns=[{"name": "Name"}]),
        table(row("a", "Opaque", "1")),
        table({"object": {"metadata": metadata("a")}}),
        table({"cells": ["a"], "object": {"metadata": metadata("a")}}),
    ],
)
def test_what_cannot_be_read_is_no_list_without_secrets(page: dict[str, Any]) -> None:
    with pytest.raises(KubernetesUnavailable):
        listed(SECRET, page)


@pytest.mark.parametrize("written", ["", "yesterday", "2026-11-28T21:49:09"])
def test_a_time_that_cannot_be_read_is_none(written: str) -> None:
    (found,) = managers_of({"managedFields": [{**MANAGED, "time": written, "fieldsV1": None}]}) or ()
    assert (found.time, found.keys, found.annotations) == (None, (), ())


def test_without_managers_nobody_is_known_to_have_written_it() -> None:
    nothing: list[Any] = [None, [], "x"]
    assert [managers_of({"managedFields": none}) for none in nothing] == [None, None, None]
