"""The certificate that a worker serves with: it follows two files or a Secret, so that a new one takes no restart.

A poll, as with the record key (`webhook.record_keys`). What cannot be read, or is broken, changes nothing.
"""

import logging
import ssl
import threading
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
from webhook.logs import frames
from webhook.tls import load_pair

log = logging.getLogger("keyhole.server")

READ_EVERY_SECONDS = 2.0
_LEAST_PAUSE_SECONDS = 0.25
# A certificate of seconds is looked at so often before it ends.
_LOOKS_BEFORE_THE_END = 10
_CALL_SECONDS = 5.0


class CertificateError(Exception):
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


class ServingCertificate:
    """The certificate that was read last and could be served with."""

    def __init__(self, where: str, read: Callable[[], KeyPair]) -> None:
        """`read` raises `CertificateError` when there is nothing; `where` stands in messages."""
        self._where = where
        self._read = read
        self._current: KeyPair | None = None
        self._ends_at: datetime | None = None
        self._failure = ""
        self._stopping = threading.Event()

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
        return self._current

    @property
    def ends_at(self) -> datetime | None:
        """When it expires; None while there is none."""
        return self._ends_at

    def load(self) -> None:
        """Read once, and take over what is new and sound; raises `CertificateError` and keeps what there was."""
        pair = self._read()
        if pair == self._current:
            return
        certificate = _checked(pair, self._where)
        self._current, self._ends_at = pair, certificate.not_valid_after_utc
        log.info("%s: serving with certificate %x until %s", self._where, certificate.serial_number, self._ends_at)

    def start(self) -> None:
        """Read now, then every few seconds in the background."""
        self._look()
        threading.Thread(target=self._run, name="serving-certificate", daemon=True).start()

    def close(self) -> None:
        """End; may be called when nothing was started."""
        self._stopping.set()

    def _follow(self) -> None:
        try:
            self.load()
        except CertificateError as error:
            failure = str(error)
            if failure != self._failure:
                kept = "the certificate of before stays" if self._current else "no handshake succeeds until then"
                log.warning("%s; %s", failure, kept)
            self._failure = failure
        else:
            if self._failure:
                log.info("%s can be served with again", self._where)
            self._failure = ""

    def _run(self) -> None:
        while not self._stopping.wait(self._pause_seconds()):
            self._look()

    def _look(self) -> None:
        try:
            self._follow()
        except Exception as error:  # noqa: BLE001 - a bug must end neither the following nor the worker's start
            log.error("bug in the serving certificate: %s at %s", type(error).__name__, frames(error))  # noqa: TRY400

    def _pause_seconds(self) -> float:
        if self._ends_at is None:
            return READ_EVERY_SECONDS
        left_seconds = (self._ends_at - datetime.now(UTC)).total_seconds()
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
