"""A Secret of certificates, as the controller reads, makes and changes it."""

from collections.abc import Collection, Mapping
from typing import Final

from kube.objects import ObjectName
from kube.secrets import Secret, Secrets
from manifests.annotations import DOMAIN

RENEW: Final = f"{DOMAIN}/renew"
"""An administrator's request to renew what the Secret holds, any text; the controller takes it off."""
_CALL_SECONDS = 10.0


class CertificateStore:
    """One Secret, of which the controller writes some parts.

    Its methods raise `kube.errors.KubernetesUnavailable` or `KubernetesError`, `Conflict` among them.
    """

    def __init__(self, secrets: Secrets, name: ObjectName, parts: Collection[str]) -> None:
        self.name = name
        self._secrets = secrets
        self._parts = parts

    def read(self) -> Secret:
        """Return the Secret as it is now; one that is gone is made, empty."""
        return self._secrets.read_or_make(self.name, _CALL_SECONDS)

    def write(self, secret: Secret, content: Mapping[str, bytes], *, takes_up_request: bool) -> bool:
        """Give the Secret this content from the state in which it was read, and return whether that changed anything.

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
    """Return whether somebody asks for it."""
    return bool(secret.metadata.annotations.get(RENEW))
