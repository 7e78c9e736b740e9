"""The certificate that a worker serves with. It polls two files or a Secret, so a new certificate needs no restart.

It polls as `webhook.record_keys` does. What cannot be read, or is broken, changes nothing.
"""

import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from cryptography import x509

from certs.bundle import CERTIFICATE, KEY, serving_findings
from certs.keypair import KeyPair
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.objects import ObjectName
from kube.secrets import Secrets
from runtime.poller import FOR_EVER, Poller, Unreadable, What
from webhook.server.tls import load_pair

log = logging.getLogger("keyhole.server")

READ_EVERY_SECONDS = 2.0
_LEAST_PAUSE_SECONDS = 0.25
# A certificate that lives for seconds is looked at this often before it expires.
_LOOKS_BEFORE_THE_END = 10
_CALL_SECONDS = 5.0


class CertificateError(Unreadable):
    """There is no certificate to serve with. The message says where Keyhole looked, and what is wrong."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """A certificate with its chain, and its key, as PEM files."""

    certificate: Path
    key: Path

    def __str__(self) -> str:
        return f"{self.certificate} and {self.key}"

    def read(self) -> KeyPair:
        """Return what the files hold, unchecked. Raises `CertificateError`."""
        try:
            return KeyPair(self.certificate.read_bytes(), self.key.read_bytes())
        except OSError as error:
            raise CertificateError(f"{self} cannot be read: {error.strerror or type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class _Served:
    pair: KeyPair
    certificate: x509.Certificate

    @property
    def ends_at(self) -> datetime:
        return self.certificate.not_valid_after_utc


class ServingCertificate:
    """The last usable certificate that was read. It is used until it expires, however long ago it was read."""

    def __init__(self, where: str, read: Callable[[], KeyPair]) -> None:
        """`read` raises `CertificateError` if there is nothing. `where` names the source in messages."""
        self._where = where
        self._read = read
        what = What(where, "the certificate in use stays", "no handshake succeeds until then")
        poller = Poller(self._served, self._pause_seconds, FOR_EVER, what, log=log, on_new=self._tell)
        self._poller = poller
        self.load = poller.load
        self.start = poller.start
        self.close = poller.close
        self.is_known = poller.is_known

    @classmethod
    def of_files(cls, files: CertificateFiles) -> "ServingCertificate":
        """Poll two files."""
        return cls(str(files), files.read)

    @classmethod
    def of_secret(cls, name: ObjectName, secrets: Secrets) -> "ServingCertificate":
        """Poll a Secret with the keys `tls.crt` and `tls.key`, such as one of type kubernetes.io/tls."""
        return cls(f"Secret {name}", lambda: _of_secret(name, secrets))

    def current(self) -> KeyPair | None:
        """Return what to serve with, None while there is nothing usable. The object stays the same until it changes."""
        served = self._poller.value
        return served.pair if served else None

    @property
    def ends_at(self) -> datetime | None:
        """When the certificate expires; None while there is none."""
        served = self._poller.value
        return served.ends_at if served else None

    @property
    def last_read_at(self) -> float | None:
        """When it was last read, in seconds since 1970; None before the first read."""
        return self._poller.last_read_at

    def _served(self) -> _Served:
        pair = self._read()
        before = self._poller.value
        return before if before and pair == before.pair else _Served(pair, _checked(pair, self._where))

    def _tell(self, served: _Served) -> None:
        serial = served.certificate.serial_number
        log.info("%s: serving with certificate %x until %s", self._where, serial, served.ends_at)

    def _pause_seconds(self) -> float:
        ends_at = self.ends_at
        if ends_at is None:
            return READ_EVERY_SECONDS
        left_seconds = (ends_at - datetime.now(UTC)).total_seconds()
        return min(READ_EVERY_SECONDS, max(_LEAST_PAUSE_SECONDS, left_seconds / _LOOKS_BEFORE_THE_END))


def _checked(pair: KeyPair, where: str) -> x509.Certificate:
    for finding in serving_findings(pair, datetime.now(UTC)):
        raise CertificateError(f"{where}: {finding.part} {finding.reason}")
    try:
        load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), pair)
    except ssl.SSLError as error:
        raise CertificateError(f"{where}: OpenSSL does not accept it ({error.reason})") from None
    return x509.load_pem_x509_certificates(pair.certificate_pem)[0]


def _of_secret(name: ObjectName, secrets: Secrets) -> KeyPair:
    try:
        data = secrets.read(name, _CALL_SECONDS).data
    except (KubernetesError, KubernetesUnavailable) as error:
        raise CertificateError(f"{error}{_advice(name, error)}") from None
    try:
        return KeyPair(data[CERTIFICATE], data[KEY])
    except KeyError as error:
        raise CertificateError(f"Secret {name} has no {error.args[0]} yet") from None


def _advice(name: ObjectName, error: Exception) -> str:
    status = error.status if isinstance(error, KubernetesError) else None
    if status == HTTPStatus.FORBIDDEN:
        return f": the webhook's ServiceAccount needs `get` on it, by a Role in {name.namespace} with its name"
    if status == HTTPStatus.NOT_FOUND:
        return ": `keyhole controller --serving-certificate`, cert-manager or you can create it"
    return ""
