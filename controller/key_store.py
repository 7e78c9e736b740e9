"""The Secret that holds the record keys, as the controller reads and changes it."""

from collections.abc import Mapping

from kube.objects import ObjectName
from kube.secrets import Secret, Secrets
from manifests.key_status import STATUS, KeyStatus

_CALL_SECONDS = 10.0


class KeyStore:
    """One Secret. Its methods raise `kube.errors.KubernetesUnavailable` or `KubernetesError`."""

    def __init__(self, secrets: Secrets, name: ObjectName) -> None:
        self.name = name
        self._secrets = secrets

    def read(self) -> Secret:
        """Return the Secret as it is now."""
        return self._secrets.read(self.name, _CALL_SECONDS)

    def write(
        self,
        secret: Secret,
        status: KeyStatus,
        *,
        data: Mapping[str, bytes | None] | None = None,
        annotations: Mapping[str, str | None] | None = None,
    ) -> Secret:
        """Change the Secret from the state in which it was read, in one write, and return it with its new metadata.

        None takes a part away. Raises `kube.errors.Conflict` when it is in another state by now.
        """
        metadata = self._secrets.change(
            self.name,
            {STATUS: status.dump(), **(annotations or {})},
            _CALL_SECONDS,
            data=data,
            resource_version=secret.metadata.resource_version,
        )
        left = {**secret.data, **(data or {})}
        return Secret(metadata, {name: content for name, content in left.items() if content is not None})
