"""What Vault has: versions of the paths that are used, policies and roles. No data."""

from enforcer.facts.base import Facts


class VaultFacts(Facts):
    """What Vault has: versions of the paths that are used, policies and roles. No data."""
