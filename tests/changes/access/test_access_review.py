"""Who sees which namespaces, and what happens when nobody can say."""

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from changes.access import access_review
from changes.access.access_review import CHANGES, ReviewedViewer, Rights
from changes.access.viewer import NotKnownNow
from kube.access import Subject
from kube.errors import KubernetesError, KubernetesUnavailable

ALICE = Subject("alice")
May = Callable[[str], bool]


class Access:
    """Answers as a test says, and notes what was asked and how much of it at once."""

    def __init__(self, may: May) -> None:
        self.may = may
        self.asked: list[str] = []
        self.known: dict[str, bool] = {}
        self.most = self._now = 0
        self._lock = threading.Lock()

    def remembered(self, subject: Subject, namespace: str, resource: tuple[str, str]) -> bool | None:
        assert (subject, resource) == (ALICE, CHANGES)
        return self.known.get(namespace)

    def may_get(self, subject: Subject, namespace: str, name: str, _seconds: float, resource: tuple[str, str]) -> bool:
        assert (subject, name, resource) == (ALICE, "", CHANGES)
        with self._lock:
            self.asked.append(namespace)
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            return self.may(namespace)
        finally:
            with self._lock:
                self._now -= 1


def viewer(access: Access) -> ReviewedViewer:
    return ReviewedViewer("alice", ALICE, Rights(cast("Any", access)))


def test_who_may_see_all_namespaces_is_asked_about_none() -> None:
    access = Access(lambda _: True)
    assert viewer(access).visible(["shop", "payments"]) is None
    assert access.asked == [""]


def test_everybody_else_sees_those_in_which_they_may() -> None:
    access = Access("shop".__eq__)
    assert viewer(access).visible(["shop", "payments", "shop"]) == {"shop"}
    assert sorted(access.asked) == ["", "payments", "shop"]


@pytest.mark.parametrize(
    "name", ["", "../shop", "Shop", "shop/secrets", "a" * 64, "shop\n", "*", "\u202eshop", "shop."]
)
def test_what_is_no_name_of_a_namespace_is_asked_of_nobody(name: str) -> None:
    access = Access(lambda namespace: namespace != "")
    assert viewer(access).visible([name]) == set()
    assert access.asked == [""]


@pytest.mark.parametrize("asked", ["", "payments"])
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KubernetesUnavailable("did not answer"), "the Kubernetes API server did not answer"),
        (KubernetesError("a SubjectAccessReview", 403), "may not create SubjectAccessReviews"),
    ],
)
def test_when_nobody_can_say_nothing_is_visible(asked: str, error: Exception, told: str) -> None:
    def may(namespace: str) -> bool:
        if namespace == asked:
            raise error
        return namespace == "shop"

    with pytest.raises(NotKnownNow, match=told):
        viewer(Access(may)).visible(["shop", "payments"])


def test_eight_are_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    barrier = threading.Barrier(8)

    def may(namespace: str) -> bool:
        if namespace:
            barrier.wait(30)  # breaks if there are fewer at once
        return False

    access = Access(may)
    assert viewer(access).visible([f"ns-{number}" for number in range(64)]) == set()
    assert access.most == 8


def test_an_api_server_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_review, "_WHOLE_SECONDS", 0.2)
    go = threading.Event()

    def may(namespace: str) -> bool:
        return bool(namespace) and go.wait(30)

    access = Access(may)
    known = viewer(access)
    try:
        with pytest.raises(NotKnownNow, match="takes too long"):
            known.visible([f"ns-{number}" for number in range(64)])
    finally:
        go.set()
    # What was not begun is not asked any more.
    assert len(access.asked) <= 1 + 8
