"""What a pod needs: the Secrets that its marker names, and the owners that they are to have. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kube.objects import Metadata, Owner
from manifests.annotations import DATA_PREFIX, FIELDS, FROM, IGNORE
from manifests.variables.generated import GeneratedSecret, generated
from manifests.variables.owners import REVISION_LABEL, OwnerReference, PodFacts

# What of a generated Secret is Keyhole's: whatever asks for fields, and what would have them ignored.
_OURS: Final = frozenset({FIELDS, FROM, IGNORE})


@dataclass(frozen=True, slots=True)
class Need:
    """One Secret that one pod needs. `digest` identifies what its annotations are to be."""

    secret: GeneratedSecret
    digest: bytes
    pod: PodFacts


def needs(pod: Metadata) -> Sequence[Need]:
    """Return what a pod needs, as its marker and annotations say; nothing without a marker.

    Raises `manifests.variables.generated.MarkerMismatch` if the two do not fit.
    """
    facts = facts_of(pod)
    return [Need(each, digest(each.annotations), facts) for each in generated(pod.annotations)]


def facts_of(pod: Metadata) -> PodFacts:
    """Return what of a pod's metadata decides about owners."""
    controller = next((each for each in pod.owners if each.is_controller), None)
    itself = OwnerReference("v1", "Pod", pod.name.name, pod.uid)
    return PodFacts(itself, reference(controller) if controller else None, pod.labels.get(REVISION_LABEL, ""))


def reference(owner: Owner) -> OwnerReference:
    """Return an owner as a further one is written."""
    return OwnerReference(owner.api_version, owner.kind, owner.name, owner.uid)


def digest(annotations: Mapping[str, str]) -> bytes:
    """Return 32 bytes that identify what a generated Secret's annotations ask for."""
    ours = sorted((name, text) for name, text in annotations.items() if is_ours(name))
    return hashlib.sha256(json.dumps(ours).encode()).digest()


def is_ours(annotation: str) -> bool:
    """Whether an annotation of a generated Secret is for Keyhole alone to write."""
    return annotation.startswith(DATA_PREFIX) or annotation in _OURS


def corrections(present: Mapping[str, str], wanted: Mapping[str, str]) -> Mapping[str, str | None]:
    """Return what has to be written so that the annotations ask for what is wanted; None removes one."""
    foreign: dict[str, str | None] = {name: None for name in present if is_ours(name) and name not in wanted}
    return foreign | {name: text for name, text in wanted.items() if present.get(name) != text}
