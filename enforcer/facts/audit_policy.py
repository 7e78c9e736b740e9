"""The audit policy of the API server, as its file says."""

from enforcer.facts.base import Facts


class AuditPolicyFacts(Facts):
    """The audit policy of the API server, as its file says."""
