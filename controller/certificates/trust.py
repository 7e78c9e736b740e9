"""Who verifies the webhook's certificate, and which authorities they trust now."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from certs.authorities import fingerprint, sound
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.registration.api_services import ApiServices, CaBundle
from kube.registration.webhook_configurations import WebhookConfigurations

_CALL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Trust:
    """The authorities that are trusted, as they were read.

    `anchors` are the authorities that anybody trusts, `everywhere` the fingerprints of those that all of them trust.
    `published` is the APIService's bundle, None when there is none to write. `outsiders` are the fingerprints that the
    webhook configuration's entries all trust, None when there is nothing that somebody else has to write. `problem`
    says what could not be read; nothing is trusted everywhere then.
    """

    anchors: tuple[x509.Certificate, ...]
    everywhere: frozenset[str]
    published: CaBundle | None
    outsiders: frozenset[str] | None
    problem: Exception | None = None


class Verifiers:
    """The APIService, whose bundle we write, and a webhook configuration, which we only read."""

    def __init__(
        self,
        api_services: ApiServices,
        configurations: WebhookConfigurations,
        *,
        api_service: str | None,
        webhook_configuration: str | None,
    ) -> None:
        """The last two arguments are names, or None."""
        self._api_services = api_services
        self._configurations = configurations
        self._api_service = api_service
        self._configuration = webhook_configuration

    def read(self, now: datetime) -> Trust:
        """Return what they trust. Never raises an error of `kube`."""
        bundles: list[bytes] = []
        published: CaBundle | None = None
        outside: list[bytes] = []
        problem: Exception | None = None
        try:
            if self._api_service is not None:
                published = self._api_services.read(self._api_service, _CALL_SECONDS)
                bundles.append(published.pem)
        except (KubernetesError, KubernetesUnavailable) as error:
            problem = error
        try:
            if self._configuration is not None:
                outside = self._configurations.ca_bundles(self._configuration, _CALL_SECONDS)
                bundles += outside
        except (KubernetesError, KubernetesUnavailable) as error:
            problem = problem or error
        return Trust(
            anchors=tuple(dict.fromkeys(one for bundle in bundles for one in sound(bundle, now))),
            everywhere=frozenset() if problem else _common(bundles, now),
            published=published,
            outsiders=_common(outside, now) if outside else None,
            problem=problem,
        )

    def publish(self, before: CaBundle, pem: bytes) -> None:
        """Make the APIService trust a bundle. Raises the errors of `kube`, including `Conflict`."""
        if self._api_service is not None:
            self._api_services.write(self._api_service, pem, before.resource_version, _CALL_SECONDS)


def _common(bundles: list[bytes], now: datetime) -> frozenset[str]:
    sets = [frozenset(fingerprint(one) for one in sound(bundle, now)) for bundle in bundles]
    return frozenset.intersection(*sets) if sets else frozenset()
