"""ExternalSecrets of the External Secrets Operator, as the Secrets with references that take their place.

Sources: its API reference and its guides (templating, decoding, ownership), and what its controller does where those
are silent (`ApplyTemplate`, `GetProviderSecretData`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from manifests import annotations
from manifests.fields.whole import WholePath
from resolver.references.characters import named
from resolver.references.reference import Reference
from review.languages import docker_templates, stores
from review.languages.filled_secret import Docker, FilledSecret, NotExpressible, Text
from review.languages.foreign import Context, Conversion, Told
from review.languages.go_templates import Joined, NotPlain, Value, read
from review.languages.patches import patches
from review.languages.remote_refs import NotConverted, Remote
from review.languages.stores import ESO_GROUP, NoStore
from review.lint.objects import Manifest, is_kustomization
from review.sources.edits import Replace
from review.sources.nodes import Path

NAME: Final = "eso"
_VERSIONS: Final = ("v1", "v1beta1")
# Who applies an object reads these, so they belong to the object in Git, whatever the operator copied.
_OF_TOOLS: Final = (
    *("argocd.argoproj.io", "helm.sh", "meta.helm.sh", "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"),
    *("config.kubernetes.io", "kustomize.config.k8s.io"),
)
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_ONCE: Final = ("CreatedOnce", "OnChange")
_ZERO: Final = ("0", "0s", "0m", "0h", 0)
_NOT_SECRETS: Final = {
    "ClusterExternalSecret": "makes a Secret in each namespace that it selects; write the Secret into those namespaces",
    "PushSecret": "writes into Vault, and Keyhole only reads",
    "ClusterPushSecret": "writes into Vault, and Keyhole only reads",
}

facts = stores.facts


def convert(manifest: Manifest, context: Context) -> Conversion | None:
    """Return the Secret that takes an ExternalSecret's place, or why there is none; None for everything else."""
    name = manifest.name
    if is_kustomization(manifest):
        told = list(patches(manifest, "ExternalSecret"))
        return Conversion(NAME, told=told) if told else None
    if name.group != ESO_GROUP:
        return None
    if name.kind in _NOT_SECRETS:
        return Conversion(NAME, told=[Told((), _NOT_SECRETS[name.kind])])
    if name.kind != "ExternalSecret":
        return None
    version = str(manifest.content.get("apiVersion")).rpartition("/")[2]
    if version not in _VERSIONS:
        return Conversion(NAME, told=[Told(("apiVersion",), f"is of {named(version)}; bring it to v1 first")])
    return _External(manifest, context).converted()


