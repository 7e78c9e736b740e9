"""Several sources of rules as one fact: what any of them demands, and what nobody knows as long as one is not known."""

from collections.abc import Iterable

from enforcer.facts.base import NotKnown


def any_of(parts: Iterable[bool | NotKnown]) -> bool | NotKnown:
    """Return whether any part is so. What one demands is demanded, whatever else is not known."""
    unknown: NotKnown | None = None
    for part in parts:
        if isinstance(part, NotKnown):
            unknown = unknown or part
        elif part:
            return True
    return unknown or False


def not_so(part: bool | NotKnown) -> bool | NotKnown:  # noqa: FBT001 - the one thing that is turned round
    """Return the opposite."""
    return part if isinstance(part, NotKnown) else not part


def at_least(parts: Iterable[int | NotKnown]) -> tuple[int | NotKnown, int]:
    """Return the largest number, and the largest that is known in any case."""
    known: list[int] = []
    unknown: NotKnown | None = None
    for part in parts:
        if isinstance(part, NotKnown):
            unknown = unknown or part
        else:
            known.append(part)
    largest = max(known, default=0)
    return unknown or largest, largest


def everybody(parts: Iterable[tuple[str, ...] | NotKnown]) -> tuple[tuple[str, ...] | NotKnown, str]:
    """Return everybody whom the parts name, and why there may be others beside them; empty if there are none."""
    known: set[str] = set()
    unknown: NotKnown | None = None
    for part in parts:
        if isinstance(part, NotKnown):
            unknown = unknown or part
        else:
            known.update(part)
    if unknown is None or not known:
        return unknown or tuple(sorted(known)), ""
    return tuple(sorted(known)), unknown.not_known
