"""What a tenant writes into labelled Secrets costs the controller little memory, and a rotation ends all the same."""

import logging
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from charts.generated import FOLDER
from testbed import Testbed
from testbed.keyhole.installation import controlling
from tests.e2e.keys.conftest import Commands, KeySecret, Tenants
from tests.e2e.keys.signer import SigningWebhook
from tests.e2e.processes import eventually

log = logging.getLogger(__name__)

# The label is anybody's, and the webhook is not asked about it.
LABELLED_SECRETS = int(os.environ.get("KEYHOLE_LABELLED_SECRETS", "100"))
_ANNOTATION_BYTES = 250_000
_MEBIBYTE = 1024 * 1024
_MOST_GROWTH_BYTES = 48 * _MEBIBYTE


@pytest.fixture
def hoard(bed: Testbed, tenants: Tenants) -> Iterator[None]:
    """Give one tenant many Secrets with as many annotations as Kubernetes takes, and none that Keyhole made."""
    tenants.add("hoarder")
    path = "/api/v1/namespaces/hoarder/secrets"

    def make(number: int) -> None:
        metadata = {
            "name": f"hoarded-{number:04}",
            "labels": {"keyhole.dev/managed": "true"},
            "annotations": {"note": "x" * _ANNOTATION_BYTES},
        }
        bed.kubernetes.request("POST", path, {"metadata": metadata}).raise_for_status()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(LABELLED_SECRETS)))
    yield
    bed.kubernetes.request("DELETE", path, timeout_seconds=120).raise_for_status()


@pytest.mark.usefixtures("hoard")
def test_many_labelled_secrets_do_not_get_the_controller_killed(  # noqa: PLR0917
    bed: Testbed, key: KeySecret, tenants: Tenants, signer: SigningWebhook, commands: Commands, tmp_path: Path
) -> None:
    limit = _chart_limit_bytes()
    with controlling(bed, tmp_path) as controller:
        eventually(lambda: bool(key.data()), "a key")
        for namespace in ("before-the-hoarder", "the-next-one"):
            tenants.add(namespace)
            tenants.add_secret(namespace, "one", key.ring().signing.id)
        before = _peak_bytes(controller.pid)
        done = commands.run("rotate")
        assert done.returncode == 0, done.stdout + done.stderr
        peak = _peak_bytes(controller.pid)
    new = key.ring().signing.id
    assert {tenants.record_key(name, "one") for name in ("before-the-hoarder", "the-next-one")} == {new}
    log.info("%d Secrets: from %d to %d MiB", LABELLED_SECRETS, before // _MEBIBYTE, peak // _MEBIBYTE)
    assert peak < limit
    assert peak - before < _MOST_GROWTH_BYTES


def _peak_bytes(process: int) -> int:
    """Return the most memory that a process ever had (proc_pid_status(5))."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024


def _chart_limit_bytes() -> int:
    values = yaml.safe_load((FOLDER / "keyhole" / "values.yaml").read_text())
    limit = str(values["controller"]["resources"]["limits"]["memory"])
    return int(limit.removesuffix("Mi")) * _MEBIBYTE
