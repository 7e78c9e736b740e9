"""Judges the references of a tree by what Vault said. Pure: everything was asked before."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import jsonpointer

from resolver.references.reference import Reference
from review.findings.finding import Finding
from review.findings.rule import Severity
from review.lint.catalogue import BEHIND, NOT_COVERED, NOT_THERE
from review.lint.objects import named
from review.lint.uses import Use
from review.lint.with_vault.answers import Facts, Fields, Gone, Held, Missing, NoAnswer, Secret
from review.lint.with_vault.coverage import Coverage
from review.sources.text import NotChecked, Place

MOST_BEHIND: Final = 3
"""By how many versions a pinned one may be older than the newest, unless the standards say otherwise."""
_MOST_COMPARED: Final = 1000
_OF_SECRETS: Final = (NOT_THERE.id, BEHIND.id)


@dataclass(slots=True)
class _Unchecked:
    """What was not checked, told once for each reason: at the first place, with all rules, and how many there are."""

    _places: dict[str, Place] = field(default_factory=dict)
    _rules: dict[str, set[str]] = field(default_factory=dict)
    _uses: dict[str, set[int]] = field(default_factory=dict)

    def add(self, number: int, use: Use, reason: str, rules: Iterable[str]) -> None:
        """Take note that a use, which has a number, was not checked."""
        self._places.setdefault(reason, use.spot.place)
        self._rules.setdefault(reason, set()).update(rules)
        self._uses.setdefault(reason, set()).add(number)

    def told(self) -> Iterator[NotChecked]:
        """Yield it."""
        for reason, place in self._places.items():
            count = len(self._uses[reason])
            others = f" (and {count - 1} further references)" if count > 1 else ""
            yield NotChecked(place, f"{', '.join(sorted(self._rules[reason]))}: {reason}{others}")


def judged(uses: Sequence[Use], facts: Facts, most_behind: int = MOST_BEHIND) -> Iterator[Finding | NotChecked]:
    """Yield what is wrong with the uses, and then what nobody can say."""
    unchecked = _Unchecked()
    policies = Coverage(facts)
    for number, use in enumerate(uses):
        secret = facts.secrets[use.reference.connection, use.reference.path]
        answer = secret if isinstance(secret, NoAnswer) else secret.versions[use.reference.version]
        if isinstance(answer, NoAnswer):
            unchecked.add(number, use, answer.reason, _OF_SECRETS)
        elif isinstance(secret, Secret):
            yield from _of_version(use, answer, secret.newest, most_behind)
        covered = policies.judged(use, secret)
        if isinstance(covered, NoAnswer):
            unchecked.add(number, use, covered.reason, (NOT_COVERED.id,))
        elif covered is not None:
            yield covered
    yield from unchecked.told()


def _of_version(use: Use, answer: Held | Gone | Missing, newest: int | None, most_behind: int) -> Iterator[Finding]:
    version, path = use.reference.version, _path(use.reference)
    match answer:
        case Missing(why):
            yield use.spot.finding(NOT_THERE, f"{path}: {named(why)}")
        case Gone(how) if version is None:
            yield use.spot.finding(NOT_THERE, f"{path}: its newest version is {how}")
        case Gone(how):
            remedy = "it can be undeleted" if how == "deleted" else "it cannot be brought back"
            finding = use.spot.finding(BEHIND, f"{path}: version {version} is {how}; {remedy}")
            yield finding.told_as(Severity.ERROR)
        case Held(fields):
            problem = _of_fields(use.reference, fields)
            if problem:
                yield use.spot.finding(
                    NOT_THERE, f"{path}{'' if version is None else f', version {version}'}: {problem}"
                )
            if version is not None and newest is not None and newest - version > most_behind:
                behind = f"version {version} is {newest - version} behind the newest, {newest}"
                yield use.spot.finding(BEHIND, f"{path}: {behind}")


def _of_fields(reference: Reference, fields: Fields) -> str:
    """Return what a secret with these fields lacks for a reference; nothing if it lacks nothing that is known."""
    if not reference.field:
        return "" if fields else "it has no field to give"
    functions = [one for one in reference.functions if one.name != "default"]
    if reference.field not in fields:
        return "" if len(functions) < len(reference.functions) else _no_field(reference.field, fields)
    pointer = functions[0].argument if functions and functions[0].name == "json" else None
    inner, passed = fields[reference.field], named(reference.field)
    for token in (pointer or "").split("/")[1:]:
        # What is no object may be a text in JSON, or a list; nobody shows what is in it.
        if inner is None:
            return ""
        name = jsonpointer.unescape(token)
        if name not in inner:
            return f"its field {passed!r} has no member {named(name)!r}{_near(name, inner)}"
        inner, passed = inner[name], f"{passed}/{named(name)}"
    return ""


def _no_field(name: str, fields: Fields) -> str:
    told = f"it has no field {named(name)!r}"
    for separator in (".", "/"):
        first, *others = name.split(separator)
        if others and _leads(fields, (first, *others)):
            pointer = "".join(f"/{jsonpointer.escape(part)}" for part in others)
            return f"{told}; did you mean `{named(first)} | json:{named(pointer)}`?"
    return told + _near(name, fields)


def _leads(fields: Fields, parts: Sequence[str]) -> bool:
    inner: Fields | None = fields
    for part in parts:
        if inner is None or part not in inner:
            return False
        inner = inner[part]
    return True


def _near(name: str, fields: Fields) -> str:
    known = {each.casefold(): each for each in list(fields)[:_MOST_COMPARED]}
    near = difflib.get_close_matches(name.casefold(), known, n=1, cutoff=0.7)
    return f"; did you mean {named(known[near[0]])!r}?" if near else ""


def _path(reference: Reference) -> str:
    return named(replace(reference, field="", version=None, functions=()).shown)
