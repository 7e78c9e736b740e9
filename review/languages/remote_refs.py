"""References for what the `remoteRef` of an ExternalSecret names.

Source: the External Secrets Operator's documentation of its Vault provider, and that provider's source (`buildPath`,
`getSecretValue`): a mount of the store in front of the key, or within it; a property is a field of that name, and only
if there is none a query in gjson's syntax.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from manifests.fields.whole import WholePath
from resolver.references import paths
from resolver.references.characters import named
from resolver.references.reference import Function, Reference, format_reference, is_version
from review.languages.stores import Store, Stores

# The branches of a KV v2 mount's API: a secret with such a name is reached below `data/` only.
_BRANCHES: Final = frozenset({"data", "metadata", "delete", "undelete", "destroy", "subkeys", "config"})
_VARIABLE: Final = re.compile(r"\$\{|\$\(|\{\{|<[^<>]*>")
# In gjson's syntax these are more than a name.
_QUERY: Final = re.compile(r"[*?|#@!\\{}\[\]()]")
# With a dot a property may be a field or a path into one. These are names that Kubernetes gives to keys.
_NAMES_WITH_DOT: Final = frozenset({"tls.crt", "tls.key", "ca.crt", "config.json"})
_DECODING: Final = {"": (), "None": (), "Base64": ("base64decode",), "Base64URL": ("base64decode",)}
_V1: Final = 1


class NotConverted(ValueError):
    """What has no form in Keyhole. `reason` says what and what to do, and `path` where it stands below the entry."""

    def __init__(self, reason: str, *path: str | int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


def logical_path(store: Store, key: str) -> str:
    """Return the path that a reference has for a key in a store. Raises `NotConverted`, with `key` as the path."""
    if _VARIABLE.search(key):
        raise NotConverted("its key has a variable in it; render it first", "key")
    try:
        return joined(*_parted(store, key), store.version)
    except NotConverted as error:
        raise NotConverted(error.reason, "key") from None


def joined(mount: Sequence[str], below: Sequence[str], version: int | None) -> str:
    """Return the path of a reference for segments of a mount and below it; `version` is the engine's, None if unknown.

    Raises `NotConverted`.
    """
    if below[:1] and below[0] in _BRANCHES and version != _V1:
        if version is None:
            raise NotConverted(f"whether {below[0]} belongs to its path depends on the engine's version")
        below = ["data", *below]
    path = "/".join([*mount, *below])
    try:
        paths.check(path)
    except paths.PathError as error:
        raise NotConverted(f"its path is one that no reference may have: {error.reason}") from None
    return path


def _parted(store: Store, key: str) -> tuple[list[str], list[str]]:
    """Return the segments of the mount and those below it."""
    segments = segments_of(key)
    if store.mount is None:
        if key.startswith("/"):
            raise NotConverted("it begins with a slash where its mount should stand")
        if store.version != _V1 and "data" in segments[1:-1]:
            at = segments.index("data", 1)
            return segments[:at], segments[at + 1 :]
        return segments[:1], segments[1:]
    mount = segments_of(store.mount)
    if not mount or (mount[-1] == "data" and store.version != _V1):
        raise NotConverted("the path of its store is empty, or ends with data; name the mount alone")
    # The operator looks for `MOUNT/` at the very beginning of the key, and only then for `data/`.
    below = segments[len(mount) :] if key.startswith(f"{store.mount}/") else segments
    if below is not segments and below[:1] == ["data"] and len(below) > 1 and store.version != _V1:
        # Of an unknown engine both mean the same: Keyhole leaves `data` out on KV v2 itself.
        return (mount, below[1:]) if store.version is not None else ([*mount, "data"], below[1:])
    return mount, below


def segments_of(path: str) -> list[str]:
    """Return the segments of a path; Vault's client leaves out empty ones."""
    return [segment for segment in path.split("/") if segment]


