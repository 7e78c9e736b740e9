"""A report as objects of the cluster: one in each namespace with findings, and one about everything else.

The form is that of OpenReports (openreports.io/v1alpha1) and of the PolicyReport that it comes from: `results` with a
`policy`, a `result` of fail, warn or skip, and the object. What is held is not written.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from enforcer.judging.answers import NotChecked
from enforcer.report import Report
from resolver.references.characters import visible
from review.findings.finding import Finding, ObjectName
from review.findings.rule import Severity

WRITER: Final = "keyhole-enforcer"
"""Who writes them: the name of each first one, the field manager, and the label by which they are found again."""
MOST_RESULTS: Final = 500
"""So many results are in one object; the annotation `keyhole.dev/next` names the one with those that follow."""
# etcd takes 1.5 MiB for an object, and each reader of a list takes all of them.
_MOST_BYTES: Final = 400 * 1024
_MOST_CHARACTERS: Final = 512
_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_RESULT: Final = {Severity.ERROR: "fail", Severity.WARNING: "warn", Severity.NOTE: "warn"}
_SEVERITY: Final = {Severity.ERROR: "high", Severity.WARNING: "medium", Severity.NOTE: "low"}
_VERSIONS: Final = {"": "v1", "apps": "apps/v1", "batch": "batch/v1"}
_NOT_OF_KUBERNETES: Final = frozenset({"vault", "forge", "image", "keyhole"})


@dataclass(frozen=True, slots=True)
class ReportObject:
    """One object: where it belongs, and what stands in it beside its kind. The namespace "" stands for the cluster."""

    namespace: str
    name: str
    content: Mapping[str, Any]


def by_namespace(report: Report) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Return the results of each namespace. What is in none, or in no namespace that there can be, is under ""."""
    seconds = int((report.ended or report.started).timestamp())
    results: dict[str, list[Mapping[str, Any]]] = {}
    for verdict in report.verdicts:
        name = verdict.standard.rule.id
        for finding in verdict.findings:
            _add(results, finding.object, {**_finding(name, finding), **_common(seconds)})
        for unchecked in verdict.unchecked:
            _add(results, unchecked.object, {**_unchecked(name, unchecked), **_common(seconds)})
    return results


def namespaced_objects(results: Mapping[str, Sequence[Mapping[str, Any]]], version: str) -> Iterator[ReportObject]:
    """Yield the objects of each namespace, in shards. `version` is that of the program."""
    for namespace in sorted(results):
        if namespace:
            yield from _shards(namespace, results[namespace], version)


def cluster_objects(
    results: Mapping[str, Sequence[Mapping[str, Any]]], version: str, missing: Collection[str] = ()
) -> Iterator[ReportObject]:
    """Yield the objects of the cluster, with what belongs to `missing` namespaces. There is one even if it is empty."""
    told = [each for namespace in ("", *sorted(missing)) for each in results.get(namespace, ())]
    yield from _shards("", told, version)


def _add(results: dict[str, list[Mapping[str, Any]]], about: ObjectName, result: Mapping[str, Any]) -> None:
    # A name of a file or of Vault may be anything; it must not become a part of an address.
    namespace = about.namespace if _NAMESPACE.fullmatch(about.namespace) else ""
    results.setdefault(namespace, []).append(result)


def _shards(namespace: str, results: Sequence[Mapping[str, Any]], version: str) -> Iterator[ReportObject]:
    shards = list(_cut(results)) or [[]]
    names = [WRITER, *(f"{WRITER}-{number}" for number in range(2, len(shards) + 1))]
    for name, following, those in zip(names, [*names[1:], ""], shards, strict=True):
        metadata = {
            "labels": {"app.kubernetes.io/managed-by": WRITER, "app.kubernetes.io/version": version},
            **({"annotations": {"keyhole.dev/next": following}} if following else {}),
        }
        told = [each["result"] for each in those]
        summary = {word: told.count(word) for word in ("pass", "fail", "warn", "error", "skip")}
        yield ReportObject(namespace, name, {"metadata": metadata, "summary": summary, "results": those})


def _cut(results: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    shard: list[Mapping[str, Any]] = []
    taken = 0
    for each in results:
        length = len(json.dumps(each, ensure_ascii=False).encode())
        if shard and (len(shard) == MOST_RESULTS or taken + length > _MOST_BYTES):
            yield shard
            shard, taken = [], 0
        shard.append(each)
        taken += length
    if shard:
        yield shard


def _finding(standard: str, finding: Finding) -> dict[str, Any]:
    more = {"pointer": finding.pointer, "place": str(finding.place) if finding.place.file else ""}
    return {
        "policy": standard,
        "rule": finding.rule.id,
        "result": _RESULT[finding.severity],
        "severity": _SEVERITY[finding.severity],
        "scored": finding.severity is Severity.ERROR,
        "message": _told(finding.message),
        **_about(finding.object, {**more, "fingerprint": finding.fingerprint, "remedy": finding.rule.remedy}),
    }


def _unchecked(standard: str, unchecked: NotChecked) -> dict[str, Any]:
    message = f"not checked: {_told(unchecked.reason)}"
    return {"policy": standard, "result": "skip", "message": message, **_about(unchecked.object, {})}


def _about(name: ObjectName, more: Mapping[str, str]) -> dict[str, Any]:
    """Return which object it is about: as an object of Kubernetes if it is one, otherwise in words."""
    properties = {key: _told(text) for key, text in more.items() if text}
    if name.group in _NOT_OF_KUBERNETES or not name.kind:
        named = _told(" ".join(part for part in (name.group, str(name)) if part))
        return {"properties": {**properties, "object": named}}
    reference = {"apiVersion": _VERSIONS.get(name.group, ""), "kind": name.kind}
    reference |= {"namespace": name.namespace, "name": name.name}
    told = {key: _told(text) for key, text in reference.items() if text}
    group = {"group": _told(name.group)} if name.group not in _VERSIONS else {}
    return {"resources": [told], "properties": {**properties, **group}}


def _common(seconds: int) -> dict[str, Any]:
    return {"source": WRITER, "category": "Keyhole", "timestamp": {"seconds": seconds, "nanos": 0}}


def _told(text: str) -> str:
    return visible(text, _MOST_CHARACTERS)
