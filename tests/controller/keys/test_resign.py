import json
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from controller.errors import Interrupted
from controller.following.pacing.budget import Budget, Priority
from controller.keys.resign import RecordResigner, record_keys
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.metadata_pages import Oversized
from kube.objects import Metadata, ObjectName
from kube.objects_of import Resource
from kube.secrets import Changed
from manifests.kinds.config_map import CONFIG_MAP
from manifests.kinds.custom import custom_resource
from manifests.kinds.known import Kinds
from manifests.kinds.pointers import Pattern
from manifests.provenance.key_status import Progress

ENTRY = {"form": "annotation", "ref": "vault:secret/app#password", "versions": [1], "mac": "m"}


def record(**fields: Any) -> str:
    return json.dumps({"v": 1, "key": "0123abcd", "fields": fields})


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        pytest.param(None, set(), id="no record"),
        pytest.param("{", set(), id="no JSON"),
        pytest.param(json.dumps({"v": 1, "key": 7, "fields": {}}), set(), id="a key that is no text"),
        pytest.param(record(), {"0123abcd"}, id="a record of no field"),
        pytest.param(record(a=ENTRY), {"0123abcd"}, id="a field under the record's key"),
        pytest.param(record(a=ENTRY, b={**ENTRY, "key": "ffffffff"}), {"0123abcd", "ffffffff"}, id="one under another"),
    ],
)
def test_the_keys_of_a_record_are_those_of_all_its_fields(text: str | None, keys: set[str]) -> None:
    annotations = {} if text is None else {"keyhole.dev/record": text}
    assert record_keys(Metadata(ObjectName("a", "b"), "1", annotations)) == keys


class _Secrets:
    """The Secrets of one namespace: none, or a failure of some kind."""

    def __init__(self, failure: Exception | None) -> None:
        self._failure = failure

    def list_metadata(self, *_: object) -> Iterator[Metadata | Oversized]:
        if self._failure is not None:
            raise self._failure
        yield from ()


@dataclass
class _Tenant:
    objects: Any

    def of(self, _resource: object) -> Any:
        return self.objects


class _Cluster:
    """Three namespaces, of which the one in the middle has something that nobody expected."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    def list_enabled(self, timeout_seconds: float) -> list[str]:
        return ["a", "middle", "z"]

    def acting_as(self, account: str, namespace: str, timeout_seconds: float) -> "_Tenant":
        return _Tenant(_Secrets(self._failure if namespace == "middle" else None))


@pytest.mark.parametrize("failure", [TypeError("canary"), RecursionError("canary"), KeyError("canary")])
def test_whatever_goes_wrong_in_one_namespace_is_told_as_its_problem_and_the_others_are_visited(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    cluster: Any = _Cluster(failure)
    told: list[Progress] = []
    done = RecordResigner(cluster, cluster, Budget(), lambda: None).resign({"old"}, "new", Progress(), told.append)
    assert [progress.visited for progress in told] == [1, 2, 3]
    assert [problem.namespace for problem in done.problems] == ["middle"]
    assert f"a bug in Keyhole: {type(failure).__name__} at resign.py:" in done.problems[0].cause
    assert type(failure).__name__ in caplog.text
    assert "canary" not in caplog.text + done.problems[0].cause


def test_who_is_interrupted_in_a_namespace_goes_on_with_no_other() -> None:
    cluster: Any = _Cluster(Interrupted())
    with pytest.raises(Interrupted):
        RecordResigner(cluster, cluster, Budget(), lambda: None).resign({"old"}, "new", Progress(), lambda _: None)


class _Listed:
    """A namespace of two pages, of which the second one can be had only as long as nothing was changed."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.changed: list[str] = []
        self.asked_for = 0
        self._failure = failure

    def acting_as(self, account: str, namespace: str, timeout_seconds: float) -> _Tenant:
        self.asked_for += 1
        return _Tenant(self)

    def list_enabled(self, timeout_seconds: float) -> list[str]:
        return ["shop"]

    def list_metadata(self, *_: object) -> Iterator[Metadata | Oversized]:
        for name in ("one", "two", "three", "four", "five"):
            assert not self.changed, "it takes long to change many, and the API server forgets where the list was"
            yield Metadata(ObjectName("shop", name), "1", {"keyhole.dev/record": record()})

    def change(self, name: ObjectName, *_: object) -> Changed:
        if self._failure is not None:
            raise self._failure
        self.changed.append(str(name))
        return Changed(Metadata(name, "2", {"keyhole.dev/record": record().replace("0123abcd", "4567abcd")}))


def test_a_namespace_is_listed_to_its_end_before_any_secret_is_patched() -> None:
    listed: Any = _Listed()
    done = RecordResigner(listed, listed, Budget(), lambda: None).resign(
        {"0123abcd"}, "4567abcd", Progress(), lambda _: None
    )
    assert listed.changed == [f"shop/{name}" for name in ("one", "two", "three", "four", "five")]
    assert (done.refreshed, done.left, done.problems) == (5, 0, ())


