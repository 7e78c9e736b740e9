"""The file of the standards, in YAML or JSON. What it does not know it refuses: a misspelt rule decides nothing."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, cast, get_args

from resolver.references.characters import visible
from review.findings.rule import Severity
from review.findings.standards import OFF, Accepted, Pins, Standards, StandardsError
from review.sources.nodes import Path
from review.sources.stream import Document, read_text
from review.sources.text import NotChecked, Text

VERSION: Final = "keyhole.dev/standards/v1"
_LONGEST: Final = 100
_PIN_RULE: Final = "KH107"


def parse(text: Text, rules: Collection[str]) -> Standards:
    """Read standards about rules with these ids. Raises `StandardsError`."""
    documents = list(read_text(text))
    for document in documents:
        if isinstance(document, NotChecked):
            raise StandardsError(document.place, document.reason)
    if len(documents) != 1 or not isinstance(documents[0], Document):
        raise StandardsError(text.place(0, 0), "it is not one document")
    return _Reader(documents[0], sorted(rules)).standards()


@dataclass(frozen=True, slots=True)
class _Reader:
    document: Document
    rules: Sequence[str]

    def standards(self) -> Standards:
        for _, place in self.document.keys_twice():
            raise StandardsError(place, "the key stands twice")
        content = self._map((), self.document.content, ("version", "lint"))
        if content.get("version") != VERSION:
            raise self._error(("version",), f"it is not {VERSION}")
        lint = self._map(("lint",), content.get("lint"), ("severities", "parameters", "exceptions"))
        at: Path = ("lint", "parameters")
        parameters = self._map(at, lint.get("parameters"), ("pins", "behind", "publicKeys"))
        pins = parameters.get("pins", "any")
        if pins not in get_args(Pins):
            raise self._error((*at, "pins"), f"it is none of {', '.join(get_args(Pins))}")
        behind = parameters.get("behind")
        if behind is not None and (not isinstance(behind, int) or isinstance(behind, bool) or behind < 0):
            raise self._error((*at, "behind"), "it is no number of versions")
        severities = self._severities(lint.get("severities"))
        if severities.get(_PIN_RULE) and pins == "any":
            raise self._error(("lint", "severities", _PIN_RULE), f"{_PIN_RULE} needs lint.parameters.pins")
        if pins != "any":
            severities = {_PIN_RULE: Severity.WARNING, **severities}
        keys = self._map((*at, "publicKeys"), parameters.get("publicKeys"))
        public = {kind: frozenset(self._texts((*at, "publicKeys", kind), given)) for kind, given in keys.items()}
        return Standards(severities, cast("Pins", pins), behind, public, self._exceptions(lint.get("exceptions")))

    def _severities(self, given: Any) -> Mapping[str, Severity | None]:
        at: Path = ("lint", "severities")
        found: dict[str, Severity | None] = {}
        for rule, name in self._map(at, given, self.rules).items():
            # In YAML 1.1 `off` is a switch.
            if name is False or name == OFF:
                found[rule] = None
            elif isinstance(name, str) and name in list(Severity):
                found[rule] = Severity(name)
            else:
                raise self._error((*at, rule), f"it is none of {', '.join(Severity)}, {OFF}")
        return found

    def _exceptions(self, given: Any) -> tuple[Accepted, ...]:
        at: Path = ("lint", "exceptions")
        if given is not None and not isinstance(given, list):
            raise self._error(at, "it is no list")
        return tuple(self._exception((*at, number), each) for number, each in enumerate(given or []))

    def _exception(self, at: Path, given: Any) -> Accepted:
        parts = self._map(at, given, ("rules", "files", "objects", "until", "owner", "reason"))
        rules = self._texts((*at, "rules"), parts.get("rules"))
        for rule in rules:
            if rule not in self.rules:
                raise self._error((*at, "rules"), f"there is no rule {_shown(rule)}{_meant(rule, self.rules)}")
        files, objects = (self._texts((*at, part), parts.get(part, [])) for part in ("files", "objects"))
        if not rules or not (files or objects):
            raise self._error(at, "an exception needs rules, and files or objects")
        owner, reason = (parts.get(part) for part in ("owner", "reason"))
        if not (isinstance(owner, str) and owner.strip() and isinstance(reason, str) and reason.strip()):
            raise self._error(at, "an exception needs an owner and a reason")
        try:
            until = date.fromisoformat(str(parts.get("until")))
        except ValueError:
            raise self._error((*at, "until"), "until is no day such as 2027-01-31") from None
        place = self.document.place((*at, "until"))
        return Accepted(frozenset(rules), files, objects, until, owner, reason, place)

    def _map(self, at: Path, given: Any, known: Sequence[str] | None = None) -> Mapping[str, Any]:
        if given is None and at:
            return {}
        if not isinstance(given, dict):
            raise self._error(at, "it is no map")
        for key in given:
            if known is not None and key not in known:
                raise self._error((*at, key), f"{_shown(key)} is not known here{_meant(key, known)}")
        return given

    def _texts(self, at: Path, given: Any) -> Sequence[str]:
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            raise self._error(at, "it is no list of texts")
        return given

    def _error(self, at: Path, problem: str) -> StandardsError:
        where = ".".join(str(part) for part in at)
        return StandardsError(self.document.place(at), f"{_shown(where)}: {problem}" if where else problem)


def _shown(text: str) -> str:
    return visible(text, _LONGEST)


def _meant(name: str, known: Sequence[str]) -> str:
    """Return a hint at what somebody may have meant, for the end of a message; often an empty one."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
