"""`--tls-cert` and `--tls-key`: files that change are taken over by each worker, without a restart."""

from pathlib import Path

from certs.files import write
from certs.issue import issue_ca, issue_serving
from testbed import Testbed
from testbed.keyhole.installation import SERVICE_HOST, Webhook, serving, serving_certificate
from tests.e2e.certificates.load import served_certificate
from tests.e2e.files import swap
from tests.e2e.places import Places
from tests.e2e.processes import both_workers, eventually, workers

_HANDSHAKES = 20


def _served(webhook: Webhook, bundle: bytes) -> set[str]:
    """Return what is served; with so many handshakes each worker had some."""
    try:
        return {served_certificate(webhook, bundle) for _ in range(_HANDSHAKES)}
    except OSError:
        return set()


def test_a_new_pair_is_taken_over_and_a_broken_one_is_not(
    bed: Testbed, places: Places, connections_file: Path, tmp_path: Path
) -> None:
    files = serving_certificate(tmp_path / "certs")
    places.watch(tmp_path / "keyhole.log")
    with serving(bed, tmp_path, connections_file, certificate=files) as webhook:
        log = webhook.log_file
        before, running = files.ca_certificate.read_bytes(), both_workers(webhook)
        (first,) = _served(webhook, before)
        swap(files.key, "half of a ke")
        eventually(lambda: log.read_text().count("the certificate in use stays") >= 2, "both workers tell of it")
        assert _served(webhook, before) == {first}
        ca = issue_ca()
        write(tmp_path / "certs", ca, issue_serving(ca, ["127.0.0.1", SERVICE_HOST]), overwrite=True)
        eventually(lambda: len(_served(webhook, ca.certificate_pem)) == 1, "both workers serve the new one")
        assert _served(webhook, before) == set()
        assert workers(webhook) == running
        # Each process tells of a change once, the master included, and the files change one by one.
        assert log.read_text().count("the certificate in use stays") in range(2, 7)
