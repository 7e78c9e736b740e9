"""Docker configurations with references in their credentials.

Source: Kubernetes, *Pull an image from a private registry*, *Types of Secret*; docker's `config.json`.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from manifests.fields.template import TemplateError, ValueNotText
from manifests.kinds.base64_search import needles
from resolver.references import jsontext
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Reference, Template, has_reference, parse_value
from resolver.references.jsontext import JsonValue
from resolver.references.value import MAX_VALUE_BYTES, NotText, SecretValue, ValueTooLarge

# Every reference contains one of these: the plain text, its base64, or an escape of JSON.
_HINTS = ("vault", *needles("vault"), "\\u")
# The worker looks at all of them in one go, and serves nobody else meanwhile.
_MOST_REGISTRIES = 2000
DOCKER_CONFIG: Final = ".dockerconfigjson"
LEGACY_DOCKER_CONFIG: Final = ".dockercfg"
# docker itself, kaniko and others read this file. It may also be the configuration of something else.
CONFIG_JSON: Final = "config.json"
DOCKER_CONFIGS: Final = (DOCKER_CONFIG, LEGACY_DOCKER_CONFIG, CONFIG_JSON)
_CREDENTIALS = ("username", "password", "auth", "email", "identitytoken")


class DockerConfigError(TemplateError):
    """The docker configuration has references that cannot be resolved. `problem` quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The credentials of one registry that contain references."""

    templates: Mapping[str, Template]
    # `kubectl create secret docker-registry` writes the credentials a second time, as base64 of USERNAME:PASSWORD.
    only_in_auth: bool = False

    def rendered(self, entry: Mapping[str, JsonValue], values: Mapping[Reference, SecretValue]) -> dict[str, JsonValue]:
        """Return the registry's entry with the values in it."""
        filled = {name: _text(template.render(values)) for name, template in self.templates.items()}
        result = dict(entry)
        if not self.only_in_auth:
            result.update(filled)
        if filled.keys() & {"username", "password"}:
            username, password = (
                filled.get(name, jsontext.text(entry.get(name)) or "") for name in ("username", "password")
            )
            result["auth"] = base64.b64encode(f"{username}:{password}".encode()).decode()
        return result


@dataclass(frozen=True, slots=True)
class DockerConfig:
    """A docker configuration with references. `auth` is rebuilt where the username or password comes from Vault."""

    document: Mapping[str, JsonValue] = field(repr=False)
    registries: Mapping[str, Registry]

    @property
    def hosts(self) -> Iterable[str]:
        """All registries in the order of the document, also those without references."""
        return credentials(self.document)

    @property
    def references(self) -> tuple[Reference, ...]:
        """All references in the order of the text. One that is used twice is there twice."""
        return tuple(
            reference
            for registry in self.registries.values()
            for template in registry.templates.values()
            for reference in template.references
        )

    def render(self, values: Mapping[Reference, SecretValue]) -> SecretValue:
        """Return the document as compact JSON. Everything without a reference keeps its place and content.

        Raises `ValueTooLarge` if the values alone have more than 1 MiB, before the document is put together.
        """
        if sum(len(values[reference].reveal()) for reference in self.references) > MAX_VALUE_BYTES:
            raise ValueTooLarge(MAX_VALUE_BYTES)
        auths = dict(credentials(self.document))
        for host, registry in self.registries.items():
            auths[host] = registry.rendered(_object(auths[host]), values)
        document = jsontext.field_value({**self.document, "auths": auths} if _is_nested(self.document) else auths)
        if document is None:  # pragma: no cover - an object is never null
            raise AssertionError
        return document


