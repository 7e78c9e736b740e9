"""`identities`: a role lets in the account of one namespace, for its own policy and for minutes.

What is demanded is what `keyhole tenant` prints; `provisioning.vault_role` is the one place that knows it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import Field

from enforcer.facts.base import NotKnown
from enforcer.facts.inventory import Inventory
from enforcer.facts.vault import ConnectionFacts, RoleFacts, RoleParameters
from enforcer.judging.answers import Answer, Held, NotChecked, found, section_not_known
from enforcer.judging.standard import Parameters, Standard
from enforcer.judging.vault_parts.uses import Uses, is_used, shown, used
from provisioning.policy_paths import NAMESPACE
from provisioning.vault_role import TOKEN_SECONDS, TokenType, vault_role
from resolver.references.characters import visible
from review.findings.finding import ObjectName
from review.findings.rule import Rule, Severity

_RULE: Final = Rule(
    "identities", "identities", Severity.ERROR,
    "A role in Vault lets in more than the account of its namespace, or for longer than the standard allows.",
    "Whoever has a token that the role accepts can read what the namespace may read, and Keyhole is not asked.",
    "`keyhole tenant NAMESPACE --vault-only` prints the role as it has to be; write it anew.",
)  # fmt: skip
# What no role of Keyhole's has, and why it matters if one does.
_EMPTY: Final[Mapping[str, str]] = {
    "token_period": "its tokens can be renewed for ever",
    "groups_claim": "its tokens may have policies of groups",
    "bound_service_account_namespace_selector": "it lets in namespaces by their labels",
}
# How long after its end the JWT of an account is still taken. Vault's own default, which 0 stands for, is 150 seconds.
_LEEWAYS: Final = ("expiration_leeway", "clock_skew_leeway")
_MOST_LEEWAY_SECONDS: Final = 150
_SECONDS: Final = ("token_ttl", "token_max_ttl")
# Of these, a role may have more: each further claim keeps somebody out, and each further mapping is only told.
_AT_LEAST: Final = frozenset({"bound_claims", "claim_mappings"})
_LONGEST: Final = 200
_TEN_YEARS: Final = 315_360_000


class Identities(Parameters):
    """How long tokens may live."""

    ttl_seconds: int = Field(
        default=TOKEN_SECONDS, ge=1, le=_TEN_YEARS, description="The longest `token_ttl` of a role, in seconds."
    )
    max_ttl_seconds: int = Field(
        default=TOKEN_SECONDS, ge=1, le=_TEN_YEARS, description="The longest `token_max_ttl` of a role, in seconds."
    )


def judge(inventory: Inventory, parameters: Identities) -> Iterator[Answer]:
    """Judge each role with which namespaces log in."""
    if isinstance(inventory.vault, NotKnown):
        yield section_not_known("vault", inventory.vault)
        return
    uses = used(inventory, 0)
    connections = {each.name: each for each in inventory.vault.connections}
    for role in inventory.vault.roles:
        connection = connections.get(role.connection)
        about = ObjectName("vault", "Role", "", role.name)
        if connection is None:
            yield NotChecked(about, f"the connection {role.connection} is not known")
        else:
            yield from _answers(about, role, connection, uses, parameters)


def _answers(
    about: ObjectName, role: RoleFacts, connection: ConnectionFacts, uses: Uses, parameters: Identities
) -> Iterator[Answer]:
    given, prefix = role.parameters, "" if role.connection == "default" else f"{role.connection}: "
    if given is None:
        # Nobody logs in at a connection that no reference names.
        if is_used(uses, role.connection, role.namespaces):
            message = f"Vault has no such role at auth/{role.mount}, and {shown(role.namespaces)} cannot log in"
            yield found(_RULE, about, message, pointer=f"{prefix}missing")
        return
    if isinstance(given, NotKnown):
        yield NotChecked(about, given.not_known)
        return
    wrong = dict(_wrong(given, role, connection, parameters))
    for name, message in wrong.items():
        yield found(_RULE, about, message, pointer=f"{prefix}{name}")
    if not wrong:
        yield Held(about)


def _wrong(
    given: RoleParameters, role: RoleFacts, connection: ConnectionFacts, parameters: Identities
) -> Iterator[tuple[str, str]]:
    """Yield the parameters that are not as they should be, and why."""
    for name, wanted in _expected(given, role, connection).items():
        has = getattr(given, name)
        if name in _SECONDS:
            most = parameters.ttl_seconds if name == "token_ttl" else parameters.max_ttl_seconds
            if has == 0:
                yield name, f"{name} is not set, so tokens live as long as the mount or Vault lets them"
            elif has > most:
                yield name, f"{name} is {has} seconds, and the standard allows {most}"
        elif not _fits(name, has, wanted):
            yield name, f"{name} is {_text(has)}, and should be {_text(wanted)}"
    for name in _LEEWAYS:
        if (has := getattr(given, name)) > _MOST_LEEWAY_SECONDS:
            yield name, f"{name} is {has} seconds, so tokens of accounts are taken long after their end"
    for name, why in _EMPTY.items():
        if getattr(given, name):
            yield name, f"{name} is set, so {why}"


def _expected(given: RoleParameters, role: RoleFacts, connection: ConnectionFacts) -> Mapping[str, Any]:
    namespace = role.namespaces[0] if NAMESPACE in connection.role else None
    kind: TokenType = "batch" if given.token_type == "batch" else "service"  # noqa: S105 - a kind of token
    return vault_role(connection, namespace, role.name, kind).parameters


def _fits(name: str, has: Any, wanted: Any) -> bool:
    match wanted:
        case dict() if name in _AT_LEAST:
            return all(key in has and _plain(has[key]) == _plain(value) for key, value in wanted.items())
        case list():
            return sorted(has) == sorted(wanted)
    return bool(has == wanted)


def _plain(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return visible(", ".join(map(str, value)) or "empty", _LONGEST)
        case dict():
            return visible(
                ", ".join(f"{key}={'|'.join(_plain(one))}" for key, one in value.items()) or "empty", _LONGEST
            )
    return visible(str(value) or "empty", _LONGEST)


STANDARD: Final = Standard(
    _RULE,
    Identities,
    judge,
    "Each role in Vault lets in the account of one namespace, for its own policy and for minutes.",
)
