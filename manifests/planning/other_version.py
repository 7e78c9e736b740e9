"""An object that comes in another version of its kind than the one in which its fields were filled.

JSON Pointers may mean something else there. So nothing is planned, and the record is carried along as it is.
"""

from collections.abc import Iterator, Mapping

from manifests import annotations
from manifests.fields.problem import Problem
from manifests.kinds.codec import Codec
from manifests.provenance.evidence import Evidence


def filled_in(live: Evidence, version: str) -> str:
    """Return the version that the live record names, if the request has another one; else an empty text."""
    recorded = live.record.version
    return recorded if recorded != version and live.record.entries else ""


def changed_references(codec: Codec, new: Mapping[str, str], old: Mapping[str, str], filled: str) -> Iterator[Problem]:
    """Yield a problem if the annotations name other references than those of the live object."""
    if new.get(annotations.FIELDS) != old.get(annotations.FIELDS):
        yield Problem(
            f"annotation {annotations.FIELDS}",
            f"its fields were filled in version {filled} of {codec.kind}, where JSON Pointers may mean something else; "
            f"change it in that version ({_resource(codec, filled)}). To go over to another one, remove the annotation "
            "first",
        )


def not_refreshed(codec: Codec, filled: str) -> str:
    """Return the warning for a refresh that is asked for in the wrong version."""
    return (
        f"{annotations.REFRESH}: the fields were filled in version {filled}, so nothing is refreshed in another one; "
        f"annotate {_resource(codec, filled)}"
    )


def _resource(codec: Codec, version: str) -> str:
    """Return the resource as kubectl takes it."""
    return f"{codec.resource}.{version}.{codec.group}"
