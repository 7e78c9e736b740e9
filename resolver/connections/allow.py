"""Which paths the references of a connection may reach. They are checked before Vault is asked.

Patterns are written like the paths of Vault policies: `+` stands for one whole segment, a final `*` for anything after
it. `{namespace}` is also a whole segment and stands for the namespace of the request. Patterns are matched against the
decoded segments of the canonical mount and path, never against the text of a reference.

Source: Vault, *Policies*, policy syntax.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from resolver.references import paths

_ONE_SEGMENT = "+"
_ANYTHING = "*"
_NAMESPACE = "{namespace}"


@dataclass(frozen=True, slots=True)
class AllowPattern:
    """One pattern. A path must match all its segments; with `is_open`, the last one is only a prefix."""

    segments: tuple[str, ...]
    is_open: bool

    def matches(self, path: Sequence[str], namespace: str) -> bool:
        """Whether the pattern allows a namespace the path with these segments."""
        wanted = [namespace if segment == _NAMESPACE else segment for segment in self.segments]
        if not self.is_open:
            return len(path) == len(wanted) and all(map(_same, wanted, path))
        *whole, beginning = wanted
        return (
            len(path) >= len(wanted)
            and all(map(_same, whole, path))
            # `a/*` requires something below `a`; `a/b*` matches what begins with it.
            and path[len(whole)].startswith(beginning)
        )

    def covers(self, path: Sequence[str]) -> bool:
        """Whether the pattern allows every namespace everything that a policy path, given as segments, stands for.

        A segment may be `{namespace}`, and the last one `*` for anything below. One pattern must cover all of it.
        """
        return (self.is_open or path[-1] != _ANYTHING) and self.matches(path, _NAMESPACE)

    def __str__(self) -> str:
        return "/".join(self.segments) + (_ANYTHING if self.is_open else "")


def _same(wanted: str, segment: str) -> bool:
    return wanted in {_ONE_SEGMENT, segment}


def parse(text: str) -> AllowPattern:
    """Parse a pattern. Raises ValueError that says what is wrong with it."""
    is_open = text.endswith(_ANYTHING)
    segments = text.removesuffix(_ANYTHING).split("/") if is_open else text.split("/")
    for position, segment in enumerate(segments):
        is_beginning = is_open and position == len(segments) - 1
        if _ANYTHING in segment:
            raise ValueError("* stands at the end only")
        if _ONE_SEGMENT in segment and segment != _ONE_SEGMENT:
            raise ValueError("+ stands for a whole segment")
        if "{" in segment.replace(_NAMESPACE, "", 1) or (_NAMESPACE in segment and segment != _NAMESPACE):
            raise ValueError("{namespace} stands for a whole segment, and there is no other placeholder")
        if is_beginning and segment == _NAMESPACE:
            # `{namespace}*` would let team-a read the secrets of team-ab.
            raise ValueError("{namespace} stands for a whole segment: write {namespace}/*")
        if not segment and not is_beginning:
            raise ValueError("a segment is empty")
    _check_plain("/".join(segment for segment in segments if segment))
    return AllowPattern(tuple(segments), is_open)


def _check_plain(path: str) -> None:
    """Refuse a pattern that no reference could ever match."""
    if path:
        paths.check(f"{path.replace(_NAMESPACE, 'namespace')}/secret")
