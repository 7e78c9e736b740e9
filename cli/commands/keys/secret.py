"""The Secret with the record keys, as an administrator asks to have them rotated. Never reads a key."""

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
    """The Secret. Only its metadata is ever read."""

    def __init__(self, name: ObjectName, kubeconfig: Path) -> None:
        self._name = name
        try:
            self._secrets = Secrets(connect(kubeconfig))
        except KubernetesUnavailable as error:
            raise NotDoneError(str(error)) from None

    def read(self) -> Metadata:
        """Return its current metadata."""
        try:
            return self._secrets.read_metadata(self._name, _CALL_SECONDS)
        except (KubernetesError, KubernetesUnavailable) as error:
            raise NotDoneError(str(error)) from None

    def rotation(self) -> Rotation | None:
        """Return the rotation as the Secret has it now; None if there is none or the API server does not answer."""
        try:
            found = parse(self._secrets.read_metadata(self._name, _CALL_SECONDS).annotations.get(STATUS))
        except KubernetesUnavailable:
            return None
        except KubernetesError as error:
            raise NotDoneError(str(error)) from None
        return found.rotation if found else None

    def ask(self, *, drop_old: bool) -> tuple[str, bool]:
        """Return the request of the rotation that is under way, or of a new one, and whether it is new.

        With `drop_old`, also ask that it ends even if records are left.
        """
        for _ in range(_ATTEMPTS):
            metadata = self.read()
            known = parse(metadata.annotations.get(STATUS))
            if known is None:
                raise NotDoneError(f"Secret {self._name} holds no key yet: is `keyhole controller` running?")
            under_way = request_of(metadata.annotations)
            # A request that somebody made in the meantime waits until this one has ended.
            if known.rotation is not None and known.rotation.step is not Step.DONE:
                under_way = known.rotation.request
            request = under_way or random.token_hex(4)
            wanted = {} if under_way else {ROTATE: request}
            if drop_old and drop_of(metadata.annotations) != request:
                wanted[DROP_OLD] = request
            if not wanted or self._annotate(metadata, wanted):
                return request, not under_way
        raise NotDoneError(f"Secret {self._name} keeps changing; try again")

    def _annotate(self, metadata: Metadata, annotations: Mapping[str, str]) -> bool:
        """Set annotations; return False if somebody else has changed the Secret in the meantime."""
        try:
            self._secrets.change(self._name, annotations, _CALL_SECONDS, resource_version=metadata.resource_version)
        except Conflict:
            return False
        except (KubernetesError, KubernetesUnavailable) as error:
            raise NotDoneError(str(error)) from None
        return True