def test_whoever_has_many_secrets_to_be_patched_gets_another_token_on_the_way() -> None:
    """One that ended has every further Secret refused, and with --drop-old nobody comes back for them."""
    listed: Any = _Listed()
    _resigned(listed)
    # Once for the list and once for each patch; `kube.tenant_clients` knows which token is still good.
    assert listed.asked_for == 1 + len(listed.changed) == 6


def test_what_is_not_tried_after_failures_in_a_row_is_left_too() -> None:
    """With --drop-old the old key goes, and whoever asked for it is told whom that concerns."""
    listed: Any = _Listed(KubernetesUnavailable("did not answer"))
    done = RecordResigner(listed, listed, Budget(), lambda: None).resign(
        {"0123abcd"}, "4567abcd", Progress(), lambda _: None
    )
    assert (done.refreshed, done.left) == (0, 5)
    assert done.left_names == tuple(f"shop/{name}" for name in ("one", "two", "three", "four", "five"))
    assert [problem.cause for problem in done.problems] == ["the Kubernetes API server did not answer"]


def test_records_are_signed_again_when_nothing_else_is_to_be_patched() -> None:
    """And who is interrupted while it waits for that patches nothing."""
    listed: Any = _Listed()
    budget = Budget(patches_in_flight=1)
    called_since_listed = 0

    def go_on() -> None:
        nonlocal called_since_listed
        called_since_listed += listed.asked_for > 0
        if called_since_listed == 3:
            raise Interrupted

    with budget.patch("shop", go_on, priority=Priority.REFRESH), pytest.raises(Interrupted):
        RecordResigner(listed, listed, budget, go_on).resign({"0123abcd"}, "4567abcd", Progress(), lambda _: None)
    assert listed.changed == []
    assert _resigned(listed).refreshed == 5


def _resigned(listed: Any) -> Progress:
    return RecordResigner(listed, listed, Budget(), lambda: None).resign(
        {"0123abcd"}, "4567abcd", Progress(), lambda _: None
    )


class _Kinds:
    """A namespace with a Secret, a ConfigMap and a Database under the old key; `failures` by plural."""

    def __init__(self, **failures: Exception) -> None:
        self._failures = failures
        self.changed: list[str] = []

    def acting_as(self, account: str, namespace: str, timeout_seconds: float) -> Any:
        return SimpleNamespace(of=lambda resource: _OfKind(self, resource, self._failures.get(resource.plural)))

    def list_enabled(self, timeout_seconds: float) -> list[str]:
        return ["shop"]

    def resigned(self) -> Progress:
        cluster: Any = self
        kinds = Kinds(
            [CONFIG_MAP, custom_resource("example.com", "Database", "databases", "v1", [Pattern("/spec/**")])]
        )
        resigner = RecordResigner(cluster, cluster, Budget(), lambda: None, kinds)
        return resigner.resign({"0123abcd"}, "4567abcd", Progress(), lambda _: None)


class _OfKind:
    def __init__(self, of: _Kinds, resource: Resource, failure: Exception | None) -> None:
        self._of, self._resource, self._failure = of, resource, failure

    def list_metadata(self, *_: object) -> Iterator[Metadata]:
        if self._failure is not None:
            raise self._failure
        text = record() if self._resource.plural != "databases" else record().replace("{", '{"version":"v1beta1",', 1)
        yield Metadata(ObjectName("shop", "app"), "1", {"keyhole.dev/record": text})

    def change(self, name: ObjectName, *_: object) -> Changed:
        self._of.changed.append(f"{self._resource.api_version} {self._resource.kind} {name}")
        return Changed(Metadata(name, "2", {"keyhole.dev/record": record().replace("0123abcd", "4567abcd")}))


def test_the_records_of_every_kind_are_signed_again_each_in_the_version_of_its_manifest() -> None:
    cluster = _Kinds()
    done = cluster.resigned()
    assert cluster.changed == [
        "v1 Secret shop/app",
        "v1 ConfigMap shop/app",
        "example.com/v1beta1 Database shop/app",
    ]
    assert (done.refreshed, done.left, done.problems) == (3, 0, ())


def test_a_kind_that_cannot_be_listed_keeps_the_old_key_and_no_other_kind_back() -> None:
    """Whether it has records under the old key, nobody knows."""
    cluster = _Kinds(configmaps=KubernetesError("listing configmaps in shop", 403))
    done = cluster.resigned()
    assert cluster.changed == ["v1 Secret shop/app", "example.com/v1beta1 Database shop/app"]
    (problem,) = done.problems
    assert "listing configmaps in shop" in problem.cause
    assert "as `keyhole tenant --kinds` prints it" in problem.cause
    # Of a kind that the cluster does not know there is nothing.
    assert _Kinds(databases=KubernetesError("listing databases in shop", 404)).resigned().problems == ()
