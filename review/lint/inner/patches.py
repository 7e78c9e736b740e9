"""JSON patches (RFC 6902) of kustomize and Flux: what they add to an object, as if it stood in one.

Source: kustomize's reference of the Kustomization file (patches, patchesJson6902).
"""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from review.findings.finding import ObjectName
from review.lint.objects import Manifest, named
from review.sources.inner import Assembled
from review.sources.nodes import Path
from review.sources.stream import Document

_ADDING: Final = frozenset({"add", "replace", "test"})
_MOST_SEGMENTS: Final = 64
_ONLY_STARS: Final = re.compile(r"[A-Za-z]*(?:\*[A-Za-z]*){0,3}")
# Only Secrets have this.
_OF_SECRETS: Final = "stringData"


def is_json_patch(content: Any) -> bool:
    """Whether a document is a list of operations."""
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(one, dict) and isinstance(one.get("op"), str) and "path" in one for one in content)
    )


def assembled(
    document: Document, name: ObjectName, target: Mapping[str, Any], *, text: Path = (), namespace: str = ""
) -> Manifest:
    """Return what a JSON patch adds, as a part of the object that it is for; `name` is the object that holds the patch.

    `target` says for what it is, as a kustomization does; without it the kind is open, but for what only Secrets have.
    """
    parts: dict[Path, Path] = {}
    content: dict[str, Any] = {}
    for number, one in enumerate(document.content):
        if one["op"] in _ADDING and isinstance(one["path"], str) and "value" in one:
            path = _put(content, _segments(one["path"]), one["value"])
            if path:
                parts[path] = (number, "value")
    kind = target_kind(target) or ("Secret" if _OF_SECRETS in content else "")
    said = [target.get(part) for part in ("group", "namespace", "name")]
    group, own, called = (named(each) if isinstance(each, str) and each else "" for each in said)
    inner = ObjectName(group, named(kind) if kind else "", own or namespace, called)
    whole = {"apiVersion": "v1", "kind": kind, **content} if kind == "Secret" else content
    start, end = document.start, document.end
    put = Assembled(document.text, document.number, whole, start, end, outer=document, parts=parts)
    return Manifest(put, (), whole, name, inner=inner, text=text)


def target_kind(target: Mapping[str, Any]) -> str:
    """Return for which kind a patch is by its target; an empty text if several may be meant.

    kustomize takes it for a regular expression about the whole name. Nobody's expression is run here: alternatives and
    `.*` are understood, and whatever else there is leaves it open.
    """
    said = target.get("kind")
    if not isinstance(said, str) or said.isalnum():
        return said if isinstance(said, str) else ""
    bare = said.removeprefix("^").removesuffix("$")
    bare = bare[1:-1] if bare.startswith("(") and bare.endswith(")") else bare
    patterns = [each.replace(".*", "*") for each in bare.split("|")]
    if not all(_ONLY_STARS.fullmatch(each) for each in patterns):
        return ""
    meant = [kind for kind in ("Secret", "ConfigMap") if any(fnmatchcase(kind, each) for each in patterns)]
    return "Secret" if meant == ["Secret"] else ""


def _segments(pointer: str) -> Sequence[str]:
    parts = pointer.split("/")[1 : _MOST_SEGMENTS + 1]
    return [part.replace("~1", "/").replace("~0", "~") for part in parts]


def _put(content: dict[str, Any], segments: Sequence[str], value: Any) -> Path:
    """Put a value where a pointer leads, and return the path there; an empty one if there is no room for it.

    Lists are only as long as what the patch adds to them.
    """
    at: Any = content
    path: list[str | int] = []
    for position, segment in enumerate(segments):
        is_last = position == len(segments) - 1
        below: Any = value if is_last else [] if _is_index(segments[position + 1]) else {}
        if isinstance(at, list):
            at.append(below)
            path.append(len(at) - 1)
            at = below
        elif isinstance(at, dict):
            path.append(segment)
            if is_last or segment not in at:
                at[segment] = below
            at = at[segment]
        else:
            return ()
    return tuple(path)


def _is_index(segment: str) -> bool:
    return segment == "-" or segment.isdecimal()
