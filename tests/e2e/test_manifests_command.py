"""What `keyhole manifests` prints is taken by a real API server, as it stands and without a warning."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from certs.issue import issue_ca
from testbed import Testbed

URL = "https://127.0.0.1:8443/mutate"


@pytest.mark.parametrize(
    ("arguments", "kinds"),
    [
        (["webhook-configuration", "--url", URL, "--ca-file", "CA"], ["mutatingwebhookconfiguration"]),
        (["webhook-configuration", "--aggregation"], ["mutatingwebhookconfiguration"]),
        (["api-service", "--ca-file", "CA"], ["apiservice"]),
        (["admission-policy"], ["validatingadmissionpolicy", "validatingadmissionpolicybinding"]),
        (["warning-policies"], ["validatingadmissionpolicy", "validatingadmissionpolicybinding"] * 2),
    ],
    ids=["by URL", "through the aggregation layer", "APIService", "policy", "policies that warn"],
)
def test_kubectl_applies_what_is_printed(
    testbed: Testbed, arguments: list[str], kinds: list[str], tmp_path: Path
) -> None:
    ca_file = tmp_path / "ca.crt"
    ca_file.write_bytes(issue_ca().certificate_pem)
    words = [str(ca_file) if word == "CA" else word for word in arguments]
    command = [sys.executable, "-m", "cli", "manifests", *words]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    # Under names of their own: others of this kind stand in the cluster, of which kubectl would speak.
    renamed = re.sub(r"(?m)^  (name|policyName): keyhole", r"  \1: tried-keyhole", printed)
    done = testbed.kubectl("apply", "--dry-run=server", "-f", "-", input_text=renamed)
    assert [line.partition(".")[0] for line in done.stdout.splitlines()] == kinds
    assert "Warning" not in done.stderr
