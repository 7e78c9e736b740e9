import base64
import json
import tempfile
from pathlib import Path

import pytest

from kube.client import connect, connected_before_fork
from testbed.pki import Authority


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
