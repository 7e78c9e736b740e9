"""Whether a workload has its pods as its template says, so that the next one may be restarted.

Sources: Kubernetes, *Deployments*, "Deployment status"; the rules of `kubectl rollout status`; Argo Rollouts,
*Restarting Rollout Pods*, and its `status.phase`.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final

Document = Mapping[str, Any]


class Gate(Enum):
    """The state of a workload's pods."""

    READY = "ready"
    PROGRESSING = "progressing"
    STUCK = "stuck"  # not ready within its deadline
    PAUSED = "paused"  # somebody wants no rollout now
    ON_DELETE = "on-delete"  # its pods are replaced by whoever deletes them


# Kubernetes' default for Deployments.
_DEADLINE_SECONDS: Final = 600.0
# A Deployment can have a deadline of 68 years, which means none.
_MOST_SECONDS: Final = 3600.0


def gate(kind: str, workload: Document) -> Gate:
    """Judge a Deployment, StatefulSet, DaemonSet or Rollout as the API server sends it.

    STUCK only if the workload's own controller says so; how long it has been progressing is the caller's to know.
    Whatever is missing or malformed counts as not ready.
    """
    spec, status = _part(workload, "spec"), _part(workload, "status")
    if spec.get("paused") is True and kind in {"Deployment", "Rollout"}:
        return Gate.PAUSED
    if kind in {"StatefulSet", "DaemonSet"} and _part(spec, "updateStrategy").get("type") == "OnDelete":
        return Gate.ON_DELETE
    if _observed(status) < _number(_part(workload, "metadata"), "generation"):
        return Gate.PROGRESSING
    if kind == "Rollout":
        return _of_rollout(spec, status)
    if kind == "Deployment" and _is_beyond_its_deadline(status):
        return Gate.STUCK
    is_ready = _JUDGES[kind](spec, status) if kind in _JUDGES else False
    return Gate.READY if is_ready else Gate.PROGRESSING


def deadline_seconds(workload: Document) -> float:
    """Return how long its pods may take: `spec.progressDeadlineSeconds`, at most an hour, or ten minutes."""
    seconds = _number(_part(workload, "spec"), "progressDeadlineSeconds")
    return float(seconds) if 0 < seconds <= _MOST_SECONDS else _DEADLINE_SECONDS


def _is_beyond_its_deadline(status: Document) -> bool:
    found = status.get("conditions")
    conditions = found if isinstance(found, list) else []
    return any(
        isinstance(one, Mapping)
        and one.get("type") == "Progressing"
        and one.get("reason") == "ProgressDeadlineExceeded"
        for one in conditions
    )


def _deployment_is_ready(spec: Document, status: Document) -> bool:
    wanted, updated = _number(spec, "replicas", 1), _number(status, "updatedReplicas")
    return updated >= wanted and _number(status, "replicas") <= updated <= _number(status, "availableReplicas")


def _stateful_set_is_ready(spec: Document, status: Document) -> bool:
    wanted = _number(spec, "replicas", 1)
    # Pods below the partition keep the old template on purpose.
    kept = _number(_part(spec, "updateStrategy", "rollingUpdate"), "partition")
    is_updated = status.get("updateRevision") == status.get("currentRevision") or (
        _number(status, "updatedReplicas") >= max(0, wanted - kept)
    )
    return is_updated and _number(status, "availableReplicas") >= wanted


def _daemon_set_is_ready(_spec: Document, status: Document) -> bool:
    if "desiredNumberScheduled" not in status:
        return False
    wanted = _number(status, "desiredNumberScheduled")
    return _number(status, "updatedNumberScheduled") >= wanted and _number(status, "numberAvailable") >= wanted


_JUDGES: Final = {
    "Deployment": _deployment_is_ready,
    "StatefulSet": _stateful_set_is_ready,
    "DaemonSet": _daemon_set_is_ready,
}


def _of_rollout(spec: Document, status: Document) -> Gate:
    phase = status.get("phase")
    if phase == "Degraded":
        return Gate.STUCK
    if phase == "Paused":
        return Gate.PAUSED
    wanted, done = _moment(spec.get("restartAt")), _moment(status.get("restartedAt"))
    is_restarted = wanted is None or (done is not None and done >= wanted)
    return Gate.READY if phase == "Healthy" and is_restarted else Gate.PROGRESSING


def _observed(status: Document) -> int:
    """Return `observedGeneration`. Argo Rollouts writes it as a text."""
    found = status.get("observedGeneration")
    if isinstance(found, str) and found.isascii() and found.isdigit():
        return int(found[:18])
    return _number(status, "observedGeneration")


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def _number(document: Document, name: str, otherwise: int = 0) -> int:
    found = document.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else otherwise


def _part(document: Document, *names: str) -> Document:
    for name in names:
        found = document.get(name)
        document = found if isinstance(found, Mapping) else {}
    return document
