"""An object that Keyhole fills, of whichever kind, and how the API server is asked for it."""

from dataclasses import dataclass

from kube.errors import KubernetesError, KubernetesUnavailable
from kube.objects import Metadata, ObjectName
from kube.objects_of import ObjectsOf, resource_of
from kube.tenant_clients import TenantApi
from manifests.kinds.codec import Codec


@dataclass(frozen=True, slots=True)
class Managed:
    """A state of an object. `str` gives KIND NAMESPACE/NAME.

    `version` is the version of its API in which it is read and changed: that of the manifest, as the record says, since
    the record's pointers lead nowhere in another one. Without a record it is the one in which the kind is listed.
    """

    codec: Codec
    metadata: Metadata
    version: str = ""

    def __str__(self) -> str:
        return f"{self.codec.kind} {self.metadata.name}"

    @property
    def name(self) -> ObjectName:
        """The namespace and name."""
        return self.metadata.name

    @property
    def identity(self) -> str:
        """What tells it from all other objects of its namespace."""
        return f"{self.codec.group}/{self.codec.kind}/{self.name.name}"

    @property
    def api_version(self) -> str:
        """The `apiVersion` in which it is read and changed."""
        return resource_of(self.codec, self.version).api_version

    def among(self, tenant: TenantApi) -> ObjectsOf:
        """Return the objects of its kind, as a tenant sees them."""
        return tenant.of(resource_of(self.codec, self.version))

    def is_in_another_version(self, tenant: TenantApi, timeout_seconds: float) -> bool:
        """Return whether an object that is not found in its version is there in the one in which its kind is listed.

        The definition of a custom resource may stop to serve the version in which the manifest is written.
        """
        if self.version in {"", self.codec.version}:
            return False
        try:
            return bool(tenant.of(resource_of(self.codec)).read_metadata(self.name, timeout_seconds))
        except (KubernetesError, KubernetesUnavailable):
            return False
