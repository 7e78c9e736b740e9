"""What is remembered of who may read what."""

import tracemalloc
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kubernetes import client

from kube.access import ReadAccess, Subject


@dataclass
class Authorization:
    """Allows everything and counts the questions."""

    asked: list[str] = field(default_factory=list)
    resources: list[tuple[str, str]] = field(default_factory=list)

    def create_subject_access_review(self, review: Any, **_: object) -> Any:
        asked = review.spec.resource_attributes
        self.asked.append(asked.name or "")
        self.resources.append((asked.group, asked.resource))
        return SimpleNamespace(status=SimpleNamespace(allowed=not self.asked[-1]))


@pytest.fixture
def authorization(monkeypatch: pytest.MonkeyPatch) -> Authorization:
    authorization = Authorization()
    monkeypatch.setattr(client, "AuthorizationV1Api", lambda _: authorization)
    return authorization


def _access() -> ReadAccess:
    return ReadAccess(cast("client.ApiClient", None))


def test_long_names_take_no_more_memory_than_short_ones(authorization: Authorization) -> None:
    access = _access()
    tracemalloc.start()
    try:
        for number in range(100):
            access.may_get(Subject(f"{number} {'x' * 100_000}"), "a", "b", 1)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(authorization.asked) == 100
    # The names are ten megabytes.
    assert held < 1_000_000


@pytest.mark.parametrize(
    "other",
    [
        Subject("user", groups=("a", "b, c")),
        Subject("user", groups=("a', 'b", "c")),
        Subject("user", "a", groups=("b", "c")),
        Subject("user", groups=("a", "b", "c"), extra=(("k", ("v",)),)),
        Subject("user", groups=("c", "b", "a")),
    ],
)
def test_nobody_is_taken_for_another(authorization: Authorization, other: Subject) -> None:
    access = _access()
    for subject in (Subject("user", groups=("a", "b", "c")), other) * 2:
        assert access.may_get(subject, "namespace", "name", 1)
    assert len(authorization.asked) == 2


def test_no_resource_is_taken_for_another(authorization: Authorization) -> None:
    access, subject = _access(), Subject("user")
    assert access.may_get(subject, "namespace", "name", 1)
    for resource in (("", "configmaps"), ("example.org", "configmaps"), ("", "secrets")):
        assert access.may_get(subject, "namespace", "name", 1, resource)
    assert authorization.resources == [("", "secrets"), ("", "configmaps"), ("example.org", "configmaps")]


def test_what_is_remembered_asks_nobody(authorization: Authorization) -> None:
    access, subject = _access(), Subject("user")
    assert access.remembered(subject, "namespace") is None
    assert access.may_get(subject, "namespace", "", 1)
    assert access.remembered(subject, "namespace") is True
    assert access.remembered(subject, "other") is None
    assert access.remembered(subject, "namespace", ("", "configmaps")) is None
    assert authorization.asked == [""]
