"""Keyhole as the chart runs it: its pods as processes, the main job done through the API server in each caller mode."""

import base64
import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from certs.issue import issue_ca, issue_serving
from manifests.registration.admission_configuration import (
    admission_configuration,
    certificate_user,
    token_user,
    webhook_kubeconfig,
)
from testbed import Options, Testbed
from testbed.keyhole.helm import Helm
from testbed.keyhole.installation import SERVICE_HOST
from testbed.keyhole.objects import apply
from testbed.keyhole.pods import Pod
from testbed.keyhole.releases import Release
from testbed.keyhole.tenants import admit_to_vault
from testbed.programs.toolbox import Toolbox
from testbed.servers.pki import Authority, write_private
from testbed.servers.ports import free_port
from tests.charts.charts import KEYHOLE, TENANT
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.objects import filled, secret
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

TENANT_NAMESPACE = "shop"
API_SERVICE = "v1alpha1.admission.keyhole.dev"
_SECONDS = 180.0


@dataclass(frozen=True)
class Proofs:
    """What the API server was given when it started: at one port a certificate to show, at another a token to send."""

    ca_pem: str = field(repr=False)
    certificate_port: int
    token: str = field(repr=False)
    token_port: int
    configuration: Path


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> Proofs:
    folder = tmp_path_factory.mktemp("proofs")
    authority = Authority(folder, "callers-ca")
    shown = authority.issue("kube-apiserver", "kube-apiserver")
    token = secrets.token_urlsafe(32)
    token_file = write_private(folder / "token", token.encode())
    ports = free_port(), free_port()
    users = {
        f"{SERVICE_HOST}:{ports[0]}": certificate_user(shown.certificate, shown.key),
        f"{SERVICE_HOST}:{ports[1]}": token_user(token_file),
    }
    kubeconfig, configuration = folder / "kubeconfig.json", folder / "admission.json"
    kubeconfig.write_text(json.dumps(webhook_kubeconfig(users)))
    configuration.write_text(json.dumps(admission_configuration(kubeconfig)))
    return Proofs(authority.pem.decode(), ports[0], token, ports[1], configuration)


@pytest.fixture(scope="module")
def bed(toolbox: Toolbox, proofs: Proofs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    directory = tmp_path_factory.mktemp("run").resolve()
    with Testbed(Options(admission_configuration=proofs.configuration, directory=directory)) as bed:
        yield bed


@pytest.fixture(scope="module")
def canary() -> Canary:
    return Canary()


@pytest.fixture(scope="module")
def places(canary: Canary, bed: Testbed) -> Places:
    places = Places(canary)
    for file in (bed.kubernetes.audit_log, bed.kubernetes.log_file, bed.vault.audit_log, bed.vault.log_file):
        places.watch(file)
    return places


@pytest.fixture(autouse=True)
def _nothing_comes_to_light(places: Places) -> Iterator[None]:
    yield
    leaks = places.leaks()
    assert not leaks, "\n".join(leaks)


@pytest.fixture(scope="module")
def plant(bed: Testbed, canary: Canary) -> Planter:
    return Planter(bed, canary)


@pytest.fixture(scope="module")
def cluster_helm(bed: Testbed, helm: Helm) -> Helm:
    return Helm(helm.program, helm.home, bed.kubernetes.kubeconfig)


@pytest.fixture(scope="module")
def cluster(bed: Testbed, cluster_helm: Helm, places: Places) -> Cluster:
    """Return a namespace that the tenant's chart let in, and that may read what `plant` writes."""
    apply(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "keyhole"}})
    tenants = Release(bed, cluster_helm, TENANT, "keyhole", TENANT_NAMESPACE)
    tenants.install("--set", f"namespaces={{{TENANT_NAMESPACE}}}")
    admit_to_vault(bed, TENANT_NAMESPACE, ["secret/data/e2e/*", "secret/metadata/e2e/*"])
    return Cluster(bed, places, TENANT_NAMESPACE)


