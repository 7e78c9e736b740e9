"""Which fields of an admission changed, and how. Pure."""

from collections.abc import Sequence
from typing import Final

from changes.change import How
from changes.told import ToldField, ToldReference

_WITHOUT_BEFORE: Final = 1


def changed(fields: Sequence[ToldField], version: int) -> Sequence[tuple[ToldField, How]]:
    """Return the fields that have their value from elsewhere since an admission: from another reference or version.

    It is one that was allowed, and no dry run. A line of `version` 1 does not tell what was before, so every field that
    got a value counts.
    """
    # Millions of lines come by here, and most have one field.
    return [(field, how) for field in fields if (how := _how(field, version)) is not None]


def _how(field: ToldField, version: int) -> How | None:
    if field.done == "removed":
        return How.REMOVED
    if field.done != "resolved":
        return None
    before = field.before
    if before is None:
        return How.ADDED if version == _WITHOUT_BEFORE else None
    return _compared(field.references, before) if before else How.ADDED


def _compared(now: Sequence[ToldReference], before: Sequence[ToldReference]) -> How:
    if len(now) != len(before):
        return How.REFERENCE
    # A line tells what was before only if something of it has changed.
    how = How.TEXT
    for one, other in zip(now, before, strict=True):
        if one.text != other.text:
            return How.REFERENCE
        if one.version != other.version:
            how = How.VERSION
    return how
