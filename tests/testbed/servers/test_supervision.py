"""The servers are real, and set up as a cluster's are."""

import json
import sys
import time
from pathlib import Path

import pytest
import requests

from testbed import Testbed
from testbed.programs.versions import Version
from tests.testbed.processes import eventually


def test_the_api_server_answers_with_the_version_of_the_program_in_use(testbed: Testbed) -> None:
    said = json.loads(testbed.kubectl("version", "--output=json").stdout)
    assert testbed.versions()["kube-apiserver"] == Version.first_in(said["serverVersion"]["gitVersion"])
    assert testbed.versions()["kubectl"] == Version.first_in(said["clientVersion"]["gitVersion"])


def test_vault_answers_with_the_version_of_the_program_in_use(testbed: Testbed) -> None:
    health = testbed.vault.client().sys.read_health_status(method="GET")
    assert testbed.versions()["vault"] == Version.first_in(health["version"])
    assert health["sealed"] is False


def test_vault_stores_on_raft_and_is_no_development_server(testbed: Testbed) -> None:
    client = testbed.vault.client()
    assert client.sys.read_seal_status()["storage_type"] == "raft"
    assert "test" not in testbed.vault.root_token


def test_an_unprivileged_user_is_denied_by_rbac(testbed: Testbed) -> None:
    nobody = testbed.kubernetes.kubeconfig_for("nobody-in-particular")
    done = testbed.kubectl("get", "secrets", "-n", "default", kubeconfig=nobody, check=False)
    assert done.returncode == 1
    assert 'User "nobody-in-particular" cannot list resource "secrets"' in done.stderr


def test_a_user_is_allowed_what_a_role_of_one_of_the_groups_allows(testbed: Testbed) -> None:
    testbed.kubectl("create", "clusterrole", "readers", "--verb=get,list", "--resource=configmaps")
    testbed.kubectl("create", "clusterrolebinding", "readers", "--clusterrole=readers", "--group=readers")
    reader = testbed.kubernetes.kubeconfig_for("somebody", ["readers"])
    assert testbed.kubectl("get", "configmaps", "-n", "default", kubeconfig=reader).returncode == 0
    done = testbed.kubectl("get", "secrets", "-n", "default", kubeconfig=reader, check=False)
    assert "Forbidden" in done.stderr


def test_the_front_proxy_ca_stands_where_extension_servers_look_for_it(testbed: Testbed) -> None:
    shown = testbed.kubectl("get", "configmap", "extension-apiserver-authentication", "-n", "kube-system", "-o", "json")
    data = json.loads(shown.stdout)["data"]
    assert data["requestheader-client-ca-file"].encode() == testbed.kubernetes.front_proxy_ca_file.read_bytes()
    assert json.loads(data["requestheader-allowed-names"]) == ["front-proxy-client"]


def test_the_audit_log_has_a_secret_s_request_but_not_its_value(testbed: Testbed) -> None:
    testbed.kubectl("create", "secret", "generic", "audited", "--from-literal=k=canary-8f2c", "-n", "default")

    def levels() -> list[str]:
        entries = testbed.kubernetes.audit_entries()
        created = [entry for entry in entries if entry["verb"] == "create"]
        return [entry["level"] for entry in created if entry.get("objectRef", {}).get("name") == "audited"]

    assert eventually(lambda: levels() == ["Metadata"])
    stages = {entry["stage"] for entry in testbed.kubernetes.audit_entries()}
    assert stages <= {"ResponseStarted", "ResponseComplete", "Panic"}
    log = testbed.kubernetes.audit_log.read_text()
    assert "canary-8f2c" not in log
    assert "Y2FuYXJ5LThmMmM" not in log


def test_the_audit_log_has_the_bodies_of_what_holds_no_secrets(testbed: Testbed) -> None:
    testbed.kubectl("create", "namespace", "bodies-are-logged")

    def names() -> list[str | None]:
        entries = testbed.kubernetes.audit_entries()
        bodies = [entry.get("requestObject", {}) for entry in entries if entry["verb"] == "create"]
        return [body.get("metadata", {}).get("name") for body in bodies]

    assert eventually(lambda: "bodies-are-logged" in names())


