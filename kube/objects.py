"""The names of objects, and their metadata."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kube.documents import Document, entries, part, text
from kube.errors import KubernetesUnavailable

# A namespace is a DNS label (RFC 1123), a Secret's name a DNS subdomain.
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")


def is_namespace(name: str) -> bool:
    """Whether a namespace can have this name."""
    return _LABEL.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class ObjectName:
    """The namespace and the name of an object. `str` gives NAMESPACE/NAME."""

    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "ObjectName":
        """Parse NAMESPACE/NAME. Raises ValueError."""
        namespace, _, name = text.partition("/")
        if not _LABEL.fullmatch(namespace) or not _SUBDOMAIN.fullmatch(name):
            raise ValueError(f"{text!r} is not NAMESPACE/NAME of an object")
        return cls(namespace, name)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Owner:
    """An object that owns another one (Kubernetes, *Owners and Dependents*: `metadata.ownerReferences`)."""

    api_version: str
    kind: str
    name: str
    uid: str
    is_controller: bool = False


@dataclass(frozen=True, slots=True)
class Metadata:
    """An object's metadata. `resource_version` names this state of it (Kubernetes, *API Concepts*).

    `uid` tells it from an object of the same name that was deleted. `is_going` says that it is being deleted. A
    cluster-wide object has the namespace "".
    """

    name: ObjectName
    resource_version: str
    annotations: Mapping[str, str]
    is_going: bool = False
    uid: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    owners: tuple[Owner, ...] = ()

    @classmethod
    def of(cls, document: Document) -> "Metadata":
        """Take it from an object as the API server sends it.

        Raises `KubernetesUnavailable` when it has no name or names no state: whatever it is, it is not that object, and
        a change that names no state would be made to any.
        """
        told = part(document, "metadata")
        name = ObjectName(text(told, "namespace"), text(told, "name"))
        if not name.name or not text(told, "resourceVersion"):
            raise KubernetesUnavailable("sent an object without a name or a version")
        return cls(
            name,
            text(told, "resourceVersion"),
            _texts(part(told, "annotations")),
            is_going=bool(told.get("deletionTimestamp")),
            uid=text(told, "uid"),
            labels=_texts(part(told, "labels")),
            owners=tuple(map(_owner, entries(told, "ownerReferences"))),
        )


def _texts(document: Document) -> Mapping[str, str]:
    return {key: text(document, key) for key in document}


def _owner(told: Document) -> Owner:
    name, uid = text(told, "name"), text(told, "uid")
    return Owner(text(told, "apiVersion"), text(told, "kind"), name, uid, is_controller=told.get("controller") is True)
