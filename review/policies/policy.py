"""What a token with a policy may do, by Vault's own rules of priority.

Sources: Vault, *Policies*, "Policy syntax" and "Priority matching"; its tests of `sys/capabilities` for what the page
leaves open. A real Vault judges the same pairs in tests/e2e/review/test_policies.py.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from review.sources.text import Place

DENY: Final = "deny"
CAPABILITIES: Final = frozenset(
    {"create", "read", "update", "patch", "delete", "list", "sudo", DENY, "subscribe", "recover"}
)
_LIST: Final = "list"
_ONE_SEGMENT: Final = "+"
_ANYTHING: Final = "*"
# Of Terraform's expressions and directives: one that has braces in it may be anything up to the end.
_TEMPLATE: Final = re.compile(r"\{\{.*?\}\}|[$%]\{[^{}]*\}|[$%]\{.*", re.DOTALL)
# The template that `keyhole tenant --templated` writes. The accessor may be Terraform's expression.
_NAMESPACE: Final = re.compile(
    r"\{\{\s*identity\.entity\.aliases\.(?:\$\{[^{}]*\}|[^.{}])+\.metadata\.service_account_namespace\s*\}\}"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One path of a policy and what it grants there.

    `conditions` are attributes that narrow the grant by what is in a request, such as `required_parameters`.
    """

    path: str
    capabilities: frozenset[str]
    place: Place = field(compare=False, default_factory=lambda: Place(""))
    conditions: frozenset[str] = frozenset()

    @property
    def is_template(self) -> bool:
        """Whether Vault, or Terraform before it, puts something into the path that is not known here."""
        return _TEMPLATE.search(self.path) is not None

    @property
    def has_segment_wildcards(self) -> bool:
        """Whether Vault looks for `+` in the path; one within a segment stands for itself."""
        return self.path == _ONE_SEGMENT or self.path.startswith("+/") or "/+" in self.path

    @property
    def is_open(self) -> bool:
        """Whether the path ends in `*`, which stands for anything, nothing and slashes included."""
        return self.path.endswith(_ANYTHING)

    @property
    def is_exact(self) -> bool:
        """Whether the path stands for itself. Such a rule comes before all others."""
        return not (self.is_open or self.has_segment_wildcards)

    def grants(self, capability: str) -> bool:
        """Whether this rule alone grants a capability."""
        return capability in self.capabilities and DENY not in self.capabilities

    def matches(self, path: str) -> bool:
        """Whether the rule is about a path. One with a template is if anything could be put in to make it so."""
        if self.is_template:
            return self._could_match(path)
        if self.has_segment_wildcards:
            return self._matches_by_segment(path.split("/"))
        return path.startswith(self.path[:-1]) if self.is_open else path == self.path

    def _matches_by_segment(self, given: Sequence[str]) -> bool:
        wanted = self.path.removesuffix(_ANYTHING).split("/")
        if len(given) < len(wanted) or (len(given) > len(wanted) and not self.is_open):
            return False
        *whole, last = wanted
        if not all(want in {_ONE_SEGMENT, have} for want, have in zip(whole, given, strict=False)):
            return False
        have = given[len(whole)]
        return last in {_ONE_SEGMENT, have} or (self.is_open and have.startswith(last))

    def _could_match(self, path: str) -> bool:
        # Where the pieces so far can end: to try one way after another would take for ever with many templates.
        ends = {0}
        for number, piece in enumerate(_split(self.path.removesuffix(_ANYTHING))):
            if number % 2:
                ends = set(range(min(ends), len(path) + 1))
                continue
            for position, literal in enumerate(piece.split(_ONE_SEGMENT)):
                if position:
                    ends = _within_segments(path, ends)
                ends = {end + len(literal) for end in ends if path.startswith(literal, end)}
            if not ends:
                return False
        return self.is_open or len(path) in ends

    @property
    def rank(self) -> tuple[int, bool, int, int, bytes]:
        """What decides between two rules with wildcards: the larger governs. Lengths count bytes, as in Vault."""
        path = self.path.encode("utf-8", "surrogatepass")
        bare = path.removesuffix(b"*")
        wildcards = bare.split(b"/").count(b"+") if self.has_segment_wildcards else 0
        first = path.find(b"+") if self.has_segment_wildcards else len(bare)
        return first, not self.is_open, -wildcards, len(bare), bare


