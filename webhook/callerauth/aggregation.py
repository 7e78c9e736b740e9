"""`--caller-auth=aggregation`: the API server comes through its own aggregation layer.

The webhook configuration names the service `default/kubernetes`, so the API server calls itself, as
`system:apiserver`. The APIService then leads out to Keyhole, with the front-proxy client certificate that only API
servers hold.
Source: Kubernetes, *Configure the Aggregation Layer*.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kube.errors import KubernetesError, KubernetesUnavailable
from kube.registration.request_header import CONFIG_MAP, NAMESPACE, RequestHeader, RequestHeaderError
from webhook.callerauth.caller import (
    Authorities,
    Caller,
    CallerRefused,
    PeerCertificate,
    ProofOutOfReach,
    ProofUnreadable,
    proof_poller,
)
from webhook.callerauth.client_certificate import still_counts, verified
from webhook.callerauth.discovery import is_discovery

API_SERVER = "system:apiserver"
# The aggregation layer always sets this header and never takes it from a client, whatever else the ConfigMap names.
_USERNAME_HEADER = "X-Remote-User"
_CALL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Proof:
    authorities: Authorities
    names: frozenset[str]
    username_headers: frozenset[str]

    def names_one(self, certificate: PeerCertificate) -> bool:
        """Return whether the certificate has an allowed name. If the cluster lists none, every name is allowed."""
        return not self.names or bool(self.names & certificate.common_names)


class Aggregation:
    """A `CallerCheck`: the caller has the front-proxy certificate and speaks for `system:apiserver`.

    For discovery the certificate is enough. The aggregation layer asks as `system:kube-aggregator` and passes on
    anybody else who asks, and the answer is the same public constant for all.
    """

    proves = True

    def __init__(self, read: Callable[[float], RequestHeader]) -> None:
        """`read` takes a time limit in seconds, as `kube.registration.request_header.RequestHeaders.read` does."""
        self._read_header = read
        self._poller = proof_poller(self._read)
        self.load = self._poller.load
        self.start = self._poller.start
        self.close = self._poller.close
        self.is_ready = self._poller.is_known

    @property
    def authorities(self) -> Authorities:
        """The CAs of front-proxy certificates."""
        proof = self._poller.value
        return proof.authorities if proof else Authorities()

    @property
    def last_read_at(self) -> float | None:
        """When it was last read, in seconds since 1970; None before the first read."""
        return self._poller.last_read_at

    def check(self, caller: Caller) -> None:
        """Let the API server in, and for discovery anybody whom it passes on."""
        proof = self._poller.value
        certificate = verified(caller, proof.authorities if proof else None)
        if proof is None or not proof.names_one(certificate):
            raise CallerRefused("the client certificate has none of the names that the cluster allows")
        if is_discovery(caller.method, caller.path):
            return
        # A client's header that the aggregation layer passes on must not override the one that it sets.
        users = {caller.header(name) for name in proof.username_headers} - {None}
        if users != {API_SERVER}:
            raise CallerRefused(f"the front proxy speaks for a user other than {API_SERVER}")

    def knows(self, certificate: PeerCertificate) -> bool:
        """Return whether the certificate is the front proxy's."""
        proof = self._poller.value
        return proof is not None and still_counts(certificate, proof.authorities) and proof.names_one(certificate)

    def _read(self) -> _Proof:
        try:
            header = self._read_header(_CALL_SECONDS)
        except KubernetesUnavailable as error:
            raise ProofOutOfReach(str(error)) from None
        except (KubernetesError, RequestHeaderError) as error:
            raise ProofUnreadable(str(error)) from None
        where = f"ConfigMap {NAMESPACE}/{CONFIG_MAP}"
        authorities = Authorities.parse(header.ca_pem, f"{where}: requestheader-client-ca-file")
        if not header.allowed_names and header.client_ca_pem:
            others = Authorities.parse(header.client_ca_pem, f"{where}: client-ca-file")
            if others.certificates & authorities.certificates:
                problem = "any client certificate of the cluster would pass for the API server's: the request-header CA"
                raise ProofUnreadable(f"{where}: {problem} is also the client CA, and any name is allowed")
        return _Proof(authorities, header.allowed_names, frozenset({_USERNAME_HEADER, *header.username_headers}))
