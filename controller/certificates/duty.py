"""Keyhole's own certificates: carries out, turn by turn, what `certs.renewal` plans.

All that it goes by stands in two Secrets and in what verifies; every write names the state that was read. What it waits
for, it has to have seen itself without a break, so that another controller waits anew.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from cryptography import x509

from certs.authorities import PARTS, fingerprint, sound
from certs.bundle import CA_CERTIFICATE, CA_KEY, CERTIFICATE, KEY
from certs.renewal import CertificateRequest, Plan, Situation, plan
from certs.stability_window import StabilityWindow
from controller.certificates.store import CertificateStore, is_asked_to_renew
from controller.certificates.trust import Trust, Verifiers
from controller.certificates.write_backoff import WriteBackoff
from controller.control_loop import TURN_SECONDS
from controller.meters import Certificate
from kube.errors import Conflict, KubernetesError, KubernetesUnavailable
from kube.objects import ObjectName
from kube.secrets import Secret, Secrets

log = logging.getLogger("keyhole.controller")

# While something is in progress, or due within the next turn.
_SOON_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class CertificateSettings:
    """Which Secrets hold the authority and the serving certificate, how to make them, and who verifies them.

    `api_service` is the APIService whose bundle is written, `webhook_configuration` the MutatingWebhookConfiguration
    whose bundles are read; None when there is none.
    """

    authority: ObjectName
    serving: ObjectName
    request: CertificateRequest
    api_service: str | None = None
    webhook_configuration: str | None = None


class CertificateDuty:
    """The duty that makes, publishes and renews certificates."""

    def __init__(
        self,
        secrets: Secrets,
        verifiers: Verifiers,
        settings: CertificateSettings,
        settle_seconds: float,
        *,
        observe: Callable[[Certificate, datetime | None], None] = lambda _which, _ends_at: None,
    ) -> None:
        """`observe` is called at each turn with the expiry of the certificates in the Secrets."""
        self._settings = settings
        self._authority = CertificateStore(secrets, settings.authority, PARTS)
        self._serving = CertificateStore(secrets, settings.serving, (CA_CERTIFICATE, CERTIFICATE, KEY))
        self._verifiers = verifiers
        self._observe = observe
        self._trusted = StabilityWindow(settle_seconds)
        self._read = StabilityWindow(settle_seconds)
        self._backoff = WriteBackoff()
        self._told: dict[str, str] = {}

    def turn(self) -> float:
        """Do what has to be done, and return how many seconds to wait until the next turn.

        Raises `kube.errors.KubernetesUnavailable` or `KubernetesError`, `Conflict` among them, when the Secrets cannot
        be read or written. What goes wrong with those who verify is told, and holds up no renewal.
        """
        now = datetime.now(UTC)
        authority, serving = self._authority.read(), self._serving.read()
        trust = self._verifiers.read(now)
        found = plan(self._situation(authority, serving, trust, now), self._settings.request, now)
        self._tell_of(trust, found, now)
        is_served = bool(serving.data.get(CERTIFICATE))
        if trust.problem and is_served and authority.data.get(CA_KEY) not in found.authority.values():
            # The key is lost, so the next authority would have to sign at once, whoever trusts it.
            return TURN_SECONDS
        changed = self._authority.write(authority, found.authority, takes_up_request=found.takes_up_ca_request)
        self._publish(trust, found)
        takes_up = found.takes_up_certificate_request
        changed = self._serving.write(serving, found.serving, takes_up_request=takes_up) or changed
        self._observe(Certificate.SERVING, _end_of(found.serving.get(CERTIFICATE, b"")))
        self._observe(Certificate.AUTHORITY, _end_of(found.authority.get(CA_CERTIFICATE, b"")))
        for event in found.events:
            log.info("certificates: %s", event)
        left_seconds = (found.next_at - now).total_seconds()
        if changed:
            return _SOON_SECONDS
        return min(TURN_SECONDS, max(_SOON_SECONDS, left_seconds)) if left_seconds > 0 else TURN_SECONDS

    def advice(self, error: Exception) -> str:
        """Return what an administrator can do about an error of a turn."""
        if isinstance(error, KubernetesError) and error.status == HTTPStatus.FORBIDDEN:
            return ". The controller's ServiceAccount lacks a right: docs/certificates.md lists them"
        return ""

    def _situation(self, authority: Secret, serving: Secret, trust: Trust, now: datetime) -> Situation:
        # Whoever copies the bundle from the Secret trusts its content.
        told = {fingerprint(one) for one in sound(serving.data.get(CA_CERTIFICATE, b""), now)}
        served = serving.data.get(CERTIFICATE, b"").hex()
        newest = sound(authority.data.get(CA_CERTIFICATE, b""), now)[:1]
        published = trust.published
        is_published = published is None or not newest or newest[0] in sound(published.pem, now)
        return Situation(
            authority=authority.data,
            serving=serving.data,
            anchors=trust.anchors,
            trusted=self._trusted.look(trust.everywhere & told),
            is_published=is_published or "publish" in self._told or self._backoff.is_contested,
            is_read=served in self._read.look({served}),
            renews_ca=is_asked_to_renew(authority),
            renews_certificate=is_asked_to_renew(serving),
        )

    def _publish(self, trust: Trust, found: Plan) -> None:
        if trust.published is None or trust.published.pem == found.bundle:
            self._told.pop("publish", None)
            return
        if not self._backoff.is_due(found.bundle):
            return
        if self._backoff.is_contested:
            self._tell("contested", self._complaint(trust.published.manager))
        try:
            self._verifiers.publish(trust.published, found.bundle)
        except Conflict:
            raise
        except (KubernetesError, KubernetesUnavailable) as error:
            self._tell("publish", f"{error}{self.advice(error)}")
        else:
            self._backoff.wrote(found.bundle)
            log.info("certificates: APIService %s trusts the bundle", self._settings.api_service)

    def _complaint(self, manager: str) -> str:
        whose = f"as field manager {manager!r}, " if manager else ""
        return (
            f"{whose}somebody keeps changing spec.caBundle of APIService {self._settings.api_service}, so the API "
            "server takes Keyhole for a stranger until it is written again, more and more rarely: take that field out "
            "of what they apply, or an injector's annotation off the APIService"
        )

    def _tell_of(self, trust: Trust, found: Plan, now: datetime) -> None:
        """Log once what a new authority is waiting for."""
        problem = f"{trust.problem}{self.advice(trust.problem)}" if trust.problem else ""
        self._tell("trust", problem and f"{problem}; until it can be read, no new authority is used")
        newest = sound(found.authority[CA_CERTIFICATE], now)[0]
        waits = trust.outsiders is not None and fingerprint(newest) not in trust.outsiders
        self._tell("outsiders", self._request(fingerprint(newest)) if waits else "")

    def _request(self, newest: str) -> str:
        serving = self._settings.serving
        return (
            f"MutatingWebhookConfiguration {self._settings.webhook_configuration} does not trust the authority "
            f"{newest[:16]} yet, and only you may change it: set clientConfig.caBundle of its entries to what "
            f"`kubectl get secret {serving.name} -n {serving.namespace} -o jsonpath='{{.data.ca\\.crt}}'` prints"
        )

    def _tell(self, topic: str, message: str) -> None:
        if message and self._told.get(topic) != message:
            log.warning("certificates: %s", message)
        if message:
            self._told[topic] = message
        else:
            self._told.pop(topic, None)


def _end_of(pem: bytes) -> datetime | None:
    """Return when the first certificate, the newest, expires; None if there is none."""
    try:
        return x509.load_pem_x509_certificates(pem)[0].not_valid_after_utc
    except ValueError:
        return None
