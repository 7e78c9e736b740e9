"""Which connection stands for a Vault that another tool finds by its address."""

from typing import Any, Final
from urllib.parse import urlsplit

from resolver.references.characters import visible
from resolver.references.reference import DEFAULT_CONNECTION
from review.languages.foreign import Context
from review.languages.texts.pieces import Untranslatable

_LONGEST: Final = 200
ROLE: Final = "keyhole-{namespace}"


def connection(context: Context, address: str) -> str:
    """Return the connection for an address: that of `--map ADDRESS=CONNECTION`, or `default`."""
    mapped = context.mappings.get(address) if address else None
    return mapped.partition("/")[0] if mapped else DEFAULT_CONNECTION


def stanza(address: str, *, method: str = "jwt", mount: str = "", namespace: str = "") -> dict[str, Any]:
    """Return the entry of a connections file for a Vault (docs/configuration.md).

    Raises `Untranslatable` for an address that is no URL, or has a password in it.
    """
    try:
        parts = urlsplit(address)
        has_user = "@" in parts.netloc
    except ValueError:
        raise Untranslatable("the address of Vault is no URL") from None
    if parts.scheme not in {"http", "https"} or not parts.netloc or has_user:
        raise Untranslatable("the address of Vault is no URL of scheme, host and port")
    auth = {"method": "kubernetes" if method in {"kubernetes", "k8s"} else "jwt", "role": ROLE}
    if mount and mount != auth["method"]:
        auth["mount"] = visible(mount, _LONGEST)
    entry: dict[str, Any] = {"address": visible(f"{parts.scheme}://{parts.netloc}", _LONGEST)}
    if namespace:
        entry["vaultNamespace"] = visible(namespace, _LONGEST)
    return {**entry, "auth": auth}
