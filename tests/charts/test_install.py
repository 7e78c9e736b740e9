"""The charts installed for real, by helm on the real API server, with the definitions of what others bring."""

import itertools
import json
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from testbed import Options, Testbed
from testbed.gitops.definitions import define
from testbed.keyhole.helm import Helm
from testbed.keyhole.objects import apply
from testbed.keyhole.releases import Release
from testbed.programs.module_folders import ModuleFolder
from testbed.programs.toolbox import Toolbox
from tests.charts.charts import KEYHOLE, ONE_CONNECTION, TENANT, each_documented

_DEFINITIONS = (
    ModuleFolder("cert-manager-definitions", "github.com/cert-manager/cert-manager", "deploy/crds"),
    ModuleFolder(
        "prometheus-definitions",
        "github.com/prometheus-operator/prometheus-operator",
        "example/prometheus-operator-crd",
    ),
)
_PODS_SECONDS = 120.0
_POLICY_SECONDS = 120.0
_GONE_SECONDS = 180
# Everything that a release may leave behind.
_KINDS = (
    "all,serviceaccounts,roles,rolebindings,secrets,configmaps,networkpolicies,poddisruptionbudgets,leases,"
    "certificates.cert-manager.io,issuers.cert-manager.io,servicemonitors,prometheusrules"
)
_CLUSTER_KINDS = (
    "clusterroles,clusterrolebindings,apiservices,mutatingwebhookconfigurations,validatingadmissionpolicies,"
    "validatingadmissionpolicybindings"
)
_SELECTOR = "app.kubernetes.io/name=keyhole"


@pytest.fixture(scope="module")
def bed(toolbox: Toolbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Return a testbed whose controllers make pods of Deployments, and whose namespaces go for good."""
    directory = tmp_path_factory.mktemp("install").resolve()
    with Testbed(Options(controller_manager=True, directory=directory)) as bed:
        define(bed, _DEFINITIONS, {"Certificate", "Issuer", "ServiceMonitor", "PrometheusRule"})
        yield bed


@pytest.fixture(scope="module")
def cluster_helm(bed: Testbed, helm: Helm) -> Helm:
    """Return helm as the administrator."""
    return Helm(helm.program, helm.home, bed.kubernetes.kubeconfig)


@pytest.fixture(scope="module")
def namespace(bed: Testbed) -> str:
    """Return a namespace where only locked-down pods may run."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    apply(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "keyhole", "labels": labels}})
    return "keyhole"


@pytest.fixture
def release(bed: Testbed, cluster_helm: Helm, namespace: str) -> Iterator[Release]:
    """Return a release of the chart keyhole; it goes afterwards, and what a controller would have made with it."""
    release = Release(bed, cluster_helm, KEYHOLE, namespace)
    yield release
    cluster_helm.run("uninstall", "keyhole", "-n", namespace, "--ignore-not-found")
    bed.kubectl("delete", "secret", "keyhole-record-key", "-n", namespace, "--ignore-not-found")


# What all of them render to is looked at elsewhere.
@pytest.mark.parametrize("values", each_documented(KEYHOLE, by_day=("default-values", "full-values")))
def test_a_documented_set_of_values_is_installed_upgraded_and_uninstalled(
    bed: Testbed, release: Release, values: Path
) -> None:
    tried = release.helm.run(
        *("install", "keyhole", str(KEYHOLE), "-n", "keyhole", "-f", str(values), "--dry-run=server")
    )
    assert "STATUS: pending-install" in tried.stdout
    release.install("-f", str(values))
    _every_object_is_as_rendered(bed, release)
    _pods_are_made(bed, release, values)
    release.upgrade("-f", str(values), "--set", "webhook.logLevel=warning")
    assert "--log-level=warning" in _arguments(release)
    release.uninstall()
    assert _left(bed) == set()


def _every_object_is_as_rendered(bed: Testbed, release: Release) -> None:
    """Ask the API server for each object of the release's manifest, and apply it once more, as a dry run."""
    manifest = release.helm.run("get", "manifest", "keyhole", "-n", "keyhole").stdout
    objects = [one for one in yaml.safe_load_all(manifest) if one]
    told = bed.kubectl(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-", input_text=manifest
    )
    assert len(told.stdout.splitlines()) == len(objects)
    # A field that the API server did not know would be told of as a warning.
    assert "Warning" not in told.stderr


def _pods_are_made(bed: Testbed, release: Release, values: Path) -> None:
    """Wait until the namespace, where only locked-down pods may run, has the pods of both Deployments."""
    given = yaml.safe_load(values.read_text())
    replicas = given.get("webhook", {}).get("replicas", 2)
    if given.get("webhook", {}).get("autoscaling", {}).get("enabled"):
        replicas = 1  # until the autoscaler, which has no metrics here, says otherwise
    wanted = {"webhook": replicas, "controller": given.get("controller", {}).get("replicas", 1)}
    deadline = time.monotonic() + _PODS_SECONDS
    while True:
        items = json.loads(bed.kubectl("get", "pods", "-n", "keyhole", "-l", _SELECTOR, "-o", "json").stdout)["items"]
        components = [pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in items]
        if {name: components.count(name) for name in wanted} == wanted:
            return
        refused = bed.kubectl("get", "events", "-n", "keyhole", "-o", "jsonpath={.items[*].message}").stdout
        assert time.monotonic() < deadline, f"{components}; {refused}"
        time.sleep(0.2)


def _arguments(release: Release) -> Sequence[str]:
    found = release.get("/apis/apps/v1/namespaces/keyhole/deployments/keyhole-webhook")
    arguments: Sequence[str] = found["spec"]["template"]["spec"]["containers"][0]["args"]
    return arguments


def _left(bed: Testbed) -> set[str]:
    """Return what of a release is still there, once the garbage collector had its time for pods."""
    deadline = time.monotonic() + _PODS_SECONDS
    while True:
        within = bed.kubectl("get", _KINDS, "-n", "keyhole", "-l", _SELECTOR, "-o", "name").stdout.split()
        within += bed.kubectl("get", _CLUSTER_KINDS, "-l", _SELECTOR, "-o", "name").stdout.split()
        within += bed.kubectl("get", "rolebindings,roles", "-A", "-l", _SELECTOR, "-o", "name").stdout.split()
        found = set(within)
        if time.monotonic() > deadline or not any(one.split("/")[0] in {"pod", "replicaset.apps"} for one in found):
            return found
        time.sleep(0.2)


class TestTheRecordKey:
    @pytest.mark.parametrize(
        "how",
        [
            pytest.param([], id="an upgrade"),
            pytest.param(["--force"], id="an upgrade that replaces what it finds"),
        ],
    )
    def test_no_upgrade_takes_it_away_and_it_outlives_the_release(
        self, bed: Testbed, release: Release, how: list[str]
    ) -> None:
        release.install(*ONE_CONNECTION)
        metadata = {"name": "keyhole-record-key", "namespace": "keyhole"}
        data = {"signing": "a", "key.a": "a key"}
        apply(bed, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})
        path = "/api/v1/namespaces/keyhole/secrets/keyhole-record-key"
        before = release.get(path)
        release.upgrade(*ONE_CONNECTION, "--set", "webhook.replicas=3", *how)
        assert release.get(path) == before
        release.uninstall()
        assert release.get(path) == before
        release.install(*ONE_CONNECTION)
        assert release.get(path) == before


class TestReusedValues:
    """An upgrade with `--reuse-values` has only the settings that the chart had before."""

    def test_a_setting_that_is_new_is_missed_and_not_left_out(
        self, cluster_helm: Helm, release: Release, tmp_path: Path
    ) -> None:
        older = Path(shutil.copytree(KEYHOLE, tmp_path / "older"))
        (older / "values.schema.json").unlink()
        known = yaml.safe_load((older / "values.yaml").read_text())
        del known["networkPolicy"]["dnsPorts"]
        (older / "values.yaml").write_text(yaml.safe_dump(known))
        replace(release, chart=older).install(*ONE_CONNECTION, "--set", "webhook.replicas=3")
        upgrade = ("upgrade", "keyhole", str(KEYHOLE), "-n", "keyhole")
        refused = cluster_helm.run(*upgrade, "--reuse-values", check=False)
        # Its rule of the network policy would have no ports, which stands for all.
        assert "missing property 'dnsPorts'" in refused.stderr
        cluster_helm.run(*upgrade, "--reset-then-reuse-values")
        assert release.get("/apis/apps/v1/namespaces/keyhole/deployments/keyhole-webhook")["spec"]["replicas"] == 3
        policy = release.get("/apis/networking.k8s.io/v1/namespaces/keyhole/networkpolicies/keyhole-webhook")
        assert {port["port"] for port in policy["spec"]["egress"][0]["ports"]} == {53}


class TestWhatOthersWrote:
    def test_an_upgrade_leaves_the_ca_that_the_controller_set(self, bed: Testbed, release: Release) -> None:
        release.install(*ONE_CONNECTION)
        ca_bundle = '{"spec":{"caBundle":"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="}}'
        bed.kubectl("patch", "apiservice", "v1alpha1.admission.keyhole.dev", "--type=merge", "-p", ca_bundle)
        release.upgrade(*ONE_CONNECTION, "--set", "service.port=8443")
        routed = release.get("/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.admission.keyhole.dev")
        assert routed["spec"]["caBundle"]
        assert routed["spec"]["service"]["port"] == 8443

    def test_certificates_stay_when_somebody_else_is_to_issue_them_and_back(
        self, bed: Testbed, release: Release
    ) -> None:
        by_cert_manager = ("--set", "certificates.mode=certManager")
        names = ("keyhole-ca", "keyhole-serving-certificate")
        release.install(*ONE_CONNECTION, *by_cert_manager)
        for name in names:
            metadata = {"name": name, "namespace": "keyhole"}
            data = dict.fromkeys(("tls.crt", "tls.key", "ca.crt"), "eA==")
            made = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata}
            apply(bed, {**made, "data": data})
        for settings in ((), by_cert_manager, ()):
            release.upgrade(*ONE_CONNECTION, *settings)
            for name in names:
                assert release.get(f"/api/v1/namespaces/keyhole/secrets/{name}")["data"]
        release.helm.run("rollback", "keyhole", "-n", "keyhole")
        release.uninstall()


_API_SERVICE = "v1alpha1.admission.keyhole.dev"


class TestTheControllersRight:
    """What a stolen token of the controller can make of the APIService by which the API server asks Keyhole."""

    @pytest.fixture
    def installed(self, bed: Testbed, release: Release) -> Callable[[str], str]:
        """Return what applies a merge patch as the controller, and returns what was said."""
        release.install(*ONE_CONNECTION)

        def patched(change: str) -> str:
            account = ("--as", "system:serviceaccount:keyhole:keyhole-controller")
            try:
                return bed.kubectl("patch", "apiservice", _API_SERVICE, "--type=merge", "-p", change, *account).stdout
            except subprocess.CalledProcessError as error:
                return str(error.stderr)

        return patched

    def test_is_the_bundle_and_nothing_else(self, installed: Callable[[str], str]) -> None:
        deadline = time.monotonic() + _POLICY_SECONDS
        # A new policy is in effect after a moment, so each try is to change something.
        for each in itertools.count():
            said = installed(f'{{"spec":{{"service":{{"namespace":"default","name":"mine-{each}"}}}}}}')
            if "nothing of an APIService but its caBundle" in said:
                break
            assert time.monotonic() < deadline, said
            time.sleep(0.2)
        assert "but its caBundle" in installed('{"spec":{"caBundle":null,"insecureSkipTLSVerify":true}}')
        assert "but its caBundle" in installed('{"spec":{"versionPriority":7}}')
        assert "patched" in installed('{"spec":{"caBundle":"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="}}')


class TestWithoutUninstalling:
    """Nobody answers any more, and what has the API server ask stands outside of the namespace."""

    def test_a_deleted_namespace_goes_and_nothing_is_blocked_once_the_documented_commands_were_run(
        self, bed: Testbed, cluster_helm: Helm
    ) -> None:
        release = Release(bed, cluster_helm, KEYHOLE, "gone")
        release.install(*ONE_CONNECTION)
        _eventually(lambda: not _is_stored(bed), "a reference is refused")
        bed.kubectl("delete", "namespace", "gone", "--wait=false")
        conditions = '{.status.conditions[?(@.status=="True")].type}'
        state = ("get", "namespace", "gone", "-o", f"jsonpath={conditions}")
        _eventually(lambda: "DiscoveryFailure" in bed.kubectl(*state).stdout, "the namespace is held up")
        assert not _is_stored(bed)
        for command in _commands_of_the_document():
            bed.kubectl(*command)
        bed.kubectl("wait", "--for=delete", "namespace/gone", f"--timeout={_GONE_SECONDS}s")
        _eventually(lambda: _is_stored(bed), "nobody is asked")
        assert bed.kubectl("get", _CLUSTER_KINDS, "-l", _SELECTOR, "-o", "name").stdout == ""
        assert bed.kubectl("get", "rolebindings", "-n", "kube-system", "-l", _SELECTOR, "-o", "name").stdout == ""

    def test_an_upgrade_makes_anew_what_these_commands_took_away(self, bed: Testbed, release: Release) -> None:
        release.install(*ONE_CONNECTION)
        before = bed.kubectl("get", _CLUSTER_KINDS, "-l", _SELECTOR, "-o", "name").stdout
        for command in _commands_of_the_document():
            bed.kubectl(*command)
        _eventually(lambda: _is_stored(bed), "nobody is asked")
        release.upgrade(*ONE_CONNECTION)
        assert bed.kubectl("get", _CLUSTER_KINDS, "-l", _SELECTOR, "-o", "name").stdout == before
        _eventually(lambda: not _is_stored(bed), "a reference is refused")


def _commands_of_the_document() -> list[list[str]]:
    text = (KEYHOLE.parents[1] / "docs" / "installation.md").read_text()
    block = text.partition("deleted without `helm uninstall`")[2].split("```")[1]
    commands = [shlex.split(line) for line in block.replace("\\\n", "").strip().splitlines()]
    assert {command[0] for command in commands} == {"kubectl"}
    return [command[1:] for command in commands]


def _is_stored(bed: Testbed) -> bool:
    """Return whether the API server takes a Secret with a reference, and does not say so by keeping it."""
    annotations = {"data.keyhole.dev/password": "vault:secret/any#password"}
    probe = {"metadata": {"name": "with-a-reference", "annotations": annotations}}
    return bed.kubernetes.request("POST", "/api/v1/namespaces/default/secrets?dryRun=All", probe).ok


def _eventually(what: Callable[[], bool], told: str) -> None:
    deadline = time.monotonic() + _GONE_SECONDS
    while not what():
        assert time.monotonic() < deadline, told
        time.sleep(0.5)


class TestNotes:
    """What helm says after an installation."""

    def _notes(self, helm: Helm, *settings: str, release: str = "keyhole", namespace: str = "keyhole") -> str:
        chosen = [part for setting in settings for part in ("--set", setting)]
        where = ("-n", namespace, "--create-namespace", "--dry-run=server")
        return helm.run("install", release, str(KEYHOLE), *where, *ONE_CONNECTION, *chosen).stdout.partition("NOTES:")[
            2
        ]

    def test_what_is_not_safe_is_said(self, cluster_helm: Helm) -> None:
        unproved = self._notes(cluster_helm, "caller.mode=none")
        assert "DANGER: caller.mode=none" in unproved
        assert "--set-file certificates.caBundle=ca.crt" in unproved
        assert "NOT SAFE: webhook.replicas=1" in self._notes(cluster_helm, "webhook.replicas=1")
        scaled = ("webhook.autoscaling.enabled=true", "webhook.autoscaling.minReplicas=1")
        assert "NOT SAFE: webhook.autoscaling.minReplicas=1" in self._notes(cluster_helm, *scaled)
        assert "THE TEST WILL FAIL" in self._notes(cluster_helm, "test.namespace=keyhole")
        assert "NOT SAFE: admission.policy=false" in self._notes(cluster_helm, "admission.policy=false")

    def test_by_default_nothing_is_unsafe(self, cluster_helm: Helm) -> None:
        usual = self._notes(cluster_helm)
        assert "rollout status" in usual
        assert "DANGER" not in usual
        assert "NOT " not in usual
        assert "FAIL" not in usual

    def test_a_release_of_another_name_and_place_names_its_accounts(self, cluster_helm: Helm) -> None:
        told = self._notes(cluster_helm, release="prod", namespace="platform")
        assert "--webhook-service-account platform/prod-keyhole-webhook" in told


class TestTenants:
    def test_a_tenant_is_installed_and_its_namespace_outlives_the_release(
        self, bed: Testbed, cluster_helm: Helm
    ) -> None:
        release = Release(bed, cluster_helm, TENANT, "tenants", "shop")
        release.install("--set", "namespaces={shop,pay}")
        namespace = release.get("/api/v1/namespaces/shop")
        assert namespace["metadata"]["labels"]["keyhole.dev/enabled"] == "true"
        apply(bed, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app", "namespace": "shop"}})
        release.upgrade("--set", "namespaces={pay}")
        release.uninstall()
        assert release.get("/api/v1/namespaces/shop/secrets/app")
        assert release.get("/api/v1/namespaces/pay")
        for kind in ("roles", "rolebindings", "serviceaccounts"):
            left = bed.kubectl("get", kind, "-n", "pay", "-o", "name").stdout.split()
            assert [name for name in left if not name.endswith("/default")] == []

    def test_a_namespace_that_is_there_already_is_not_taken(self, bed: Testbed, cluster_helm: Helm) -> None:
        apply(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old"}})
        release = Release(bed, cluster_helm, TENANT, "tenants", "old")
        release.install("--set", "namespaces={old},createNamespaces=false")
        release.uninstall()
        assert release.get("/api/v1/namespaces/old")["status"]["phase"] == "Active"