def credentials(document: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Return the credentials by registry: the content of `auths`, or in a `.dockercfg` the whole document."""
    return _object(document["auths"]) if _is_nested(document) else document


def _is_nested(document: Mapping[str, JsonValue]) -> bool:
    return isinstance(document.get("auths"), dict)


def fills_credentials(text: str) -> bool:
    """Whether a text is a docker configuration with a reference, well-formed or not, as a credential or in `auth`.

    A `config.json` may be anything. Only if this is true are its strings read one by one.
    """
    try:
        document = jsontext.parse(text)
        auths = document.get("auths") if isinstance(document, dict) else None
        if isinstance(auths, dict) and len(auths) > _MOST_REGISTRIES:
            return True
        registries = dict(_registries(auths)) if isinstance(auths, dict) else {}
    except (DockerConfigError, ReferenceSyntaxError):
        return True
    except ValueError:
        return False
    return any(
        registry.only_in_auth or any(template.is_whole for template in registry.templates.values())
        for registry in registries.values()
    )


def docker_config(text: str, *, is_legacy: bool = False) -> DockerConfig | None:
    """Read a docker configuration; None if it has no reference. A legacy one may lack the `auths` around it.

    Raises `DockerConfigError` if the text has references and is not a JSON object, or has them outside of credentials,
    and `ReferenceSyntaxError` for a malformed reference.
    """
    if not any(hint in text for hint in _HINTS):
        return None
    try:
        document = jsontext.parse(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        if not has_reference(text):
            return None
        raise DockerConfigError("has a reference and is not a JSON object")
    auths = document if is_legacy and not _is_nested(document) else document.get("auths")
    if isinstance(auths, dict) and len(auths) > _MOST_REGISTRIES:
        raise DockerConfigError(f"has what may be a reference among more than {_MOST_REGISTRIES} registries")
    registries = dict(_registries(auths)) if isinstance(auths, dict) else {}
    # References anywhere but in the credentials would stay in the cluster unresolved.
    without = {host: _without_credentials(entry) for host, entry in _items(auths)}
    rest = without if auths is document else {**document, "auths": without}
    if any(has_reference(string) for string in _strings(rest)):
        raise DockerConfigError(
            f"has a reference outside of {'*' if auths is document else 'auths.*'}.({'|'.join(_CREDENTIALS)})"
        )
    return DockerConfig(document, registries) if registries else None


def _registries(auths: Mapping[str, JsonValue]) -> Iterator[tuple[str, Registry]]:
    for host, entry in auths.items():
        if not isinstance(entry, dict):
            continue
        templates = {
            name: parse_value(text)
            for name in _CREDENTIALS
            if isinstance(text := entry.get(name), str) and has_reference(text)
        }
        if "auth" in templates and templates.keys() & {"username", "password"}:
            raise DockerConfigError("has a reference in auth and another in username or password; keep the latter")
        auth = jsontext.text(entry.get("auth"))
        is_plain = auth is not None and not templates.keys() & {"username", "password", "auth"}
        hidden = _credentials_in(auth) if auth is not None and is_plain else {}
        if hidden and templates:
            raise DockerConfigError("has references inside auth and beside it; write them in username and password")
        if templates or hidden:
            yield host, Registry(templates or hidden, only_in_auth=bool(hidden))


def _credentials_in(auth: str) -> dict[str, Template]:
    """Return the username and password of an `auth` entry if either contains a reference."""
    try:
        decoded = base64.b64decode(auth, validate=True).decode()
    except (binascii.Error, ValueError):
        return {}
    username, _, password = decoded.partition(":")
    if not has_reference(username) and not has_reference(password):
        if _is_reference(decoded.rpartition(":")[0]):
            # The first colon ends the username, and here it is the reference's own. A user may be called "vault".
            raise DockerConfigError("has a reference for the username in auth; write it in username")
        return {}
    return {"username": parse_value(username), "password": parse_value(password)}


def _is_reference(text: str) -> bool:
    try:
        return bool(parse_value(text).references)
    except ReferenceSyntaxError:
        return False


def credential_in(auth: str | None, name: str) -> bytes | None:
    """Return the username or the password of an `auth` entry; None if the entry cannot be read."""
    try:
        username, _, password = base64.b64decode(auth or "", validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return {"username": username, "password": password}.get(name)


def _items(auths: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(auths, dict):
        yield from auths.items()


def _without_credentials(entry: JsonValue) -> JsonValue:
    if not isinstance(entry, dict):
        return entry
    return {name: value for name, value in entry.items() if name not in _CREDENTIALS}


def _strings(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from _strings(member)


def _object(value: JsonValue) -> Mapping[str, JsonValue]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _text(value: SecretValue) -> str:
    try:
        return value.reveal_text()
    except NotText:
        raise ValueNotText from None
