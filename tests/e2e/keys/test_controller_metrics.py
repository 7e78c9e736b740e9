"""What the controller tells of itself: who leads, how far a rotation is, whether its work goes round."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from manifests.registration.webhook_configuration import OWN_NAMESPACE
from testbed import Testbed
from testbed.keyhole.identities import RECORD_KEY
from testbed.keyhole.installation import controlling
from testbed.servers.ports import free_port
from tests.e2e.keys.conftest import KeySecret, Tenants
from tests.e2e.processes import eventually
from tests.e2e.scraped import Scraped, scrape, settled

_API_SERVICE = "v1alpha1.admission.keyhole.dev"


@contextmanager
def _controller(bed: Testbed, directory: Path, name: str = "controller", *arguments: str) -> Iterator[str]:
    port = free_port()
    with controlling(bed, directory, name=name, health_port=port, arguments=["--log-format", "json", *arguments]):
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: _status(url, "/readyz") == 200, "the controller is ready")
        yield url


def _status(url: str, path: str) -> int:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(url + path, timeout=30).status_code
        except requests.RequestException:
            return 0


def test_one_of_two_leads_and_the_other_takes_over(bed: Testbed, key: KeySecret, tmp_path: Path) -> None:
    with _controller(bed, tmp_path, "second") as second:
        settled(second, lambda now: now.total("keyhole_controller_leader") == 1, "the first one leads")
        assert _status(second, "/livez") == 200
        with _controller(bed, tmp_path) as first:
            now = Scraped(scrape(first))
            assert now.total("keyhole_controller_leader") == 0
            assert not now.by("keyhole_rotation_step", "step")
    with _controller(bed, tmp_path) as first:
        settled(first, lambda now: now.total("keyhole_controller_leader") == 1, "who comes next leads")
    assert key.ring()


def test_a_rotation_is_seen_from_outside_and_no_key_stands_there(
    bed: Testbed, key: KeySecret, tenants: Tenants, tmp_path: Path
) -> None:
    with _controller(bed, tmp_path) as url:
        eventually(lambda: key.status() is not None, "a key")
        settled(url, lambda now: now.by("keyhole_rotation_step", "step") == {"none": 1}, "there was no rotation yet")
        old = key.ring().signing.id
        tenants.add_without_bundle("metrics-unbundled")
        key.ask("metrics-test")
        now = settled(url, lambda now: now.total("keyhole_rotation_namespaces_failing") == 1, "a namespace fails")
        assert now.by("keyhole_rotation_step", "step") == {"refreshing": 1}
        tenants.opt_out("metrics-unbundled")
        now = settled(url, lambda now: now.total("keyhole_rotation_step", step="done") == 1, "it is done")
        assert now.total("keyhole_rotation_namespaces_failing") == 0
        assert now.total("keyhole_controller_turns_total", duty="record-key", result="done") > 0
        asked = now.by("keyhole_kubernetes_request_duration_seconds_count", "resource", status="200")
        assert {"leases", "namespaces", "secrets"} <= asked.keys()
        for word in (old, key.ring().signing.id, RECORD_KEY, "metrics-unbundled"):
            assert word.encode() not in now.text


@pytest.mark.usefixtures("key")
def test_a_secret_that_it_has_no_right_to_counts_as_failure(bed: Testbed, tmp_path: Path) -> None:
    with _controller(bed, tmp_path, "controller", "--record-key", f"{OWN_NAMESPACE}/another-name") as url:
        name = "keyhole_controller_turns_total"
        settled(url, lambda now: now.total(name, duty="record-key", result="failed") > 0, "turns fail")


def test_it_tells_when_its_certificates_end(bed: Testbed, key: KeySecret, tmp_path: Path) -> None:
    serving, authority = f"{OWN_NAMESPACE}/keyhole-serving-certificate", f"{OWN_NAMESPACE}/keyhole-ca"
    options = ("--serving-certificate", serving, "--certificate-authority", authority, "--api-service", _API_SERVICE)
    lives = ("--certificate-lifetime", "1h", "--ca-lifetime", "10h", "--serving-host", "keyhole.keyhole.svc")
    with _controller(bed, tmp_path, "controller", *options, *lives) as url:
        name = "keyhole_certificate_expiry_timestamp_seconds"
        now = settled(url, lambda now: len(now.by(name, "certificate")) == 2, "both certificates are told of")
        left_hours = {which: (ends_at - time.time()) / 3600 for which, ends_at in now.by(name, "certificate").items()}
        assert 0.5 < left_hours["serving"] <= 1
        assert 5 < left_hours["ca"] <= 10
        turns, both = "keyhole_controller_turns_total", {"certificates", "record-key"}
        settled(url, lambda now: now.by(turns, "duty", result="done").keys() == both, "both duties go round")
    assert key.ring()
