"""From what Vault answers to facts. Whatever the facts have no place for ends here. Pure."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from enforcer.facts.base import NotKnown
from enforcer.facts.vault import PathVersions, RoleParameters, RuleFacts
from resolver.references.jsontext import JsonValue
from resolver.vault.kv_versions import VersionState
from resolver.vault.outline import Versions
from review.policies.reading import NotAPolicy, policy
from review.sources.text import Text

_STATES: Final[Mapping[VersionState, str]] = {
    VersionState.READABLE: "readable",
    VersionState.DELETED: "deleted",
    VersionState.DESTROYED: "destroyed",
}
# Many more than a namespace has secrets; a policy that has them is not written by Keyhole.
_MOST_RULES: Final = 5_000
_LISTS: Final = frozenset({
    "bound_audiences",
    "bound_service_account_names",
    "bound_service_account_namespaces",
    "token_policies",
})  # fmt: skip


def versions(listed: Versions, recorded: Collection[int]) -> PathVersions:
    """Return the versions that matter: the oldest, the current, the recorded ones, and the one after each of these."""
    wanted = {min(listed.states, default=0), listed.current, *recorded, *(number + 1 for number in recorded)}
    return PathVersions.model_validate(
        {
            "current": listed.current,
            "created": _time(listed.made),
            "versions": [
                {
                    "number": number,
                    "state": _STATES[listed.states[number]],
                    "created": _time(listed.created.get(number)),
                }
                for number in sorted(wanted & listed.states.keys())
            ],
        }
    )


def rules(text: str, name: str) -> tuple[RuleFacts, ...] | NotKnown:
    """Return the rules of a policy."""
    try:
        read = policy(Text(f"policy {name}", text), name)
    except NotAPolicy as error:
        where = f"line {error.place.line}, column {error.place.column}"
        return NotKnown(not_known=f"it cannot be read here ({where}: {error.reason})")
    if len(read.rules) > _MOST_RULES:
        return NotKnown(not_known=f"it has more than {_MOST_RULES} rules")
    return tuple(
        RuleFacts(
            path=rule.path, capabilities=tuple(sorted(rule.capabilities)), conditions=tuple(sorted(rule.conditions))
        )
        for rule in read.rules
    )


def parameters(data: Mapping[str, JsonValue]) -> RoleParameters | NotKnown:
    """Return the parameters of a role, as far as they say whom it lets in and as what."""
    known = {name: _plain(data.get(name), name) for name in RoleParameters.model_fields if data.get(name) is not None}
    claims = known.get("bound_claims")
    if isinstance(claims, dict):
        known["bound_claims"] = {name: one if isinstance(one, list) else [one] for name, one in claims.items()}
    try:
        return RoleParameters.model_validate(known)
    except ValidationError:
        # Its errors quote what they were given.
        pass
    return NotKnown(not_known="Vault sent an answer that is not Vault's")


def _plain(value: JsonValue, name: str) -> Any:
    match value:
        case bytes():
            return value.decode()
        case dict():
            return {key: _plain(one, "") for key, one in value.items()}
        case list():
            return [_plain(one, "") for one in value]
        case str() if name in _LISTS:
            return [value] if value else []
    return value


def _time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo is not None else None
