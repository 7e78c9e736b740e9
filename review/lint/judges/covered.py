"""Vault policies in Git: what references need and policies lack, and what policies allow and nothing needs."""

import difflib
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from review.findings.finding import Finding
from review.findings.rule import Severity
from review.lint.catalogue import NOT_COVERED, UNUSED_GRANT
from review.lint.judges.connection import ASSUMED, Connection, Location, Refused, Unknown, possible
from review.lint.objects import named
from review.lint.uses import Use
from review.policies.folder import Policies
from review.policies.policy import Policy, Rule
from review.sources.text import NotChecked

if TYPE_CHECKING:
    from review.lint.tree import Tree

_READ: Final = "read"
_NO_NAMESPACE: Final = "no file says in which namespace the object will be, so it has no policy"
_VARIES: Final = "whether its policy allows it depends on a template, or on what else is in the request"
_MOUNT: Final = "its policy allows it if its mount is KV v1; name the mount and its version in the connections file"
_UNUSED: Final = "what policies allow and no manifest refers to (KH108)"
# How many paths that sort before one, and behind it, are compared with it for a hint.
_MOST_COMPARED: Final = 25
# What a token needs for itself, and what only holds versions.
_OF_VAULT: Final = ("auth/", "sys/", "identity/", "cubbyhole/")


@dataclass(frozen=True, slots=True)
class Covered:
    """The judge. `policies` are those of each connection, by its name.

    `is_whole` says whether all manifests were looked at: only then is it known what none of them refers to.
    """

    policies: Mapping[str, Policies]
    connections: Mapping[str, Connection]
    is_whole: bool
    _read: dict[tuple[str, str, str], Policy] = field(default_factory=dict)

    def __call__(self, tree: "Tree") -> Iterator[Finding | NotChecked]:
        """Yield what policies lack and what they have too much, and what cannot be told."""
        for known in self.policies.values():
            yield from known.unchecked
        unknown = Unknown()
        for use in tree.uses:
            yield from self._judge(use, unknown)
        yield from unknown.told()
        yield from self._unused(tree)

    def _judge(self, use: Use, unknown: Unknown) -> Iterator[Finding]:
        name = use.reference.connection
        if self.connections and name not in self.connections:
            return  # another judge tells that
        known = self.policies.get(name)
        if known is None:
            unknown.add(use, f"no folder with policies was given for the connection {named(name)}")
            return
        if not use.namespace:
            unknown.add(use, _NO_NAMESPACE)
            return
        connection = self.connections.get(name, ASSUMED)
        wanted = connection.policy(use.namespace)
        policy = known.named.get(wanted)
        if policy is None:
            unknown.add(use, f"there is no policy {named(wanted)} to be read in {known.folder}")
            return
        # Each policy is read once for each namespace: it remembers what it was asked.
        policy = self._read_as((name, wanted, use.namespace), policy)
        found = connection.locate(use)
        if isinstance(found, Refused):
            return  # admission refuses it, and asks nothing
        if found is None:
            yield from self._somewhere(use, policy, unknown)
        else:
            yield from self._there(use, policy, found, unknown)

    def _read_as(self, key: tuple[str, str, str], policy: Policy) -> Policy:
        if key not in self._read:
            self._read[key] = policy.in_namespace(key[-1])
        return self._read[key]

    def _there(self, use: Use, policy: Policy, found: Location, unknown: Unknown) -> Iterator[Finding]:
        judged = by_policy(use, policy, found)
        if isinstance(judged, Finding):
            yield judged
        elif judged:
            unknown.add(use, judged)

    def _somewhere(self, use: Use, policy: Policy, unknown: Unknown) -> Iterator[Finding]:
        """Judge a reference of which nobody says where its mount ends: something has to cover it in any case."""
        *newer, older = possible(use.reference.path)
        answers = {place: policy.allows(place.read_path, _READ) for place in newer}
        if covered := [place for place, answer in answers.items() if answer]:
            yield from self._there(use, policy, covered[0], unknown)
        elif None in answers.values():
            unknown.add(use, _VARIES)
        elif policy.allows(older.read_path, _READ) is not False:
            unknown.add(use, _MOUNT)
        else:
            yield use.spot.finding(NOT_COVERED, _lacking(policy, newer[0].read_path))

    def _unused(self, tree: "Tree") -> Iterator[Finding | NotChecked]:
        """Yield the rules of namespaces' policies that no reference needs."""
        judged = [
            (name, policy, namespace)
            for name, known in self.policies.items()
            for policy in known.named.values()
            if (namespace := _namespace(policy.name, self.connections.get(name, ASSUMED)))
        ]
        if not judged:
            return
        if not self.is_whole:
            yield NotChecked(judged[0][1].place, f"{_UNUSED} is known only when a whole folder is looked at")
            return
        if tree.unread:
            yield NotChecked(judged[0][1].place, f"{_UNUSED} is not known, as not everything could be read")
            return
        by_whom: dict[tuple[str, str], list[Use]] = {}
        for use in tree.uses:
            by_whom.setdefault((use.reference.connection, use.namespace), []).append(use)
        here = {*tree.namespaces, *(use.namespace for use in tree.uses)}
        for name, policy, namespace in judged:
            if namespace not in here:
                yield NotChecked(policy.place, f"{_UNUSED}: no manifest of the namespace {named(namespace)} is here")
                continue
            uses = [use for each in (namespace, "") for use in by_whom.get((name, each), ())]
            yield from self._of_policy(policy.in_namespace(namespace), namespace, uses)

    def _of_policy(self, policy: Policy, namespace: str, uses: Sequence[Use]) -> Iterator[Finding]:
        needed = {path for use in uses for path in self._needs(use)}
        unused = [rule for rule in policy.rules if _is_of_secrets(rule) and not _is_needed(rule, needed)]
        paths = {rule.path for rule in unused}
        for rule in unused:
            # Of the two rules of a secret on KV v2 the one for its values is told.
            values = rule.path.replace("/metadata/", "/data/", 1)
            if values == rule.path or values not in paths:
                message = (
                    f"policy {named(policy.name)} allows {named(rule.path)}, which nothing in {namespace} refers to"
                )
                yield Finding(UNUSED_GRANT, rule.place, message, severity=UNUSED_GRANT.severity)

    def _needs(self, use: Use) -> Iterable[str]:
        found = self.connections.get(use.reference.connection, ASSUMED).locate(use)
        if isinstance(found, Refused):
            return ()
        places = possible(use.reference.path) if found is None else [found]
        return [path for place in places for path in (place.read_path, place.metadata_path) if path is not None]