@dataclass(slots=True)
class Policy:
    """A policy as it is written. A token with several policies may do what `together` says.

    The rules do not change. They are sorted once, and a question that was answered is not asked again.
    """

    name: str
    rules: Sequence[Rule]
    place: Place = field(compare=False, default_factory=lambda: Place(""))
    _exact: dict[str, list[Rule]] = field(init=False, compare=False, repr=False, default_factory=dict)
    _others: list[Rule] = field(init=False, compare=False, repr=False, default_factory=list)
    _templates: list[Rule] = field(init=False, compare=False, repr=False, default_factory=list)
    _answers: dict[tuple[str, str], bool | None] = field(init=False, compare=False, repr=False, default_factory=dict)
    _granting: dict[str, Sequence[str]] = field(init=False, compare=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Sort the rules."""
        for rule in self.rules:
            if rule.is_template:
                self._templates.append(rule)
            elif rule.is_exact:
                self._exact.setdefault(rule.path, []).append(rule)
            else:
                self._others.append(rule)

    def allows(self, path: str, capability: str) -> bool | None:
        """Whether a token with this policy alone has a capability on a path of Vault's API, without a leading slash.

        None if that depends on what is not known here: what a template stands for, or what else is in the request.
        """
        asked = path, capability
        if asked not in self._answers:
            self._answers[asked] = self._allows(path, capability)
        return self._answers[asked]

    def granting(self, capability: str) -> Sequence[str]:
        """Return the paths of the rules that grant a capability, in order."""
        if capability not in self._granting:
            self._granting[capability] = sorted(rule.path for rule in self.rules if rule.grants(capability))
        return self._granting[capability]

    def in_namespace(self, namespace: str) -> "Policy":
        """Return the policy as Vault reads it for the identity of a Kubernetes namespace.

        The template that Keyhole's own policies have is filled in; others stay.
        """
        if not self._templates:
            return self
        rules = [replace(rule, path=_NAMESPACE.sub(lambda _: namespace, rule.path)) for rule in self.rules]
        return Policy(self.name, rules, self.place)

    def _allows(self, path: str, capability: str) -> bool | None:
        found = self._governing(path, is_list=capability == _LIST)
        is_denied = any(DENY in rule.capabilities for rule in found)
        granted = not is_denied and any(rule.grants(capability) for rule in found)
        if granted and any(rule.conditions for rule in found):
            return None
        perhaps = [rule for rule in self._templates if rule.matches(path)]
        if found and found[0].is_exact:
            # Nothing comes before a rule with exactly this path, but another one with exactly this path adds to it.
            perhaps = [rule for rule in perhaps if rule.is_exact]
        return granted if all(rule.grants(capability) is granted for rule in perhaps) else None

    def _governing(self, path: str, *, is_list: bool) -> list[Rule]:
        """Return the rules, all with the same path, that decide on a path; none if no rule is about it."""
        bare = path.removesuffix("/")
        # To list a folder one names it with a slash; rules are found without it too.
        exact = self._exact.get(path) or (self._exact.get(bare) if is_list else None)
        if exact:
            return exact
        return (self._best(bare) if is_list else []) or self._best(path)

    def _best(self, path: str) -> list[Rule]:
        rules = [rule for rule in self._others if rule.matches(path)]
        best = max(rules, key=lambda rule: rule.rank) if rules else None
        return [rule for rule in rules if best is not None and rule.path == best.path]


def together(policies: Iterable[Policy]) -> Policy:
    """Return one policy that allows what a token with all of these may do."""
    every = list(policies)
    return Policy(", ".join(policy.name for policy in every), [rule for policy in every for rule in policy.rules])


def _split(path: str) -> list[str]:
    """Split a path at its templates: every second piece stands for one."""
    pieces, at = [], 0
    for found in _TEMPLATE.finditer(path):
        pieces += [path[at : found.start()], found[0]]
        at = found.end()
    return [*pieces, path[at:]]


def _within_segments(path: str, starts: Collection[int]) -> set[int]:
    """Return where a text of any length that has no slash can end, if it begins at one of `starts`."""
    found: set[int] = set()
    for start in sorted(starts):
        if start not in found:
            slash = path.find("/", start)
            found.update(range(start, (len(path) if slash < 0 else slash) + 1))
    return found