@dataclass
class Installed:
    """A release of the chart whose pods run as processes."""

    release: Release
    values: Sequence[str]
    directory: Path
    port: int
    places: Places
    webhook: Pod
    controller: Pod

    def upgrade(self, *values: str) -> None:
        """Upgrade with further values, and do for the Service and the mounts what a cluster does by itself."""
        self.release.upgrade(*self.values, *values)
        self.release.lead_to_localhost("keyhole")
        for pod in (self.webhook, self.controller):
            pod.sync()

    def test(self) -> str:
        """Run `helm test`, with the pod that it makes run as a process, and return what the pod printed."""
        printed: list[str] = []
        kubelet = threading.Thread(target=lambda: printed.append(self._run_test_pod()))
        kubelet.start()
        done = self.release.helm.run("test", self.release.name, "-n", "keyhole", "--timeout=170s", check=False)
        kubelet.join()
        assert done.returncode == 0, f"{done.stderr}{printed}"
        account = "/api/v1/namespaces/keyhole/serviceaccounts/keyhole-test"
        assert not self.release.bed.kubernetes.request("GET", account).ok, "the test's rights outlive it"
        return printed[0]

    def _run_test_pod(self) -> str:
        bed, path = self.release.bed, "/api/v1/namespaces/keyhole/pods/keyhole-test"
        deadline = time.monotonic() + _SECONDS
        while not (answer := bed.kubernetes.request("GET", path)).ok:
            assert time.monotonic() < deadline, "helm made no pod"
            time.sleep(0.1)
        done = Pod(bed, "keyhole", answer.json()["spec"], self.directory / "test-pod").run(120.0)
        phase = "Failed" if done.returncode else "Succeeded"
        bed.kubectl(
            *("patch", "pod", "keyhole-test", "-n", "keyhole", "--subresource=status", "--type=merge"),
            *("-p", json.dumps({"status": {"phase": phase}})),
        )
        return done.stdout + done.stderr


Install = Callable[..., Installed]


