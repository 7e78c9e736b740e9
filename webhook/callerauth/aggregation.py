"""`--caller-auth=aggregation`: the API server comes through its own aggregation layer.

It calls itself as `system:apiserver`, because the webhook configuration names the service `default/kubernetes`; the
APIService leads back out to Keyhole, under the front-proxy client certificate that only API servers hold.
Source: Kubernetes, *Configure the Aggregation Layer*.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kube.errors import KubernetesError, KubernetesUnavailable
from kube.request_header import CONFIG_MAP, NAMESPACE, RequestHeader, RequestHeaderError
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
# The aggregation layer sets this one always, and takes it from no client, whatever the ConfigMap names besides.
_USERNAME_HEADER = "X-Remote-User"
_CALL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Proof:
    authorities: Authorities
    names: frozenset[str]
    username_headers: frozenset[str]

    def names_one(self, certificate: PeerCertificate) -> bool:
        """Return whether the certificate has an allowed name; when the cluster lists none, every name is allowed."""
        return not self.names or bool(self.names & certificate.common_names)


class Aggregation:
    """A `CallerCheck`: the front-proxy certificate, and `system:apiserver` as the user that it tells.

    Discovery needs the certificate only: the aggregation layer asks as `system:kube-aggregator`, and passes on whoever
    else asks, and the answer is the same public constant for all.
    """

    proves = True

    def __init__(self, read: Callable[[float], RequestHeader]) -> None:
        """`read` takes a limit in seconds: `kube.request_header.RequestHeaders.read`."""
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
        """When it was read last, in seconds since 1970; None before the first time."""
        return self._poller.last_read_at

    def check(self, caller: Caller) -> None:
        """Let in the API server, and for discovery whoever it passes on."""
        proof = self._poller.value
        certificate = verified(caller, proof.authorities if proof else None)
        if proof is None or not proof.names_one(certificate):
            raise CallerRefused("the client certificate has none of the names that the cluster allows")
        if is_discovery(caller.method, caller.path):
            return
        # A header that the aggregation layer passes on from a client must not overrule the one that it sets.
        users = {caller.header(name) for name in proof.username_headers} - {None}
        if users != {API_SERVER}:
            raise CallerRefused(f"the front proxy speaks for another user than {API_SERVER}")

    def knows(self, certificate: PeerCertificate) -> bool:
        """Return whether the certificate is a front proxy's."""
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
                problem = "any client certificate of the cluster would pass for the API server's: its request-header CA"
                raise ProofUnreadable(f"{where}: {problem} is its client CA, and it allows any name")
        return _Proof(authorities, header.allowed_names, frozenset({_USERNAME_HEADER, *header.username_headers}))
