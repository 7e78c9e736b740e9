"""The two Secrets of certificates, as an administrator sees and spoils them."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from certs.authorities import PREVIOUS_KEY
from certs.bundle import CA_CERTIFICATE, CA_KEY, CERTIFICATE, KEY, serving_findings
from certs.errors import UnfitError
from certs.keypair import KeyPair
from certs.pem import parse_certificates, parse_key
from controller.certificates.store import RENEW
from manifests.registration.webhook_configuration import OWN_NAMESPACE
from testbed import Testbed
from testbed.keyhole.identities import API_SERVICE, CERTIFICATE_AUTHORITY, SERVING_CERTIFICATE
from testbed.keyhole.objects import merge

_TRIES = 20
_SECRETS = f"/api/v1/namespaces/{OWN_NAMESPACE}/secrets"


class CertificateSecrets:
    """`seen_keys` are all private keys that were seen in them."""

    def __init__(self, bed: Testbed) -> None:
        self._bed = bed
        self.seen_keys: set[bytes] = set()

    def read(self, name: str) -> dict[str, bytes]:
        """Return a Secret's content; empty when it is not there."""
        answer = self._bed.kubernetes.request("GET", f"{_SECRETS}/{name}")
        if answer.status_code == 404:
            return {}
        answer.raise_for_status()
        data = {part: base64.b64decode(text) for part, text in (answer.json().get("data") or {}).items()}
        self.seen_keys |= {data[part] for part in (KEY, CA_KEY, PREVIOUS_KEY) if data.get(part, b"").startswith(b"---")}
        return data

    def leaf(self) -> str:
        """Return the fingerprint of the serving certificate, "" when there is none."""
        return _fingerprint(self.read(SERVING_CERTIFICATE).get(CERTIFICATE, b""))

    def authority(self) -> str:
        """Return the fingerprint of the newest authority, "" when there is none."""
        return _fingerprint(self.read(CERTIFICATE_AUTHORITY).get(CA_CERTIFICATE, b""))

    def is_resting(self) -> bool:
        """Return whether one authority signs, and nothing is under way."""
        authority, serving = self.read(CERTIFICATE_AUTHORITY), self.read(SERVING_CERTIFICATE)
        if set(authority) != {CA_CERTIFICATE, CA_KEY} or serving.get(CA_CERTIFICATE) != authority[CA_CERTIFICATE]:
            return False
        if not serving.get(CERTIFICATE):
            return False
        issuer = x509.load_pem_x509_certificate(authority[CA_CERTIFICATE])
        leaf = x509.load_pem_x509_certificate(serving[CERTIFICATE])
        return (
            leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
            == issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        )

    def is_whole(self) -> bool:
        """Return whether there is an authority with its key, and a certificate that could be served with."""
        authority, serving = self.read(CERTIFICATE_AUTHORITY), self.read(SERVING_CERTIFICATE)
        try:
            parse_certificates(CA_CERTIFICATE, authority[CA_CERTIFICATE])
            parse_key(CA_KEY, authority[CA_KEY])
            pair = KeyPair(serving[CERTIFICATE], serving[KEY])
        except (KeyError, UnfitError):
            return False
        return not serving_findings(pair, datetime.now(UTC))

    def write_bundle(self, file: Path) -> Path:
        """Write what is to be trusted into a file, as the operator gets it from the Secret, and return it."""
        whole = file.with_suffix(".new")
        whole.write_bytes(self.read(SERVING_CERTIFICATE)[CA_CERTIFICATE])
        return whole.replace(file)

    def api_service_bundle(self) -> bytes:
        """Return what the APIService trusts."""
        answer = self._bed.kubernetes.request("GET", f"/apis/apiregistration.k8s.io/v1/apiservices/{API_SERVICE}")
        answer.raise_for_status()
        return base64.b64decode(answer.json()["spec"].get("caBundle", ""))

    def renew(self, name: str) -> None:
        """Ask for a renewal of what a Secret holds."""
        metadata = {"name": name, "namespace": OWN_NAMESPACE, "annotations": {RENEW: "now"}}
        merge(self._bed, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata})

    def put(self, name: str, data: Mapping[str, bytes]) -> None:
        """Replace a Secret's content; once more if a controller wrote meanwhile."""
        for _ in range(_TRIES):
            document: dict[str, Any] = self._bed.kubernetes.request("GET", f"{_SECRETS}/{name}").json()
            document["data"] = {part: base64.b64encode(content).decode() for part, content in data.items()}
            answer = self._bed.kubernetes.request("PUT", f"{_SECRETS}/{name}", document)
            if answer.status_code != HTTPStatus.CONFLICT:
                break
        answer.raise_for_status()

    def delete(self, name: str) -> None:
        """Delete a Secret."""
        self._bed.kubernetes.request("DELETE", f"{_SECRETS}/{name}")

    def delete_both(self) -> None:
        """Have everything as before the first start."""
        for name in (CERTIFICATE_AUTHORITY, SERVING_CERTIFICATE):
            self.delete(name)


def _fingerprint(pem: bytes) -> str:
    try:
        return x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256()).hex()
    except ValueError:
        return ""
