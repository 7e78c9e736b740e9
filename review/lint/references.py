"""References and annotations of Keyhole: what admission would refuse, and what it would never see.

They are read with the scanner of admission itself. Nothing here quotes the text of a field.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from manifests import annotations
from manifests.fields.problem import Problem
from manifests.fields.scan import Form, Scan, WantedField, scan_object
from manifests.kinds.codec import Codec
from manifests.kinds.known import ONLY_SECRETS
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import parse_value
from review.findings.finding import Finding
from review.lint.catalogue import FIXED, MALFORMED, NO_SUCH_NAME, NOT_FILLED, REFUSED, UNKNOWN_NAME
from review.lint.objects import Manifest, named
from review.lint.uses import Use, uses_of
from review.sources.nodes import Path

_NOTES: Final = ("metadata", "annotations")
# The part of an annotation's name behind the slash (Kubernetes, *Labels and Selectors*, syntax).
_ANNOTATION_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_QUOTED: Final = ", in '"
_KNOWN: Final = (
    *(annotations.FIELDS, annotations.IGNORE, annotations.MANAGED, annotations.FOLLOW, annotations.RESTART),
    *(annotations.REFRESH, annotations.FROM, annotations.ENV, annotations.ENV_FROM),
)
# What others make objects of, in which a reference arrives where it belongs.
_PASSED_ON: Final = frozenset(
    {
        *("HelmRelease", "Application", "ApplicationSet", "Kustomization", "Component", "HelmChartInflationGenerator"),
        *("HelmChart", "HelmChartConfig", "Template", "ClusterPolicy", "Policy", "Composition", "Object"),
    }
)


def references(manifest: Manifest) -> tuple[list[Finding], list[Use]]:
    """Return what is wrong with an object's references and annotations, and the references that can be read."""
    if not manifest.is_object:
        return [], []
    codec = ONLY_SECRETS.of(manifest.name.group, manifest.name.kind)
    if codec is None:
        return list(_elsewhere(manifest)), []
    findings = list(_wrong_types(manifest))
    notes = _texts(manifest.part(*_NOTES))
    findings += _names(manifest, notes)
    found = scan_object(codec, _as_admitted(codec, manifest, notes))
    findings += (_problem(manifest, problem) for problem in found.problems if not _is_of_plaintext(problem))
    if found.wanted:
        findings += _fixed(manifest, found.wanted)
    return findings, list(_uses(manifest, found))


def _uses(manifest: Manifest, found: Scan) -> Iterator[Use]:
    for wanted in found.wanted:
        spot = manifest.spot(path_of(manifest, wanted.origin))
        yield from uses_of(spot, wanted.form, wanted.template.references, manifest.name)
    if found.whole:
        spot = manifest.spot((*_NOTES, annotations.FROM))
        yield from uses_of(spot, Form.FROM, (path.reference("") for path in found.whole), manifest.name)


def path_of(manifest: Manifest, origin: str) -> Path:
    """Return the path of what the scanner names: an annotation, a key of `data`, or the object."""
    if origin.startswith("annotation "):
        return (*_NOTES, origin.removeprefix("annotation ").partition(", ")[0])
    if origin.startswith("data."):
        key = origin.removeprefix("data.")
        return ("stringData" if key in manifest.part("stringData") else "data", key)
    return ()


def _problem(manifest: Manifest, problem: Problem) -> Finding:
    path = path_of(manifest, problem.origin)
    # For an annotation the scanner quotes its text, which may be a value that stands there by mistake.
    message = problem.message.partition(_QUOTED)[0]
    of_fields = problem.origin.partition(", ")[2]
    where = f"{named(of_fields)}: " if of_fields.startswith("/data/") else ""
    return manifest.finding(MALFORMED, path, f"{where}{message}")


def _is_of_plaintext(problem: Problem) -> bool:
    return problem.message.startswith("is not base64")


