"""An installation of the version before is upgraded by `helm upgrade`; its records, keys and certificates carry on.

What was there before is in the folder `before`; its README says who made it.
"""

import base64
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certs.issue import issue_ca, issue_serving
from manifests.provenance.counting import changes
from manifests.provenance.record import parse
from testbed import Options, Testbed
from testbed.keyhole.helm import Helm
from testbed.keyhole.installation import SERVICE_HOST
from testbed.keyhole.objects import apply
from testbed.keyhole.pods import Pod
from testbed.keyhole.releases import Release
from testbed.keyhole.tenants import admit_to_vault
from testbed.programs.toolbox import Toolbox
from testbed.servers.ports import free_port
from tests.charts.charts import KEYHOLE, TENANT
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.traffic import Traffic

BEFORE = Path(__file__).with_name("before")
STATE: Mapping[str, Any] = json.loads((BEFORE / "state.json").read_text())
LABELLED = {**STATE["manifest"], "metadata": {**STATE["manifest"]["metadata"], "labels": {"team": "shop"}}}
TENANT_NAMESPACE = STATE["stored"]["metadata"]["namespace"]
NAME = STATE["stored"]["metadata"]["name"]
API_SERVICE = "v1alpha1.admission.keyhole.dev"
KEPT = ("keyhole-record-key", "keyhole-ca", "keyhole-serving-certificate")


