"""What became of an object that was refreshed, by what the API server answers."""

import json
from collections.abc import Mapping, Sequence
from typing import cast

import pytest

from cli.following.refreshing import Ending, Named, Result
from cli.following.refreshing import refresh as refresh_one
from kube.errors import Conflict, KubernetesError, KubernetesUnavailable
from kube.objects import Metadata, ObjectName
from kube.objects_of import ObjectsOf
from kube.secrets import Changed
from manifests.annotations import RECORD, REFRESH

_NAME = ObjectName("shop", "app")
_KEPT = "data.password keeps its value, unverified: VaultUnavailable: Vault is sealed"
_IMMUTABLE = "data.password: the Secret is immutable, so its value stays as it is"


def record(version: int | None) -> dict[str, str]:
    entry = {"form": "annotation", "ref": "vault:secret/app#password", "versions": [version], "mac": "m"}
    return {RECORD: json.dumps({"v": 1, "key": "k", "fields": {"/data/password": entry}})}


class Server:
    """The API server, as far as Secrets go: it answers a change with these annotations and warnings, or fails."""

    def __init__(self, after: Mapping[str, str] | Exception, warnings: Sequence[str] = ()) -> None:
        self.before: Mapping[str, str] | Exception = record(3)
        self._after = after
        self._warnings = tuple(warnings)
        self.changes: list[Mapping[str, str | None]] = []

    def read_metadata(self, name: ObjectName, _: float) -> Metadata:
        return _of(name, self.before)

    def change(self, name: ObjectName, annotations: Mapping[str, str | None], _: float) -> Changed:
        self.changes.append(annotations)
        return Changed(_of(name, self._after), self._warnings)


def refresh(server: Server) -> Result:
    return refresh_one(Named(_NAME), lambda _codec, _version: cast("ObjectsOf", server))


def _of(name: ObjectName, annotations: Mapping[str, str] | Exception) -> Metadata:
    if isinstance(annotations, Exception):
        raise annotations
    return Metadata(name, "1", annotations)


@pytest.mark.parametrize(
    ("server", "ending", "told"),
    [
        (Server(record(4)), Ending.REFRESHED, "shop/app: refreshed: data.password 3 -> 4"),
        (Server(record(1)), Ending.REFRESHED, "shop/app: refreshed: data.password 3 -> 1"),
        (Server(record(3)), Ending.CURRENT, "shop/app: up to date"),
        (Server(record(3), ["look out"]), Ending.CURRENT, "shop/app: up to date: look out"),
        (Server(record(3), [_KEPT]), Ending.KEPT, f"shop/app: not refreshed: {_KEPT}"),
        (Server(record(4), [_KEPT]), Ending.KEPT, f"shop/app: not refreshed: {_KEPT}"),
        (Server(record(3), [_IMMUTABLE]), Ending.IMMUTABLE, f"shop/app: immutable: {_IMMUTABLE}"),
        (Server({**record(3), REFRESH: "now"}), Ending.UNSEEN, "shop/app: not seen by Keyhole: the webhook is not"),
        (Server(KubernetesError("changing it", 404)), Ending.REFUSED, "shop/app: refused: there is no such Secret"),
        (Server(KubernetesError("changing it", 403)), Ending.REFUSED, "shop/app: refused: the API server refused"),
        (Server(KubernetesError("changing it", 422)), Ending.REFUSED, "shop/app: refused: the API server refused"),
        (Server(Conflict("changing it", 409)), Ending.UNAVAILABLE, "shop/app: no answer: "),
        (Server(KubernetesUnavailable("is away")), Ending.UNAVAILABLE, "shop/app: no answer: the Kubernetes API"),
    ],
)
def test_what_became_of_it(server: Server, ending: Ending, told: str) -> None:
    result = refresh(server)
    assert result.ending is ending
    assert str(result).startswith(told)
    assert server.changes[0] == {REFRESH: "now"}


def test_a_request_that_nobody_saw_is_withdrawn() -> None:
    server = Server({**record(3), REFRESH: "now"})
    refresh(server)
    assert server.changes == [{REFRESH: "now"}, {REFRESH: None}]


@pytest.mark.parametrize("before", [{}, {RECORD: "nonsense"}, KubernetesError("reading it", 404)])
def test_what_has_no_reference_is_not_touched(before: Mapping[str, str] | Exception) -> None:
    server = Server(record(3))
    server.before = before
    assert not refresh(server).ending.is_well
    assert server.changes == []


def test_only_what_may_pass_is_worth_another_try() -> None:
    assert {each for each in Ending if each.may_pass} == {Ending.KEPT, Ending.UNAVAILABLE}
    assert {each for each in Ending if each.is_well} == {Ending.REFRESHED, Ending.CURRENT}
