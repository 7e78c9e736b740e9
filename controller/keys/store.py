"""The Secret that holds the record keys, as the controller reads and changes it."""

from collections.abc import Callable, Mapping

from kube.objects import ObjectName
from kube.secrets import Secret, Secrets
from manifests.provenance.key_status import STATUS, KeyStatus, parse

_CALL_SECONDS = 10.0


class KeyStore:
    """One Secret. Its methods raise `kube.errors.KubernetesUnavailable` or `KubernetesError`."""

    def __init__(
        self, secrets: Secrets, name: ObjectName, observe: Callable[[KeyStatus | None], None] = lambda _status: None
    ) -> None:
        """Use the Secret of that name. `observe` gets its status whenever it is read or written."""
        self.name = name
        self._secrets = secrets
        self._observe = observe

    def read(self) -> Secret:
        """Return the current Secret. If it does not exist, an empty one is created."""
        secret = self._secrets.read_or_make(self.name, _CALL_SECONDS)
        self._observe(parse(secret.metadata.annotations.get(STATUS)))
        return secret

    def write(
        self,
        secret: Secret,
        status: KeyStatus,
        *,
        data: Mapping[str, bytes | None] | None = None,
        annotations: Mapping[str, str | None] | None = None,
    ) -> Secret:
        """Change the Secret in one write, based on the version that was read, and return it with its new metadata.

        None takes a part away. Raises `kube.errors.Conflict` when it is in another state by now.
        """
        changed = self._secrets.change(
            self.name,
            {STATUS: status.dump(), **(annotations or {})},
            _CALL_SECONDS,
            data=data,
            resource_version=secret.metadata.resource_version,
        )
        self._observe(status)
        left = {**secret.data, **(data or {})}
        return Secret(changed.metadata, {name: content for name, content in left.items() if content is not None})
