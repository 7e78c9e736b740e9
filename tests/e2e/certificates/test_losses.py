"""What is deleted or damaged is made anew, and a running webhook never fails meanwhile."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from certs.bundle import CA_CERTIFICATE, CA_KEY, CERTIFICATE, KEY
from manifests.registration.webhook_configuration import NAME, webhook_configuration
from testbed import Testbed
from testbed.keyhole.aggregation import aggregated, serving_aggregated
from testbed.keyhole.identities import CERTIFICATE_AUTHORITY, RECORD_KEY, SERVING_CERTIFICATE
from testbed.keyhole.installation import Webhook, serving
from testbed.keyhole.objects import apply, delete
from testbed.keyhole.record_key import add_record_key
from testbed.keyhole.registration import registered
from tests.e2e.certificates.conftest import NAMESPACE, REFERENCE, certifying, fresh_certificates
from tests.e2e.certificates.load import admitted, loaded, served_certificate
from tests.e2e.certificates.secrets import CertificateSecrets
from tests.e2e.objects import encoded
from tests.e2e.places import Places
from tests.e2e.processes import both_workers, eventually, workers

log = logging.getLogger(__name__)

_SOME_TURNS_SECONDS = 4.0


@pytest.fixture
def webhook(
    bed: Testbed, places: Places, certificates: CertificateSecrets, connections_file: Path, tmp_path: Path
) -> Iterator[Webhook]:
    """Return a webhook that is asked directly and serves from the Secret, which a controller follows."""
    for log in ("keyhole", "controller"):
        places.watch(tmp_path / f"{log}.log")
    with certifying(bed, tmp_path, aggregated=False):
        eventually(lambda: bool(certificates.leaf()), "a certificate")
        with serving(bed, tmp_path, connections_file, from_secret=True) as served:
            webhook = replace(served, ca_file=certificates.write_bundle(tmp_path / "ca.crt"))
            with registered(bed, webhook):
                yield webhook


def _deleted(name: str) -> Callable[[CertificateSecrets], None]:
    return lambda certificates: certificates.delete(name)


def _damaged(name: str, part: str, how: Callable[[bytes], bytes]) -> Callable[[CertificateSecrets], None]:
    def damage(certificates: CertificateSecrets) -> None:
        content = certificates.read(name)
        certificates.put(name, {**content, part: how(content[part])})

    return damage


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


@dataclass(frozen=True)
class Installed:
    """A controller and a webhook that serves from the Secret, which the controller follows."""

    certificates: CertificateSecrets
    webhook: Webhook


@pytest.fixture(scope="class")
def installed(
    bed: Testbed, places: Places, connections_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installed]:
    directory = tmp_path_factory.mktemp("installed")
    for log in ("keyhole", "controller"):
        places.watch(directory / f"{log}.log")
    with fresh_certificates(bed, directory) as certificates, certifying(bed, directory, aggregated=False):
        eventually(lambda: bool(certificates.leaf()), "a certificate")
        with serving(bed, directory, connections_file, from_secret=True) as webhook:
            yield Installed(certificates, webhook)


class TestARunningWebhook:
    """One controller and one webhook for all losses, each of which finds everything whole and at rest."""

    @pytest.fixture
    def certificates(self, installed: Installed) -> CertificateSecrets:
        return installed.certificates

    @pytest.fixture
    def webhook(self, bed: Testbed, installed: Installed, tmp_path: Path) -> Iterator[Webhook]:
        """Return the webhook, registered with the bundle of what serves now."""
        certificates = installed.certificates
        webhook = replace(installed.webhook, ca_file=certificates.write_bundle(tmp_path / "ca.crt"))
        with registered(bed, webhook):
            # The test before may have left a new authority behind, which nobody trusted.
            eventually(certificates.is_resting, "one authority signs, and nothing is under way")
            bundle = certificates.write_bundle(webhook.ca_file).read_bytes()
            eventually(lambda: _serves_in_each_worker(webhook, bundle, certificates.leaf()), "it is served")
            _trust(bed, bundle)
            yield webhook

    @pytest.mark.parametrize(
        "loss",
        [
            pytest.param(_deleted(SERVING_CERTIFICATE), id="the webhook's Secret is deleted"),
            pytest.param(_damaged(CERTIFICATE_AUTHORITY, CA_KEY, _half), id="the authority's key is cut off"),
            *(
                pytest.param(loss, id=name, marks=pytest.mark.nightly)
                for name, loss in {
                    "the certificate is cut off": _damaged(SERVING_CERTIFICATE, CERTIFICATE, _half),
                    "its key is no key": _damaged(SERVING_CERTIFICATE, KEY, lambda _: b"\x00"),
                    "the authority's Secret is deleted": _deleted(CERTIFICATE_AUTHORITY),
                    "the authority is cut off": _damaged(CERTIFICATE_AUTHORITY, CA_CERTIFICATE, _half),
                }.items()
            ),
        ],
    )
    def test_it_goes_on_and_one_started_right_after_serves(  # noqa: PLR0917
        self,
        bed: Testbed,
        certificates: CertificateSecrets,
        webhook: Webhook,
        connections_file: Path,
        tmp_path: Path,
        loss: Callable[[CertificateSecrets], None],
    ) -> None:
        # Below the folder whose logs are searched for keys.
        second_folder = _folder(webhook.directory / tmp_path.name)
        bundle = webhook.ca_file.read_bytes()
        with loaded(bed, webhook, lambda: bundle, NAMESPACE, REFERENCE) as load:
            time.sleep(1)
            loss(certificates)
            lost_at = time.monotonic()
            eventually(certificates.is_whole, "both Secrets are whole again")
            eventually(lambda: served_certificate(webhook, bundle) == certificates.leaf(), "it is served")
            log.info("serving again after %.1f s", time.monotonic() - lost_at)
            with serving(bed, second_folder, connections_file, from_secret=True) as second:
                # The operator's bundle is the old one, and what is served still goes back to it.
                assert served_certificate(second, bundle) == certificates.leaf()
        assert load.failures[:3] == []
        assert load.admissions > 0


def test_with_nothing_left_but_the_api_services_bundle_all_comes_back(
    bed: Testbed,
    certificates: CertificateSecrets,
    connections_file: Path,
    tmp_path: Path,
) -> None:
    """Webhook and controller are down, and both Secrets are gone: the API server has backed off by then."""
    with certifying(bed, tmp_path, name="first"):
        eventually(lambda: bool(certificates.leaf()), "a certificate")
    with serving_aggregated(bed, tmp_path, connections_file, from_secret=True) as served:
        port = int(served.url.split(":")[2].split("/")[0])
        webhook = replace(served, ca_file=certificates.write_bundle(tmp_path / "ca.crt"))
        asked = aggregated(bed, webhook)
        asked.__enter__()
    try:
        certificates.delete_both()
        assert not admitted(bed, NAMESPACE, REFERENCE)
        time.sleep(10)
        with serving_aggregated(
            bed, _folder(tmp_path / "again"), connections_file, from_secret=True, until_ready=False, port=port
        ) as again:
            eventually(lambda: _status(again, "/livez") == 200, "it is alive")
            eventually(lambda: _status(again, "/readyz") == 503, "it is not ready")
            assert not admitted(bed, NAMESPACE, REFERENCE)
            with certifying(bed, tmp_path, name="second"):
                eventually(lambda: bool(certificates.leaf()), "a certificate")
                made_at = time.monotonic()
                eventually(lambda: admitted(bed, NAMESPACE, REFERENCE), "an admission")
                log.info("admitting again after %.1f s", time.monotonic() - made_at)
    finally:
        asked.__exit__(None, None, None)


def test_without_knowing_what_is_trusted_no_new_authority_takes_the_place_of_what_is_served(
    bed: Testbed, certificates: CertificateSecrets, tmp_path: Path
) -> None:
    """The authority's key is lost, and the webhook configuration cannot be read: it is not there."""
    log_file = tmp_path / "controller.log"
    with certifying(bed, tmp_path, aggregated=False):
        eventually(lambda: bool(certificates.leaf()), "a certificate")
        leaf = certificates.leaf()
        eventually(lambda: "no new authority is used" in log_file.read_text(), "the log says so")
        certificates.delete(CERTIFICATE_AUTHORITY)
        time.sleep(_SOME_TURNS_SECONDS)
        assert certificates.leaf() == leaf
        configuration = webhook_configuration(
            "https://127.0.0.1:1/mutate", certificates.read(SERVING_CERTIFICATE)[CA_CERTIFICATE]
        )
        apply(bed, configuration)
        try:
            eventually(lambda: bool(certificates.read(CERTIFICATE_AUTHORITY)), "another authority")
            assert certificates.leaf() == leaf
        finally:
            delete(bed, configuration)