@dataclass(slots=True)
class _External:
    """One ExternalSecret. `_blocking` has what must have a form, for the Secret would lack it."""

    manifest: Manifest
    context: Context
    _blocking: list[Told] = field(default_factory=list)
    _beside: list[Told] = field(default_factory=list)
    _data: dict[str, Reference] = field(default_factory=dict)
    _whole: list[WholePath] = field(default_factory=list)
    # Fields whose names no key can have, by the keys that the operator makes of them.
    _renamed: dict[str, Reference] = field(default_factory=dict)

    def converted(self) -> Conversion:
        """Return the conversion: of the whole object, or of nothing in it."""
        self._policies()
        self._read()
        secret = self._secret()
        self._fill(secret)
        content: dict[str, Any] | None = None
        if not (self._blocking or secret.references):
            self._block(("spec", "target", "template"), "its template places no value; a plain Secret says the same")
        if not self._blocking:
            try:
                content = secret.manifest()
            except NotExpressible as error:
                self._blocking.append(Told(("spec",), error.reason))
        if content is None:
            return Conversion(NAME, told=self._blocking)
        return Conversion(NAME, [Replace(content)], self._beside, secret.references, stores.known(self.context).stanzas)

    @property
    def _target(self) -> Mapping[str, Any]:
        return self.manifest.part("spec", "target")

    @property
    def _template(self) -> Mapping[str, Any]:
        return self.manifest.part("spec", "target", "template")

    def _block(self, path: Path, reason: str) -> None:
        self._blocking.append(Told(path, reason))

    def _policies(self) -> None:
        target: Path = ("spec", "target")
        policy = self._target.get("creationPolicy") or "Owner"
        if policy not in {"Owner", "Orphan"}:
            told = f"creationPolicy {named(str(policy))}: the Secret is another's; put the references on that manifest"
            self._block((*target, "creationPolicy"), told)
        if "manifest" in self._target:
            self._block((*target, "manifest"), "makes an object of another kind than Secret")
        deletion = self._target.get("deletionPolicy") or "Retain"
        if deletion != "Retain":
            told = f"deletionPolicy {named(str(deletion))}: Keyhole keeps the values of a secret that is gone in Vault"
            self._beside.append(Told((*target, "deletionPolicy"), told))
        if "syncWindows" in self.manifest.part("spec"):
            self._beside.append(Told(("spec", "syncWindows"), "Keyhole has no windows in time for new values"))
        if not self.manifest.part("metadata").get("name"):
            self._block(("metadata",), "has no name")

    def _read(self) -> None:
        """Read `data` and `dataFrom`."""
        spec = self.manifest.part("spec")
        store = self.manifest.part("spec", "secretStoreRef")
        namespace = self.manifest.name.namespace
        remote = Remote(stores.known(self.context), namespace, store, self.context.keys_at)
        for part, number, entry in self._entries(spec):
            path: Path = ("spec", part, number)
            try:
                if part == "dataFrom":
                    self._whole.append(remote.whole(entry))
                    self._renamed |= remote.renamed(entry, self._whole[-1])
                    continue
                self._data[str(entry.get("secretKey"))], told = remote.reference(entry)
                if told:
                    self._beside.append(Told((*path, "remoteRef", "property"), told))
            except NotConverted as error:
                self._block((*path, *error.path), error.reason)
            except NoStore as error:
                self._block(path, error.reason)
        if not (self._data or self._whole or self._blocking):
            self._block(("spec",), "asks for nothing")

    @staticmethod
    def _entries(spec: Mapping[str, Any]) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
        for part in ("dataFrom", "data"):
            entries = spec.get(part)
            for number, entry in enumerate(entries if isinstance(entries, list) else []):
                yield part, number, entry if isinstance(entry, dict) else {}

    def _secret(self) -> FilledSecret:
        """Return the Secret with all but its keys."""
        has_template = isinstance(self._target.get("template"), dict)
        labels, notes = (self._metadata(part, has_template=has_template) for part in ("labels", "annotations"))
        spec = self.manifest.part("spec")
        if spec.get("refreshPolicy") in _ONCE or spec.get("refreshInterval") in _ZERO:
            notes[annotations.FOLLOW] = "false"
        finalizers = self.manifest.part("spec", "target", "template", "metadata").get("finalizers")
        name = self._target.get("name") or self.manifest.part("metadata").get("name")
        return FilledSecret(
            str(name),
            _text(self.manifest.part("metadata").get("namespace")),
            labels,
            notes,
            _text(self._template.get("type")),
            self._target.get("immutable") is True,
            finalizers if isinstance(finalizers, list) else (),
        )

    def _metadata(self, part: str, *, has_template: bool) -> dict[str, Any]:
        """Return labels or annotations: the template's, or without one the object's own, as the operator copies."""
        own = self.manifest.part("metadata", part)
        kept = {
            name: value for name, value in own.items() if _is_kept(name) and (not has_template or _is_of_tool(name))
        }
        path: Path = ("spec", "target", "template", "metadata", part)
        for name, value in self.manifest.part(*map(str, path)).items():
            if isinstance(value, str) and "{{" in value:
                self._block((*path, name), "metadata from values; Keyhole fills data only")
            kept[name] = value
        return kept

    def _fill(self, secret: FilledSecret) -> None:
        """Give the Secret its keys, as `ApplyTemplate` of the operator does."""
        template = self._template
        path: Path = ("spec", "target", "template")
        data = self.manifest.part(*map(str, path), "data")
        if template.get("templateFrom"):
            self._block((*path, "templateFrom"), "takes templates from elsewhere; write them into the Secret")
        if template.get("engineVersion", "v2") != "v2" and data:
            self._block((*path, "engineVersion"), "templates of the engine v1 have other functions")
            return
        if not data or template.get("mergePolicy") == "Merge":
            secret.whole = self._whole
            named_by_key = {**self._renamed, **self._data}
            secret.fields.update({key: (reference,) for key, reference in named_by_key.items()})
        for key, text in data.items():
            try:
                secret.fields[key] = self._templated(key, text)
            except (NotPlain, NotExpressible) as error:
                self._block((*path, "data", key), f"its template has no form in Keyhole: {error.reason}")

    def _templated(self, key: str, text: Any) -> Text | Docker:
        if not isinstance(text, str):
            raise NotExpressible("it is no text")
        pieces = read(text)
        if key in docker_templates.KEYS and len(pieces) > 1:
            return docker_templates.docker(pieces, self._value)
        if any(isinstance(piece, Joined) for piece in pieces):
            raise NotExpressible("it encodes text around values in base64")
        return tuple(self._value(piece) if isinstance(piece, Value) else str(piece) for piece in pieces)

    def _value(self, value: Value) -> Reference:
        """Return the reference for a value of the template by its name."""
        reference = self._data.get(value.name) or self._renamed.get(value.name)
        if reference is None and self._blocking:
            # What it stands for was told already.
            reference = Reference("unknown/unknown", "unknown")
        if reference is None:
            if len(self._whole) != 1:
                raise NotExpressible(f"where {named(value.name)} comes from cannot be told")
            reference = self._whole[0].reference(value.name)
        return replace(reference, functions=(*reference.functions, *value.functions))


def _is_kept(name: str) -> bool:
    return name != _LAST_APPLIED and not name.partition("/")[0].endswith(ESO_GROUP)


def _is_of_tool(name: str) -> bool:
    return name.partition("/")[0] in _OF_TOOLS


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
