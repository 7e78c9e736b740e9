"""The values of one Secret, as Vault takes them: the step between a manifest and `vault kv put`, on a pipe."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping

from resolver.references.characters import named
from review.lint.objects import Manifest


class NoValues(ValueError):
    """Values that cannot be had, or cannot be stored as they are. `reason` says why, and quotes names of keys only."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def values(manifests: Iterable[Manifest], namespace: str, name: str, keys: Mapping[str, bool]) -> str:
    """Return the JSON of the fields for some keys of a Secret: text as it is, or in base64 where a key says true.

    A manifest without a namespace is taken for one of any. Raises `NoValues`, so that half a Secret is never stored.
    """
    found = [secret for secret in manifests if _is(secret, namespace, name)]
    if len(found) != 1:
        number = "is no Secret" if not found else f"are {len(found)} Secrets"
        raise NoValues(f"there {number} {namespace}/{name} in it")
    return json.dumps({key: _value(found[0], key, as_base64=as_base64) for key, as_base64 in keys.items()})


def _is(secret: Manifest, namespace: str, name: str) -> bool:
    metadata = secret.part("metadata")
    return (
        secret.name.kind == "Secret"
        and not secret.name.group
        and metadata.get("name") == name
        and metadata.get("namespace") in {None, "", namespace}
    )


def _value(secret: Manifest, key: str, *, as_base64: bool) -> str:
    content = _content(secret, key)
    if as_base64:
        return base64.b64encode(content).decode()
    try:
        return content.decode()
    except UnicodeDecodeError:
        pass
    raise NoValues(f"the value of {named(key)} is no text; run `keyhole migrate secrets` again with --base64 for it")


def _content(secret: Manifest, key: str) -> bytes:
    plain, encoded = (secret.part(part).get(key) for part in ("stringData", "data"))
    if plain is not None:
        if not isinstance(plain, str):
            raise NoValues(f"the value of {named(key)} is no text; put it in quotes")
        return plain.encode()
    if not isinstance(encoded, str):
        raise NoValues(f"the Secret has no key {named(key)}")
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        pass
    raise NoValues(f"the value of {named(key)} is not base64")
