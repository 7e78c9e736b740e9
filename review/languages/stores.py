"""Where foreign objects take their secrets from, as the objects of the tree or `--map` say.

These are the SecretStores of the External Secrets Operator, and the VaultConnections and VaultAuths of the Vault
Secrets Operator. A reference names a connection of Keyhole, and which Vault that is only the administrator says. So one
Vault in a tree is the connection `default`; of several, `--map` has to say which is which.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from resolver.references.characters import named
from resolver.references.reference import DEFAULT_CONNECTION
from review.languages.foreign import Context, Fact
from review.lint.objects import Manifest

ESO_GROUP: Final = "external-secrets.io"
VSO_GROUP: Final = "secrets.hashicorp.com"
_STORES: Final = ("SecretStore", "ClusterSecretStore")
_CLUSTER: Final = "ClusterSecretStore"
_VERSIONS: Final = {"v1": 1, "v2": 2}


@dataclass(frozen=True, slots=True)
class Vault:
    """A server, and the namespace of Vault Enterprise in it."""

    address: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """How others log in there, as far as a connections file says it too. Their role is not Keyhole's."""

    method: str = ""
    mount: str = ""
    has_ca: bool = False


@dataclass(frozen=True, slots=True)
class Store:
    """A store: its mount as it is written, the engine's version (None: nobody says), its Vault or other provider."""

    kind: str
    name: str
    namespace: str
    mount: str | None = None
    version: int | None = None
    vault: Vault | None = None
    login: Login = Login()
    provider: str = "vault"
    connection_name: str = ""
    """Of a VaultAuth: the VaultConnection that it names, which has the address."""


