"""Which fields of an admission changed, and how. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from changes.change import ChangedField, How
from changes.told import ToldField, ToldReference

_STORED: Final = frozenset({"resolved", "removed"})
_WITHOUT_BEFORE: Final = 1


def changed(fields: Sequence[ToldField], version: int) -> Iterator[ChangedField]:
    """Yield the fields that have their value from elsewhere since an admission: from another reference or version.

    It is one that was allowed, and no dry run. A line of `version` 1 does not tell what was before, so every field that
    got a value counts.
    """
    for field in fields:
        how = _how(field, version) if field.done in _STORED else None
        if how is not None:
            yield ChangedField(field, how)


def _how(field: ToldField, version: int) -> How | None:
    if field.done == "removed":
        return How.REMOVED
    if field.before is None:
        return How.ADDED if version == _WITHOUT_BEFORE else None
    if not field.before:
        return How.ADDED
    if _texts(field.references) != _texts(field.before):
        return How.REFERENCE
    # A line tells what was before only if something of it has changed.
    return How.VERSION if _versions(field.references) != _versions(field.before) else How.TEXT


def _texts(references: Sequence[ToldReference]) -> Sequence[str]:
    return [each.text for each in references]


def _versions(references: Sequence[ToldReference]) -> Sequence[int | None]:
    return [each.version for each in references]