@pytest.fixture
def install(bed: Testbed, cluster_helm: Helm, cluster: Cluster, places: Places, tmp_path: Path) -> Iterator[Install]:
    """Return what installs the chart, with the testbed's Vault, and starts its pods; all of it goes afterwards."""
    ca = {"ca.crt": bed.vault.ca_file.read_text()}
    within = {"name": "vault-ca", "namespace": "keyhole"}
    apply(bed, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": within, "data": ca})
    release = Release(bed, cluster_helm, KEYHOLE, "keyhole")
    started: list[Pod] = []

    def install(*values: str, port: int | None = None) -> Installed:
        port = port or free_port()
        connection = {
            "address": bed.vault.url,
            "caFile": "/etc/keyhole/ca/vault/ca.crt",
            "auth": {"method": "jwt", "role": "keyhole-{namespace}"},
            "mounts": {"secret": 2},
            "followIntervalSeconds": 1,
        }
        usual = (
            *("--set-json", f"connections.default={json.dumps(connection)}"),
            *("--set", f"caBundles.vault.configMap=vault-ca,service.port={port}", *values),
        )
        release.install(*usual)
        release.lead_to_localhost("keyhole")
        webhook = release.pod("keyhole-webhook", tmp_path / "webhook", {"admission": port})
        controller = release.pod("keyhole-controller", tmp_path / "controller")
        for pod in (controller, webhook):
            places.watch(pod.log_file)
            pod.start()
            started.append(pod)
        return Installed(release, usual, tmp_path, port, places, webhook, controller)

    yield install
    codes = [pod.stop() for pod in reversed(started)]
    cluster_helm.run("uninstall", "keyhole", "-n", "keyhole", "--ignore-not-found")
    assert codes == [0] * len(started)


def _own_certificate(bed: Testbed) -> str:
    """Make a Secret with a serving certificate, as an operator has one, and return the CA."""
    ca = issue_ca()
    serving = issue_serving(ca, [SERVICE_HOST])
    parts = {"tls.crt": serving.certificate_pem, "tls.key": serving.key_pem}
    data = {name: base64.b64encode(part).decode() for name, part in parts.items()}
    within = {"name": "own-tls", "namespace": "keyhole"}
    apply(bed, {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": within, "data": data})
    return ca.certificate_pem.decode()


def _is_filled(cluster: Cluster, plant: Planter, name: str) -> None:
    values = plant.secret(name)
    cluster.apply(filled(name, password=f"vault:secret/e2e/{name}#password"))
    assert cluster.values(name) == values


def _until(what: Callable[[], bool], told: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not what():
        assert time.monotonic() < deadline, told
        time.sleep(0.5)


def test_as_it_comes_it_does_the_main_job_follows_an_upgrade_ends_in_order_and_leaves_nothing_in_the_way(
    bed: Testbed, install: Install, cluster: Cluster, plant: Planter
) -> None:
    installed = install()
    for pod in (installed.controller, installed.webhook):
        pod.wait_until_ready()
    installed.release.wait_until_available(API_SERVICE)
    assert installed.test().startswith("Keyhole answered, and refused the probe as it should: NamespaceNotEnabled")
    _is_filled(cluster, plant, "by-default")
    rotated = plant.secret("by-default")
    _until(lambda: cluster.values("by-default") == rotated, "the controller does not follow Vault")

    deployments = "/apis/apps/v1/namespaces/keyhole/deployments/keyhole-webhook"
    before = installed.release.get(deployments)["metadata"]["generation"], installed.webhook.server.pid
    second = "connections.second={}".format(
        json.dumps(
            {
                "address": bed.vault.url,
                "caFile": "/etc/keyhole/ca/vault/ca.crt",
                "mounts": {"secret": 2},
                "auth": {"method": "jwt", "role": "keyhole-{namespace}"},
            }
        )
    )
    installed.upgrade("--set-json", second)
    values = plant.secret("followed")
    reference = filled("followed", password="vault+second:secret/e2e/followed#password")
    _until(lambda: cluster.apply(reference, check=False).returncode == 0, "the new connection is not followed")
    assert cluster.values("followed") == values
    after = installed.release.get(deployments)["metadata"]["generation"], installed.webhook.server.pid
    assert before == after
    installed.webhook.server.check()

    traffic = Traffic(bed)
    assert installed.webhook.stop() == 0
    assert traffic.revocations() > 0
    installed.release.uninstall()
    left = bed.kubectl("get", "mutatingwebhookconfigurations,apiservices,validatingadmissionpolicies", "-o", "name")
    assert "keyhole" not in left.stdout
    cluster.apply(secret("afterwards", stringData={"key": "value"}))


def test_with_a_client_certificate_the_operator_hands_on_the_ca_as_the_notes_say(
    install: Install, cluster: Cluster, plant: Planter, proofs: Proofs, tmp_path: Path
) -> None:
    caller = tmp_path / "caller-ca.crt"
    caller.write_text(proofs.ca_pem)
    mode = ("caller.mode=client-certificate", "caller.clientCertificate.names={kube-apiserver}")
    installed = install(
        *(part for each in mode for part in ("--set", each)),
        *("--set-file", f"caller.clientCertificate.ca={caller}"),
        port=proofs.certificate_port,
    )
    installed.webhook.wait_until_ready()
    refused = cluster.apply(filled("not-yet", password="vault:secret/e2e/any#password"), check=False)
    assert "failed calling webhook" in refused.stderr
    found = installed.release.get("/api/v1/namespaces/keyhole/secrets/keyhole-serving-certificate")
    ca = tmp_path / "ca.crt"
    ca.write_bytes(base64.b64decode(found["data"]["ca.crt"]))
    installed.upgrade("--set-file", f"certificates.caBundle={ca}")
    assert "NamespaceNotEnabled" in installed.test()
    _is_filled(cluster, plant, "by-certificate")


def test_with_a_token_your_own_certificate_and_an_audit_trail(  # noqa: PLR0917 - pytest passes one for each fixture
    bed: Testbed, install: Install, cluster: Cluster, plant: Planter, proofs: Proofs, tmp_path: Path
) -> None:
    ca = tmp_path / "own-ca.crt"
    ca.write_text(_own_certificate(bed))
    key = secrets.token_bytes(32)
    for name, data in (("caller", {"token": proofs.token.encode()}), ("trail", {"audit.key": key})):
        encoded = {part: base64.b64encode(content).decode() for part, content in data.items()}
        within = {"name": name, "namespace": "keyhole"}
        apply(bed, {"apiVersion": "v1", "kind": "Secret", "metadata": within, "data": encoded})
    chosen = (
        *("caller.mode=token", "caller.token.existingSecret=caller", "audit.existingSecret=trail"),
        *("certificates.mode=existingSecret", "certificates.existingSecret=own-tls"),
    )
    installed = install(
        *(part for each in chosen for part in ("--set", each)),
        *("--set-file", f"certificates.caBundle={ca}"),
        port=proofs.token_port,
    )
    installed.controller.wait_until_ready()
    installed.webhook.wait_until_ready()
    assert "NamespaceNotEnabled" in installed.test()
    _is_filled(cluster, plant, "by-token")
    (tmp_path / "audit.key").write_bytes(key)
    (tmp_path / "audit.key").chmod(0o400)
    verify = ("audit", "verify", str(installed.webhook.log_file), "--mixed", "--key", str(tmp_path / "audit.key"))
    told = subprocess.run([sys.executable, "-m", "cli", *verify], capture_output=True, text=True, check=True).stdout
    assert "intact" in told
