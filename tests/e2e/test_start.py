"""What is wrong at the start ends `keyhole serve` with exit code 2 and a message that names file and field."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from certs.files import write
from certs.issue import issue_ca, issue_serving
from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.identities import webhook_kubeconfig
from testbed.servers.ports import free_port
from tests.e2e.places import Places

_ROOT = Path(__file__).resolve().parents[2]


class Setup:
    """Everything that `keyhole serve` needs, to be spoilt by a test."""

    def __init__(self, bed: Testbed, directory: Path) -> None:
        ca = issue_ca()
        self.directory = directory
        self.files = write(directory / "certs", ca, issue_serving(ca, ["127.0.0.1"]))
        self.connections = write_connections(bed, directory / "connections.yaml")
        self.options = {
            "--connections": str(self.connections),
            "--kubeconfig": str(webhook_kubeconfig(bed)),
            "--record-key": "keyhole/keyhole-record-key",
            "--tls-cert": str(self.files.certificate),
            "--tls-key": str(self.files.key),
            "--caller-auth": "none",
            "--listen": f"127.0.0.1:{free_port()}",
            "--health-listen": f"127.0.0.1:{free_port()}",
        }

    def change_connection(self, **changes: object) -> None:
        """Change keys of the connection `default`."""
        known = yaml.safe_load(self.connections.read_text())
        known["connections"]["default"] |= changes
        self.connections.write_text(yaml.safe_dump(known))

    def serve(self) -> subprocess.CompletedProcess[str]:
        """Run it; what starts and goes on is an error."""
        options = [part for option in self.options.items() for part in option]
        return subprocess.run(
            [sys.executable, "-m", "cli", "serve", *options],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT), "HOME": str(self.directory)},
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )


@pytest.fixture
def setup(testbed: Testbed, tmp_path: Path) -> Setup:
    """Return a set-up that would serve."""
    return Setup(testbed, tmp_path)


def _no_pem(path: Path) -> None:
    path.write_text("no PEM at all: CANARY-of-a-file\n")


def _ca_no_pem(setup: Setup) -> None:
    _no_pem(setup.directory / "ca.pem")
    setup.change_connection(caFile=str(setup.directory / "ca.pem"))


def _another_key(setup: Setup) -> None:
    ca = issue_ca()
    other = write(setup.directory / "other", ca, issue_serving(ca, ["127.0.0.1"]))
    setup.options["--tls-key"] = str(other.key)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(lambda setup: setup.files.certificate.unlink(), ["--tls-cert", "tls.crt"], id="no certificate"),
        pytest.param(lambda setup: _no_pem(setup.files.certificate), ["tls.crt"], id="a certificate that is no PEM"),
        pytest.param(_another_key, ["tls.key"], id="a key of another certificate"),
        pytest.param(
            lambda setup: setup.options.pop("--tls-key"), ["or --tls-secret"], id="a certificate without a key"
        ),
        pytest.param(
            lambda setup: setup.options.update({"--tls-secret": "keyhole/serving"}),
            ["either --tls-cert and --tls-key, or --tls-secret"],
            id="files and a Secret",
        ),
        pytest.param(
            lambda setup: setup.connections.unlink(), ["--connections", "connections.yaml"], id="no connections file"
        ),
        pytest.param(
            lambda setup: setup.connections.write_text("a: [b\nc: d"),
            ["connections.yaml", "not YAML", "line 2"],
            id="connections that are no YAML",
        ),
        pytest.param(
            lambda setup: setup.change_connection(adress="https://vault.example:8200"),
            ["connections.yaml", "connections.default.adress"],
            id="a field that is misspelt",
        ),
        pytest.param(_ca_no_pem, ["connections.yaml", "connections.default.caFile", "ca.pem"], id="one that is no PEM"),
        pytest.param(lambda setup: setup.options.pop("--kubeconfig"), ["cluster"], id="no way to the API server"),
        pytest.param(
            lambda setup: setup.options.update({"--kubeconfig": str(setup.connections)}),
            ["kubeconfig", "connections.yaml"],
            id="a kubeconfig that is none",
        ),
        pytest.param(
            lambda setup: setup.options.update({"--listen": "host"}),
            ["--listen", "HOST:PORT"],
            id="an address that is none",
        ),
        pytest.param(lambda setup: setup.options.pop("--caller-auth"), ["--caller-auth"], id="no word on callers"),
        pytest.param(lambda setup: setup.options.pop("--record-key"), ["--record-key"], id="no word on the record key"),
        pytest.param(
            lambda setup: setup.options.update({"--record-key": "keyhole-record-key"}),
            ["--record-key", "NAMESPACE/NAME"],
            id="a record key of no namespace",
        ),
    ],
)
def test_it_ends_with_exit_code_2(
    setup: Setup, places: Places, spoil: Callable[[Setup], object], told: list[str]
) -> None:
    spoil(setup)
    done = setup.serve()
    places.note("serve's stdout", done.stdout)
    places.note("serve's stderr", done.stderr)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "CANARY-of-a-file" not in done.stderr
    # click breaks long lines where it likes.
    flat = done.stderr.replace("\n", "").replace(" ", "")
    for part in told:
        assert part.replace(" ", "") in flat