def _names(manifest: Manifest, notes: Mapping[str, str]) -> Iterator[Finding]:
    unknown = set(annotations.unknown(notes)) - set(_KNOWN)
    for name in unknown:
        near = difflib.get_close_matches(name, [*_KNOWN, *_as_data(name)], n=1, cutoff=0.8)
        hint = f"; did you mean {named(near[0])}?" if near else ""
        yield manifest.finding(
            UNKNOWN_NAME, (*_NOTES, name), f"annotation {named(name)} means nothing to Keyhole{hint}"
        )
    for name in notes:
        if name.startswith(annotations.DATA_PREFIX):
            key = name.removeprefix(annotations.DATA_PREFIX)
            if not _ANNOTATION_NAME.fullmatch(key):
                message = f"Kubernetes allows no annotation with the name {named(key)!r} behind the slash"
                yield manifest.finding(NO_SUCH_NAME, (*_NOTES, name), message)


def _as_data(name: str) -> list[str]:
    return [annotations.DATA_PREFIX + name.rpartition("/")[2]]


def _fixed(manifest: Manifest, wanted: Sequence[WantedField]) -> Iterator[Finding]:
    pinned = all(reference.version is not None for field in wanted for reference in field.template.references)
    if manifest.content.get("immutable") is True and not pinned:
        yield manifest.finding(FIXED, ("immutable",), "it is immutable, so no new value of Vault reaches it")
    if manifest.part("metadata").get("generateName") and not manifest.part("metadata").get("name"):
        message = "each apply makes another object of it, and none is followed by name"
        yield manifest.finding(FIXED, ("metadata", "generateName"), message)


def _elsewhere(manifest: Manifest) -> Iterator[Finding]:
    """Yield references where Keyhole fills nothing. Variables of workloads are filled, and have their own rules."""
    if manifest.name.kind in _PASSED_ON:
        return
    kind = named(manifest.name.kind)
    waiting: list[tuple[Path, Any]] = [((), manifest.content)]
    seen: set[int] = set()
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            if _is_annotation(path) or ("vault" in value and not _is_variable(path) and _holds_reference(value)):
                message = f"Keyhole fills no field of a {kind} here; the text of the reference arrives in the cluster"
                yield manifest.finding(NOT_FILLED, path, message)
        elif isinstance(value, dict | list) and id(value) not in seen:
            seen.add(id(value))
            members = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += reversed([((*path, name), member) for name, member in members])


def _is_annotation(path: Path) -> bool:
    """Whether a path leads to an annotation that fills a field; those of variables are for workloads."""
    if len(path) < len(_NOTES) or path[-2] != _NOTES[-1]:
        return False
    name = str(path[-1])
    return name == annotations.FIELDS or name.startswith(annotations.DATA_PREFIX)


def _is_variable(path: Path) -> bool:
    """Whether a path leads to the value of a container's variable, or to an annotation, which is judged by its name."""
    return (path[-1:] == ("value",) and "env" in path) or _NOTES[-1] in path[-2:-1]


def _holds_reference(text: str) -> bool:
    # What merely begins like a reference is not one, such as the container image vault:1.21.
    try:
        return bool(parse_value(text).references)
    except ReferenceSyntaxError:
        return False


def _wrong_types(manifest: Manifest) -> Iterator[Finding]:
    for name, text in manifest.part(*_NOTES).items():
        if not (text is None or isinstance(text, str)):
            message = f"annotation {named(name)} is no text; put it in quotes"
            yield manifest.finding(REFUSED, (*_NOTES, name), message)


def _texts(part: Mapping[str, Any]) -> dict[str, str]:
    # To the API server, null is an empty text.
    return {name: text or "" for name, text in part.items() if text is None or isinstance(text, str)}


def _as_admitted(codec: Codec, manifest: Manifest, notes: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the object as the API server would pass it on, without what it would refuse."""
    content = manifest.content
    sound = {part: _texts(manifest.part(part)) for part in ("data", "stringData") if part in content}
    return {**codec.as_admitted({**content, **sound}), "metadata": {**manifest.part("metadata"), "annotations": notes}}
