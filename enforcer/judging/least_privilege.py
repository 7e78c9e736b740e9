"""`least-privilege`: the policy of a namespace grants what the namespace uses, and nothing more.

What a use needs is what `keyhole tenant` prints for it; `provisioning.policy` is the one place that knows it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import Field

from enforcer.facts.base import NotKnown
from enforcer.facts.inventory import Inventory
from enforcer.facts.vault import ConnectionFacts, PolicyFacts, RuleFacts
from enforcer.judging.answers import Answer, Held, NotChecked, found, section_not_known
from enforcer.judging.standard import Parameters, Standard
from enforcer.judging.vault_parts.uses import Uses, is_used, shown, used
from provisioning.errors import MountUnknown, PathRefused
from provisioning.policy import REVOKE_SELF, readable
from provisioning.policy_paths import locate
from resolver.references.characters import visible
from resolver.references.reference import Reference
from resolver.vault.mounts import V1, V2
from review.findings.finding import ObjectName
from review.findings.rule import Rule as StandardsRule
from review.findings.rule import Severity
from review.policies.policy import DENY, Policy, Rule

_RULE: Final = StandardsRule(
    "least-privilege", "least-privilege", Severity.ERROR,
    "The policy of a namespace grants more than the namespace uses.",
    "What nobody uses nobody misses when it is read: by whoever gets hold of the namespace's account.",
    "`keyhole tenant NAMESPACE --vault-only -f manifests/` prints the policy that the references need.",
)  # fmt: skip
_READ: Final = "read"
_BRANCHES: Final = frozenset({"data", "metadata"})
_LONGEST: Final = 253


@dataclass(frozen=True, slots=True)
class _Wrong:
    """What a rule grants too much. What nothing uses may be meant for later: that is milder than what nothing could."""

    message: str
    severity: Severity = Severity.ERROR


class LeastPrivilege(Parameters):
    """What counts as used."""

    used_days: int = Field(
        default=30, ge=1, le=3_650, description="A reference in the audit trail counts as used for so many days."
    )
    own_subtrees: bool = Field(
        default=False,
        description="Accept a wildcard below a segment that is the name of the namespace, as `keyhole tenant "
        "--templated` writes it, if the namespace uses anything there.",
    )


def judge(inventory: Inventory, parameters: LeastPrivilege) -> Iterator[Answer]:
    """Judge each policy with which namespaces log in."""
    if isinstance(inventory.cluster, NotKnown):
        yield section_not_known("cluster", inventory.cluster)
        return
    if isinstance(inventory.vault, NotKnown):
        yield section_not_known("vault", inventory.vault)
        return
    uses = used(inventory, parameters.used_days)
    connections = {each.name: each for each in inventory.vault.connections}
    for policy in inventory.vault.policies:
        about = ObjectName("vault", "Policy", "", policy.name)
        connection = connections.get(policy.connection)
        if connection is None:
            yield NotChecked(about, f"the connection {policy.connection} is not known")
        elif policy.rules is None:
            # It grants nothing. At a connection that nobody uses, there is none to be expected.
            yield from [Held(about)] if is_used(uses, policy.connection, policy.namespaces) else ()
        elif isinstance(policy.rules, NotKnown):
            yield NotChecked(about, policy.rules.not_known)
        else:
            yield from _Judge(policy, policy.rules, connection, uses, parameters).answers(about)


class _Judge:
    """Judges one policy. It may be that of many namespaces: then each rule has to be of use to one of them."""

    def __init__(
        self,
        policy: PolicyFacts,
        rules: Sequence[RuleFacts],
        connection: ConnectionFacts,
        uses: Uses,
        parameters: LeastPrivilege,
    ) -> None:
        self._policy = policy
        self._uses = uses
        self._own_subtrees = parameters.own_subtrees
        self._mounts: Mapping[str, int] = {each.path: each.version for each in connection.mounts}
        whole = Policy(policy.name, [_rule(each) for each in rules])
        self._seen = {namespace: whole.in_namespace(namespace) for namespace in policy.namespaces}
        self._needed = {
            namespace: self._of_uses(uses.paths(namespace, policy.connection)) for namespace in policy.namespaces
        }
        self._whole = whole

    def answers(self, about: ObjectName) -> Iterator[Answer]:
        """Yield an answer for each rule that grants too much, or may; one in all if none does."""
        prefix = "" if self._policy.connection == "default" else f"{self._policy.connection}: "
        told: set[str] = set()
        for number, rule in enumerate(self._whole.rules):
            wrong = self._wrong(number, rule)
            path = visible(rule.path, _LONGEST)
            if wrong is None or path in told:
                continue
            told.add(path)
            if isinstance(wrong, NotKnown):
                yield NotChecked(about, f"path {path}: {wrong.not_known}")
            else:
                message, pointer = f"path {path}: {wrong.message}", f"{prefix}{path}"
                yield found(_RULE, about, message, pointer=pointer).told_as(wrong.severity)
        if not told:
            yield Held(about)

    def _wrong(self, number: int, rule: Rule) -> _Wrong | NotKnown | None:
        """Return what a rule grants too much, or why nobody can say; None if it grants what is used."""
        if DENY in rule.capabilities or not rule.capabilities:
            return None
        if rule.path == REVOKE_SELF:
            more = sorted(rule.capabilities - {"update"})
            return _Wrong(f"grants {', '.join(more)} where update is enough") if more else None
        if more := sorted(rule.capabilities - {_READ}):
            return _Wrong(f"grants {', '.join(more)}, and Keyhole only reads")
        ways = [self._in_namespace(number, namespace) for namespace in self._policy.namespaces]
        if None in ways:
            return None
        unsure = next((each for each in ways if isinstance(each, NotKnown)), None)
        return unsure or next((each for each in ways if each), None)

    def _in_namespace(self, number: int, namespace: str) -> _Wrong | NotKnown | None:
        """Judge a rule that lets something be read, as Vault reads it for one namespace."""
        policy = self._seen[namespace]
        rule = policy.rules[number]
        if rule.is_template:
            return NotKnown(not_known="what its template stands for is not known here")
        if not rule.is_exact:
            return self._wildcard(rule, namespace)
        allowed = policy.allows(rule.path, _READ)
        # Another rule may take it back.
        if rule.path in self._needed[namespace] or allowed is False:
            return None
        if not self._is_of_secret(rule.path):
            return _Wrong("is neither the data nor the metadata of a secret")
        if allowed is None and not rule.conditions:
            return NotKnown(not_known="whether another rule takes it back is not known here")
        return self._unused(namespace)

    def _wildcard(self, rule: Rule, namespace: str) -> _Wrong | NotKnown | None:
        bare = rule.path.removesuffix("*")
        is_own = rule.is_open and not rule.has_segment_wildcards and bare.endswith("/") and namespace in bare.split("/")
        if not (self._own_subtrees and is_own and self._is_of_secret(rule.path)):
            return _Wrong("has a wildcard, so more secrets can be read than are used")
        return None if any(map(rule.matches, self._needed[namespace])) else self._unused(namespace)

    def _unused(self, namespace: str) -> _Wrong | NotKnown:
        if why := self._uses.unknown.get(namespace):
            return NotKnown(not_known=f"whether it is used is not known: {why}")
        where, looked_at = shown(self._policy.namespaces), ", ".join(self._uses.looked_at)
        return _Wrong(f"nothing in {where} uses it; looked at: {looked_at}", Severity.WARNING)

    def _of_uses(self, paths: set[str]) -> frozenset[str]:
        """Return the paths of Vault's API that these paths need."""
        return frozenset(one for path in paths for one in self._of_use(path))

    def _of_use(self, path: str) -> Iterator[str]:
        try:
            yield from readable(locate(Reference(path, "any"), self._mounts))
        except PathRefused:
            return
        except MountUnknown:
            # Any beginning of it may be the mount; a mount cannot lie within another one.
            segments = path.split("/")
            for length in range(1, len(segments)):
                for version in (V1, V2):
                    mount = {"/".join(segments[:length]): version}
                    try:
                        yield from readable(locate(Reference(path, "any"), mount))
                    except PathRefused:
                        continue

    def _is_of_secret(self, path: str) -> bool:
        """Whether a path of Vault's API is that of a secret, as far as its mount is known."""
        segments = path.split("/")
        for length in range(len(segments) - 1, 0, -1):
            version = self._mounts.get("/".join(segments[:length]))
            if version is not None:
                return version == V1 or segments[length] in _BRANCHES
        return not _BRANCHES.isdisjoint(segments[1:-1]) and segments[0] not in {"sys", "auth", "identity", "cubbyhole"}


def _rule(facts: RuleFacts) -> Rule:
    return Rule(facts.path, frozenset(facts.capabilities), conditions=frozenset(facts.conditions))


STANDARD: Final = Standard(
    _RULE, LeastPrivilege, judge, "Vault's policies let each namespace read what it uses, and no more."
)
