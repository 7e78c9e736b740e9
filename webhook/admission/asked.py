"""Whom an admission asks: Vault, which namespaces opted in, and who may read what."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from kube.access import SECRETS, Subject
from resolver.deadline import Deadline
from resolver.references.grammar import Reference
from resolver.resolve import Outcome


class References(Protocol):
    """Turns references into values, as `resolver.resolve.Resolver` does."""

    def resolve(
        self, references: Iterable[Reference], namespace: str, deadline: Deadline
    ) -> Mapping[Reference, Outcome]:
        """Return the value or the error of each reference."""
        ...

    def refresh_seconds(self, references: Iterable[Reference]) -> float:
        """Return how long the values of these references may be kept without asking Vault."""
        ...


class OptIn(Protocol):
    """Knows which namespaces have opted in, as `kube.namespaces.Namespaces` does."""

    def is_enabled(self, namespace: str, timeout_seconds: float) -> bool:
        """Return whether the namespace has opted in."""
        ...


class Rights(Protocol):
    """Knows who may read which object, as `kube.access.ReadAccess` does."""

    def may_get(
        self,
        subject: Subject,
        namespace: str,
        name: str,
        timeout_seconds: float,
        resource: tuple[str, str] = SECRETS,
    ) -> bool:
        """Return whether the subject may get the object, or every one in the namespace if `name` is empty."""
        ...
