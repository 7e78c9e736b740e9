"""Somebody else who keeps writing the APIService's bundle is named, and is not raced."""

import base64
import contextlib
import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from certs.issue import issue_ca
from manifests.registration.api_service import api_service
from testbed import Testbed
from testbed.keyhole.identities import API_SERVICE
from testbed.keyhole.objects import apply, delete
from tests.e2e.certificates.conftest import certifying
from tests.e2e.certificates.secrets import CertificateSecrets
from tests.e2e.processes import eventually


class Rival:
    """Puts its own bundle back whenever another one stands there, as field manager `injector`."""

    def __init__(self, bed: Testbed, certificates: CertificateSecrets, pem: bytes) -> None:
        self._bed = bed
        self._certificates = certificates
        self._pem = pem
        self._stopping = threading.Event()
        self.replaced_at: list[float] = []

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Replace what is found until the block ends."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join()

    def _run(self) -> None:
        change = {"spec": {"caBundle": base64.b64encode(self._pem).decode()}}
        address = f"/apis/apiregistration.k8s.io/v1/apiservices/{API_SERVICE}?fieldManager=injector"
        while not self._stopping.wait(0.1):
            if self._certificates.api_service_bundle() != self._pem:
                # The moment at which it is noticed: how long the writing takes says nothing of the controller.
                self.replaced_at.append(time.monotonic())
                kind = "application/merge-patch+json"
                self._bed.kubernetes.request("PATCH", address, change, content_type=kind).raise_for_status()


@pytest.fixture
def routing(bed: Testbed) -> Iterator[None]:
    """Have the APIService stand there; where it leads does not matter."""
    leading = api_service("keyhole", "nowhere", 443, b"")
    apply(bed, leading)
    yield
    delete(bed, leading)


@pytest.mark.usefixtures("routing")
def test_the_bundle_is_written_more_and_more_rarely_and_the_log_names_the_rival(
    bed: Testbed, certificates: CertificateSecrets, tmp_path: Path
) -> None:
    rival = Rival(bed, certificates, issue_ca().certificate_pem)
    with certifying(bed, tmp_path):
        eventually(lambda: bool(certificates.leaf()), "a certificate")
        ours = certificates.api_service_bundle()
        with rival.running():
            eventually(lambda: len(rival.replaced_at) >= 4, "it was written three times more")
        log = (tmp_path / "controller.log").read_text()
        assert log.count("as field manager 'injector', somebody keeps changing spec.caBundle") == 1
        # The controller waited at least 2 and 4 seconds after each write, which the rival notices a little later.
        gaps_seconds = [later - sooner for sooner, later in itertools.pairwise(rival.replaced_at[1:4])]
        assert [
            gap_seconds > pause_seconds / 2 for gap_seconds, pause_seconds in zip(gaps_seconds, (2, 4), strict=True)
        ] == [True] * 2
        eventually(lambda: certificates.api_service_bundle() == ours, "the bundle is ours again")
