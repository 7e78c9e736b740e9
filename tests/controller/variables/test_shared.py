"""What pods need, what is known to be there, and what follows: everything bounded, nothing done twice."""

import pytest

from controller.variables.making import Ending, Made
from controller.variables.namespace import MOST_BYTES, MOST_SECRETS
from controller.variables.need import Need, needs
from controller.variables.shared import Shared, Task
from kube.objects import Metadata
from tests.clock import Clock
from tests.controller.variables.pods import NAMESPACE, pod, secret

ONE = {"PASSWORD": "vault:secret/app#password"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shared(clock: Clock) -> Shared:
    shared = Shared(clock)
    shared.begin(NAMESPACE)
    return shared


def see(shared: Shared, of: Metadata, *, is_listed: bool = False) -> bool:
    return shared.see(NAMESPACE, of.uid, needs(of), is_listed=is_listed)


def need_of(of: Metadata) -> Need:
    (found,) = needs(of)
    return found


def take(shared: Shared, clock: Clock, after_seconds: float = 0.02) -> Task | None:
    clock.now += after_seconds
    return shared.take()


def made(task: Task, ending: Ending = Ending.MADE, *, uid: str = "secret", owners: tuple[str, ...] = ()) -> Made:
    found = secret(task.secret.name, task.secret.annotations, uid=uid, owners=owners)
    return Made(ending, found, [each.key for each in task.pods])


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a thread that has nothing to do not wait a second for something: time passes only by the clock here."""
    monkeypatch.setattr("controller.variables.turns.Turns.wait_seconds", lambda _turns: 0.0)


def test_pods_of_one_template_are_one_task(shared: Shared, clock: Clock) -> None:
    for number in range(3):
        see(shared, pod(f"web-{number}", ONE, replica_set="rs"))
        clock.now += 1
    assert shared.waiting() == 3
    task = take(shared, clock)
    assert task is not None
    assert [each.key for each in task.pods] == [("rs", "")]
    assert not task.is_expected
    assert [round(clock.now - since) for since in shared.end(task, made(task, owners=("rs",)))] == [3, 2, 1]
    assert shared.waiting() == 0
    assert take(shared, clock) is None


def test_a_further_revision_is_a_task_and_a_further_pod_only_a_look(shared: Shared, clock: Clock) -> None:
    see(shared, pod("web-1", ONE, replica_set="one"))
    first = take(shared, clock)
    assert first is not None
    shared.end(first, made(first, owners=("one",)))
    see(shared, pod("web-2", ONE, replica_set="one"))
    assert take(shared, clock) is None
    see(shared, pod("web-3", ONE, replica_set="two"))
    second = take(shared, clock)
    assert second is not None
    assert second.is_expected
    assert {each.key for each in second.pods} == {("one", ""), ("two", "")}
    shared.end(second, made(second, Ending.OWNED, owners=("one", "two")))
    see(shared, pod("web-3", ONE, replica_set="two"))
    assert take(shared, clock) is None
    look = take(shared, clock, after_seconds=2)
    assert look is not None
    assert look.is_expected


def test_what_comes_during_the_work_is_done_after_it(shared: Shared, clock: Clock) -> None:
    see(shared, pod("web-1", ONE, replica_set="one"))
    task = take(shared, clock)
    assert task is not None
    see(shared, pod("web-2", ONE, replica_set="two"))
    assert take(shared, clock) is None
    shared.end(task, made(task, owners=("one",)))
    again = take(shared, clock)
    assert again is not None
    assert [each.key for each in again.pods] == [("two", "")]


@pytest.mark.parametrize(
    ("is_lasting", "pauses"),
    [(False, [1, 2, 4, 8, 16, 32, 60, 60]), (True, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600])],
)
def test_failures_wait_longer_and_longer(shared: Shared, clock: Clock, *, is_lasting: bool, pauses: list[int]) -> None:
    see(shared, pod("web-1", ONE, replica_set="one"))
    task = take(shared, clock)
    for pause in pauses:
        assert task is not None
        shared.end_failed(task, is_lasting=is_lasting)
        # Pods that come meanwhile do not make it sooner.
        see(shared, pod(f"web-at-{pause}", ONE, replica_set="one"))
        assert take(shared, clock, after_seconds=pause - 0.1) is None
        task = take(shared, clock, after_seconds=0.2)
    assert task is not None


def test_nothing_is_made_for_pods_that_are_gone(shared: Shared, clock: Clock) -> None:
    see(shared, pod("web-1", ONE, replica_set="one"))
    shared.gone(NAMESPACE, "uid-web-1")
    assert shared.waiting() == 0
    assert take(shared, clock) is None


def test_a_list_of_what_is_there_leaves_nothing_to_do(shared: Shared, clock: Clock) -> None:
    one, other = pod("web-1", ONE, replica_set="one"), pod("web-2", {"URL": "vault:secret/app#url"}, replica_set="one")
    there = need_of(one).secret
    shared.listed(NAMESPACE, [secret(there.name, there.annotations, owners=("one",))])
    for each in (one, other):
        see(shared, each, is_listed=True)
    shared.pods_listed(NAMESPACE)
    task = take(shared, clock)
    assert task is not None
    assert task.secret.name == need_of(other).secret.name
    assert take(shared, clock) is None


@pytest.mark.parametrize(
    ("annotations", "owners"),
    [
        pytest.param({"data.keyhole.dev/PASSWORD": "vault:secret/other#password"}, ("one",), id="edited"),
        pytest.param({}, ("one",), id="emptied"),
        pytest.param(None, (), id="without its owner"),
    ],
)
def test_what_a_list_shows_to_be_wrong_is_put_right(
    shared: Shared, clock: Clock, annotations: dict[str, str] | None, owners: tuple[str, ...]
) -> None:
    web = pod("web-1", ONE, replica_set="one")
    there = need_of(web).secret
    found = secret(there.name, there.annotations if annotations is None else annotations, owners=owners)
    shared.listed(NAMESPACE, [found])
    see(shared, web, is_listed=True)
    task = take(shared, clock)
    assert task is not None
    assert task.is_expected


def test_what_no_listed_pod_needs_is_forgotten(shared: Shared, clock: Clock) -> None:
    see(shared, pod("web-1", ONE, replica_set="one"))
    shared.listed(NAMESPACE, [])
    shared.pods_listed(NAMESPACE)
    assert shared.waiting() == 0
    assert take(shared, clock) is None


def test_a_secret_that_was_deleted_is_made_again(shared: Shared, clock: Clock) -> None:
    web = pod("web-1", ONE, replica_set="one")
    see(shared, web)
    task = take(shared, clock)
    assert task is not None
    shared.end(task, made(task, owners=("one",)))
    shared.listed(NAMESPACE, [])
    see(shared, web, is_listed=True)
    assert shared.waiting() == 1
    again = take(shared, clock)
    assert again is not None
    assert not again.is_expected
    assert [each.key for each in again.pods] == [("one", "")]


class TestBounds:
    def test_there_are_only_so_many_secrets(self, shared: Shared) -> None:
        pods = [pod(f"web-{number}", {"PASSWORD": f"vault:secret/app#{number}"}) for number in range(MOST_SECRETS + 5)]
        assert [see(shared, each) for each in pods] == [True] * MOST_SECRETS + [False] * 5
        assert shared.has_too_many(NAMESPACE)
        assert shared.waiting() == MOST_SECRETS + 5
        for each in pods:
            shared.gone(NAMESPACE, each.uid)
        assert not shared.has_too_many(NAMESPACE)
        assert shared.waiting() == 0

    def test_those_that_are_there_count(self, shared: Shared) -> None:
        shared.listed(NAMESPACE, [secret(f"web-keyhole-{number:012x}", {}) for number in range(MOST_SECRETS)])
        assert not see(shared, pod("web-1", ONE), is_listed=True)

    def test_what_is_still_to_be_written_is_bounded(self, shared: Shared) -> None:
        text = "vault:secret/app#password " + "x" * 200_000
        seen = [see(shared, pod(f"web-{number}", {"PASSWORD": f"{number}{text}"})) for number in range(100)]
        assert sum(seen) == MOST_BYTES // len(text)

    def test_another_namespace_has_places_of_its_own(self, shared: Shared) -> None:
        shared.begin("other")
        for number in range(MOST_SECRETS + 1):
            see(shared, pod(f"web-{number}", {"PASSWORD": f"vault:secret/app#{number}"}))
        assert shared.see("other", "uid", needs(pod("web", ONE)))


def test_a_namespace_that_is_forgotten_has_nothing_to_do(shared: Shared, clock: Clock) -> None:
    see(shared, pod("web-1", ONE))
    task = take(shared, clock)
    assert task is not None
    see(shared, pod("web-2", {"URL": "vault:secret/app#url"}))
    shared.forget(NAMESPACE)
    assert shared.end(task, made(task)) == ()
    assert see(shared, pod("web-3", ONE))
    assert take(shared, clock) is None
    assert shared.waiting() == 0
