"""Objects whose fields Keyhole fills, read with the scanner of admission itself."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from manifests import annotations
from manifests.fields.problem import Problem
from manifests.fields.scan import Form, Scan, WantedField, scan_object
from manifests.kinds.codec import Codec
from manifests.kinds.secret import SECRET
from review.findings.finding import Finding
from review.findings.rule import Rule
from review.lint.catalogue import BESIDE, FIXED, NOT_FILLED, OVER_LIMIT
from review.lint.forms import notes
from review.lint.forms.seen import NOTES, Seen, about, rule_of
from review.lint.objects import Manifest
from review.sources.nodes import Path
from review.sources.text import Place

_PARTS: Final = ("data", "stringData")
_ANNOTATION: Final = "annotation "


def filled(manifest: Manifest, codec: Codec, seen: Seen) -> Scan:
    """Add what is wrong with an object of the codec's kind, and its references; return what admission would find."""
    seen.findings += notes.wrong_types(manifest, ())
    seen.findings += notes.names(manifest)
    content = _as_admitted(codec, manifest)
    found = scan_object(codec, content)
    for problem in found.problems:
        if not _is_of_plaintext(problem):
            path, place = _where(manifest, problem.origin)
            seen.findings.append(manifest.finding(_rule(codec, problem), path, about(problem), place=place))
    _obstacles(manifest, codec, content, found.wanted, seen)
    if found.wanted or found.whole:
        seen.findings += _fixed(manifest, codec, found)
    _uses(manifest, found, seen)
    return found


def _uses(manifest: Manifest, found: Scan, seen: Seen) -> None:
    for wanted in found.wanted:
        path, place = _where(manifest, wanted.origin)
        # A list without a merge key belongs to one owner as a whole, so Git and the cluster have different lists.
        is_in_list = wanted.codec.is_versioned and any(map(str.isdecimal, wanted.pointer.split("/")))
        drifts = wanted.form is Form.IN_PLACE or is_in_list
        seen.uses += manifest.uses(
            path, wanted.form, wanted.template.references, place=place, drifts=drifts, fills=wanted.pointer
        )
    if found.whole:
        references = (path.reference("") for path in found.whole)
        seen.uses += manifest.uses((*NOTES, annotations.FROM), Form.FROM, references)


def _where(manifest: Manifest, origin: str) -> tuple[Path, Place | None]:
    """Return what the scanner names: an annotation, and of a map in it the line; a key of `data`; or the object."""
    if origin.startswith(_ANNOTATION):
        name, _, one = origin.removeprefix(_ANNOTATION).partition(", ")
        path: Path = (*NOTES, name)
        line = notes.place_in(manifest, path, one.strip("'"))
        return path, None if line is None else manifest.place(path, line)
    if origin.startswith("data."):
        key = origin.removeprefix("data.")
        return ("stringData" if key in manifest.part("stringData") else "data", key), None
    return (), None


def _rule(codec: Codec, problem: Problem) -> Rule:
    """Tell apart what cannot be read from what this kind does not have."""
    name = problem.origin.removeprefix(_ANNOTATION)
    is_foreign = annotations.asks_for_variables(name) or (name == annotations.FROM and not codec.takes_whole_secrets)
    is_foreign = is_foreign or (name.startswith(annotations.DATA_PREFIX) and not codec.has_keys)
    return NOT_FILLED if is_foreign else rule_of(problem)


def _is_of_plaintext(problem: Problem) -> bool:
    return problem.message.startswith("is not base64")


def _obstacles(
    manifest: Manifest, codec: Codec, content: Mapping[str, Any], wanted: Sequence[WantedField], seen: Seen
) -> None:
    by_key = {each.key: each for each in wanted if each.form is Form.ANNOTATION}
    for key, reason in codec.obstacles(content, by_key.keys()):
        path, place = _where(manifest, by_key[key].origin)
        seen.findings.append(manifest.finding(NOT_FILLED, path, f"{key}: {reason}", place=place))
    # Of a Secret, `plaintext` tells it, with the value.
    values = codec.stored(content) if codec is not SECRET else {}
    for key in by_key:
        if values.get(key) is not None:
            message = f"{codec.described(key)} has a value of its own, which an annotation fills too"
            seen.tell(manifest, BESIDE, _path_of(codec, key), message)
    size_bytes = codec.other_bytes(content, ())
    if size_bytes > codec.max_bytes:
        message = f"its values have {size_bytes} bytes, more than the {codec.max_bytes} that {codec.limited_by} allows"
        seen.tell(manifest, OVER_LIMIT, (), message)


def _path_of(codec: Codec, key: str) -> Path:
    segments = codec.pointer(key).split("/")[1:]
    return tuple(segment.replace("~1", "/").replace("~0", "~") for segment in segments)


def _fixed(manifest: Manifest, codec: Codec, found: Scan) -> Iterator[Finding]:
    references = (reference for field in found.wanted for reference in field.template.references)
    is_pinned = not found.whole and all(reference.version is not None for reference in references)
    if codec.is_immutable(manifest.content) and not is_pinned:
        yield manifest.finding(FIXED, ("immutable",), "it is immutable, so no new value of Vault reaches it")
    if manifest.part("metadata").get("generateName") and not manifest.part("metadata").get("name"):
        message = "each apply makes another object of it, and none is followed by name"
        yield manifest.finding(FIXED, ("metadata", "generateName"), message)
        # There is no name yet to which a record could bind a value.
        message = f"a {codec.kind} with a generated name has its references in annotations (data.keyhole.dev/KEY)"
        for field in found.wanted:
            if field.form is Form.IN_PLACE:
                yield manifest.finding(NOT_FILLED, _where(manifest, field.origin)[0], message)


def _as_admitted(codec: Codec, manifest: Manifest) -> Mapping[str, Any]:
    """Return the object as the API server would pass it on, without what it would refuse."""
    content = manifest.content
    sound = {} if codec.is_versioned else {part: notes.texts(manifest.part(part)) for part in _PARTS if part in content}
    metadata = {**manifest.part("metadata"), "annotations": notes.texts(manifest.part(*NOTES))}
    return {**codec.as_admitted({**content, **sound}), "metadata": metadata}
