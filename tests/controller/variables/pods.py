"""Pods and Secrets as the API server tells of them, in a namespace `shop`."""

from collections.abc import Mapping

from kube.objects import Metadata, ObjectName, Owner
from manifests.annotations import ENV_DOMAIN, ENV_SECRET
from manifests.variables import marker, names, wanted
from manifests.variables.generated import marker_of

NAMESPACE = "shop"


def pod(name: str, variables: Mapping[str, str], *, replica_set: str = "", is_going: bool = False) -> Metadata:
    """Return a pod of a Deployment, owned by a ReplicaSet with this uid, or by nothing."""
    notes = {f"{ENV_DOMAIN}{variable}": text for variable, text in variables.items()}
    found = marker_of(names.owner("apps", "Deployment", "web"), wanted.read(notes))
    owners = [Owner("apps/v1", "ReplicaSet", f"web-{replica_set}", replica_set, is_controller=True)]
    return Metadata(
        ObjectName(NAMESPACE, name),
        "1",
        {**notes, ENV_SECRET: marker.dump(found)},
        is_going=is_going,
        uid=f"uid-{name}",
        owners=tuple(owners if replica_set else ()),
    )


def secret(name: str, annotations: Mapping[str, str], *, uid: str = "secret", owners: tuple[str, ...] = ()) -> Metadata:
    """Return a generated Secret, owned by ReplicaSets with these uids."""
    return Metadata(
        ObjectName(NAMESPACE, name),
        "1",
        annotations,
        uid=uid,
        labels={"keyhole.dev/generated": "true"},
        owners=tuple(Owner("apps/v1", "ReplicaSet", f"web-{each}", each) for each in owners),
    )
