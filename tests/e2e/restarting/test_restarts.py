"""When workloads are restarted, by the controllers that make their pods."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import pytest

from manifests.following.workload import Used
from manifests.registration.policies import policy_and_binding
from testbed import Testbed
from testbed.keyhole.objects import apply
from tests.e2e.restarting.kubelet import Kubelet
from tests.e2e.restarting.loop import Loop
from tests.e2e.restarting.workloads import PLURALS, Namespaced, workload

MakeTenant: TypeAlias = Callable[..., Namespaced]
MakeLeader: TypeAlias = Callable[..., Loop]
# 30 and 100 in `make nightly`.
SHARING = int(os.environ.get("KEYHOLE_RESTARTED_WORKLOADS", "6"))
ENABLED = int(os.environ.get("KEYHOLE_ENABLED_WORKLOADS", "10"))
IN_TEMPLATES = ("Deployment", "StatefulSet", "DaemonSet")
SECRETS = ("one", "two", "three")


def one_of_each(namespace: Namespaced, *secrets: str) -> Kubelet:
    """Make a workload of each kind, ready and noted."""
    for secret in secrets:
        namespace.write_secret(secret, 1)
    namespace.apply(*(workload(kind, kind.lower(), namespace.name, secrets) for kind in PLURALS))
    kubelet = Kubelet(namespace)
    kubelet.settle()
    return kubelet


def deployments(namespace: Namespaced, count: int) -> tuple[Kubelet, list[str]]:
    """Make Deployments on one Secret, ready and noted."""
    names = [f"w{index:03}" for index in range(count)]
    namespace.write_secret("one", 1)
    namespace.apply(*(workload("Deployment", name, namespace.name, ["one"]) for name in names))
    kubelet = Kubelet(namespace)
    kubelet.settle()
    return kubelet, names


def test_three_changes_in_one_round_are_one_restart_of_each_kind(tenant_of: MakeTenant, leader: MakeLeader) -> None:
    namespace = tenant_of("restarting-kinds")
    kubelet = one_of_each(namespace, *SECRETS)
    loop = leader(namespace, kubelet)
    loop.baselines()
    assert loop.counted("baseline") == len(PLURALS)
    loop.run()
    assert loop.counted("restarted") == 0
    for secret in SECRETS:
        namespace.write_secret(secret, 2)
        loop.visit()  # as a round would in the midst of it
    loop.run()
    assert loop.counted("restarted") == len(PLURALS)
    assert {kind: namespace.rollouts_of(kind, kind.lower()) for kind in IN_TEMPLATES} == dict.fromkeys(IN_TEMPLATES, 2)
    for kind in IN_TEMPLATES:
        own, of_template = namespace.rolled(kind, kind.lower())
        assert own == of_template is not None
    own, of_template = namespace.rolled("Rollout", "rollout")
    assert own is not None
    assert of_template is None
    assert "restartAt" in namespace.get("Rollout", "rollout")["spec"]
    assert {("Restarted", kind.lower()) for kind in PLURALS} <= namespace.told()
    # Neither it nor another leader has anything left to do.
    states = [one["metadata"]["resourceVersion"] for one in namespace.workloads()]
    for other in (loop, leader(namespace, kubelet)):
        assert other.visit() is None
    assert [one["metadata"]["resourceVersion"] for one in namespace.workloads()] == states


def test_another_version_of_the_same_values_restarts_nothing(tenant_of: MakeTenant, leader: MakeLeader) -> None:
    namespace = tenant_of("restarting-same-values")
    namespace.write_secret("one", 1, versions=1)
    namespace.apply(workload("Deployment", "app", namespace.name, ["one"]))
    kubelet = Kubelet(namespace)
    loop = leader(namespace, kubelet)
    loop.baselines()
    namespace.write_secret("one", 1, versions=2)
    loop.run()
    kubelet.settle()
    assert loop.counted("restarted") == 0
    assert namespace.rollouts_of("Deployment", "app") == 1


def test_a_new_version_of_a_workload_that_uses_one_more_secret_is_rolled_out_once(
    tenant_of: MakeTenant, leader: MakeLeader
) -> None:
    namespace = tenant_of("restarting-one-more")
    kubelet, (name,) = deployments(namespace, 1)
    loop = leader(namespace, kubelet)
    loop.baselines()
    namespace.write_secret("two", 7)
    namespace.apply(workload("Deployment", name, namespace.name, ["one", "two"]))
    kubelet.settle()
    loop.run()
    kubelet.settle()
    assert namespace.rollouts_of("Deployment", name) == 2
    # From now on that Secret counts too.
    namespace.write_secret("two", 8)
    loop.run()
    assert namespace.rollouts_of("Deployment", name) == 3


def test_a_value_that_breaks_a_workload_goes_to_no_other_and_the_next_good_one_goes_to_all(
    tenant_of: MakeTenant, leader: MakeLeader
) -> None:
    namespace = tenant_of("restarting-broken")
    kubelet, names = deployments(namespace, SHARING)
    loop = leader(namespace, kubelet)
    loop.baselines()
    third, rest = names[2], names[3:]
    kubelet.broken = {third}
    namespace.write_secret("one", 2)
    loop.run()
    assert {name: namespace.rollouts_of("Deployment", name) for name in names} == {
        **dict.fromkeys(names[:3], 2),
        **dict.fromkeys(rest, 1),
    }
    assert loop.counted("held") == len(rest)
    assert loop.restarts.problems(namespace.name)[Used("Secret", "one")].cause == "restart-held"
    assert {("RestartNotReady", third), *(("RestartHeld", name) for name in rest[:40])} <= namespace.told()
    # Another leader holds them as well.
    other = leader(namespace, kubelet)
    other.run()
    assert other.counted("restarted") == 0
    kubelet.broken = set()
    namespace.write_secret("one", 3)
    other.run()
    assert {name: namespace.rollouts_of("Deployment", name) for name in names} == {
        **dict.fromkeys(names[:3], 3),
        **dict.fromkeys(rest, 2),
    }
    assert len({namespace.rolled("Deployment", name)[0] for name in [*names[:2], *rest]}) == 1
    assert other.restarts.problems(namespace.name) == {}
    kubelet.settle()


@pytest.mark.parametrize("kind", [kind for kind in PLURALS if kind != "Deployment"])
def test_the_other_kinds_are_held_too(tenant_of: MakeTenant, leader: MakeLeader, kind: str) -> None:
    namespace = tenant_of(f"restarting-broken-{kind.lower()}")
    namespace.write_secret("one", 1)
    namespace.apply(*(workload(kind, name, namespace.name, ["one"]) for name in ("first", "second")))
    kubelet = Kubelet(namespace)
    kubelet.settle()
    loop = leader(namespace, kubelet)
    loop.baselines()
    before = namespace.rolled(kind, "second")
    kubelet.broken = {"first"}
    namespace.write_secret("one", 2)
    loop.run()
    assert (loop.counted("restarted"), loop.counted("held")) == (1, 1)
    assert namespace.rolled(kind, "second") == before
    assert ("RestartHeld", "second") in namespace.told()
    # Of a Rollout its controller says when it has failed; the others have ten minutes.
    assert (sum(filter(None, loop.waited)) > 600) == (kind != "Rollout")


@pytest.mark.parametrize("remedy", ["it becomes ready after all", "it is excepted"])
def test_a_hold_ends_when(tenant_of: MakeTenant, leader: MakeLeader, remedy: str) -> None:
    namespace = tenant_of(f"restarting-{remedy.replace(' ', '-')}")
    kubelet, (first, second) = deployments(namespace, 2)
    loop = leader(namespace, kubelet)
    loop.baselines()
    kubelet.broken = {first}
    namespace.write_secret("one", 2)
    loop.run()
    assert namespace.rollouts_of("Deployment", second) == 1
    if remedy == "it is excepted":
        namespace.change("Deployment", first, {"metadata": {"annotations": {"keyhole.dev/restart": "false"}}})
    else:
        kubelet.broken = set()
    kubelet.settle()
    loop.run()
    assert namespace.rollouts_of("Deployment", second) == 2


def test_to_enable_restarts_restarts_nothing(tenant_of: MakeTenant, leader: MakeLeader) -> None:
    namespace = tenant_of("restarting-enabled")
    namespace.write_secret("one", 5)
    kinds = [list(PLURALS)[index % len(PLURALS)] for index in range(ENABLED)]
    for index, kind in enumerate(kinds):
        manifest = workload(kind, f"w{index}", namespace.name, ["one"])
        del manifest["metadata"]["annotations"]
        namespace.apply(manifest)
    kubelet = Kubelet(namespace)
    kubelet.settle()
    loop = leader(namespace, kubelet)
    loop.baselines()
    assert loop.counted("baseline") == 0
    namespace.annotate(restart="true")
    loop.baselines()
    loop.run()
    kubelet.settle()
    assert loop.counted("baseline") == len(kinds)
    assert loop.counted("restarted") == 0
    for index, kind in enumerate(kinds):
        own, of_template = namespace.rolled(kind, f"w{index}")
        assert (own is not None, of_template) == (True, None)
        if kind in IN_TEMPLATES:
            assert namespace.rollouts_of(kind, f"w{index}") == 1
    # They are followed from here on, but for the one that is excepted.
    namespace.change(kinds[0], "w0", {"metadata": {"annotations": {"keyhole.dev/restart": "false"}}})
    namespace.write_secret("one", 6)
    loop.run()
    assert loop.counted("restarted") == len(kinds) - 1


def test_those_that_somebody_stopped_are_left_alone_and_it_is_told(tenant_of: MakeTenant, leader: MakeLeader) -> None:
    namespace = tenant_of("restarting-stopped")
    kubelet = one_of_each(namespace, "one")
    loop = leader(namespace, kubelet)
    loop.baselines()
    on_delete = {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}
    namespace.change("Deployment", "deployment", {"spec": {"paused": True}})
    namespace.change("Rollout", "rollout", {"spec": {"paused": True}})
    for kind in ("StatefulSet", "DaemonSet"):
        namespace.change(kind, kind.lower(), {"spec": on_delete})
    namespace.write_secret("one", 2)
    loop.run()
    assert loop.counted("restarted") == 0
    assert {("RestartPaused", kind.lower()) for kind in PLURALS} <= namespace.told()
    assert loop.restarts.problems(namespace.name)[Used("Secret", "one")].cause == "restart-paused"
    namespace.change("Deployment", "deployment", {"spec": {"paused": False}})
    kubelet.settle()
    loop.run()
    assert loop.counted("restarted") == 1
    assert namespace.rollouts_of("Deployment", "deployment") == 2


def test_of_two_leaders_one_restarts(tenant_of: MakeTenant, leader: MakeLeader) -> None:
    namespace = tenant_of("restarting-two-leaders")
    kubelet, (name,) = deployments(namespace, 1)
    loops = [leader(namespace, kubelet) for _ in range(2)]
    loops[0].baselines()
    namespace.write_secret("one", 2)
    with ThreadPoolExecutor(2) as both:
        assert [*both.map(Loop.visit, loops)] == [5.0, 5.0]  # each waits for further changes
        list(both.map(Loop.visit, loops))
    kubelet.settle()
    for loop in loops:
        loop.run()
    assert sum(loop.counted("restarted") for loop in loops) == 1
    assert namespace.rollouts_of("Deployment", name) == 2


def test_without_the_right_nothing_happens_and_the_log_says_what_is_missing(
    tenant_of: MakeTenant, leader: MakeLeader, caplog: pytest.LogCaptureFixture
) -> None:
    namespace = tenant_of("restarting-without", restarts=False)
    kubelet, (name,) = deployments(namespace, 1)
    loop = leader(namespace, kubelet)
    loop.baselines()
    assert loop.visit() is None
    assert "keyhole tenant --restarts" not in caplog.text
    namespace.annotate(restart="true")
    namespace.write_secret("one", 2)
    for _ in range(3):
        loop.baselines()
        assert loop.visit() is None
    assert caplog.text.count("keyhole tenant --restarts") == 1
    assert namespace.rolled("Deployment", name) == (None, None)


def test_five_are_in_progress_in_the_cluster_and_no_more(tenant_of: MakeTenant, leader: MakeLeader) -> None:
    loop: Loop | None = None
    stage: list[tuple[Namespaced, Kubelet, Loop]] = []
    for index in range(6):
        namespace = tenant_of(f"restarting-many-{index}")
        kubelet, _ = deployments(namespace, 1)
        loop = leader(namespace, kubelet, loop)
        loop.baselines()
        namespace.write_secret("one", 2)
        stage.append((namespace, kubelet, loop))
    for _, _, loop in stage:
        assert loop.visit() == 5.0  # for further changes
    assert [loop.visit() for _, _, loop in stage] == [2.0] * 5 + [5.0]
    assert [namespace.rollouts_of("Deployment", "w000") for namespace, _, _ in stage][5] == 1
    stage[0][1].settle()
    assert stage[0][2].visit() is None
    assert stage[5][2].visit() == 2.0
    stage[5][1].settle()
    assert stage[5][0].rollouts_of("Deployment", "w000") == 2


def test_one_that_the_api_server_does_not_let_it_restart_holds_nobody(
    bed: Testbed, tenant_of: MakeTenant, leader: MakeLeader
) -> None:
    namespace = tenant_of("restarting-refused")
    kubelet, (first, second) = deployments(namespace, 2)
    loop = leader(namespace, kubelet)
    loop.baselines()
    spec = {
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace.name}},
            "resourceRules": [
                {"apiGroups": ["apps"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["deployments"]}
            ],
        },
        "validations": [{"expression": f"object.metadata.name != '{first}'", "message": "frozen"}],
    }
    apply(bed, *policy_and_binding("restarting-refused", spec, ["Deny"]))
    deadline = time.monotonic() + 60
    label = {"metadata": {"labels": {"tried": "x"}}}
    path = f"/apis/apps/v1/namespaces/{namespace.name}/deployments/{first}?dryRun=All"
    while bed.kubernetes.request("PATCH", path, label, content_type="application/merge-patch+json").ok:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    namespace.write_secret("one", 2)
    loop.run()
    assert [namespace.rollouts_of("Deployment", name) for name in (first, second)] == [1, 2]
    assert (loop.counted("failed"), loop.counted("restarted")) == (1, 1)
    assert ("RestartRefused", first) in namespace.told()


def test_secrets_that_never_rest_delay_a_restart_for_half_a_minute_at_most(
    tenant_of: MakeTenant, leader: MakeLeader
) -> None:
    namespace = tenant_of("restarting-unrest")
    kubelet, (name,) = deployments(namespace, 1)
    loop = leader(namespace, kubelet)
    loop.baselines()
    for n in range(2, 9):
        namespace.write_secret("one", n)
        loop.visit()
    assert loop.waited == [5.0] * 6 + [2.0]
    kubelet.settle()
    assert namespace.rollouts_of("Deployment", name) == 2
