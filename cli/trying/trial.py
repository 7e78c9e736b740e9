"""Admits objects with the code of the webhook, and tells what became of each field."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import jsonpatch
import jsonpointer

from cli.trying.example_vault import EveryoneMay, ExampleVault
from cli.trying.objects import TriedObject
from manifests.kinds.codec import Codec
from manifests.kinds.known import Kinds
from manifests.provenance.keyring import KeyRing, new_key
from manifests.variables.generated import generated
from manifests.variables.templates import BY_GROUP_AND_KIND
from resolver.budget import ALONE
from resolver.deadline import Deadline
from webhook.admission.admit import Admission
from webhook.admission.workloads import Workloads
from webhook.http.admission_review import ReviewError
from webhook.model import Answer, FieldOutcome

_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Row:
    """What Git holds for a field, and what the cluster would get."""

    git: str
    cluster: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of an object: a row for each field that is filled; or why it is refused. `made_for` names a pod's."""

    object: TriedObject
    rows: Sequence[Row] = ()
    refused: str = ""
    warnings: Sequence[str] = ()
    made_for: str = ""


class Trial:
    """One admission for many objects, with example values."""

    def __init__(self, vault: ExampleVault, kinds: Kinds) -> None:
        key = new_key()
        ring = KeyRing(key, MappingProxyType({key.id: key}))
        everyone = EveryoneMay()
        workloads = Workloads(everyone, ALONE, serves=True)
        self._admission = Admission(vault, everyone, everyone, lambda: ring, kinds=kinds, workloads=workloads)
        self._kinds = kinds

    def tried(self, one: TriedObject, made_for: str = "") -> Iterator[Tried]:
        """Admit an object, and then the Secrets behind its variables. Yields nothing for one without references."""
        try:
            request = one.request(self._kinds)
        except ReviewError as error:
            yield Tried(one, refused=f"the API server would not take it: {error.problem}")
            return
        answer = self._admission.answer(request, Deadline.after(_SECONDS))
        if not answer.allowed:
            yield Tried(one, refused=answer.message, warnings=answer.warnings, made_for=made_for)
            return
        if not answer.outcomes and not answer.warnings:
            return
        after = jsonpatch.apply_patch(dict(request.manifest), json.loads(answer.patch or b"[]"))
        codec = self._kinds.of(request.group, request.kind)
        rows = [_row(each, after, codec) for each in answer.outcomes]
        yield Tried(one, rows, warnings=answer.warnings, made_for=made_for)
        yield from self._behind_variables(one, after, answer)

    def _behind_variables(self, one: TriedObject, after: Mapping[str, Any], answer: Answer) -> Iterator[Tried]:
        group, _, kind = one.kind
        workload = BY_GROUP_AND_KIND.get((group, kind))
        template = workload.template(after) if workload is not None and answer.patch else None
        notes = (template or {}).get("metadata", {}).get("annotations") or {}
        for secret in generated(notes):
            metadata = {"name": secret.name, "annotations": dict(secret.annotations)}
            content = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata}
            yield from self.tried(TriedObject(one.file, one.namespace, content), f"{kind} {one.name}")


def _row(outcome: FieldOutcome, after: Mapping[str, Any], codec: Codec | None) -> Row:
    planned = outcome.field
    wanted = planned.wanted if planned is not None else None
    git = "" if wanted is None else f"{wanted.origin.removeprefix('annotation ')}: {wanted.text}".removesuffix(": ")
    if codec is None:
        return Row(git, "a variable, from the Secret that follows")
    stored = jsonpointer.resolve_pointer(after, outcome.pointer, None)
    is_text = isinstance(stored, str)
    text = codec.decode(stored).decode(errors="backslashreplace") if is_text else json.dumps(stored)
    where = wanted.described if wanted is not None else outcome.pointer
    return Row(git, f"{where} = {text}")
