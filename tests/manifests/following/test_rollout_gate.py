from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.following.rollout_gate import Gate, deadline_seconds, gate

READY, PROGRESSING, STUCK, PAUSED, ON_DELETE = Gate
DONE = {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}
SET_DONE = {**DONE, "currentRevision": "b", "updateRevision": "b"}
DAEMONS_DONE = {"observedGeneration": 2, "desiredNumberScheduled": 3}
DAEMONS_DONE |= {"updatedNumberScheduled": 3, "numberAvailable": 3}
TOO_LATE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
AT, EARLIER = "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Rollout")


def workload(spec: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"generation": 2}, "spec": {"replicas": 3, **spec}, "status": status}


@pytest.mark.parametrize(
    ("kind", "spec", "status", "expected"),
    [
        pytest.param("Deployment", {}, DONE, READY, id="a Deployment whose pods are all new and available"),
        pytest.param(
            "Deployment", {}, {**DONE, "observedGeneration": 1}, PROGRESSING, id="its controller has not looked yet"
        ),
        pytest.param("Deployment", {}, {**DONE, "updatedReplicas": 2}, PROGRESSING, id="one pod is old"),
        pytest.param("Deployment", {}, {**DONE, "replicas": 4}, PROGRESSING, id="an old pod is still there"),
        pytest.param("Deployment", {}, {**DONE, "availableReplicas": 2}, PROGRESSING, id="one pod is not available"),
        pytest.param(
            "Deployment",
            {},
            {**DONE, "availableReplicas": 2, "conditions": [TOO_LATE]},
            STUCK,
            id="its controller gave up waiting",
        ),
        pytest.param(
            "Deployment",
            {},
            {**DONE, "observedGeneration": 1, "conditions": [TOO_LATE]},
            PROGRESSING,
            id="what its controller says is about the former template",
        ),
        pytest.param("Deployment", {"paused": True}, DONE, PAUSED, id="a paused Deployment"),
        pytest.param("Deployment", {"replicas": 0}, {"observedGeneration": 2}, READY, id="a Deployment without pods"),
        pytest.param("Deployment", {}, {}, PROGRESSING, id="a Deployment that was just made"),
        pytest.param("StatefulSet", {}, SET_DONE, READY, id="a StatefulSet whose pods are all new and available"),
        pytest.param(
            "StatefulSet",
            {},
            {**SET_DONE, "currentRevision": "a", "updatedReplicas": 1},
            PROGRESSING,
            id="a StatefulSet in the middle of it",
        ),
        pytest.param(
            "StatefulSet",
            {"updateStrategy": {"rollingUpdate": {"partition": 2}}},
            {**SET_DONE, "currentRevision": "a", "updatedReplicas": 1},
            READY,
            id="a StatefulSet that keeps two pods on purpose",
        ),
        pytest.param("StatefulSet", {}, {**SET_DONE, "availableReplicas": 2}, PROGRESSING, id="one is not available"),
        pytest.param("StatefulSet", {"updateStrategy": {"type": "OnDelete"}}, SET_DONE, ON_DELETE, id="OnDelete"),
        pytest.param("DaemonSet", {}, DAEMONS_DONE, READY, id="a DaemonSet on all nodes"),
        pytest.param(
            "DaemonSet", {}, {**DAEMONS_DONE, "updatedNumberScheduled": 2}, PROGRESSING, id="a node has an old pod"
        ),
        pytest.param("DaemonSet", {}, {**DAEMONS_DONE, "numberAvailable": 2}, PROGRESSING, id="a pod is not available"),
        pytest.param("DaemonSet", {}, {"observedGeneration": 2}, PROGRESSING, id="a DaemonSet nobody has looked at"),
        pytest.param(
            "DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, DAEMONS_DONE, ON_DELETE, id="OnDelete on nodes"
        ),
        pytest.param("Rollout", {}, {"observedGeneration": "2", "phase": "Healthy"}, READY, id="a healthy Rollout"),
        pytest.param(
            "Rollout",
            {"restartAt": AT},
            {"observedGeneration": "2", "phase": "Healthy", "restartedAt": EARLIER},
            PROGRESSING,
            id="a Rollout whose pods are being restarted",
        ),
        pytest.param(
            "Rollout",
            {"restartAt": AT},
            {"observedGeneration": "2", "phase": "Healthy", "restartedAt": AT},
            READY,
            id="a Rollout whose pods were restarted",
        ),
        pytest.param(
            "Rollout",
            {"restartAt": "soon"},
            {"observedGeneration": "2", "phase": "Healthy"},
            READY,
            id="a Rollout whose restartAt nobody can read",
        ),
        pytest.param("Rollout", {}, {"observedGeneration": "2", "phase": "Degraded"}, STUCK, id="a degraded Rollout"),
        pytest.param(
            "Rollout", {}, {"observedGeneration": "2", "phase": "Paused"}, PAUSED, id="a canary that waits for somebody"
        ),
        pytest.param("Rollout", {"paused": True}, {}, PAUSED, id="a paused Rollout"),
        pytest.param("Rollout", {}, {"observedGeneration": "1", "phase": "Healthy"}, PROGRESSING, id="not seen yet"),
        pytest.param("Something", {}, DONE, PROGRESSING, id="another kind is never ready"),
    ],
)
def test_gate(kind: str, spec: dict[str, Any], status: dict[str, Any], expected: Gate) -> None:
    assert gate(kind, workload(spec, status)) is expected


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [
        pytest.param({}, 600, id="Kubernetes' default"),
        pytest.param({"progressDeadlineSeconds": 30}, 30, id="the workload's own"),
        pytest.param({"progressDeadlineSeconds": 2**31 - 1}, 600, id="none"),
        pytest.param({"progressDeadlineSeconds": "30"}, 600, id="something else"),
    ],
)
def test_deadline(spec: dict[str, Any], seconds: float) -> None:
    assert deadline_seconds({"spec": spec}) == seconds


_WORDS = st.sampled_from(
    [
        "metadata",
        "generation",
        "spec",
        "replicas",
        "paused",
        "updateStrategy",
        "type",
        "rollingUpdate",
        "partition",
        "restartAt",
        "status",
        "phase",
        "observedGeneration",
        "conditions",
        "reason",
        "restartedAt",
        "desiredNumberScheduled",
        "progressDeadlineSeconds",
    ]
)
_TEXTS = st.text(max_size=5) | st.sampled_from(["Progressing", "OnDelete", "Healthy", AT, "2026-01-01", "9" * 5000])
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=30,
)


@given(st.sampled_from(KINDS), st.dictionaries(_WORDS, _ANYTHING, max_size=4))
def test_any_document_has_an_answer(kind: str, document: dict[str, Any]) -> None:
    assert gate(kind, document) in Gate
    assert 0 < deadline_seconds(document) <= 3600
