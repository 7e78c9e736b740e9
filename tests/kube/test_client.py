import base64
import json
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import urllib3
from kubernetes import client

from kube.client import call, connect, connected_before_fork
from kube.errors import KubernetesUnavailable
from testbed.servers.pki import Authority


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """Return a kubeconfig with its certificates inside."""
    authority = Authority(tmp_path, "ca")
    client = authority.issue("client", "client")
    data = {
        name: base64.b64encode(content).decode()
        for name, content in {
            "certificate-authority-data": authority.pem,
            "client-certificate-data": client.certificate.read_bytes(),
            "client-key-data": client.key.read_bytes(),
        }.items()
    }
    cluster = {"server": "https://127.0.0.1:1", "certificate-authority-data": data.pop("certificate-authority-data")}
    file = tmp_path / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": data}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
    file.write_text(json.dumps(content))
    return file


def test_a_client_before_a_fork_leaves_no_key_behind_and_the_next_one_has_its_own(
    kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with connected_before_fork(kubeconfig) as before:
        assert Path(before.configuration.key_file).is_file()
    assert list(folder.iterdir()) == []
    assert Path(connect(kubeconfig).configuration.key_file).is_file()


@pytest.mark.parametrize(
    ("how", "told"),
    [
        pytest.param(lambda _: Path("/nowhere/token").read_text(), "cannot read /nowhere/token", id="no token"),
        pytest.param(lambda _: _without_descriptors(), "has no file descriptor left", id="no descriptors"),
        pytest.param(lambda api: client.CoreV1Api(api).read_namespace("a"), "did not answer", id="nobody listens"),
    ],
)
def test_what_is_no_fault_of_the_network_is_not_told_as_one(
    kubeconfig: Path, how: Callable[[client.ApiClient], object], told: str
) -> None:
    with pytest.raises(KubernetesUnavailable, match=told):
        call("a test", lambda: how(connect(kubeconfig)))


def _without_descriptors() -> None:
    """Fail as a request does that cannot be given a socket."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, most[1]))
    try:
        urllib3.PoolManager().request("GET", "http://127.0.0.1:1", retries=False)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
