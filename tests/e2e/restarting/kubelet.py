"""What stands in for kubelet and for Argo's controller: nobody runs pods here, so they are declared ready."""

import time
from datetime import UTC, datetime
from typing import Any

from tests.e2e.restarting.workloads import Namespaced

_SECONDS = 120.0
_POLL_SECONDS = 0.1


class Kubelet:
    """Declares the pods of a namespace ready, apart from the new ones of workloads that are `broken`."""

    def __init__(self, namespace: Namespaced) -> None:
        self._namespace = namespace
        self.broken: set[str] = set()

    def settle(self) -> None:
        """Wait until the controllers have done what they can for every workload, and pods are ready as they should."""
        deadline = time.monotonic() + _SECONDS
        while True:
            unsettled = self.look()
            if not unsettled:
                return
            assert time.monotonic() < deadline, unsettled
            time.sleep(_POLL_SECONDS)

    def look(self) -> list[str]:
        """Do once what there is to do, and return the workloads that are not settled."""
        self._declare_pods_ready()
        workloads = self._namespace.workloads()
        for one in workloads:
            if one["kind"] == "Rollout":
                self._restart_pods(one)
        return [one["metadata"]["name"] for one in workloads if not self._is_settled(one)]

    def _declare_pods_ready(self) -> None:
        for pod in self._namespace.all_of("Pod"):
            metadata, status = pod["metadata"], pod.get("status", {})
            is_ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", []))
            if is_ready or "deletionTimestamp" in metadata or metadata["labels"]["app"] in self.broken:
                continue
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            ready = {"type": "Ready", "status": "True", "lastTransitionTime": now}
            body = {"status": {"phase": "Running", "conditions": [ready]}}
            path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
            answer = self._namespace.bed.kubernetes.request(
                "PATCH", path, body, content_type="application/merge-patch+json"
            )
            assert answer.ok or answer.status_code == 404, answer.text  # it may have been replaced meanwhile

    def _restart_pods(self, rollout: dict[str, Any]) -> None:
        name = rollout["metadata"]["name"]
        status = {"observedGeneration": str(rollout["metadata"]["generation"]), "phase": "Healthy"}
        if "restartAt" in rollout["spec"] and name in self.broken:
            status["phase"] = "Degraded"
        elif "restartAt" in rollout["spec"]:
            status["restartedAt"] = rollout["spec"]["restartAt"]
        if rollout.get("status") != status:
            self._namespace.change("Rollout", name, {"status": status}, "/status")

    def _is_settled(self, one: dict[str, Any]) -> bool:
        status, spec = one.get("status", {}), one["spec"]
        if int(status.get("observedGeneration", 0)) < one["metadata"]["generation"]:
            return False
        conditions = {each.get("reason") for each in status.get("conditions", [])}
        is_broken = one["metadata"]["name"] in self.broken
        match one["kind"]:
            case "Deployment":
                numbers = [status.get(each, 0) for each in ("updatedReplicas", "availableReplicas", "replicas")]
                return numbers == [spec["replicas"]] * 3 or (is_broken and "ProgressDeadlineExceeded" in conditions)
            case "StatefulSet":
                is_new = status["updateRevision"] == status["currentRevision"]
                return is_broken or (is_new and status.get("availableReplicas", 0) == spec["replicas"])
            case "DaemonSet":
                numbers = [status.get(each, 0) for each in ("updatedNumberScheduled", "numberAvailable")]
                # Before the controller has seen the node, it wants no pod, and has it.
                wanted = status["desiredNumberScheduled"]
                return wanted > 0 and (is_broken or numbers == [wanted] * 2)
        return True
