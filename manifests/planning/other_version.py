"""An object that comes in another version of its kind than the one in which its fields were filled.

JSON Pointers may mean something else there. So nothing is planned, and the record is carried along as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from manifests import annotations
from manifests.fields.problem import Problem
from manifests.kinds.codec import Codec
from manifests.provenance.evidence import Evidence
from manifests.provenance.record import Entry


def filled_in(live: Evidence, version: str) -> str:
    """Return the version that the live record names, if the request has another one; else an empty text."""
    recorded = live.record.version
    return recorded if recorded != version and live.record.entries else ""


@dataclass(frozen=True, slots=True)
class Carried:
    """What becomes of such an object: problems and warnings, and the entries of the record that stay."""

    problems: Sequence[Problem]
    warnings: Sequence[str]
    retained: Mapping[str, Entry]


def carried_along(codec: Codec, new: Mapping[str, str], live: Evidence, filled: str) -> Carried:
    """Return what becomes of an object with the annotations `new`. `filled` is the version of its record.

    With `keyhole.dev/ignore: "true"` in place of its references the record goes and the values stay: the way out once
    that version is no longer served.
    """
    if not new.get(annotations.FIELDS) and annotations.ignored(new).everything:
        warning = (
            f"the fields of this {codec.kind} were filled in version {filled}; their values stay as they are, and "
            "Keyhole forgets where they came from"
        )
        return Carried((), [warning], {})
    problems = []
    if new.get(annotations.FIELDS) != live.notes.get(annotations.FIELDS):
        message = (
            f"its fields were filled in version {filled} of {codec.kind}, where JSON Pointers may mean something else; "
            f"change it in that version ({_resource(codec, filled)}). To go over to another one, remove the annotation "
            f'there first. If it is no longer served, remove it here and set {annotations.IGNORE}: "true": the values '
            "then stay as they are"
        )
        problems.append(Problem(f"annotation {annotations.FIELDS}", message))
    warnings = [_not_refreshed(codec, filled)] if annotations.REFRESH in new else []
    return Carried(problems, warnings, live.record.entries)


def _not_refreshed(codec: Codec, filled: str) -> str:
    return (
        f"{annotations.REFRESH}: the fields were filled in version {filled}, so nothing is refreshed in another one; "
        f"annotate {_resource(codec, filled)}"
    )


def _resource(codec: Codec, version: str) -> str:
    """Return the resource as kubectl takes it."""
    return f"{codec.resource}.{version}.{codec.group}"
