"""Secrets: values in base64, references in annotations and in place, docker configurations."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from manifests.fields.docker_config import (
    CONFIG_JSON,
    DOCKER_CONFIG,
    DOCKER_CONFIGS,
    LEGACY_DOCKER_CONFIG,
    docker_config,
    fills_credentials,
)
from manifests.fields.template import FieldTemplate
from manifests.kinds.codec import MARKER, Codec, Stored
from resolver.references.grammar import has_reference, parse_value
from resolver.references.value import SecretValue

_BARE: Final = ("vault:", "vault+")
# Kubernetes validates these as JSON, depending on the type of the Secret (kubernetes.io/dockerconfigjson, …/dockercfg).
_JSON_KEYS: Final = frozenset({DOCKER_CONFIG, LEGACY_DOCKER_CONFIG})
_PEM_LABELS: Final[Mapping[str, str]] = {"tls.crt": "CERTIFICATE", "ca.crt": "CERTIFICATE", "tls.key": "PRIVATE KEY"}


class _Search:
    """How the API server finds references in a Secret's values. The texts are made when they are asked for."""

    @property
    def condition(self) -> str:
        from manifests.kinds import secret_search  # noqa: PLC0415 - takes a tenth of a start

        return secret_search.refers_in_place()

    @property
    def begun(self) -> str:
        from manifests.kinds import secret_search  # noqa: PLC0415 - as above

        return secret_search.begins_as_reference("value")

    @property
    def variables(self) -> Mapping[str, str]:
        from manifests.kinds import secret_search  # noqa: PLC0415 - as above

        return secret_search.VARIABLES


class _Secret(Codec):
    kind = "Secret"
    resource = "secrets"
    takes_whole_secrets = True
    renders_files = True
    coding = "base64"
    in_place = _Search()
    # `auth` in a docker configuration is base64 once more.
    encoded_twice = frozenset(DOCKER_CONFIGS)

    def fitted(self, template: FieldTemplate, value: SecretValue) -> SecretValue:  # noqa: ARG002
        """Accept any bytes: base64 can store them."""
        return value

    def encode(self, value: bytes) -> Stored:
        return base64.b64encode(value).decode()

    def decode(self, stored: Stored) -> bytes:
        if not isinstance(stored, str):
            raise ValueError("not a string")  # noqa: TRY004 - callers treat it like every other value that is not base64
        # This is what base64.b64decode(validate=True) does. Called directly it is faster, and it runs for every value.
        return binascii.a2b_base64(stored, strict_mode=True)

    def size_bytes(self, stored: Stored | None) -> int:
        return len(stored) * 3 // 4 - stored[-2:].count("=") if isinstance(stored, str) else 0

    def template(self, key: str, text: str) -> FieldTemplate | None:
        # A docker configuration has references in its credentials, unless the whole value is one reference.
        is_bare = text.startswith(_BARE)
        if key in _JSON_KEYS and not is_bare:
            return docker_config(text, is_legacy=key == LEGACY_DOCKER_CONFIG)
        if key == CONFIG_JSON and not is_bare and '"auths"' in text and fills_credentials(text):
            return docker_config(text)
        return parse_value(text) if has_reference(text) else None

    def placeholder(self, key: str, template: FieldTemplate | None = None) -> bytes:  # noqa: ARG002
        if key in _JSON_KEYS:
            return json.dumps({"auths": {}, "keyhole.dev/placeholder": MARKER}).encode()
        label = _PEM_LABELS.get(key)
        if label is not None:
            body = base64.b64encode(MARKER.encode()).decode()
            return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode()
        return MARKER.encode()

    def needs_form(self, key: str) -> bool:
        return key in _JSON_KEYS

    def as_admitted(self, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        """Merge `stringData` into `data`, as the API server does before it asks a webhook.

        It also writes base64 anew, in one line: kustomize prints long values in several, and Go's decoder takes them.
        """
        plain = {
            key: self.encode((text or "").encode(errors="replace"))
            for key, text in (manifest.get("stringData") or {}).items()
        }
        values = {key: _on_one_line(text) for key, text in (manifest.get("data") or {}).items()}
        return {**manifest, "data": {**values, **plain}}


def _on_one_line(text: Any) -> Any:
    return text.replace("\r", "").replace("\n", "") if isinstance(text, str) else text


SECRET: Final[Codec] = _Secret()
