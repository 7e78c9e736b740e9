"""All fields of a secret, for objects that want whole secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from resolver.budget import Budget
from resolver.errors import ResolverError
from resolver.references.value import SecretValue
from resolver.vault.kv import KvSecret


@dataclass(frozen=True, slots=True)
class Opened:
    """The fields of a secret that are not null, by name, and where they came from. The version is None on KV v1."""

    fields: Mapping[str, SecretValue] = field(repr=False)
    version: int | None
    request_id: str


def opened(secret: KvSecret, budget: Budget) -> Opened | ResolverError:
    """Return the fields of a secret of which all were read, or the error if they have more bytes than are left."""
    fields = {name: value for name, value in secret.fields.items() if value is not None}
    try:
        budget.value(sum(len(value.reveal()) for value in fields.values()))
    except ResolverError as error:
        return error
    return Opened(fields, secret.version, secret.request_id)
