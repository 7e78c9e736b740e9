"""An API server of one Secret, and a Vault of whole secrets: what lives is what an admission's patch made of it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonpatch

from manifests.annotations import FROM, RECORD
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.opening import Opened
from resolver.references.errors import MissingField
from resolver.references.evaluation import evaluate
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from resolver.resolve import Outcome, Resolved
from resolver.vault.errors import SecretNotFound
from tests.manifests.provenances import RING
from tests.manifests.secrets import secret
from tests.webhook.admission.test_admit import Labels, Rights
from tests.webhook.reviews import parsed
from webhook.admission.admit import Admission
from webhook.model import Answer


@dataclass
class WholeVault:
    """Secrets by path, each at a version; `errors` answer in their place. `reads` has the paths that were read."""

    secrets: dict[str, dict[str, str | bytes | None]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    errors: dict[str, ResolverError] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    refresh: float = 300.0

    def write(self, path: str, **fields: str | bytes | None) -> None:
        self.secrets[path] = fields
        self.versions[path] = self.versions.get(path, 0) + 1

    def resolve(self, references: Iterable[Reference], namespace: str, _: Deadline) -> Mapping[Reference, Outcome]:
        assert namespace == "team-a"
        wanted = list(references)
        self.reads += dict.fromkeys(reference.path for reference in wanted)
        return {reference: self._outcome(reference) for reference in wanted}

    def refresh_seconds(self, references: Iterable[Reference]) -> float:
        assert list(references)
        return self.refresh

    def _outcome(self, reference: Reference) -> Outcome:
        path = reference.path
        if path in self.errors:
            return self.errors[path]
        if path not in self.secrets:
            return SecretNotFound(path, None, deleted=False)
        fields = {name: SecretValue(value) for name, value in self.secrets[path].items() if value is not None}
        if not reference.field:
            return Opened(fields, self.versions[path], "id")
        try:
            return Resolved(evaluate(reference, fields.get(reference.field)), self.versions[path], "id")
        except MissingField as error:
            return error


class Cluster:
    """One Secret, applied with server-side apply by a client that owns what stands in its manifest."""

    def __init__(self, vault: WholeVault | None = None, rights: Rights | None = None) -> None:
        self.vault = vault or WholeVault()
        self.rights = rights or Rights()
        self.labels = Labels()
        self.keys = RING
        self.live: dict[str, Any] | None = None
        self.owned: set[str] = set()
        self.restart()

    def restart(self) -> None:
        """Begin with a worker that has confirmed nothing yet."""
        self._admission = Admission(self.vault, self.labels, self.rights, lambda: self.keys)

    def ask(self, new: Mapping[str, Any], **request: Any) -> tuple[Answer, dict[str, Any]]:
        """Admit an object; return the answer and what it would live as."""
        request = {"name": new["metadata"].get("name", ""), **request}
        answer = self._admission.answer(parsed(new, self.live, **request), Deadline.after(5.0))
        patch = json.loads(answer.patch or b"[]")
        return answer, jsonpatch.apply_patch(new, patch) if answer.allowed else dict(new)

    def merged(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Return what server-side apply makes of a manifest and the live object."""
        if self.live is None:
            return dict(manifest)
        notes = {
            **{name: text for name, text in self.live["metadata"]["annotations"].items() if name == RECORD},
            **(manifest["metadata"].get("annotations") or {}),
        }
        data = {key: text for key, text in self.live.get("data", {}).items() if key not in self.owned}
        merged = {**self.live, "data": {**data, **manifest.get("data", {})}}
        return {**merged, "metadata": {**self.live["metadata"], "annotations": notes}}

    def apply(self, manifest: Mapping[str, Any]) -> Answer:
        answer, after = self.ask(self.merged(manifest))
        if answer.allowed:
            self.live = after
            self.owned = set(manifest.get("data", {}))
        return answer

    def diff(self, manifest: Mapping[str, Any]) -> tuple[Answer, dict[str, Any]]:
        """Apply as a dry run; return what it shows."""
        return self.ask(self.merged(manifest), dryRun=True)

    def put(self, manifest: Mapping[str, Any]) -> Answer:
        """Replace the live object."""
        answer, after = self.ask(manifest)
        if answer.allowed:
            self.live = after
        return answer

    @property
    def record(self) -> dict[str, Any]:
        assert self.live is not None
        found: dict[str, Any] = json.loads(self.live["metadata"]["annotations"][RECORD])["fields"]
        return found

    @property
    def sources(self) -> dict[str, str]:
        """The reference of each recorded field."""
        return {pointer.removeprefix("/data/"): entry.get("ref", "") for pointer, entry in self.record.items()}


def from_paths(paths: str, data: Mapping[str, str | bytes] | None = None, **notes: str) -> dict[str, Any]:
    """Return a Secret that takes its fields from paths. In names of further annotations, `__` stands for a slash."""
    others = {name.replace("__", ".keyhole.dev/"): text for name, text in notes.items()}
    return secret(data, {FROM: paths, **others})
