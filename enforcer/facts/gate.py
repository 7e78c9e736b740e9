"""The registration of the webhook, its policies and its certificate, as the API server has them."""

from enforcer.facts.base import Facts


class GateFacts(Facts):
    """The registration of the webhook, its policies and its certificate, as the API server has them."""
