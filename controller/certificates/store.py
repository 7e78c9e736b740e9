"""A Secret with certificates, as the controller reads, creates and changes it."""

from collections.abc import Collection, Mapping
from typing import Final

from kube.objects import ObjectName
from kube.secrets import Secret, Secrets
from manifests.annotations import DOMAIN

RENEW: Final = f"{DOMAIN}/renew"
"""Set by an administrator, to any text, to have the content renewed. The controller removes it."""
_CALL_SECONDS = 10.0


class CertificateStore:
    """One Secret, parts of which the controller writes.

    Its methods raise `kube.errors.KubernetesUnavailable` or `KubernetesError`, `Conflict` among them.
    """

    def __init__(self, secrets: Secrets, name: ObjectName, parts: Collection[str]) -> None:
        self.name = name
        self._secrets = secrets
        self._parts = parts

    def read(self) -> Secret:
        """Return the current Secret. If it does not exist, an empty one is created."""
        return self._secrets.read_or_make(self.name, _CALL_SECONDS)

    def write(self, secret: Secret, content: Mapping[str, bytes], *, takes_up_request: bool) -> bool:
        """Write this content, based on the version that was read. Returns whether that changed anything.

        Parts of others stay.
        """
        data = {part: content.get(part) for part in self._parts if content.get(part) != secret.data.get(part)}
        if not data:
            return False
        annotations = {RENEW: None} if takes_up_request else {}
        self._secrets.change(
            self.name, annotations, _CALL_SECONDS, data=data, resource_version=secret.metadata.resource_version
        )
        return True


def is_asked_to_renew(secret: Secret) -> bool:
    """Return whether a renewal was requested."""
    return bool(secret.metadata.annotations.get(RENEW))
