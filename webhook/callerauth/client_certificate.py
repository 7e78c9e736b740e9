"""`--caller-auth=client-certificate`: the API server shows a certificate of a CA that the administrator names.

`manifests.registration.admission_configuration` writes the files that make it do so.
Source: Kubernetes, *Dynamic Admission Control*, *Authenticate API servers*.
"""

from pathlib import Path

from webhook.callerauth.caller import Authorities, Caller, CallerRefused, PeerCertificate, ProofUnreadable, proof_poller

_MOST_BYTES = 1024 * 1024


def verified(caller: Caller, authorities: Authorities | None) -> PeerCertificate:
    """Return the caller's certificate if these CAs still vouch for it; raise `CallerRefused` otherwise.

    A connection may be older than the CAs that count now: its certificate may come from a CA that has been withdrawn.
    """
    certificate = caller.certificate
    if certificate is None:
        raise CallerRefused("no client certificate")
    if not still_counts(certificate, authorities):
        raise CallerRefused("the connection was made with a CA that no longer counts")
    return certificate


def still_counts(certificate: PeerCertificate, authorities: Authorities | None) -> bool:
    """Return whether a certificate that was verified earlier would be verified with these CAs too."""
    return authorities is not None and certificate.authorities.certificates <= authorities.certificates


class ClientCertificate:
    """A `webhook.callerauth.caller.CallerCheck`: a certificate of the CA in a file, with one of these names.

    A name is the subject's common name, or an alternative name that is a DNS name or a URI.
    """

    proves = True

    def __init__(self, ca_file: Path, names: frozenset[str]) -> None:
        self._ca_file = ca_file
        self._names = names
        self._poller = proof_poller(self._read)
        self.load = self._poller.load
        self.start = self._poller.start
        self.close = self._poller.close
        self.is_ready = self._poller.is_known

    @property
    def authorities(self) -> Authorities:
        """The CAs in the file."""
        return self._poller.value or Authorities()

    @property
    def last_read_at(self) -> float | None:
        """When it was last read, in seconds since 1970; None before the first read."""
        return self._poller.last_read_at

    def check(self, caller: Caller) -> None:
        """Let in whoever has a certificate with an allowed name."""
        if not self._is_named(verified(caller, self._poller.value)):
            raise CallerRefused("the client certificate has none of the allowed names")

    def knows(self, certificate: PeerCertificate) -> bool:
        """Return whether the certificate has an allowed name and comes from a CA that counts."""
        return still_counts(certificate, self._poller.value) and self._is_named(certificate)

    def _is_named(self, certificate: PeerCertificate) -> bool:
        return bool(self._names & (certificate.common_names | certificate.alternative_names))

    def _read(self) -> Authorities:
        # What is not UTF-8 is a comment, or is not a PEM certificate anyway.
        pem = read_bytes(self._ca_file).decode("utf-8", "replace")
        return Authorities.parse(pem, str(self._ca_file))


def read_bytes(file: Path) -> bytes:
    """Return the content of a small file. Raises `ProofUnreadable`, which names the file and quotes nothing of it."""
    try:
        with file.open("rb") as source:
            content = source.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ProofUnreadable(f"{file} cannot be read: {error.strerror or type(error).__name__}") from None
    if len(content) > _MOST_BYTES:
        raise ProofUnreadable(f"{file} is larger than {_MOST_BYTES} bytes")
    return content
