"""Says why pods wait: an Event about what made the pod, and a line in the log."""

from typing import Final

from controller.telling.telling import Telling
from kube.objects import Metadata, ObjectName
from kube.tenant_clients import TenantApi
from manifests.variables.owners import PodFacts

_REASON: Final = "VariablesMissing"
_MOST_CHARACTERS: Final = 800


class VariablesTelling:
    """Tells of pods whose variables are missing. Threads may share it. Never raises errors of `kube`."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling

    def missing(self, tenant: TenantApi, pod: PodFacts, secret: str, why: str) -> None:
        """Say why a Secret for a pod's variables is not there. `why` must hold no value; it is cut."""
        maker = pod.maker
        about = Metadata(ObjectName(tenant.namespace, maker.name), "", {}, uid=maker.uid)
        named = f"Secret {secret}" if secret else "the Secret"
        cut = why if len(why) <= _MOST_CHARACTERS else f"{why[:_MOST_CHARACTERS]}…"
        note = f"Pod {pod.itself.name} waits for its variables: {named} cannot be made. {cut}"
        self._telling.event(tenant, about, maker.kind, maker.api_version, _REASON, note, is_warning=True)