@pytest.fixture(scope="module")
def bed(toolbox: Toolbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    with Testbed(Options(directory=tmp_path_factory.mktemp("upgrade").resolve())) as bed:
        yield bed


@pytest.fixture(scope="module")
def cluster_helm(bed: Testbed, helm: Helm) -> Helm:
    return Helm(helm.program, helm.home, bed.kubernetes.kubeconfig)


@pytest.fixture(scope="module")
def cluster(bed: Testbed, cluster_helm: Helm) -> Cluster:
    """Return the tenant's namespace, which may read what is below secret/e2e, where nothing is yet."""
    apply(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "keyhole"}})
    tenants = Release(bed, cluster_helm, TENANT, "keyhole", TENANT_NAMESPACE)
    tenants.install("--set", f"namespaces={{{TENANT_NAMESPACE}}}")
    admit_to_vault(bed, TENANT_NAMESPACE, ["secret/data/e2e/*"])
    return Cluster(bed, Places(Canary()), TENANT_NAMESPACE)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def before(bed: Testbed, cluster: Cluster, cluster_helm: Helm, port: int) -> Release:
    """Return the release of the version before, with what its controller and webhook had written."""
    ca = issue_ca()
    serving = issue_serving(ca, [SERVICE_HOST])
    authority = {"ca.crt": ca.certificate_pem, "ca.key": ca.key_pem}
    certificate = {"tls.crt": serving.certificate_pem, "tls.key": serving.key_pem, "ca.crt": ca.certificate_pem}
    written = [
        STATE["record-key"],
        _secret("keyhole-ca", authority),
        _secret("keyhole-serving-certificate", certificate),
    ]
    text = "\n---\n".join(json.dumps(one) for one in written)
    bed.kubectl("apply", "--server-side", "--field-manager=keyhole", "-f", "-", input_text=text)
    # Before anybody is asked about it: it is stored as it is.
    for stored in (STATE["stored"], STATE["between"]):
        bed.kubernetes.request("POST", f"/api/v1/namespaces/{TENANT_NAMESPACE}/secrets", stored).raise_for_status()
    vault_ca = {"ca.crt": bed.vault.ca_file.read_text()}
    within = {"name": "vault-ca", "namespace": "keyhole"}
    apply(bed, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": within, "data": vault_ca})
    release = Release(bed, cluster_helm, BEFORE, "keyhole")
    release.install("--set", f"address={bed.vault.url},port={port}")
    bundle = {"spec": {"caBundle": base64.b64encode(ca.certificate_pem).decode()}}
    patch = ("--type=merge", "--field-manager=keyhole", "-p", json.dumps(bundle))
    bed.kubectl("patch", "apiservice", API_SERVICE, *patch)
    return release


@pytest.fixture(scope="module")
def kept(before: Release) -> Mapping[str, Any]:
    """Return the objects that an upgrade must not touch, as they were before it."""
    return _kept(before)


@pytest.fixture(scope="module")
def upgraded(
    bed: Testbed, before: Release, kept: Mapping[str, Any], port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Release]:
    """Return the release after `helm upgrade`, with its pods at work."""
    assert kept
    release = replace(before, chart=KEYHOLE)
    connection = {
        "address": bed.vault.url,
        "caFile": "/etc/keyhole/ca/vault/ca.crt",
        "auth": {"method": "jwt", "role": "keyhole-{namespace}"},
        "mounts": {"secret": 2},
    }
    release.upgrade(
        *("--set-json", f"connections.default={json.dumps(connection)}"),
        *("--set", f"caBundles.vault.configMap=vault-ca,service.port={port}"),
    )
    release.lead_to_localhost("keyhole")
    folder = tmp_path_factory.mktemp("pods").resolve()
    webhook = release.pod("keyhole-webhook", folder / "webhook", {"admission": port})
    controller = release.pod("keyhole-controller", folder / "controller")
    started: list[Pod] = []
    try:
        for pod in (controller, webhook):
            pod.start()
            started.append(pod)
        for pod in started:
            pod.wait_until_ready()
        release.wait_until_available(API_SERVICE)
        yield release
    finally:
        codes = [pod.stop() for pod in reversed(started)]
    assert codes == [0, 0]


def _secret(name: str, parts: Mapping[str, bytes]) -> Mapping[str, Any]:
    data = {part: base64.b64encode(content).decode() for part, content in parts.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": name, "namespace": "keyhole"},
        "data": data,
    }


def _record(secret: Mapping[str, Any]) -> Any:
    return json.loads(secret["metadata"]["annotations"]["keyhole.dev/record"])


def _kept(release: Release) -> Mapping[str, Any]:
    found = {name: release.get(f"/api/v1/namespaces/keyhole/secrets/{name}") for name in KEPT}
    told = {name: (each["metadata"]["uid"], each["data"]) for name, each in found.items()}
    api_service = release.get(f"/apis/apiregistration.k8s.io/v1/apiservices/{API_SERVICE}")
    told["the APIService"] = (api_service["metadata"]["uid"], api_service["spec"]["caBundle"])
    return told


def test_keys_authority_certificate_and_trust_are_the_same_objects_with_the_same_content(
    upgraded: Release, kept: Mapping[str, Any]
) -> None:
    assert _kept(upgraded) == kept


def test_the_certificate_of_before_is_served(upgraded: Release, kept: Mapping[str, Any], port: int) -> None:
    _, parts = kept["keyhole-serving-certificate"]
    authority = base64.b64decode(parts["ca.crt"]).decode()
    context = ssl.create_default_context(cadata=authority)
    # The front-proxy certificate is asked for only after the server has shown its own.
    with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
        connection = context.wrap_socket(plain, server_hostname=SERVICE_HOST, do_handshake_on_connect=False)
        try:
            connection.do_handshake()
            served = connection.getpeercert(binary_form=True)
        finally:
            connection.close()
    assert served == ssl.PEM_cert_to_DER_cert(base64.b64decode(parts["tls.crt"]).decode())


def test_a_record_of_before_proves_its_values_and_vault_is_not_asked_for_them(
    upgraded: Release, cluster: Cluster
) -> None:
    """A dry run shows a value only where a record proves it, and a placeholder elsewhere.

    The release's controller follows versions meanwhile, so it may ask for metadata.
    """
    assert upgraded
    traffic = Traffic(cluster.bed)
    shown = cluster.replace(STATE["manifest"], dry_run=True)
    assert shown.json()["data"] == STATE["stored"]["data"], shown.headers.get("Warning")
    assert [path for path in traffic.reads() if not path.startswith("secret/metadata/")] == []


def test_an_unchanged_manifest_keeps_its_values_although_vault_has_them_no_more(
    upgraded: Release, cluster: Cluster
) -> None:
    """A new worker asks Vault whether the values are still right. Without the proof it would have to refuse them."""
    assert upgraded
    told = cluster.apply(LABELLED)
    assert "SecretNotFound" in told.stderr
    after = cluster.get(NAME)
    assert after["data"] == STATE["stored"]["data"]
    record = "keyhole.dev/record"
    assert after["metadata"]["annotations"][record] == STATE["stored"]["metadata"]["annotations"][record]
    assert after["metadata"]["labels"]["keyhole.dev/managed"] == "true"


def test_a_value_that_nobody_recorded_is_refused_in_the_same_place(upgraded: Release, cluster: Cluster) -> None:
    """The same references on another object: no record of before speaks for it."""
    assert upgraded
    told = cluster.apply(filled("another", password="vault:secret/e2e/before#password"), check=False)
    assert "SecretNotFound" in told.stderr


def test_values_are_read_and_signed_under_the_key_of_before(upgraded: Release, cluster: Cluster) -> None:
    assert upgraded
    kv = cluster.bed.vault.client().secrets.kv.v2
    kv.create_or_update_secret("e2e/new", {"password": "a new value"}, mount_point="secret")
    cluster.apply(filled("new", password="vault:secret/e2e/new#password"))
    assert cluster.values("new") == {"password": "a new value"}
    record = json.loads(cluster.get("new")["metadata"]["annotations"]["keyhole.dev/record"])
    signing = base64.b64decode(STATE["record-key"]["data"]["signing"]).decode()
    assert record["key"] == signing


def test_what_both_versions_wrote_by_turns_shows_in_no_diff_and_is_counted_once(
    upgraded: Release, cluster: Cluster
) -> None:
    """The version before changed a value and did not count it: that field has no counter any more."""
    assert upgraded
    manifest, stored = STATE["between-manifest"], _record(STATE["between"])
    name = manifest["metadata"]["name"]
    marks = {pointer: entry.get("n") for pointer, entry in stored["fields"].items()}
    assert (stored["n"], marks) == (1, {"/data/password": 1, "/data/token": None})
    assert changes(parse(STATE["between"]["metadata"]["annotations"]["keyhole.dev/record"])) == 2
    _assert_no_diff(cluster, manifest)
    cluster.kubectl("label", "secret", name, "team=shop")
    after = cluster.get(name)
    stored["fields"]["/data/token"]["n"] = 2
    assert _record(after) == {**stored, "n": 2}
    assert after["data"] == STATE["between"]["data"]
    _assert_no_diff(cluster, manifest)
    cluster.kubectl("label", "secret", name, "edited=again")
    assert _record(cluster.get(name)) == _record(after)


def test_a_record_of_before_gets_its_counters_with_the_first_change(upgraded: Release, cluster: Cluster) -> None:
    assert upgraded
    cluster.apply(LABELLED)
    _assert_no_diff(cluster, LABELLED)
    kv = cluster.bed.vault.client().secrets.kv.v2
    kv.create_or_update_secret("e2e/before", {"password": "another value"}, mount_point="secret")
    cluster.kubectl("annotate", "secret", NAME, "keyhole.dev/refresh=now")
    assert cluster.values(NAME)["password"] == "another value"
    record = _record(cluster.get(NAME))
    assert (record["n"], [entry["n"] for entry in record["fields"].values()]) == (1, [1, 1])
    _assert_no_diff(cluster, LABELLED)


def _assert_no_diff(cluster: Cluster, manifest: Mapping[str, Any]) -> None:
    shown = cluster.kubectl("diff", "-f", "-", text=json.dumps(manifest), check=False)
    assert (shown.returncode, shown.stdout) == (0, "")
