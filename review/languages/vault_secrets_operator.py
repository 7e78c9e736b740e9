"""VaultStaticSecrets of the Vault Secrets Operator, as the Secrets with whole secrets that take their place.

Sources: its API reference (VaultStaticSecret, Destination, RolloutRestartTarget) and its documentation of secret
transformation, which has the key `_raw`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from manifests import annotations
from manifests.fields.whole import WholePath
from resolver.references.characters import named
from resolver.references.reference import DEFAULT_CONNECTION, Reference, is_version
from review.findings.finding import ObjectName
from review.languages import stores
from review.languages.filled_secret import FilledSecret, NotExpressible
from review.languages.foreign import Context, Conversion, Fact, Told
from review.languages.remote_refs import NotConverted, joined, segments_of
from review.languages.stores import VSO_GROUP, NoStore, Stores
from review.lint.objects import Manifest
from review.sources.edits import Put, Replace
from review.sources.nodes import Path

NAME: Final = "vso"
_VERSIONS: Final = {"kv-v1": 1, "kv-v2": 2}
_TEMPLATING: Final = ("templates", "transformationRefs", "includes", "excludes")
_LATER: Final = {
    "VaultDynamicSecret": "gets credentials with a lease, and Keyhole reads key/value engines only",
    "VaultPKISecret": "gets certificates, and Keyhole reads key/value engines only",
    "HCPVaultSecretsApp": "reads HCP Vault Secrets, which is no Vault",
}
_WORKLOADS: Final = {"Deployment": "apps", "StatefulSet": "apps", "DaemonSet": "apps", "Rollout": "argoproj.io"}
_TARGET: Final = "restart-target"
_WORKLOAD: Final = "workload"


def facts(manifest: Manifest) -> Iterator[Fact]:
    """Yield logins and servers, the workloads that restart for a Secret, and the workloads that are there."""
    name = manifest.name
    yield from stores.facts(manifest)
    if name.group == VSO_GROUP and name.kind == "VaultStaticSecret":
        for kind, target, _ in _targets(manifest):
            yield _fact(_TARGET, kind, name.namespace, target)
    elif _WORKLOADS.get(name.kind) == name.group:
        yield _fact(_WORKLOAD, name.kind, name.namespace, name.name)


def restart_targets(stores: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the workloads that a tree's VaultStaticSecrets restart, of its facts."""
    return frozenset(value.name for key, value in stores.items() if key.startswith(f"{NAME}/{_TARGET}/"))


def convert(manifest: Manifest, context: Context) -> Conversion | None:
    """Return the Secret that takes a VaultStaticSecret's place, or a workload with its annotation; or why not."""
    name = manifest.name
    if name.group == VSO_GROUP:
        if name.kind == "VaultStaticSecret":
            return _static(manifest, context)
        return Conversion(NAME, told=[Told((), _LATER[name.kind])]) if name.kind in _LATER else None
    if _WORKLOADS.get(name.kind) == name.group:
        return _restarted(manifest, context)
    return None


def _restarted(manifest: Manifest, context: Context) -> Conversion | None:
    """Return a workload with the annotation that has it restarted, if a VaultStaticSecret asks for it."""
    name = manifest.name
    is_wanted = _is_known(context, _TARGET, name.kind, name.namespace, name.name)
    if not is_wanted or annotations.RESTART in manifest.part("metadata", "annotations"):
        return None
    return Conversion(NAME, [Put(("metadata", "annotations", annotations.RESTART), "true")], references=0)


def _static(manifest: Manifest, context: Context) -> Conversion:
    known = stores.known(context)
    blocking: list[Told] = list(_unsaid(manifest))
    secret: FilledSecret | None = None
    content: dict[str, Any] | None = None
    try:
        secret = _secret(manifest, known, context)
        content = secret.manifest()
    except NotConverted as error:
        blocking.append(Told(("spec", *error.path), error.reason))
    except (NoStore, NotExpressible) as error:
        blocking.append(Told(("spec",), error.reason))
    if blocking or content is None or secret is None:
        return Conversion(NAME, told=blocking)
    return Conversion(NAME, [Replace(content)], list(_beside(manifest, context)), secret.references, known.stanzas)


