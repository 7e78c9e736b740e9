"""Says why pods wait: an Event about what made the pod, and a line in the log."""

from typing import Final

from controller.telling.telling import Telling
from kube.objects import Metadata, ObjectName
from kube.tenant_clients import TenantApi
from manifests.variables.owners import PodFacts

_MISSING: Final = "VariablesMissing"
_NOT_KEPT: Final = "VariablesNotKept"
_MOST_CHARACTERS: Final = 800


class VariablesTelling:
    """Tells of pods whose variables are missing. Threads may share it. Never raises errors of `kube`."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling

    def missing(self, tenant: TenantApi, pod: PodFacts, secret: str, why: str) -> None:
        """Say why a Secret for a pod's variables is not there. `why` must hold no value; it is cut."""
        named = f"Secret {secret}" if secret else "the Secret"
        self._tell(
            tenant, pod, _MISSING, f"Pod {pod.itself.name} waits for its variables: {named} cannot be made.", why
        )

    def not_kept(self, tenant: TenantApi, pod: PodFacts, secret: str, why: str) -> None:
        """Say why a Secret that is there is not as it should be: edited, or without an owner that it needs."""
        begin = f"Secret {secret}, which has the variables of pod {pod.itself.name}, cannot be put right."
        self._tell(tenant, pod, _NOT_KEPT, begin, why)

    def _tell(self, tenant: TenantApi, pod: PodFacts, reason: str, begin: str, why: str) -> None:
        maker = pod.maker
        about = Metadata(ObjectName(tenant.namespace, maker.name), "", {}, uid=maker.uid)
        cut = why if len(why) <= _MOST_CHARACTERS else f"{why[:_MOST_CHARACTERS]}…"
        self._telling.event(tenant, about, maker.kind, maker.api_version, reason, f"{begin} {cut}", is_warning=True)