class TestStart:
    def test_without_a_certificate_it_starts_is_not_ready_and_refuses_handshakes(
        self, bed: Testbed, certificates: CertificateSecrets, connections_file: Path, tmp_path: Path
    ) -> None:
        add_record_key(bed)
        with serving(bed, tmp_path, connections_file, from_secret=True, until_ready=False) as webhook:
            eventually(lambda: _status(webhook, "/livez") == 200, "it is alive")
            eventually(lambda: _status(webhook, "/readyz") == 503, "it is not ready")
            with pytest.raises(OSError, match=r"(?i)eof|reset|closed"):
                served_certificate(webhook, b"")
            before = both_workers(webhook)
            with certifying(bed, tmp_path, aggregated=False):
                eventually(lambda: _status(webhook, "/readyz") == 200, "it is ready")
                bundle = certificates.read(SERVING_CERTIFICATE)[CA_CERTIFICATE]
                eventually(lambda: _serves_in_each_worker(webhook, bundle, certificates.leaf()), "all workers serve")
            assert workers(webhook) == before
            log = webhook.log_file.read_text()
        assert "Traceback" not in log
        assert "keyhole controller --serving-certificate" in log

    @pytest.mark.parametrize("caller", ["none", "aggregation"])
    def test_without_an_api_server_it_starts_and_waits(
        self, bed: Testbed, certificates: CertificateSecrets, connections_file: Path, tmp_path: Path, caller: str
    ) -> None:
        known = bed.kubernetes.kubeconfig.read_text()
        nowhere = tmp_path / "kubeconfig"
        nowhere.write_text(known.replace(bed.kubernetes.url, "https://127.0.0.1:1"))
        assert nowhere.read_text() != known
        arguments = ("--kubeconfig", str(nowhere), "--caller-auth", caller)
        with serving(
            bed, tmp_path, connections_file, from_secret=True, until_ready=False, arguments=arguments
        ) as webhook:
            eventually(lambda: _status(webhook, "/livez") == 200, "it is alive")
            eventually(lambda: _status(webhook, "/readyz") == 503, "it is not ready")
            with pytest.raises(OSError, match=r"(?i)eof|reset|closed"):
                served_certificate(webhook, b"")
        assert "Traceback" not in webhook.log_file.read_text()


