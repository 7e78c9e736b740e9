"""Whether the policy of a namespace, as Vault has it, lets its references be read."""

from dataclasses import dataclass, field, replace

from review.findings.finding import Finding
from review.lint.catalogue import NOT_COVERED
from review.lint.judges.covered import by_policy
from review.lint.objects import named
from review.lint.uses import Use
from review.lint.with_vault.answers import Facts, NoAnswer, PolicyText, Secret
from review.policies.policy import Policy
from review.policies.reading import NotAPolicy, policy
from review.sources.text import Text


@dataclass(slots=True)
class Coverage:
    """Reads each policy once."""

    facts: Facts
    _read: dict[tuple[str, str], Policy | NoAnswer] = field(default_factory=dict)
    _told: set[tuple[str, str]] = field(default_factory=set)

    def judged(self, use: Use, secret: Secret | NoAnswer) -> Finding | NoAnswer | None:
        """Return what is wrong, or why nobody can say; None if the policy covers the path.

        That there is no policy is told at the first reference of the namespace only.
        """
        if not use.namespace:
            return NoAnswer("no file says in which namespace the object will be, so its policy is not known")
        told = self.facts.policies[use.reference.connection, use.namespace]
        if isinstance(told, PolicyText) and told.text is None:
            return self._missing(use, told.name)
        found = self._policy(use, told)
        place = secret if isinstance(secret, NoAnswer) else secret.location
        if isinstance(found, NoAnswer):
            return found
        if place is None or isinstance(place, NoAnswer):
            return place
        judged = by_policy(use, found, place)
        if isinstance(judged, str):
            return NoAnswer(f"policy {named(found.name)} in Vault: {judged}")
        # The policies in Git may have been judged too.
        return None if judged is None else replace(judged, message=f"in Vault, {judged.message}")

    def _policy(self, use: Use, told: PolicyText | NoAnswer) -> Policy | NoAnswer:
        key = (use.reference.connection, use.namespace)
        if key not in self._read:
            self._read[key] = told if isinstance(told, NoAnswer) else _read(told, use.namespace)
        return self._read[key]

    def _missing(self, use: Use, name: str) -> Finding | None:
        key = (use.reference.connection, use.namespace)
        if key in self._told:
            return None
        self._told.add(key)
        message = f"Vault has no policy {named(name)}, so namespace {use.namespace} may read nothing there"
        return use.spot.finding(NOT_COVERED, message)


def _read(told: PolicyText, namespace: str) -> Policy | NoAnswer:
    try:
        return policy(Text(f"policy {told.name}", told.text or ""), told.name).in_namespace(namespace)
    except NotAPolicy as error:
        where = f"line {error.place.line}, column {error.place.column}"
        return NoAnswer(f"policy {named(told.name)} in Vault cannot be read here ({where}: {error.reason})")
