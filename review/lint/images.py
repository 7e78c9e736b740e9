"""Images of containers without a digest. They stay as they are: what Keyhole changed would differ from Git."""

from collections.abc import Iterator
from typing import Any, Final

from review.findings.finding import Finding
from review.lint.catalogue import NO_DIGEST
from review.lint.objects import Manifest, named
from review.lint.placeholders import is_placeholder
from review.sources.image import has_digest
from review.sources.nodes import Path

_LISTS: Final = frozenset({"containers", "initContainers", "ephemeralContainers"})


def without_digest(manifest: Manifest) -> Iterator[Finding]:
    """Yield the containers of an object, in whatever kind they stand, whose image has no digest."""
    waiting: list[tuple[Path, Any]] = [((), manifest.content)] if manifest.is_object else []
    seen: set[int] = set()
    while waiting:
        path, value = waiting.pop()
        if not isinstance(value, dict | list) or id(value) in seen:
            continue
        seen.add(id(value))
        members = list(value.items() if isinstance(value, dict) else enumerate(value))
        waiting += reversed([((*path, name), member) for name, member in members])
        if not isinstance(value, dict) or len(path) < len(("containers", 0)) or path[-2] not in _LISTS:
            continue
        image = value.get("image")
        if isinstance(image, str) and not has_digest(image) and not is_placeholder(image):
            name = value.get("name")
            of = f"container {named(name)}" if isinstance(name, str) else "a container"
            yield manifest.finding(NO_DIGEST, (*path, "image"), f"the image of {of} has no digest")
