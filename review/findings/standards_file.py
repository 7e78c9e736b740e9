"""Lint's part of the file of the standards."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast, get_args

from review.findings.rule import Severity
from review.findings.standards import Accepted, Pins, Standards
from review.findings.standards_reading import StandardsReader, meant, shown
from review.sources.nodes import Path
from review.sources.text import Text

_PIN_RULE: Final = "KH107"


def parse(text: Text, rules: Collection[str]) -> Standards:
    """Read standards about rules with these ids. Raises `StandardsError`."""
    return _Part(StandardsReader.of(text), sorted(rules)).standards()


@dataclass(frozen=True, slots=True)
class _Part:
    reader: StandardsReader
    rules: Sequence[str]

    def standards(self) -> Standards:
        lint = self.reader.part("lint", ("severities", "parameters", "exceptions"))
        at: Path = ("lint", "parameters")
        parameters = self.reader.map(at, lint.get("parameters"), ("pins", "behind", "publicKeys"))
        pins = parameters.get("pins", "any")
        if pins not in get_args(Pins):
            raise self.reader.error((*at, "pins"), f"it is none of {', '.join(get_args(Pins))}")
        behind = parameters.get("behind")
        if behind is not None and (not isinstance(behind, int) or isinstance(behind, bool) or behind < 0):
            raise self.reader.error((*at, "behind"), "it is no number of versions")
        severities = self._severities(lint.get("severities"))
        if severities.get(_PIN_RULE) and pins == "any":
            raise self.reader.error(("lint", "severities", _PIN_RULE), f"{_PIN_RULE} needs lint.parameters.pins")
        if pins != "any":
            severities = {_PIN_RULE: Severity.WARNING, **severities}
        keys = self.reader.map((*at, "publicKeys"), parameters.get("publicKeys"))
        public = {kind: frozenset(self.reader.texts((*at, "publicKeys", kind), given)) for kind, given in keys.items()}
        return Standards(severities, cast("Pins", pins), behind, public, self._exceptions(lint.get("exceptions")))

    def _severities(self, given: Any) -> Mapping[str, Severity | None]:
        at: Path = ("lint", "severities")
        named = self.reader.map(at, given, self.rules)
        return {rule: self.reader.severity((*at, rule), name) for rule, name in named.items()}

    def _exceptions(self, given: Any) -> tuple[Accepted, ...]:
        at: Path = ("lint", "exceptions")
        return tuple(self._exception((*at, number), each) for number, each in enumerate(self.reader.items(at, given)))

    def _exception(self, at: Path, given: Any) -> Accepted:
        parts = self.reader.map(at, given, ("rules", "files", "objects", "until", "owner", "reason"))
        rules = self.reader.texts((*at, "rules"), parts.get("rules"))
        for rule in rules:
            if rule not in self.rules:
                raise self.reader.error((*at, "rules"), f"there is no rule {shown(rule)}{meant(rule, self.rules)}")
        files, objects = (self.reader.texts((*at, part), parts.get(part, [])) for part in ("files", "objects"))
        if not rules or not (files or objects):
            raise self.reader.error(at, "an exception needs rules, and files or objects")
        owner, reason = self.reader.owner_and_reason(at, parts)
        until = self.reader.day((*at, "until"), parts.get("until"))
        place = self.reader.document.place((*at, "until"))
        return Accepted(frozenset(rules), files, objects, until, owner, reason, place)
