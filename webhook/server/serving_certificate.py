"""The certificate that a worker serves with: it follows two files or a Secret, so that a new one takes no restart.

A poll, as with the record key (`webhook.record_keys`). What cannot be read, or is broken, changes nothing.
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
# A certificate of seconds is looked at so often before it ends.
_LOOKS_BEFORE_THE_END = 10
_CALL_SECONDS = 5.0


class CertificateError(Unreadable):
    """There is no certificate to serve with; the message says where it was looked for, and what is wrong."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """A certificate with its chain, and its key, as files in PEM."""

    certificate: Path
    key: Path

    def __str__(self) -> str:
        return f"{self.certificate} and {self.key}"

    def read(self) -> KeyPair:
        """Return what they hold, unchecked; raises `CertificateError`."""
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
    """The certificate that was read last and could be served with. It counts until it ends, however old it is."""

    def __init__(self, where: str, read: Callable[[], KeyPair]) -> None:
        """`read` raises `CertificateError` when there is nothing; `where` stands in messages."""
        self._where = where
        self._read = read
        what = What(where, "the certificate of before stays", "no handshake succeeds until then")
        poller = Poller(self._served, self._pause_seconds, FOR_EVER, what, log=log, on_new=self._tell)
        self._poller = poller
        self.load = poller.load
        self.start = poller.start
        self.close = poller.close
        self.is_known = poller.is_known

    @classmethod
    def of_files(cls, files: CertificateFiles) -> "ServingCertificate":
        """Follow two files."""
        return cls(str(files), files.read)

    @classmethod
    def of_secret(cls, name: ObjectName, secrets: Secrets) -> "ServingCertificate":
        """Follow a Secret with the parts `tls.crt` and `tls.key`, as one of type kubernetes.io/tls has."""
        return cls(f"Secret {name}", lambda: _of_secret(name, secrets))

    def current(self) -> KeyPair | None:
        """Return what to serve with; None while nothing could be used. The same object as long as nothing changes."""
        served = self._poller.value
        return served.pair if served else None

    @property
    def ends_at(self) -> datetime | None:
        """When it expires; None while there is none."""
        served = self._poller.value
        return served.ends_at if served else None

    @property
    def last_read_at(self) -> float | None:
        """When it was read last, in seconds since 1970; None before the first time."""
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
        raise CertificateError(f"{where}: OpenSSL does not take it ({error.reason})") from None
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
        return ": `keyhole controller --serving-certificate` makes it, or cert-manager, or you"
    return ""
