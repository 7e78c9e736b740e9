"""The tokens that are alive in Vault."""

import contextlib

import hvac.exceptions

from testbed import Testbed


def living_tokens(bed: Testbed) -> frozenset[str]:
    """Return the accessors of the service tokens that are alive in Vault."""
    client = bed.vault.client()
    living = set()
    for accessor in client.list("auth/token/accessors")["data"]["keys"]:
        with contextlib.suppress(hvac.exceptions.InvalidRequest, hvac.exceptions.Forbidden):
            client.auth.token.lookup_accessor(accessor)
            living.add(accessor)
    return frozenset(living)
