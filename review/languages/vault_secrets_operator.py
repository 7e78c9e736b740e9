"""VaultStaticSecrets of the Vault Secrets Operator, as the Secrets with whole secrets that take their place.

Sources: its API reference (VaultStaticSecret, Destination, RolloutRestartTarget) and its documentation of secret
transformation, which has the key `_raw`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from manifests import annotations
from manifests.fields.whole import WholePath
from resolver.references.characters import named
from resolver.references.reference import DEFAULT_CONNECTION, Reference, is_version
from review.findings.finding import ObjectName
from review.languages import stores
from review.languages.filled_secret import FilledSecret, NotExpressible
from review.languages.foreign import Context, Conversion, Fact, Told
from review.languages.go_templates import NotPlain, Piece, Value, read
from review.languages.patches import patches
from review.languages.remote_refs import NotConverted, joined, segments_of
from review.languages.stores import VSO_GROUP, NoStore, Stores
from review.lint.objects import Manifest, is_kustomization
from review.sources.edits import Put, Replace
from review.sources.nodes import Path

NAME: Final = "vso"
_VERSIONS: Final = {"kv-v1": 1, "kv-v2": 2}
# A pattern that takes every field out, and one that lets a single name in.
_ALL: Final = (".*", "^.*$")
_ONE: Final = re.compile(r"\^(?P<name>(?:[A-Za-z0-9_-]|\\[.-])+)\$")
_LATER: Final = {
    "VaultDynamicSecret": "gets credentials with a lease, and Keyhole reads key/value engines only",
    "VaultPKISecret": "gets certificates, and Keyhole reads key/value engines only",
    "HCPVaultSecretsApp": "reads HCP Vault Secrets, which is no Vault",
}
_WORKLOADS: Final = {"Deployment": "apps", "StatefulSet": "apps", "DaemonSet": "apps", "Rollout": "argoproj.io"}
_EXCLUDES: Final = ("destination", "transformation", "excludes")
_INCLUDES: Final = ("destination", "transformation", "includes")
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
    if is_kustomization(manifest):
        told = list(patches(manifest, "VaultStaticSecret"))
        return Conversion(NAME, told=told) if told else None
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
    if manifest.part(*map(str, path), "transformation").get("transformationRefs"):
        yield Told((*path, "transformation", "transformationRefs"), "takes templates from elsewhere; write them here")


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
    found = spec.get("version") or 0
    if found and not is_version(str(found)):
        raise NotConverted("its version is no number of a version in Vault", "version")
    version = int(found) if found and engine != 1 else None
    _fill(secret, manifest, Reference(path, "", connection, version), context)
    return secret


def _fill(secret: FilledSecret, manifest: Manifest, source: Reference, context: Context) -> None:
    """Give a Secret its keys: those of the path that the filters let through, and those of templates.

    `source` is a reference without a field.
    """
    transformation = manifest.part("spec", "destination", "transformation")
    names = _filtered(transformation)
    if names is None and source.version is not None:
        names = context.keys_at(source.connection, source.path)
        if names is None:
            raise NotConverted("all fields of a version have no form in Keyhole; name them one by one", "version")
    if names is None:
        secret.whole = [WholePath(source.connection, source.path)]
    else:
        secret.fields = {name: (replace(source, field=name),) for name in names}
    where = ("destination", "transformation", "templates")
    for key, template in manifest.part("spec", *where).items():
        text = template.get("text") if isinstance(template, dict) else None
        try:
            secret.fields[key] = tuple(_placed(piece, source) for piece in read(_text(text), ".Secrets"))
        except (NotPlain, NotExpressible) as error:
            told = f"its template has no form in Keyhole: {error.reason}"
            raise NotConverted(told, *where, key) from None


def _placed(piece: Piece, source: Reference) -> str | Reference:
    if isinstance(piece, Value):
        return replace(source, field=piece.name, functions=piece.functions)
    if isinstance(piece, str):
        return piece
    raise NotExpressible("it encodes text around values in base64")


def _filtered(transformation: Mapping[str, Any]) -> Sequence[str] | None:
    """Return the names of the fields that filters let through; None if there are no filters. Raises `NotConverted`."""
    excludes, includes = (_texts(transformation.get(part)) for part in ("excludes", "includes"))
    if any(pattern in _ALL for pattern in excludes):
        return ()
    if excludes:
        raise NotConverted("excludes depends on the names in Vault; say includes", *_EXCLUDES)
    found = [_ONE.fullmatch(pattern) for pattern in includes]
    if not all(found):
        raise NotConverted("includes has patterns that are more than one name, such as ^password$", *_INCLUDES)
    return [match["name"].replace("\\", "") for match in found if match] or None


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


def _texts(value: Any) -> list[str]:
    return [each if isinstance(each, str) else "" for each in value] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
