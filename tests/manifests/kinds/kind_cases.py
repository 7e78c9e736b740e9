"""The golden folders of the kinds, one for each resource, and how their files are made.

Beside each manifest `CASE.yaml` stand the object as it is stored (`CASE.created.yaml`), what a dry run of it shows
(`CASE.dry-run.yaml`), and the object once its annotations name other fields in Vault (`CASE.changed.yaml`). A refusal
is its message. `python -m tests.manifests.kinds.kind_cases` writes them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonpatch
import yaml

from manifests.annotations import RECORD
from manifests.kinds.codec import Codec
from manifests.kinds.listed import read
from resolver.deadline import Deadline
from resolver.opening import Opened
from resolver.references.evaluation import reference_type
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from resolver.resolve import Outcome, Resolved
from tests.manifests.provenances import RING
from tests.webhook.admission.test_admit import Labels, Rights
from tests.webhook.reviews import parsed
from webhook.admission.admit import Admission

ALL = read(
    """
    kinds:
      - kind: ConfigMap
      - group: argoproj.io
        kind: Application
        resource: applications
        version: v1alpha1
        fields: [/spec/source/helm/values, /spec/source/helm/parameters/**]
      - group: example.org
        kind: Gateway
        resource: gateways
        version: v1
        fields: [/**]
    """
)
GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "kinds"


class Vault:
    """Has a value for each reference, which tells where it comes from, unless it has to be a number or a boolean."""

    def resolve(
        self, references: Iterable[Reference], namespace: str, deadline: Deadline
    ) -> Mapping[Reference, Outcome]:
        return {each: _outcome(each) for each in references}

    def refresh_seconds(self, references: Iterable[Reference]) -> float:
        return 0.0


def _outcome(reference: Reference) -> Outcome:
    if reference.field:
        return Resolved(SecretValue(_value(reference)), 1, "id")
    fields = {name: SecretValue(_value(replace(reference, field=name))) for name in ("user", "password")}
    return Opened(fields, 1, "id")


def _value(reference: Reference) -> str:
    of_type = {"integer": str(len(reference.field)), "boolean": "true"}
    return of_type.get(reference_type(reference), f"<{reference.path}#{reference.field}>")


def folder(codec: Codec) -> Path:
    return GOLDEN / codec.resource


def cases(codec: Codec) -> list[Path]:
    """Return the manifests of a kind: files whose name has no second suffix."""
    return sorted(file for file in folder(codec).glob("*.yaml") if "." not in file.stem)


def results(codec: Codec, case: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file that follows from a case, with its content."""
    manifest = codec.as_admitted(yaml.safe_load(case.read_text()))
    manifest = {name: part for name, part in manifest.items() if name != "stringData"}
    created = _admitted(codec, manifest, None)
    outcomes = {"created": created, "dry-run": _admitted(codec, manifest, None, dryRun=True)}
    if isinstance(created, dict):
        outcomes["changed"] = _admitted(codec, _changed(created), created)
    for result, outcome in outcomes.items():
        text = outcome if isinstance(outcome, str) else yaml.safe_dump(outcome, width=1000, allow_unicode=True)
        yield case.with_name(f"{case.stem}.{result}.yaml"), text


def _changed(created: Mapping[str, Any]) -> dict[str, Any]:
    metadata = created["metadata"]
    notes = {
        name: text if name == RECORD else text.replace("#", "#new_") for name, text in metadata["annotations"].items()
    }
    return {**created, "metadata": {**metadata, "annotations": notes}}


def _admitted(
    codec: Codec, manifest: Mapping[str, Any], old: Mapping[str, Any] | None, **request: Any
) -> dict[str, Any] | str:
    kind = {"group": codec.group, "version": codec.version, "kind": codec.kind}
    admission = Admission(Vault(), Labels(), Rights(), lambda: RING, kinds=ALL)
    answer = admission.answer(parsed(manifest, old, kind=kind, **request), Deadline.after(60.0))
    if not answer.allowed:
        return "".join(f"# {line}\n" for line in answer.message.splitlines())
    result: dict[str, Any] = jsonpatch.apply_patch(manifest, json.loads(answer.patch or b"[]"))
    return result


if __name__ == "__main__":
    for codec in ALL:
        for case in cases(codec):
            for file, text in results(codec, case):
                file.write_text(text)
