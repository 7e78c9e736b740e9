"""The audit trail of Keyhole: whether its chains verify."""

from enforcer.facts.base import Facts


class TrailFacts(Facts):
    """The audit trail of Keyhole: whether its chains verify."""
