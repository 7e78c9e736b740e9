"""Values in Git, found by structure: a Secret that holds one, wherever the Secret stands and however it is written."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from manifests.annotations import DATA_PREFIX, FIELDS
from review.findings.finding import Finding
from review.lint.catalogue import BESIDE, PLAINTEXT, REFUSED
from review.lint.objects import Manifest, named
from review.lint.placeholders import is_encrypted, is_placeholder, is_public
from review.lint.tokens import forms
from review.sources.nodes import Path

_PARTS: Final = ("data", "stringData")
_TYPES_WITHOUT_VALUES: Final = frozenset({"kubernetes.io/service-account-token", "helm.sh/release.v1"})
"""What fills these is no person: a controller, and helm, whose release is compressed and encoded once more."""
_ARGOCD: Final = "argocd.argoproj.io/secret-type"
# What a Secret of a known purpose has beside its secret. Sources: the documentation of Argo CD (declarative setup), of
# Flux (GitRepository, OCIRepository), and of Kubernetes (bootstrap tokens).
_ARGOCD_KEYS: Final = frozenset(
    {
        *("type", "url", "username", "name", "project", "server", "namespaces", "clusterResources", "insecure"),
        *("enableLfs", "enableOCI", "forceHttpBasicAuth", "insecureIgnoreHostKey", "insecureOCIForceHttp", "depth"),
        *("githubAppID", "githubAppInstallationID", "githubAppEnterpriseBaseUrl", "proxy", "noProxy", "shard"),
    }
)
_KEYS_OF_TYPE: Final[Mapping[str, frozenset[str]]] = {
    "kubernetes.io/basic-auth": frozenset({"username"}),
    "bootstrap.kubernetes.io/token": frozenset(
        {
            *("token-id", "description", "expiration", "auth-extra-groups"),
            *("usage-bootstrap-authentication", "usage-bootstrap-signing"),
        }
    ),
}
_DOCKER_CONFIGS: Final = (".dockerconfigjson", ".dockercfg", "config.json")
_NO_TYPE: Final = "Opaque"
_NO_KEYS: Final = frozenset[str]()
_NONE: Final[Mapping[str, frozenset[str]]] = {}
# Whoever reads one bit of configuration in a Secret has read no secret.
_SWITCHES: Final = frozenset({"true", "false", "yes", "no", "on", "off", "enabled", "disabled"})


def secrets(manifest: Manifest) -> Iterator[Manifest]:
    """Yield the Secrets in a manifest: itself, or objects within it, as templates and generators of others have."""
    waiting: list[tuple[Path, Any]] = [((), manifest.content)]
    seen: set[int] = set()
    while waiting:
        path, value = waiting.pop()
        if not isinstance(value, dict | list) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, list):
            waiting += (((*path, number), item) for number, item in enumerate(value))
            continue
        kind, version = value.get("kind"), value.get("apiVersion", "v1")
        if not path and (manifest.inner is not None or not kind):
            # In a list of Secrets its kind is not said, and of a patch its target decides.
            kind = manifest.name_inside.kind
        if kind == "Secret" and version == "v1" and any(value.get(part) for part in _PARTS):
            yield replace(manifest, content=value, within=(*manifest.within, *path))
        waiting += (((*path, key), member) for key, member in value.items())


def plaintext(secret: Manifest, public_keys: Mapping[str, frozenset[str]] = _NONE) -> Iterator[Finding]:
    """Yield the values that a Secret holds, and what of it is no value at all.

    `public_keys` are by type of Secret the keys that the standards let stand in plain text.
    """
    if _is_filled_by_no_person(secret):
        return
    annotated = _annotated(secret)
    harmless = _harmless_keys(secret, public_keys)
    for part in _PARTS:
        holder = secret.content.get(part)
        if holder is not None and not isinstance(holder, dict):
            # `data: {{ .x }}` and the like have been told by their syntax.
            yield from _no_map(secret, part, holder)
            continue
        for key, value in (holder or {}).items():
            if value is None or value == "":
                continue
            path: Path = (part, key)
            text, problem = _read(part, value)
            if problem:
                yield secret.finding(REFUSED, path, f"{part}.{named(key)} is {problem}")
            if text is not None and key not in harmless and not (is_harmless(text) or _has_credentials(key, text)):
                yield from _value(secret, path, text, is_filled=key in annotated)


def held(secret: Manifest) -> Iterator[Path]:
    """Yield where a Secret holds a value by the rules of `plaintext`, whatever its form, that can be read as it is."""
    if _is_filled_by_no_person(secret):
        return
    harmless = _harmless_keys(secret, _NONE)
    for part in _PARTS:
        for key, value in secret.part(part).items():
            text, problem = _read(part, value) if value else (None, "")
            if problem or text is None or key in harmless:
                continue
            if not (is_harmless(text) or _has_credentials(key, text)):
                yield part, key


def _is_filled_by_no_person(secret: Manifest) -> bool:
    kind = secret.content.get("type")
    return isinstance(kind, str) and kind in _TYPES_WITHOUT_VALUES


def _read(part: str, value: Any) -> tuple[str | None, str]:
    """Return the text of a value, if it is one, and why the API server will refuse it."""
    text = _text(value)
    if not isinstance(value, str):
        return text, "no text; put it in quotes"
    if part == "data" and text and not _is_stand_in(text):
        decoded = _decoded(value)
        return (value, "not base64") if decoded is None else (decoded, "")
    return text, ""


def _value(secret: Manifest, path: Path, text: str, *, is_filled: bool) -> Iterator[Finding]:
    part, key = map(str, path)
    if is_filled:
        yield secret.finding(BESIDE, path, f"{part}.{named(key)} has a value, which an annotation fills too")
    elif not any(forms(text)):  # that one is told by its form
        yield secret.finding(PLAINTEXT, path, f"{part}.{named(key)} holds a value")


def is_harmless(text: str) -> bool:
    """Whether a text is no secret: a switch, a reference, a placeholder, encrypted, or published anyway."""
    return not text.strip() or text.strip().lower() in _SWITCHES or _is_stand_in(text) or is_public(text)


def _is_stand_in(text: str) -> bool:
    return is_placeholder(text) or is_encrypted(text) or ("vault" in text and _is_reference(text))


def _is_reference(text: str) -> bool:
    """Whether Keyhole reads a text as a reference, well-formed or not: then another rule is about it."""
    from resolver.references.grammar import has_reference  # noqa: PLC0415 - most files have none

    return has_reference(text)


def _has_credentials(key: str, text: str) -> bool:
    """Whether Keyhole fills credentials of a docker configuration, in which a reference may be in base64 once more."""
    if not key.endswith(_DOCKER_CONFIGS) or '"auth' not in text:
        return False
    from manifests.fields.template import TemplateError  # noqa: PLC0415 - most files have none
    from manifests.kinds.secret import SECRET  # noqa: PLC0415
    from resolver.references.errors import ReferenceSyntaxError  # noqa: PLC0415

    try:
        return SECRET.template(key, text) is not None
    except (ReferenceSyntaxError, TemplateError):
        return True


def _no_map(secret: Manifest, part: str, holder: Any) -> Iterator[Finding]:
    if not (isinstance(holder, str) and is_placeholder(holder)):
        yield secret.finding(REFUSED, (part,), f"{part} is no map")


def _text(value: Any) -> str | None:
    """Return a value as text. Switches and what is no scalar hold no secret that anything would read."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _decoded(text: str) -> str | None:
    """Return what base64 stands for; bytes that are no UTF-8 as any characters; None if it is not base64."""
    try:
        # Kubernetes ignores line breaks (encoding/base64 of Go does).
        return base64.b64decode("".join(text.split("\n")).replace("\r", ""), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None


def _harmless_keys(secret: Manifest, public_keys: Mapping[str, frozenset[str]]) -> frozenset[str]:
    kind = secret.content.get("type") or _NO_TYPE
    keys = _KEYS_OF_TYPE.get(kind, _NO_KEYS) | public_keys.get(kind, _NO_KEYS) if isinstance(kind, str) else _NO_KEYS
    return keys | _ARGOCD_KEYS if _ARGOCD in secret.part("metadata", "labels") else keys


def _annotated(secret: Manifest) -> frozenset[str]:
    """Return the keys that annotations fill."""
    notes = secret.part("metadata", "annotations")
    keys = {name.removeprefix(DATA_PREFIX) for name in notes if name.startswith(DATA_PREFIX)}
    text = notes.get(FIELDS)
    if isinstance(text, str):
        keys |= _in_fields(text)
    return frozenset(keys)


def _in_fields(text: str) -> set[str]:
    from manifests.fields import fields_map  # noqa: PLC0415 - most files have none, and a start must be quick

    try:
        return {pointer.removeprefix("/data/") for pointer in fields_map.parse(text)}
    except fields_map.FieldsMapError:
        return set()
