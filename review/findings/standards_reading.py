"""How the parts of the standards' file are read. What is not known is refused: a misspelt name decides nothing.

Each program has a part of its own in the file. It reads that one, and only checks that the others are maps.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from resolver.references.characters import visible
from review.findings.rule import Severity
from review.findings.standards import OFF, StandardsError
from review.sources.nodes import Path
from review.sources.stream import Document, read_text
from review.sources.text import NotChecked, Text

VERSION: Final = "keyhole.dev/standards/v1"
PARTS: Final = ("lint", "enforce")
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class StandardsReader:
    """Reads one file. Every error says where in the file it is, and what would be right."""

    document: Document

    @classmethod
    def of(cls, text: Text) -> "StandardsReader":
        """Return the reader of a file in YAML or JSON. Raises `StandardsError`."""
        documents = list(read_text(text))
        for document in documents:
            if isinstance(document, NotChecked):
                raise StandardsError(document.place, document.reason)
        if len(documents) != 1 or not isinstance(documents[0], Document):
            raise StandardsError(text.place(0, 0), "it is not one document")
        return cls(documents[0])

    def part(self, name: str, known: Sequence[str]) -> Mapping[str, Any]:
        """Return one of `PARTS`, in which only these keys are known."""
        for _, place in self.document.keys_twice():
            raise StandardsError(place, "the key stands twice")
        content = self.map((), self.document.content, ("version", *PARTS))
        if content.get("version") != VERSION:
            raise self.error(("version",), f"it is not {VERSION}")
        for other in PARTS:
            self.map((other,), content.get(other))
        return self.map((name,), content.get(name), known)

    def map(self, at: Path, given: Any, known: Sequence[str] | None = None) -> Mapping[str, Any]:
        """Return a map, empty if it is left out. `known` are the keys that it may have; None is for any."""
        if given is None and at:
            return {}
        if not isinstance(given, dict):
            raise self.error(at, "it is no map")
        for key in given:
            if known is not None and key not in known:
                raise self.error((*at, key), f"{shown(key)} is not known here{meant(key, known)}")
        return given

    def items(self, at: Path, given: Any) -> Sequence[Any]:
        """Return a list, empty if it is left out."""
        if given is not None and not isinstance(given, list):
            raise self.error(at, "it is no list")
        return given or []

    def texts(self, at: Path, given: Any) -> Sequence[str]:
        """Return a list of texts."""
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            raise self.error(at, "it is no list of texts")
        return given

    def severity(self, at: Path, given: Any) -> Severity | None:
        """Return a severity; None is for `off`."""
        # In YAML 1.1 `off` is a switch.
        if given is False or given == OFF:
            return None
        if isinstance(given, str) and given in list(Severity):
            return Severity(given)
        raise self.error(at, f"it is none of {', '.join(Severity)}, {OFF}")

    def day(self, at: Path, given: Any) -> date:
        """Return a day."""
        try:
            return date.fromisoformat(str(given))
        except ValueError:
            raise self.error(at, f"{at[-1]} is no day such as 2027-01-31") from None

    def owner_and_reason(self, at: Path, parts: Mapping[str, Any]) -> tuple[str, str]:
        """Return who answers for an exception, and why there is one."""
        owner, reason = (parts.get(part) for part in ("owner", "reason"))
        if not (isinstance(owner, str) and owner.strip() and isinstance(reason, str) and reason.strip()):
            raise self.error(at, "an exception needs an owner and a reason")
        return owner, reason

    def error(self, at: Path, problem: str) -> StandardsError:
        """Return an error about what stands at a path."""
        where = ".".join(str(part) for part in at)
        return StandardsError(self.document.place(at), f"{shown(where)}: {problem}" if where else problem)


def shown(text: str) -> str:
    """Return a name of the file as a message may quote it."""
    return visible(text, _LONGEST)


def meant(name: str, known: Sequence[str]) -> str:
    """Return a hint at what somebody may have meant, for the end of a message; often an empty one."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
