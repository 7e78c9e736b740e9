"""The Secret with the record keys, as an administrator asks for a rotation of them. No key is ever read here."""

import secrets as random
from collections.abc import Mapping
from pathlib import Path

from cli.errors import NotDoneError
from kube.client import connect
from kube.errors import Conflict, KubernetesError, KubernetesUnavailable
from kube.objects import Metadata, ObjectName
from kube.secrets import Secrets
from manifests.provenance.key_status import DROP_OLD, ROTATE, STATUS, Rotation, Step, drop_of, parse, request_of

_CALL_SECONDS = 10.0
_ATTEMPTS = 5


class KeySecret:
    """The Secret, of which only the metadata is looked at."""

    def __init__(self, name: ObjectName, kubeconfig: Path) -> None:
        self._name = name
        try:
            self._secrets = Secrets(connect(kubeconfig))
        except KubernetesUnavailable as error:
            raise NotDoneError(str(error)) from None

    def read(self) -> Metadata:
        """Return its metadata now."""
        try:
            return self._secrets.read_metadata(self._name, _CALL_SECONDS)
        except (KubernetesError, KubernetesUnavailable) as error:
            raise NotDoneError(str(error)) from None

    def rotation(self) -> Rotation | None:
        """Return the rotation as it is told now; None, too, while the API server does not answer."""
        try:
            found = parse(self._secrets.read_metadata(self._name, _CALL_SECONDS).annotations.get(STATUS))
        except KubernetesUnavailable:
            return None
        except KubernetesError as error:
            raise NotDoneError(str(error)) from None
        return found.rotation if found else None

    def ask(self, *, drop_old: bool) -> tuple[str, bool]:
        """Return the request of the rotation that is under way, or of a new one, and whether it is new.

        With `drop_old` ask as well that it ends whatever is left.
        """
        for _ in range(_ATTEMPTS):
            metadata = self.read()
            known = parse(metadata.annotations.get(STATUS))
            if known is None:
                raise NotDoneError(f"Secret {self._name} holds no key yet: is `keyhole controller` running?")
            under_way = request_of(metadata.annotations)
            # A request that somebody left in the meantime waits for the end of this one.
            if known.rotation is not None and known.rotation.step is not Step.DONE:
                under_way = known.rotation.request
            request = under_way or random.token_hex(4)
            wanted = {} if under_way else {ROTATE: request}
            if drop_old and drop_of(metadata.annotations) != request:
                wanted[DROP_OLD] = request
            if not wanted or self._annotate(metadata, wanted):
                return request, not under_way
        raise NotDoneError(f"Secret {self._name} changes all the time; try again")

    def _annotate(self, metadata: Metadata, annotations: Mapping[str, str]) -> bool:
        """Set annotations, and return False when somebody else changed the Secret meanwhile."""
        try:
            self._secrets.change(self._name, annotations, _CALL_SECONDS, resource_version=metadata.resource_version)
        except Conflict:
            return False
        except (KubernetesError, KubernetesUnavailable) as error:
            raise NotDoneError(str(error)) from None
        return True
