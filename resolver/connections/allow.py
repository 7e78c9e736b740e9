"""Which paths the references of a connection may reach, before Vault is asked.

The patterns are Vault's own policy paths: `+` stands for one whole segment, a final `*` for anything that follows.
`{namespace}` is a whole segment too, and stands for the namespace of the request. They are matched against the decoded
segments of the canonical mount and path, never against a reference's text.

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
    """One pattern. Without `is_open` the path has to have exactly its segments; with it, its last is a beginning."""

    segments: tuple[str, ...]
    is_open: bool

    def matches(self, path: Sequence[str], namespace: str) -> bool:
        """Whether a path, as segments, is one of those that the pattern allows to a namespace."""
        wanted = [namespace if segment == _NAMESPACE else segment for segment in self.segments]
        if not self.is_open:
            return len(path) == len(wanted) and all(map(_same, wanted, path))
        *whole, beginning = wanted
        return (
            len(path) >= len(wanted)
            and all(map(_same, whole, path))
            # `a/*` asks for something below `a`; `a/b*` for what begins so.
            and path[len(whole)].startswith(beginning)
        )

    def covers(self, path: Sequence[str]) -> bool:
        """Whether every namespace is allowed all that a path of a policy stands for, of which it is told by segments.

        A segment may be `{namespace}`, and the last one `*`: anything below. One pattern has to cover it all.
        """
        return (self.is_open or path[-1] != _ANYTHING) and self.matches(path, _NAMESPACE)

    def __str__(self) -> str:
        return "/".join(self.segments) + (_ANYTHING if self.is_open else "")


def _same(wanted: str, segment: str) -> bool:
    return wanted in {_ONE_SEGMENT, segment}


def parse(text: str) -> AllowPattern:
    """Read a pattern; raises ValueError that says what is wrong with it."""
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
            # `{namespace}*` would let team-a read what is team-ab's.
            raise ValueError("{namespace} stands for a whole segment: write {namespace}/*")
        if not segment and not is_beginning:
            raise ValueError("a segment is empty")
    _check_plain("/".join(segment for segment in segments if segment))
    return AllowPattern(tuple(segments), is_open)


def _check_plain(path: str) -> None:
    """A pattern that no reference could ever meet is a mistake."""
    if path:
        paths.check(f"{path.replace(_NAMESPACE, 'namespace')}/secret")