class NoStore(ValueError):
    """A store that nobody describes, or several of that name. `reason` says what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def facts(manifest: Manifest) -> Iterator[Fact]:
    """Yield the store that an object is. Two of one name are two facts."""
    metadata = manifest.part("metadata")
    name, namespace = _text(metadata, "name"), _text(metadata, "namespace")
    store = _store(manifest.name.group, manifest.name.kind, name, namespace, manifest.part("spec"))
    if store is not None:
        document = manifest.document
        key = f"{store.kind}/{store.namespace}/{store.name}/{document.file}/{document.number}{manifest.path}"
        yield Fact(key, store)


def _store(group: str, kind: str, name: str, namespace: str, spec: Mapping[str, Any]) -> Store | None:
    if group == ESO_GROUP and kind in _STORES:
        return _secret_store(kind, name, "" if kind == _CLUSTER else namespace, spec)
    if group == VSO_GROUP and kind == "VaultConnection":
        has_ca = bool(_text(spec, "caCertSecretRef") or _text(spec, "caCertPath"))
        vault = Vault(_text(spec, "address").rstrip("/"))
        return Store(kind, name, namespace, vault=vault, login=Login(has_ca=has_ca))
    if group == VSO_GROUP and kind == "VaultAuth":
        login = Login(_text(spec, "method"), _text(spec, "mount"))
        vault = Vault("", _text(spec, "namespace"))
        connection = _text(spec, "vaultConnectionRef") or "default"
        return Store(kind, name, namespace, vault=vault, login=login, connection_name=connection)
    return None


def _secret_store(kind: str, name: str, namespace: str, spec: Mapping[str, Any]) -> Store:
    provider = _map(spec.get("provider"))
    if "vault" not in provider:
        return Store(kind, name, namespace, provider=next(iter(provider), "none"))
    vault = _map(provider["vault"])
    auth = _map(vault.get("auth"))
    method = "jwt" if "jwt" in auth else "kubernetes" if "kubernetes" in auth else ""
    mount = _text(_map(auth.get(method)), "path" if method == "jwt" else "mountPath")
    login = Login(method, mount, bool(vault.get("caBundle") or vault.get("caProvider")))
    path = vault.get("path")
    return Store(
        *(kind, name, namespace),
        mount=path if isinstance(path, str) else None,
        version=_VERSIONS.get(_text(vault, "version") or "v2"),
        vault=Vault(_text(vault, "server").rstrip("/"), _text(vault, "namespace")),
        login=login,
    )


class Stores:
    """All stores of a tree, and what `--map` says about some of them by their names."""

    def __init__(self, stores: Iterable[Any], mappings: Mapping[str, str], *, supposes: bool = False) -> None:
        self._mappings = mappings
        # Whether a store that nobody has described is supposed to be one that can be converted.
        self._supposes = supposes
        self._found: dict[tuple[str, str], list[Store]] = {}
        for store in stores:
            if isinstance(store, Store):
                self._found.setdefault((store.kind, store.name), []).append(store)

    def has(self, kind: str, name: str, namespace: str) -> bool:
        """Whether the tree or `--map` says something about a store."""
        return name in self._mappings or bool(self._candidates(kind, name, namespace))

    def is_mapped(self, name: str) -> bool:
        """Whether `--map` says which connection a store is."""
        return name in self._mappings

    def find(self, kind: str, name: str, namespace: str) -> Store:
        """Return the store of a kind and a name that an object in a namespace means. Raises `NoStore`.

        Manifests often leave the namespace out; then every store of that name may be meant, and all have to agree.
        """
        candidates = self._candidates(kind, name, namespace)
        alike = {
            (store.mount, store.version, store.vault, store.provider, store.connection_name) for store in candidates
        }
        mapped = self._mappings.get(name)
        if mapped is not None and (len(alike) != 1 or candidates[0].provider == "vault"):
            version = candidates[0].version if len(alike) == 1 else None
            mount = mapped.partition("/")[2] or (candidates[0].mount if len(alike) == 1 else None)
            return Store(kind, name, namespace, mount, version)
        if not alike and self._supposes:
            return Store(kind, name, namespace, "mount", _VERSIONS["v2"])
        if not alike:
            raise NoStore(f"the {kind} {named(name)} is not in the tree; say {_map_option(kind, name)}")
        if len(alike) > 1:
            raise NoStore(f"there are several {kind}s {named(name)}; say {_map_option(kind, name)}")
        return candidates[0]

    def connection(self, store: Store) -> str:
        """Return the connection of a reference into a store. Raises `NoStore`."""
        mapped = self._mappings.get(store.name)
        if mapped is not None:
            return mapped.partition("/")[0]
        if len(self.vaults) > 1:
            option = _map_option(store.kind, store.name)
            raise NoStore(f"the tree has stores of {len(self.vaults)} Vaults; say {option}")
        return DEFAULT_CONNECTION

    @cached_property
    def vaults(self) -> Mapping[Vault, Sequence[Store]]:
        """Each Vault of the tree that `--map` does not give a connection, with its stores."""
        found: dict[Vault, list[Store]] = {}
        for stores in self._found.values():
            for store in stores:
                vault = self._vault(store)
                if vault is not None and store.name not in self._mappings:
                    found.setdefault(vault, []).append(store)
        return found

    def _vault(self, store: Store) -> Vault | None:
        """Return the Vault of a store; None of one that is no Vault, or that others complete."""
        if store.provider != "vault" or store.kind == "VaultConnection":
            return None
        if store.kind != "VaultAuth":
            return store.vault
        namespace, _, name = store.connection_name.rpartition("/")
        servers = self._candidates("VaultConnection", name, namespace or store.namespace)
        address = servers[0].vault.address if servers and servers[0].vault else ""
        return Vault(address, store.vault.namespace if store.vault else "")

    def _candidates(self, kind: str, name: str, namespace: str) -> list[Store]:
        known = self._found.get((kind, name), [])
        return [store for store in known if not (store.namespace and namespace) or store.namespace == namespace]

    @cached_property
    def stanzas(self) -> Mapping[str, Mapping[str, Any]]:
        """The connections that the administrator configures for the Vaults of the tree, by their names."""
        names = [DEFAULT_CONNECTION] if len(self.vaults) == 1 else [f"vault-{n + 1}" for n in range(len(self.vaults))]
        return {
            name: _connection(vault, stores) for name, (vault, stores) in zip(names, self.vaults.items(), strict=True)
        }


def _connection(vault: Vault, stores: Sequence[Store]) -> dict[str, Any]:
    logins = [store.login for store in stores]
    method = next((login.method for login in logins if login.method in {"jwt", "kubernetes"}), "jwt")
    auth: dict[str, Any] = {"method": method, "role": "keyhole-{namespace}"}
    mount = next((login.mount for login in logins if login.method == method and login.mount), method)
    if mount != method:
        auth["mount"] = mount
    mounts = {
        store.mount.strip("/"): store.version
        for store in stores
        if store.mount and store.mount.strip("/") and store.version
    }
    connection: dict[str, Any] = {"address": vault.address or "https://VAULT:8200"}
    if any(login.has_ca for login in logins):
        connection["caFile"] = "/etc/keyhole/vault-ca.crt"
    if vault.namespace:
        connection["vaultNamespace"] = vault.namespace
    return {**connection, "auth": auth, **({"mounts": mounts} if mounts else {})}


@dataclass(slots=True)
class _Known:
    """The stores of the context that was asked last: it is one and the same for all objects of a run."""

    facts: Mapping[str, Any] | None = None
    mappings: Mapping[str, str] | None = None
    certain: bool = False
    stores: Stores | None = None


_KNOWN: Final = _Known()


def known(context: Context) -> Stores:
    """Return the stores of a context, which is complete by now."""
    is_same = _KNOWN.facts is context.stores and _KNOWN.mappings is context.mappings
    if _KNOWN.stores is None or not is_same or _KNOWN.certain is not context.certain:
        _KNOWN.stores = Stores(context.stores.values(), context.mappings, supposes=context.certain)
        _KNOWN.facts, _KNOWN.mappings, _KNOWN.certain = context.stores, context.mappings, context.certain
    return _KNOWN.stores


def _map_option(kind: str, name: str) -> str:
    """Return what to say of a store. A VaultAuth has no mount: each object says its own."""
    return f"--map {named(name)}=CONNECTION{'' if kind == 'VaultAuth' else '/MOUNT'}"


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""
