"""Words of messages: names of fields, and who wrote them. Names are quoted where their end would not be visible."""

from enforcer.facts.cluster import Writer
from resolver.references.characters import named


def shown(pointer: str) -> str:
    """Return a JSON Pointer for a message."""
    return named(pointer)


def by_whom(writer: Writer | None) -> str:
    """Return who wrote something last and when, to stand at the end of a message; empty if nobody is known."""
    if writer is None:
        return ""
    when = f" at {writer.time:%Y-%m-%d %H:%M} UTC" if writer.time is not None else ""
    return f"; {named(writer.manager)} wrote it last{when}"