def by_policy(use: Use, policy: Policy, found: Location) -> Finding | str | None:
    """Return what a policy lacks for a reference to a secret; or, as a text, why nobody can say; or nothing."""
    answer = policy.allows(found.read_path, _READ)
    if answer is None:
        return _VARIES
    if not answer:
        return use.spot.finding(NOT_COVERED, _lacking(policy, found.read_path))
    if found.metadata_path is not None and policy.allows(found.metadata_path, _READ) is False:
        message = f"{_lacking(policy, found.metadata_path)}; Keyhole gets the value, and notices no new one"
        return use.spot.finding(NOT_COVERED, message).told_as(Severity.WARNING)
    return None


def _namespace(policy: str, connection: Connection) -> str:
    """Return of which namespace a policy is, by its name; empty if it is of none, or of all of them."""
    before, mark, after = connection.policy("\0").partition("\0")
    fits = mark and policy.startswith(before) and policy.endswith(after)
    return policy[len(before) : len(policy) - len(after)] if fits else ""


def _is_of_secrets(rule: Rule) -> bool:
    return rule.grants(_READ) and not rule.path.startswith(_OF_VAULT)


def _is_needed(rule: Rule, paths: Collection[str]) -> bool:
    if rule.is_exact and not rule.is_template:
        return rule.path in paths
    return any(map(rule.matches, paths))


def _lacking(policy: Policy, path: str) -> str:
    near = _nearest(path, policy.granting(_READ))
    hint = f"; the nearest that it allows is {named(near)}" if near else ""
    return f"policy {named(policy.name)} does not allow reading {named(path)}{hint}"


def _nearest(path: str, granted: Sequence[str]) -> str | None:
    """Return the path most like this one among those beside it in their order: to compare all takes long."""
    at = bisect_left(granted, path)
    beside = granted[max(0, at - _MOST_COMPARED) : at + _MOST_COMPARED]
    known = [each for each in beside if _branch(each) == _branch(path)]
    near = difflib.get_close_matches(path, known, n=1, cutoff=0.9)
    return near[0] if near else None


def _branch(path: str) -> bool:
    return "/metadata/" in path
