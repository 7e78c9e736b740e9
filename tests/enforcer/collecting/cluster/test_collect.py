"""The section of the cluster: one namespace keeps no other one back, whatever becomes of it."""

from typing import Any

import pytest

from enforcer.collecting.cluster import collect as section
from enforcer.collecting.cluster.namespaces import Looking, not_looked_at
from enforcer.collecting.inventory import nothing_yet
from enforcer.collecting.run import Run
from enforcer.collecting.sources import Sources
from enforcer.facts.base import NotKnown, is_known
from enforcer.facts.cluster import Namespace
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.objects import Metadata, ObjectName
from resolver.deadline import Deadline
from tests.enforcer.judging.clusters import WHEN

NAMES = [f"n{number}" for number in range(9)]


def collected(
    monkeypatch: pytest.MonkeyPatch,
    listed: Any,
    looked_at: Any = None,
    run: Run | None = None,
    without_label: Any = None,
) -> Any:
    """Collect from an API server that lists these namespaces, or raises what `listed` is."""

    class Listing:
        def __init__(self, _api: object) -> None:
            pass

        def list_enabled_metadata(self, _seconds: float) -> list[Metadata]:
            if isinstance(listed, Exception):
                raise listed
            return [Metadata(ObjectName("", name), "1", {}) for name in listed]

        def list_others_metadata(self, _seconds: float) -> list[Metadata]:
            return [Metadata(ObjectName("", name), "1", {}) for name in ("a", "kube-system", "keyhole", "broken", "z")]

    monkeypatch.setattr(section, "connect", lambda _kubeconfig: None)
    monkeypatch.setattr(section, "Namespaces", Listing)
    monkeypatch.setattr(section, "TenantClients", lambda _api, most_kept: most_kept)
    monkeypatch.setattr(section, "looked_at", looked_at)
    monkeypatch.setattr(section, "looked_at_without_label", without_label or (lambda _looking, _metadata: None))
    return section.collect(Sources(), run or Run(Deadline.after(60)), nothing_yet("test", WHEN))


def looked(_looking: Looking, metadata: Metadata) -> Namespace:
    return not_looked_at(metadata, NotKnown(not_known="seen"))


def test_a_bug_that_one_namespace_brings_out_leaves_the_others_known(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(looking: Looking, metadata: Metadata) -> Namespace:
        if metadata.name.name == "n4":
            raise KeyError("canary")
        return looked(looking, metadata)

    found = collected(monkeypatch, NAMES, failing)
    assert [one.name for one in found.namespaces] == NAMES
    unknown = {one.name: one.objects.not_known for one in found.namespaces}
    assert unknown.pop("n4") == "a bug in Keyhole: KeyError"
    assert set(unknown.values()) == {"seen"}
    assert "n4" in caplog.text
    assert "canary" not in caplog.text


def test_once_the_run_has_to_end_the_rest_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(Deadline.after(60))

    def stopping(looking: Looking, metadata: Metadata) -> Namespace:
        run.stop("SIGTERM")
        return looked(looking, metadata)

    found = collected(monkeypatch, NAMES, stopping, run)
    assert is_known(found)
    reasons = [one.objects.not_known for one in found.namespaces]
    assert len(reasons) == len(NAMES)
    assert reasons[-1] == "SIGTERM"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KubernetesError("listing namespaces", 403), "lacks the right to list namespaces"),
        (KubernetesUnavailable("did not answer"), "did not answer, when asked to list namespaces"),
    ],
)
def test_without_the_list_of_namespaces_nothing_is_known(
    monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    run = Run(Deadline.after(60))
    monkeypatch.setattr(run, "wait", lambda _seconds: None)
    found = collected(monkeypatch, error, run=run)
    assert told in found.not_known


def test_no_cluster_is_asked_if_nobody_wants_it() -> None:
    found = section.collect(Sources(cluster=False), Run(Deadline.after(1)), nothing_yet("test", WHEN))
    assert found == NotKnown(not_known="no cluster was asked")


def test_others_are_there_as_far_as_they_concern_keyhole_but_for_those_that_no_tenant_can_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def without_label(_looking: Looking, metadata: Metadata) -> Namespace | None:
        if metadata.name.name == "broken":
            raise KeyError("canary")
        return looked(_looking, metadata) if metadata.name.name != "z" else None

    found = collected(monkeypatch, ["b"], looked, without_label=without_label)
    assert [(one.name, one.enabled) for one in found.namespaces] == [("a", True), ("b", True), ("broken", False)]
    assert found.namespaces[2].objects == NotKnown(not_known="a bug in Keyhole: KeyError")
