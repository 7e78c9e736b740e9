"""An installation in memory: two Secrets, what verifies, replicas that poll, and a controller that may die anywhere."""

import functools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509

from certs.authorities import Authority, fingerprint, sound
from certs.bundle import CA_CERTIFICATE, CERTIFICATE, KEY, serving_findings
from certs.keypair import KeyPair
from certs.renewal import CertificateRequest, Plan, Situation, plan
from certs.stability_window import StabilityWindow

START = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
HOST = "keyhole.keyhole.svc"
SETTLE_SECONDS = 5.0


class Killed(Exception):
    """The controller died before a write."""


@dataclass
class Installation:
    """Time is counted in seconds; nothing happens but what is called.

    `bundle` is what the APIService says, `in_effect` what the API server verifies by, `spread_seconds` later; replicas
    read the Secret every `poll_seconds`. `manual` is the bundle of a webhook configuration, which its operator writes;
    None when there is none.
    """

    request: CertificateRequest = field(
        default_factory=lambda: CertificateRequest((HOST,), timedelta(seconds=60), timedelta(seconds=600))
    )
    poll_seconds: float = 2.0
    spread_seconds: float = 0.5
    seconds: float = 0.0
    authority: dict[str, bytes] = field(default_factory=dict)
    serving: dict[str, bytes] = field(default_factory=dict)
    bundle: bytes = b""
    in_effect: bytes = b""
    manual: bytes | None = None
    replicas: list[KeyPair | None] = field(default_factory=lambda: [None, None])
    renews_ca: bool = False
    renews_certificate: bool = False
    events: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._bundles: list[tuple[float, bytes]] = []
        self._polled = [0.0 for _ in self.replicas]
        self.restart()

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def restart(self) -> None:
        """Have another controller go on: it knows nothing but what is written."""
        self._trust = StabilityWindow(SETTLE_SECONDS, lambda: self.seconds)
        self._served = StabilityWindow(SETTLE_SECONDS, lambda: self.seconds)

    def pass_time(self, seconds: float) -> None:
        """Let time pass; whoever polls does so in time."""
        self.seconds += seconds
        for index in range(len(self.replicas)):
            if self.seconds - self._polled[index] >= self.poll_seconds:
                self.poll(index)
        for at, bundle in self._bundles:
            if self.seconds - at >= self.spread_seconds:
                self.in_effect = bundle
        self._bundles = [(at, bundle) for at, bundle in self._bundles if self.seconds - at < self.spread_seconds]

    def poll(self, index: int) -> None:
        """Have a replica read the Secret: what is broken changes nothing."""
        self._polled[index] = self.seconds
        pair = KeyPair(self.serving.get(CERTIFICATE, b""), self.serving.get(KEY, b""))
        if not serving_findings(pair, self.now):
            self.replicas[index] = pair

    def turn(self, writes_before_death: int | None = None) -> Plan:
        """Have the controller do what is to be done; it may die before a write."""
        left = [99 if writes_before_death is None else writes_before_death]
        found = plan(self._situation(), self.request, self.now)
        if dict(found.authority) != self.authority:
            self._spend(left)
            self.authority = dict(found.authority)
            self.renews_ca = self.renews_ca and not found.takes_up_ca_request
        if found.bundle != self.bundle:
            self._spend(left)
            self.bundle = found.bundle
            self._bundles.append((self.seconds, found.bundle))
        if dict(found.serving) != self.serving:
            self._spend(left)
            self.serving = dict(found.serving)
            self.renews_certificate = self.renews_certificate and not found.takes_up_certificate_request
        self.events += found.events
        return found

    def rest(self, seconds: float, step_seconds: float = 1.0) -> None:
        """Let time pass with a turn at every step; what is served is trusted at each."""
        until = self.seconds + seconds
        while self.seconds < until:
            self.turn()
            self.check()
            self.pass_time(step_seconds)
            self.check()

    def check(self) -> None:
        """Fail when a replica serves what somebody who verifies does not trust; whether it has expired is no matter."""
        for told in (self.in_effect, *([] if self.manual is None else [self.manual])):
            for pair in self.replicas:
                assert pair is None or _is_trusted(told, pair.certificate_pem), f"at {self.seconds} s: {self.events}"

    def unexpired(self) -> bool:
        """Return whether every replica serves a certificate that is valid now."""
        return all(pair is not None and not serving_findings(pair, self.now) for pair in self.replicas)

    def _situation(self) -> Situation:
        told = [self.bundle, self.serving.get(CA_CERTIFICATE, b""), *([] if self.manual is None else [self.manual])]
        verifiers = [sound(one, self.now) for one in told]
        everywhere = set.intersection(*({fingerprint(one) for one in verifier} for verifier in verifiers))
        leaf = self.serving.get(CERTIFICATE, b"").hex()
        anchors = [*verifiers[0], *(one for verifier in verifiers[2:] for one in verifier)]
        return Situation(
            authority=self.authority,
            serving=self.serving,
            anchors=anchors,
            trusted=self._trust.look(everywhere),
            is_published=bool(self.bundle),
            is_read=leaf in self._served.look({leaf}),
            renews_ca=self.renews_ca,
            renews_certificate=self.renews_certificate,
        )

    @staticmethod
    def _spend(left: list[int]) -> None:
        if left[0] == 0:
            raise Killed
        left[0] -= 1


@functools.cache
def _is_trusted(bundle: bytes, certificate_pem: bytes) -> bool:
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    anchors = x509.load_pem_x509_certificates(bundle) if bundle else []
    return any(Authority(one).issued(certificate) for one in anchors)