def test_vault_s_audit_log_has_the_path_of_a_read_and_the_value_only_as_a_hash(testbed: Testbed) -> None:
    client = testbed.vault.client()
    client.secrets.kv.v2.create_or_update_secret("audited", {"k": "canary-51de"})
    client.secrets.kv.v2.read_secret_version("audited", raise_on_deleted_version=True)
    reads = [
        entry["request"]["path"] for entry in testbed.vault.audit_requests() if entry["request"]["operation"] == "read"
    ]
    assert reads.count("secret/data/audited") == 1
    assert "canary-51de" not in testbed.vault.audit_log.read_text()


def test_a_half_written_last_line_of_the_audit_log_is_left_out(testbed: Testbed) -> None:
    whole = len(testbed.vault.audit_requests())
    with testbed.vault.audit_log.open("a") as log:
        log.write('{"type":"requ')
    try:
        assert len(testbed.vault.audit_requests()) == whole
    finally:
        size = testbed.vault.audit_log.stat().st_size
        with testbed.vault.audit_log.open("r+") as log:
            log.truncate(size - len('{"type":"requ'))


def test_both_versions_of_kv_keep_what_is_written(testbed: Testbed) -> None:
    client = testbed.vault.client()
    client.secrets.kv.v1.create_or_update_secret("both", {"k": "old"}, mount_point="legacy")
    client.secrets.kv.v2.create_or_update_secret("both", {"k": "new"}, mount_point="secret")
    assert client.secrets.kv.v1.read_secret("both", mount_point="legacy")["data"] == {"k": "old"}
    read = client.secrets.kv.v2.read_secret_version("both", raise_on_deleted_version=True)
    assert read["data"]["data"] == {"k": "new"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_servers_listen_on_loopback_only(testbed: Testbed) -> None:
    listening = {
        line.split()[1]
        for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
        for line in table.read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }
    ports = {f"{testbed.kubernetes.port:04X}", f"{testbed.vault.port:04X}"}
    ours = {address for address in listening if address.split(":")[1] in ports}
    assert ours == {f"0100007F:{port}" for port in ports}


def test_a_stopped_vault_refuses_and_keeps_its_data_and_its_address(testbed: Testbed) -> None:
    vault = testbed.vault
    vault.client().secrets.kv.v2.create_or_update_secret("kept", {"k": "through a restart"})
    url = vault.url
    vault.stop()
    try:
        with pytest.raises(requests.ConnectionError):
            vault.client().sys.read_health_status(method="GET")
    finally:
        vault.start()
    assert vault.url == url
    read = vault.client().secrets.kv.v2.read_secret_version("kept", raise_on_deleted_version=True)
    assert read["data"]["data"] == {"k": "through a restart"}


def test_a_sealed_vault_answers_503_until_it_is_unsealed(testbed: Testbed) -> None:
    vault = testbed.vault
    vault.client().secrets.kv.v2.create_or_update_secret("kept", {"k": "through a seal"})
    vault.seal()
    try:
        assert vault.client().adapter.get("/v1/secret/data/kept", raise_exception=False).status_code == 503
    finally:
        vault.unseal()
    read = vault.client().secrets.kv.v2.read_secret_version("kept", raise_on_deleted_version=True)
    assert read["data"]["data"] == {"k": "through a seal"}


def test_the_files_with_keys_and_tokens_are_readable_to_their_owner_only(testbed: Testbed) -> None:
    testbed.kubernetes.kubeconfig_for("modes")
    private = [*testbed.directory.glob("kubeconfig-*"), *testbed.directory.glob("pki/*.key")]
    assert len(private) > 4
    assert {oct(path.stat().st_mode & 0o777) for path in private} == {"0o600"}


def test_a_failed_kubectl_says_what_it_said(testbed: Testbed) -> None:
    began = time.time_ns()
    with pytest.raises(Exception, match="returned non-zero") as caught:
        testbed.kubectl("get", "secret", f"absent-{began}")
    assert any("NotFound" in note for note in caught.value.__notes__)
