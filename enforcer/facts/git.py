"""What the manifests in Git refer to."""

from enforcer.facts.base import Facts


class GitFacts(Facts):
    """What the manifests in Git refer to."""
