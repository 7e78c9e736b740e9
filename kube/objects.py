"""The names of objects, and their metadata."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kube.documents import Document, part, text
from kube.errors import KubernetesUnavailable

# A namespace is a DNS label (RFC 1123), a Secret's name a DNS subdomain.
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")


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
class Metadata:
    """An object's metadata. `resource_version` names this state of it (Kubernetes, *API Concepts*).

    `is_going` says that it is being deleted. A cluster-wide object has the namespace "".
    """

    name: ObjectName
    resource_version: str
    annotations: Mapping[str, str]
    is_going: bool = False

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
        annotations = part(told, "annotations")
        known = {key: text(annotations, key) for key in annotations}
        return cls(name, text(told, "resourceVersion"), known, is_going=bool(told.get("deletionTimestamp")))