@dataclass(frozen=True, slots=True)
class Remote:
    """Reads `remoteRef` and `extract`. `namespace` is that of the object, and `keys_at` what Vault says of a path."""

    stores: Stores
    namespace: str
    store_ref: Mapping[str, Any]
    keys_at: Callable[[str, str], Sequence[str] | None]

    def reference(self, entry: Mapping[str, Any]) -> tuple[Reference, str]:
        """Return the reference of an entry of `data`, and what to tell about it beside. Raises `NotConverted`."""
        remote = _map(entry.get("remoteRef"))
        path, store = self._path(entry, remote)
        version = self._version(remote, store)
        functions = self._decoding(remote)
        name = remote.get("property")
        if name is None or name == "":
            raise NotConverted("it wants the whole secret as one JSON text; name its fields", "remoteRef")
        if not isinstance(name, str):
            raise NotConverted("its property is no text", "remoteRef", "property")
        connection = self.stores.connection(store)
        field, members, told = self._field(self.keys_at(connection, path), name)
        pointer = (Function("json", "".join(f"/{_pointer(member)}" for member in members)),) if members else ()
        reference = Reference(path, field, connection, version, (*pointer, *functions))
        try:
            format_reference(reference)
        except ValueError as error:
            raise NotConverted(f"no reference can say it: {error}", "remoteRef") from None
        return reference, told

    def whole(self, entry: Mapping[str, Any]) -> WholePath:
        """Return the whole secret of an entry of `dataFrom`. Raises `NotConverted`."""
        extract = entry.get("extract")
        if not isinstance(extract, dict):
            kind = "find" if "find" in entry else "a generator"
            raise NotConverted(f"{kind} has no form in Keyhole; name the secrets that it gives")
        if entry.get("rewrite"):
            raise NotConverted("rewrite has no form in Keyhole; name the keys that it gives", "rewrite")
        path, store = self._path(entry, extract, "extract")
        for name, form in (("property", "the members of a field"), ("version", "all fields of a version")):
            if extract.get(name) not in (None, ""):
                raise NotConverted(f"{form} have no form in Keyhole; name them one by one", "extract", name)
        if extract.get("decodingStrategy") not in (None, "", "None"):
            raise NotConverted("decoding all fields has no form in Keyhole; name them", "extract", "decodingStrategy")
        return WholePath(self.stores.connection(store), path)

    def renamed(self, entry: Mapping[str, Any], whole: WholePath) -> dict[str, Reference]:
        """Return the fields of a whole secret whose names no key can have, by the keys that the operator gives them.

        Only Vault knows which those are; without it there are none, and such fields stay out of the Secret.
        """
        keys = self.keys_at(whole.connection, whole.path) or ()
        is_unicode = _map(entry.get("extract")).get("conversionStrategy") == "Unicode"
        names = {key: "".join(_character(each, is_unicode=is_unicode) for each in key) for key in keys}
        return {name: whole.reference(key) for key, name in names.items() if name != key}

    def _path(self, entry: Mapping[str, Any], remote: Mapping[str, Any], part: str = "remoteRef") -> tuple[str, Store]:
        store = self._store(_map(entry.get("sourceRef")))
        if remote.get("metadataPolicy") == "Fetch":
            raise NotConverted("it wants metadata of the secret, which Keyhole never reads", part, "metadataPolicy")
        key = remote.get("key")
        if not isinstance(key, str) or not key:
            raise NotConverted("it has no key", part)
        try:
            return logical_path(store, key), store
        except NotConverted as error:
            raise NotConverted(error.reason, part, *error.path) from None

    def _store(self, source: Mapping[str, Any]) -> Store:
        if "generatorRef" in source:
            raise NotConverted("a generator has no form in Keyhole", "sourceRef")
        ref = _map(source.get("storeRef")) or self.store_ref
        name, kind = ref.get("name"), ref.get("kind") or "SecretStore"
        if not isinstance(name, str) or not name or not isinstance(kind, str):
            raise NotConverted("it names no store; a patch has to be rendered first (kustomize build)")
        store = self.stores.find(kind, name, self.namespace)
        if store.provider != "vault":
            raise NotConverted(f"the {kind} {named(name)} is no Vault, it is {named(store.provider)}")
        return store

    @staticmethod
    def _version(remote: Mapping[str, Any], store: Store) -> int | None:
        version = remote.get("version")
        # KV v1 keeps no versions, and Vault takes no notice of the question; 0 is the newest.
        if version in (None, "", "0", 0) or store.version == _V1:
            return None
        if not is_version(str(version)):
            raise NotConverted("its version is no number of a version in Vault", "remoteRef", "version")
        return int(str(version))

    @staticmethod
    def _decoding(remote: Mapping[str, Any]) -> tuple[Function, ...]:
        strategy = remote.get("decodingStrategy") or ""
        if strategy not in _DECODING:
            told = f"decodingStrategy {named(str(strategy))} depends on the value; say Base64 or None"
            raise NotConverted(told, "remoteRef", "decodingStrategy")
        return tuple(Function(name) for name in _DECODING[strategy])

    @staticmethod
    def _field(keys: Sequence[str] | None, name: str) -> tuple[str, Sequence[str], str]:
        """Return a field, the members of its JSON that lead to the value, and what to tell if that is not certain."""
        if _VARIABLE.search(name):
            raise NotConverted("its property has a variable in it; render it first", "remoteRef", "property")
        if keys is not None and name in keys:
            return name, (), ""
        if _QUERY.search(name):
            raise NotConverted("its property is a query in gjson's syntax", "remoteRef", "property")
        if "." not in name:
            if keys is not None:
                raise NotConverted("Vault has no such field", "remoteRef", "property")
            return name, (), ""
        first, *members = name.split(".")
        if keys is not None:
            if first not in keys or not all(members):
                raise NotConverted("Vault has no such field", "remoteRef", "property")
            return first, members, ""
        if name.startswith(".") or name in _NAMES_WITH_DOT:
            return name, (), ""
        member = f"#{named(first)} | json:/{'/'.join(map(named, members))}"
        return name, (), f"taken for a field with a dot in its name; if it is a member of a field, write {member}"


def _character(character: str, *, is_unicode: bool) -> str:
    if character.isalnum() or character in "-._":
        return character
    return f"_U{ord(character):04x}_" if is_unicode else "_"


def _pointer(member: str) -> str:
    return member.replace("~", "~0").replace("/", "~1")


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
