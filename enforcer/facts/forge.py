"""How the repository of the manifests is guarded: rules of its branch, and owners."""

from enforcer.facts.base import Facts


class ForgeFacts(Facts):
    """How the repository of the manifests is guarded: rules of its branch, and owners."""