class TestDuties:
    def test_certificates_are_made_while_the_record_key_cannot_be(
        self, bed: Testbed, certificates: CertificateSecrets, tmp_path: Path
    ) -> None:
        arguments = ("--record-key", "keyhole/another-name")
        with certifying(bed, tmp_path, aggregated=False, arguments=arguments):
            log = tmp_path / "controller.log"
            eventually(lambda: "docs/key-rotation.md lists them" in log.read_text(), "what is missing is told")
            eventually(lambda: bool(certificates.leaf()), "a certificate")
            certificates.delete(SERVING_CERTIFICATE)
            eventually(lambda: bool(certificates.leaf()), "another certificate")

    def test_the_record_key_is_made_while_certificates_cannot_be(
        self, bed: Testbed, certificates: CertificateSecrets, tmp_path: Path
    ) -> None:
        bed.kubernetes.request("DELETE", f"/api/v1/namespaces/keyhole/secrets/{RECORD_KEY}")
        arguments = ("--certificate-authority", "keyhole/another-name")
        with certifying(bed, tmp_path, aggregated=False, arguments=arguments):
            path = f"/api/v1/namespaces/keyhole/secrets/{RECORD_KEY}"
            eventually(lambda: bool(bed.kubernetes.request("GET", path).json().get("data")), "a key")
            log = tmp_path / "controller.log"
            eventually(lambda: "docs/certificates.md lists them" in log.read_text(), "what is missing is told")
            assert certificates.leaf() == ""


def test_a_bundle_that_an_operator_writes_is_waited_for_and_then_used(
    bed: Testbed, certificates: CertificateSecrets, webhook: Webhook, tmp_path: Path
) -> None:
    """As a person does it: renew the authority, read in the log what to do, do it; no admission fails."""
    log = tmp_path / "controller.log"
    with loaded(bed, webhook, webhook.ca_file.read_bytes, NAMESPACE, REFERENCE) as load:
        before, leaf = certificates.authority(), certificates.leaf()
        certificates.renew(CERTIFICATE_AUTHORITY)
        eventually(lambda: certificates.authority() != before, "a new authority")
        eventually(lambda: certificates.authority()[:16] in log.read_text(), "what is to be done is told")
        time.sleep(6)
        assert certificates.leaf() == leaf
        certificates.renew(SERVING_CERTIFICATE)
        eventually(lambda: certificates.leaf() != leaf, "a certificate of the old authority")
        assert not certificates.is_resting()
        certificates.write_bundle(webhook.ca_file)
        _trust(bed, webhook.ca_file.read_bytes())
        eventually(certificates.is_resting, "the new one signs, the old one is gone")
        eventually(lambda: certificates.leaf() in load.served, "it was served")
    assert load.failures[:3] == []
    assert log.read_text().count("only you may change it") == 1


def _trust(bed: Testbed, bundle: bytes) -> None:
    path = f"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{NAME}"
    document = bed.kubernetes.request("GET", path).json()
    for entry in document["webhooks"]:
        entry["clientConfig"]["caBundle"] = encoded(bundle)
    del document["metadata"]["managedFields"]
    bed.kubernetes.request("PUT", path, document).raise_for_status()


def _serves_in_each_worker(webhook: Webhook, bundle: bytes, leaf: str) -> bool:
    try:
        return {served_certificate(webhook, bundle) for _ in range(20)} == {leaf}
    except OSError:
        return False


def _status(webhook: Webhook, path: str) -> int:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(webhook.health_url + path, timeout=30).status_code
        except requests.RequestException:
            return 0


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
