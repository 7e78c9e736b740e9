"""The Enforcer's part of the file of the standards (`enforce:`), which `keyhole lint` reads its own part of."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from enforcer.judging.catalogue import STANDARDS
from enforcer.judging.standard import Parameters, Standard
from enforcer.standards.chosen import LONGEST, Chosen, Exemption, Selector, StandardsFile, by_default
from review.findings.standards_reading import StandardsReader, meant, shown
from review.sources.nodes import Path
from review.sources.text import Text


def parse(text: Text, today: date, standards: Sequence[Standard] = STANDARDS) -> StandardsFile:
    """Read what was decided about standards. `today` says which ends of exceptions are too far off.

    Raises `StandardsError` with the place of what is wrong.
    """
    part = _Part(StandardsReader.of(text), {standard.rule.id: standard for standard in standards}, today)
    digest = hashlib.sha256(text.content.encode(errors="surrogatepass")).hexdigest()
    return part.standards_file(digest)


@dataclass(frozen=True, slots=True)
class _Part:
    reader: StandardsReader
    standards: Mapping[str, Standard]
    today: date

    def standards_file(self, digest: str) -> StandardsFile:
        enforce = self.reader.part("enforce", ("standards", "exceptions"))
        at: Path = ("enforce", "standards")
        given = self.reader.map(at, enforce.get("standards"), tuple(self.standards))
        chosen = {name: self._chosen((*at, name), self.standards[name], each) for name, each in given.items()}
        at = ("enforce", "exceptions")
        exceptions = enumerate(self.reader.items(at, enforce.get("exceptions")))
        return StandardsFile(chosen, tuple(self._exemption((*at, number), each) for number, each in exceptions), digest)

    def _chosen(self, at: Path, standard: Standard, given: Any) -> Chosen:
        parts = self.reader.map(at, given, ("severity", "namespaces", "parameters"))
        default = by_default(standard)
        severity = (
            self.reader.severity((*at, "severity"), parts["severity"]) if "severity" in parts else default.severity
        )
        parameters = self._parameters((*at, "parameters"), standard, parts.get("parameters"))
        return Chosen(severity, parameters, self._selector((*at, "namespaces"), parts.get("namespaces")))

    def _selector(self, at: Path, given: Any) -> Selector:
        parts = self.reader.map(at, given, ("names", "matchLabels"))
        labels = self.reader.map((*at, "matchLabels"), parts.get("matchLabels"))
        for key, value in labels.items():
            if not isinstance(value, str):
                raise self.reader.error((*at, "matchLabels", key), "a label's value is a text; put it in quotes")
        return Selector(tuple(self.reader.texts((*at, "names"), parts.get("names", []))), labels)

    def _parameters(self, at: Path, standard: Standard, given: Any) -> Parameters:
        parts = self.reader.map(at, given, tuple(_names(standard.parameters)))
        problem: ErrorDetails | None = None
        try:
            # As JSON, in which a list may become a set, and a text a length of time; and nothing else is converted.
            return standard.parameters.model_validate_json(json.dumps(parts, default=str), strict=True)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        # Outside the handler: the error holds what was given.
        raise self.reader.error((*at, *problem["loc"]), problem["msg"][:1].lower() + problem["msg"][1:])

    def _exemption(self, at: Path, given: Any) -> Exemption:
        parts = self.reader.map(at, given, ("standards", "objects", "until", "owner", "reason", "ticket"))
        standards, objects = (self.reader.texts((*at, part), parts.get(part, [])) for part in ("standards", "objects"))
        for name in standards:
            if name not in self.standards:
                known = tuple(self.standards)
                raise self.reader.error((*at, "standards"), f"there is no standard {shown(name)}{meant(name, known)}")
        if not standards or not objects:
            raise self.reader.error(at, "an exception needs standards and objects, such as [Secret shop/*]")
        owner, reason = self.reader.owner_and_reason(at, parts)
        until = self.reader.day((*at, "until"), parts.get("until"))
        if until > self.today + LONGEST:
            latest = f"the latest day that is allowed today is {self.today + LONGEST}"
            raise self.reader.error((*at, "until"), f"it is more than {LONGEST.days} days off; {latest}")
        ticket = parts.get("ticket") or ""
        if not isinstance(ticket, str):
            raise self.reader.error((*at, "ticket"), "it is no text")
        place = self.reader.document.place((*at, "until"))
        return Exemption(standards, objects, until, owner, reason, ticket, place)


def _names(parameters: type[Parameters]) -> list[str]:
    """Return the names of parameters as they stand in the file."""
    return [field.alias or name for name, field in parameters.model_fields.items()]
