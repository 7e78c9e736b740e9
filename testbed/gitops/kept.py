"""The kinds that GitOps clients keep on a testbed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind that a GitOps client is to keep."""

    group: str
    kind: str
    resource: str


SECRETS: Sequence[Kept] = (Kept("", "Secret", "secrets"),)


def rules(kept: Sequence[Kept]) -> list[Mapping[str, Any]]:
    """Return the rights of whoever keeps these kinds."""
    return [{"apiGroups": [each.group], "resources": [each.resource], "verbs": ["*"]} for each in kept]
