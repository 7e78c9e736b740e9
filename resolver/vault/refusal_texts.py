"""What the texts of Vault's refusals mean. They are only compared, never shown.

The status alone cannot tell a used-up token from a missing policy line, or a mount that is being upgraded from a wrong
request.

Sources: `vault/request_handling.go` and the plugin `vault-plugin-secrets-kv` (`upgrade.go`, `backend.go`).
"""

from collections.abc import Iterator

from resolver.references import jsontext
from resolver.vault.http import VaultAnswer

_UNKNOWN_TOKEN = ("invalid token", "bad token")
_UPGRADES = ("upgrading from non-versioned", "waiting for the primary to upgrade")
_OTHER_MOUNT = ("invalid path for a versioned", "no handler for route", "unsupported path", "unsupported operation")


def told(answer: VaultAnswer) -> str:
    """Return the errors and warnings of an answer in lower case, one per line; empty if it is not Vault's JSON."""
    return "\n".join(_lines(answer)).lower()


def denies_token(answer: VaultAnswer) -> bool:
    """Whether a 403 means that Vault does not know the token: it expired, was revoked or is used up."""
    return _has(answer, _UNKNOWN_TOKEN)


def upgrades(answer: VaultAnswer) -> bool:
    """Whether a 400 means that the mount is being upgraded to KV v2, which takes moments."""
    return _has(answer, _UPGRADES)


def names_other_mount(answer: VaultAnswer) -> bool:
    """Whether a 404 means that the mount is of another kind than the request assumes, or does not exist."""
    return _has(answer, _OTHER_MOUNT)


def _has(answer: VaultAnswer, texts: tuple[str, ...]) -> bool:
    found = told(answer)
    return any(text in found for text in texts)


def _lines(answer: VaultAnswer) -> Iterator[str]:
    try:
        body = jsontext.parse(answer.body)
    except ValueError:
        return
    if not isinstance(body, dict):
        return
    for name in ("errors", "warnings"):
        listed = body.get(name)
        for item in listed if isinstance(listed, list) else ():
            line = jsontext.text(item)
            if line is not None:
                yield line