def _unsaid(manifest: Manifest) -> Iterator[Told]:
    """Yield what has no form in Keyhole, and would be missing in the Secret."""
    path: Path = ("spec", "destination")
    destination = manifest.part(*map(str, path))
    if destination.get("create") is not True:
        told = "create is not true: the Secret is another's; put keyhole.dev/from on that manifest"
        yield Told((*path, "create"), told)
    transformation = manifest.part(*map(str, path), "transformation")
    for name in _TEMPLATING:
        if transformation.get(name):
            told = "transformations have no form in Keyhole; name the keys one by one"
            yield Told((*path, "transformation", name), told)


def _beside(manifest: Manifest, context: Context) -> Iterator[Told]:
    """Yield what the Secret does not have that the operator's had."""
    if manifest.part("spec", "destination", "transformation").get("excludeRaw") is not True:
        told = "the Secret has no key _raw any more; if something reads it, have it read the keys"
        yield Told(("spec", "destination"), told)
    told = _connection(manifest, stores.known(context))[1]
    if told:
        yield Told(("spec", "vaultAuthRef"), told)
    for kind, target, path in _targets(manifest):
        if not _is_known(context, _WORKLOAD, kind, manifest.name.namespace, target):
            told = f"the {named(kind)} {named(target)} is not in the tree; annotate it with {annotations.RESTART}"
            yield Told(path, told)


def _secret(manifest: Manifest, known: Stores, context: Context) -> FilledSecret:
    spec = manifest.part("spec")
    destination = manifest.part("spec", "destination")
    name = destination.get("name")
    if not isinstance(name, str) or not name:
        raise NotConverted("it has no name", "destination")
    secret = FilledSecret(
        name,
        _text(manifest.part("metadata").get("namespace")),
        manifest.part("spec", "destination", "labels"),
        manifest.part("spec", "destination", "annotations"),
        _text(destination.get("type")),
    )
    engine = _VERSIONS.get(_text(spec.get("type")))
    mount, below = (segments_of(_text(spec.get(part))) for part in ("mount", "path"))
    if engine is None or not mount:
        raise NotConverted("it has no mount, or a type that is neither kv-v1 nor kv-v2", "type")
    path = joined(mount, below, engine)
    connection = _connection(manifest, known)[0]
    version = spec.get("version") or 0
    if version and engine != 1:
        _pinned(secret, connection, path, version, context)
    else:
        secret.whole = [WholePath(connection, path)]
    return secret


def _pinned(secret: FilledSecret, connection: str, path: str, version: Any, context: Context) -> None:
    """Give a Secret each field of a version by its name, as Vault says."""
    keys = context.keys_at(connection, path)
    if keys is None:
        raise NotConverted("all fields of a version have no form in Keyhole; name them one by one", "version")
    if not is_version(str(version)):
        raise NotConverted("its version is no number of a version in Vault", "version")
    secret.fields = {key: (Reference(path, key, connection, int(version)),) for key in keys}


def _connection(manifest: Manifest, known: Stores) -> tuple[str, str]:
    """Return the connection of an object, and what to tell if nothing in the tree says which Vault it is."""
    spec = manifest.part("spec")
    namespace, _, name = _text(spec.get("vaultAuthRef")).rpartition("/")
    # Without a name it is the `default` of the operator's own namespace, wherever that is.
    within = namespace or (manifest.name.namespace if name else "")
    name = name or "default"
    if not known.has("VaultAuth", name, within) and len(known.vaults) <= 1:
        told = f"the VaultAuth {named(name)} is not in the tree; taken for the connection {DEFAULT_CONNECTION}"
        return DEFAULT_CONNECTION, told
    login = known.find("VaultAuth", name, within)
    wanted = _text(spec.get("namespace"))
    if not known.is_mapped(name) and wanted and login.vault and wanted != login.vault.namespace:
        told = f"its namespace of Vault is not that of its VaultAuth; say --map {named(name)}=CONNECTION"
        raise NotConverted(told, "namespace")
    return known.connection(login), ""


def _targets(manifest: Manifest) -> Iterator[tuple[str, str, Path]]:
    targets = manifest.part("spec").get("rolloutRestartTargets")
    for number, target in enumerate(targets if isinstance(targets, list) else []):
        if isinstance(target, dict):
            kind = _text(target.get("kind")).removeprefix("argo.")
            yield kind, _text(target.get("name")), ("spec", "rolloutRestartTargets", number)


def _fact(what: str, kind: str, namespace: str, name: str) -> Fact:
    return Fact(f"{NAME}/{what}/{kind}/{namespace}/{name}", ObjectName("", kind, namespace, name))


def _is_known(context: Context, what: str, kind: str, namespace: str, name: str) -> bool:
    return _fact(what, kind, namespace, name).key in context.stores


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
