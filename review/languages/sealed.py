"""Secrets whose values are in the repository: in plain text, or encrypted by SOPS or as a SealedSecret.

What is encrypted stays a matter of its own program: here only the names of keys are read. Sources: the documentation of
sealed-secrets (`spec.encryptedData`, `spec.template`) and of SOPS (the map `sops` beside what it encrypted).
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from resolver.references.characters import named
from review.languages.filled_secret import FilledSecret, Text, filling
from review.languages.foreign import Told
from review.lint import plaintext
from review.lint.objects import Manifest
from review.sources.edits import Edit, Put, Remove, Replace
from review.sources.nodes import Path
from review.sources.walk import texts

_SEALED_GROUP: Final = "bitnami.com"
_PARTS: Final = ("data", "stringData")
_SOPS: Final = "sops"
_ENCRYPTED: Final = "ENC["
# RFC 1123, as Kubernetes names Secrets and namespaces. Nothing else comes into a script.
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")


class Source(StrEnum):
    """Where the values can be had: in the file, from SOPS, or in the cluster, where the controller has put them."""

    PLAINTEXT = "plain text"
    SOPS = "SOPS"
    SEALED = "SealedSecret"


class NotCopied(ValueError):
    """A Secret that no script can copy. `path` is where in the object, and `reason` why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.told = Told(path, reason)


@dataclass(frozen=True, slots=True)
class Holder:
    """A Secret with values. `keys` are those that move to Vault, each with its path in the object.

    `binary` are those among them that are no text, as far as that can be seen.
    """

    manifest: Manifest = field(repr=False)
    source: Source
    name: str
    namespace: str
    keys: Mapping[str, Path]
    binary: frozenset[str] = frozenset()

    def edits(self, fields: Mapping[str, Text]) -> Sequence[Edit]:
        """Return what becomes of the manifest when each key has a reference. Raises `NotCopied`, `NotExpressible`."""
        if self.source is Source.SEALED:
            return [self._replaced(fields)]
        if "keyhole.dev/fields" in self.manifest.part("metadata", "annotations"):
            raise NotCopied(
                ("metadata", "annotations", "keyhole.dev/fields"), "has a map of fields; add the keys there"
            )
        at = self.manifest.path
        edits: list[Edit] = [Remove((*at, *path), prune=True) for path in self.keys.values()]
        edits += [Put((*at, "metadata", "annotations", name), text) for name, text in filling(fields).items()]
        if self.source is Source.SOPS:
            edits.append(Remove((*at, _SOPS)))
        return edits

    def _replaced(self, fields: Mapping[str, Text]) -> Edit:
        template = self.manifest.part("spec", "template")
        metadata = self.manifest.part("spec", "template", "metadata")
        kind = template.get("type")
        content = FilledSecret(
            self.name,
            str(self.manifest.part("metadata").get("namespace") or metadata.get("namespace") or ""),
            self.manifest.part("spec", "template", "metadata", "labels"),
            self.manifest.part("spec", "template", "metadata", "annotations"),
            kind if isinstance(kind, str) else "",
            template.get("immutable") is True,
            fields=dict(fields),
        ).manifest()
        return Replace(content) if not self.manifest.path else Put(self.manifest.path, content)


def holders(manifest: Manifest, namespace: str) -> Iterator[Holder | NotCopied]:
    """Yield the Secrets in a manifest that hold values. `namespace` is that of those that name none."""
    name = manifest.name
    try:
        if name.group == _SEALED_GROUP and name.kind == "SealedSecret":
            yield _sealed(manifest, namespace)
            return
        if _is_sops(manifest.content) and (name.group, name.kind) != ("", "Secret"):
            yield NotCopied((), "SOPS encrypted it, and what can be read of it is no Secret")
            return
        for secret in plaintext.secrets(manifest):
            holder = _secret(secret, namespace)
            if holder is not None:
                yield holder
    except NotCopied as error:
        yield error


def _secret(secret: Manifest, namespace: str) -> Holder | None:
    if _is_sops(secret.content):
        return _sops(secret, namespace)
    keys: dict[str, Path] = {str(path[-1]): path for path in plaintext.held(secret)}
    if not keys:
        return None
    binary = {key for key, path in keys.items() if path[0] == "data" and not _is_text(secret.part("data").get(key))}
    return _checked(Holder(secret, Source.PLAINTEXT, *_names(secret, namespace), keys, frozenset(binary)))


def _is_sops(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get(_SOPS), dict)


def _sops(secret: Manifest, namespace: str) -> Holder:
    keys: dict[str, Path] = {
        key: (part, key)
        for part in _PARTS
        for key, value in secret.part(part).items()
        if isinstance(value, str) and value.startswith(_ENCRYPTED)
    }
    rest = {name: value for name, value in secret.content.items() if name not in {*_PARTS, _SOPS}}
    if any(text.startswith(_ENCRYPTED) for _, text in texts(rest)):
        raise NotCopied((), "SOPS encrypted more of it than its data; set encrypted_regex to ^(data|stringData)$")
    return _checked(Holder(secret, Source.SOPS, *_names(secret, namespace), keys))


def _sealed(manifest: Manifest, namespace: str) -> Holder:
    keys: dict[str, Path] = {key: ("spec", "encryptedData", key) for key in manifest.part("spec", "encryptedData")}
    if manifest.part("spec", "template", "data"):
        raise NotCopied(("spec", "template", "data"), "has templates, which only its controller renders")
    inner = manifest.part("spec", "template", "metadata")
    outer = manifest.part("metadata")
    name = inner.get("name") or outer.get("name")
    names = str(name or ""), str(outer.get("namespace") or inner.get("namespace") or namespace)
    return _checked(Holder(manifest, Source.SEALED, *names, keys))


def _names(secret: Manifest, namespace: str) -> tuple[str, str]:
    metadata = secret.part("metadata")
    return str(metadata.get("name") or ""), str(metadata.get("namespace") or namespace)


def _checked(holder: Holder) -> Holder:
    """Refuse what a script could not name, or what no edit reaches."""
    if holder.manifest.within:
        raise NotCopied(holder.manifest.within, "stands inside another object; write a Secret of its own")
    if not _NAME.fullmatch(holder.name):
        raise NotCopied(("metadata", "name"), "has no name that Kubernetes takes")
    if not holder.namespace:
        raise NotCopied(("metadata",), "has no namespace; say --namespace")
    if not _NAME.fullmatch(holder.namespace):
        raise NotCopied(("metadata", "namespace"), "has no namespace that Kubernetes takes")
    if not holder.keys:
        raise NotCopied((), "has no encrypted values")
    for key, path in holder.keys.items():
        if not _KEY.fullmatch(key):
            raise NotCopied(path, f"{named(key)} is no name that a key of a Secret can have")
    return holder


def _is_text(value: Any) -> bool:
    try:
        base64.b64decode(value if isinstance(value, str) else "").decode()
    except (binascii.Error, ValueError):
        return False
    return True
