"""`keyhole serve` does not start unless it can tell who asks."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from certs.files import CertificateFiles, write
from certs.issue import issue_ca, issue_serving
from testbed import Testbed
from testbed.keyhole.identities import webhook_kubeconfig
from testbed.servers.ports import free_port
from tests.e2e.callers.conftest import Proofs


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    ca = issue_ca()
    return write(tmp_path_factory.mktemp("start") / "certs", ca, issue_serving(ca, ["localhost"]))


class Starter:
    def __init__(self, files: CertificateFiles, connections: Path) -> None:
        self._files = files
        self._connections = connections

    def fails(self, kubeconfig: Path, *caller: str) -> str:
        """Start the server, which must end by itself, and return what it says."""
        command: Sequence[str] = [
            *(sys.executable, "-m", "cli", "serve", *caller),
            *("--connections", str(self._connections), "--kubeconfig", str(kubeconfig)),
            *("--record-key", "keyhole/keyhole-record-key"),
            *("--tls-cert", str(self._files.certificate), "--tls-key", str(self._files.key)),
            *("--listen", f"127.0.0.1:{free_port()}", "--health-listen", f"127.0.0.1:{free_port()}"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode not in {0, 3}  # 3 is gunicorn's, whose workers could not start
        assert "Traceback" not in done.stderr
        return done.stderr


@pytest.fixture
def starter(files: CertificateFiles, connections_file: Path) -> Starter:
    return Starter(files, connections_file)


def test_without_a_mode(bed: Testbed, starter: Starter) -> None:
    assert "Missing option '--caller-auth'" in starter.fails(webhook_kubeconfig(bed))


@pytest.mark.parametrize(
    ("caller", "problem"),
    [
        pytest.param(["client-certificate"], "needs --caller-ca", id="a client certificate of no CA"),
        pytest.param(["token"], "needs --caller-token-file", id="no token"),
        pytest.param(["client-certificate", "--caller-ca", "CA"], "needs --caller-name", id="any name at all"),
        pytest.param(["none", "--caller-ca", "CA"], "does not take --caller-ca", id="a CA that nobody asks for"),
        pytest.param(["aggregation", "--caller-name", "a"], "does not take --caller-name", id="a name of ours"),
    ],
)
def test_a_mode_without_what_it_needs_or_with_more(
    bed: Testbed, starter: Starter, proofs: Proofs, caller: list[str], problem: str
) -> None:
    arguments = [str(proofs.authority.file) if argument == "CA" else argument for argument in caller]
    assert problem in starter.fails(webhook_kubeconfig(bed), "--caller-auth", *arguments)


def test_aggregation_without_the_right_to_read_how(bed: Testbed, starter: Starter) -> None:
    nobody = bed.kubernetes.kubeconfig_for("system:serviceaccount:keyhole:no-rights")
    told = starter.fails(nobody, "--caller-auth", "aggregation")
    assert "kube-system/extension-apiserver-authentication" in told
    assert "403" in told


def test_a_token_that_can_be_guessed(bed: Testbed, starter: Starter, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2\n")
    caller = ("--caller-auth", "token", "--caller-token-file", str(tmp_path / "token"))
    told = starter.fails(webhook_kubeconfig(bed), *caller)
    assert "at least 32 characters" in told
    assert "hunter2" not in told


def test_a_ca_file_without_a_ca(bed: Testbed, starter: Starter, files: CertificateFiles) -> None:
    caller = ("--caller-auth", "client-certificate", "--caller-ca", str(files.certificate), "--caller-name", "a")
    assert "holds no certificate of a CA" in starter.fails(webhook_kubeconfig(bed), *caller)
