"""Authorities and certificates are replaced under load, behind the aggregation layer: no admission fails."""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from testbed import Testbed
from testbed.keyhole.aggregation import aggregated, serving_aggregated
from testbed.keyhole.identities import CERTIFICATE_AUTHORITY, SERVING_CERTIFICATE
from testbed.keyhole.installation import Webhook
from tests.e2e.certificates.conftest import NAMESPACE, REFERENCE, certifying
from tests.e2e.certificates.load import loaded
from tests.e2e.certificates.secrets import CertificateSecrets
from tests.e2e.places import Places
from tests.e2e.processes import eventually
from webhook.server.serving_certificate import READ_EVERY_SECONDS

log = logging.getLogger(__name__)


_LONG_SECONDS = 600.0
# `make uptime` asks for fifty. Four are the fewest in which an authority that was renewed is renewed again.
_ROTATIONS = int(os.environ.get("KEYHOLE_CERTIFICATE_ROTATIONS") or 4)
_RENEWALS = max(2, _ROTATIONS // 10)


@pytest.fixture
def webhook(
    bed: Testbed, places: Places, certificates: CertificateSecrets, connections_file: Path, tmp_path: Path
) -> Iterator[Webhook]:
    """Return a webhook that serves from the Secret, once a controller has made it."""
    places.watch(tmp_path / "keyhole.log")
    with certifying(bed, tmp_path, name="first"):
        eventually(lambda: bool(certificates.leaf()), "a certificate")
    with serving_aggregated(bed, tmp_path, connections_file, from_secret=True) as served:
        webhook = replace(served, ca_file=certificates.write_bundle(tmp_path / "ca.crt"))
        with aggregated(bed, webhook):
            yield webhook


@contextlib.contextmanager
def _short_lived(bed: Testbed, certificates: CertificateSecrets, directory: Path) -> Iterator[None]:
    """Run a controller with certificates of ten seconds: webhooks look more often then, and all goes faster."""
    with certifying(bed, directory, lifetime="10s", settle_seconds=2.0):
        before = certificates.leaf()
        certificates.renew(SERVING_CERTIFICATE)
        eventually(lambda: certificates.leaf() != before, "the first of ten seconds")
        time.sleep(2 * READ_EVERY_SECONDS)
        yield


def test_rotations_under_load_fail_no_admission(
    bed: Testbed,
    certificates: CertificateSecrets,
    webhook: Webhook,
    tmp_path: Path,
) -> None:
    with (
        _short_lived(bed, certificates, tmp_path),
        loaded(bed, webhook, certificates.api_service_bundle, NAMESPACE, REFERENCE) as load,
    ):
        authorities, leaves = {certificates.authority()}, {certificates.leaf()}
        renewed_authorities = 0
        for number in range(_ROTATIONS):
            # An authority brings a certificate of its own.
            is_authority = number % 10 in {0, 3, 6}
            renewed_authorities += is_authority
            before = certificates.authority(), certificates.leaf()
            certificates.renew(CERTIFICATE_AUTHORITY if is_authority else SERVING_CERTIFICATE)
            if is_authority:
                eventually(lambda: certificates.authority() != before[0], "a new authority")  # noqa: B023
                eventually(certificates.is_resting, "the old one is gone")
            eventually(lambda: certificates.leaf() != before[1], "a new certificate")  # noqa: B023
            authorities.add(certificates.authority())
            leaves.add(certificates.leaf())
    log.info("%s; %d authorities, %d certificates", load.figures(), len(authorities), len(leaves))
    assert len(authorities) == renewed_authorities + 1
    assert len(leaves) > _ROTATIONS
    assert load.failures[:3] == []
    assert load.admissions > 100
    assert len(load.served) > renewed_authorities


def test_who_is_killed_in_the_middle_is_followed_by_another(
    bed: Testbed, certificates: CertificateSecrets, webhook: Webhook, tmp_path: Path
) -> None:
    with loaded(bed, webhook, certificates.api_service_bundle, NAMESPACE, REFERENCE) as load:
        # It would take so long for the next step that it is killed in the middle for certain.
        with certifying(bed, tmp_path, settle_seconds=_LONG_SECONDS) as killed:
            before = certificates.authority()
            certificates.renew(CERTIFICATE_AUTHORITY)
            eventually(lambda: certificates.authority() != before, "a new authority")
            os.kill(killed.pid, signal.SIGKILL)
        assert not certificates.is_resting()
        with certifying(bed, tmp_path, name="second"), certifying(bed, tmp_path, name="third"):
            eventually(certificates.is_resting, "the old one is gone")
        assert certificates.authority() != before
    assert load.failures[:3] == []


def test_ten_second_certificates_are_renewed_again_and_again(
    bed: Testbed,
    certificates: CertificateSecrets,
    webhook: Webhook,
    tmp_path: Path,
) -> None:
    seen: set[str] = set()

    def all_seen() -> bool:
        seen.add(certificates.leaf())
        return len(seen) > _RENEWALS

    with (
        _short_lived(bed, certificates, tmp_path),
        loaded(bed, webhook, certificates.api_service_bundle, NAMESPACE, REFERENCE) as load,
    ):
        eventually(all_seen, "the renewals")
        eventually(lambda: len(load.served) > _RENEWALS, "each was served")
    log.info("%s", load.figures())
    assert load.failures[:3] == []
