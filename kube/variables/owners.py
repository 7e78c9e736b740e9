"""Reads what owns a pod: ReplicaSets, ControllerRevisions and Jobs, their metadata alone, as a tenant."""

from http import HTTPStatus

from kube.errors import KubernetesError
from kube.objects import Metadata, ObjectName
from kube.objects_of import ObjectsOf, Resource
from kube.tenant_clients import TenantApi


def read_owner(tenant: TenantApi, resource: Resource, name: str, timeout_seconds: float) -> Metadata | None:
    """Return the metadata of an object of the tenant's namespace; None if there is none of that name.

    Raises `kube.errors.KubernetesUnavailable`, or `KubernetesError` when the API server refuses.
    """
    try:
        return ObjectsOf(tenant.api, resource).read_metadata(ObjectName(tenant.namespace, name), timeout_seconds)
    except KubernetesError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise
