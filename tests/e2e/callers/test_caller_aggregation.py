"""`--caller-auth=aggregation` on a real API server, and everybody else who asks."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests

from kube.registration.request_header import CONFIG_MAP
from kube.registration.request_header import NAMESPACE as KUBE_SYSTEM
from manifests.registration.api_service import ADMISSION_PATH, GROUP, GROUP_VERSION, VERSION
from testbed import Testbed
from testbed.keyhole.aggregation import aggregated, serving_aggregated
from testbed.keyhole.installation import Webhook
from testbed.servers.pki import Authority, KeyFiles
from tests.e2e.callers.intruder import DEAD, Forgery, Intruder
from tests.e2e.cluster import Cluster
from tests.e2e.objects import filled, secret
from tests.e2e.places import Places
from tests.e2e.processes import both_workers, eventually
from tests.e2e.replacing import replace
from tests.e2e.scraped import Scraped, scrape

API_SERVER = {"X-Remote-User": "system:apiserver", "X-Remote-Group": "system:masters"}


@pytest.fixture(scope="module")
def webhook(
    bed: Testbed, places: Places, connections_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Webhook]:
    directory = tmp_path_factory.mktemp("aggregation")
    places.watch(directory / "keyhole.log")
    with serving_aggregated(bed, directory, connections_file) as webhook, aggregated(bed, webhook):
        yield webhook


@pytest.fixture
def intruder(webhook: Webhook, forgery: Forgery) -> Intruder:
    return Intruder(webhook, forgery)


@pytest.fixture
def front_proxy(bed: Testbed) -> KeyFiles:
    """Return what an intruder must never have: the API server's own certificate and key."""
    pki = bed.directory / "pki"
    return KeyFiles(pki / "front-proxy-client.crt", pki / "front-proxy-client.key")


class TestTheApiServer:
    def test_an_apply_is_filled(self, cluster: Cluster, forgery: Forgery, webhook: Webhook) -> None:
        cluster.apply(filled("applied", password=forgery.reference))
        assert cluster.values("applied") == {"password": forgery.value}

    def test_a_refusal_comes_through(self, cluster: Cluster, webhook: Webhook) -> None:
        done = cluster.apply(filled("refused", password="vault:secret/e2e/nothing#here"), check=False)
        assert done.returncode != 0
        assert "PathNotFound" in done.stderr or "NotFound" in done.stderr

    def test_a_secret_as_large_as_they_come_is_changed(
        self, cluster: Cluster, forgery: Forgery, webhook: Webhook
    ) -> None:
        large = secret("large", {"data.keyhole.dev/password": forgery.reference}, stringData={"a": "x" * 1_000_000})
        cluster.apply(large, server_side=True)
        cluster.apply({**large, "stringData": {"a": "y" * 1_000_000}}, server_side=True)
        values = cluster.values("large")
        assert values["password"] == forgery.value
        assert values["a"][:1] == "y"

    def test_discovery_is_complete_and_a_namespace_goes_for_good(self, bed: Testbed, webhook: Webhook) -> None:
        assert bed.kubectl("api-resources").stderr == ""
        bed.kubectl("create", "namespace", "short-lived")
        bed.kubectl("delete", "namespace", "short-lived", "--timeout=180s")

    def test_anybody_may_discover_that_there_is_nothing(self, bed: Testbed, webhook: Webhook) -> None:
        told = bed.kubectl("get", "--raw", f"/apis/{GROUP_VERSION}", kubeconfig=bed.kubernetes.kubeconfig_for("dev"))
        assert json.loads(told.stdout)["resources"] == []

    def test_its_log_holds_no_complaint_about_discovery(self, bed: Testbed, webhook: Webhook) -> None:
        complaints = [line for line in bed.kubernetes.log_file.read_text().splitlines() if _is_complaint(line)]
        assert complaints == []


def _is_complaint(line: str) -> bool:
    return line.startswith(("E", "W")) and f"{VERSION}.{GROUP}" in line and "failed" in line


class TestForged:
    @pytest.mark.usefixtures("_nothing_was_asked_of_vault")
    def test_without_tls_it_dies(self, intruder: Intruder) -> None:
        assert intruder.ask(tls=False, headers=API_SERVER) == DEAD

    @pytest.mark.usefixtures("_nothing_was_asked_of_vault")
    def test_without_a_certificate_it_dies_in_the_handshake(self, intruder: Intruder) -> None:
        assert intruder.ask() == DEAD
        assert intruder.ask(headers=API_SERVER) == DEAD

    @pytest.mark.usefixtures("_nothing_was_asked_of_vault")
    def test_with_a_certificate_of_another_ca_it_dies_in_the_handshake(
        self, intruder: Intruder, other_authority: Authority
    ) -> None:
        certificate = other_authority.issue("client", "front-proxy-client")
        assert intruder.ask(certificate=certificate, headers=API_SERVER) == DEAD

    @pytest.mark.usefixtures("_nothing_was_asked_of_vault")
    def test_with_an_administrators_certificate_it_dies_in_the_handshake(
        self, bed: Testbed, intruder: Intruder
    ) -> None:
        pki = bed.directory / "pki"
        admin = KeyFiles(pki / "admin.crt", pki / "admin.key")
        assert intruder.ask(certificate=admin, headers=API_SERVER) == DEAD

    @pytest.mark.usefixtures("_nothing_was_asked_of_vault")
    @pytest.mark.parametrize(
        ("name", "hosts"),
        [
            pytest.param("someone-else", [], id="a name that is not allowed"),
            pytest.param("", [], id="no name"),
            pytest.param("front-proxy-client.example", [], id="a name that begins with the allowed one"),
        ],
    )
    def test_the_right_ca_does_not_make_up_for_the_name(
        self, bed: Testbed, intruder: Intruder, name: str, hosts: list[str]
    ) -> None:
        certificate = bed.kubernetes._front_proxy.issue("not-allowed", name or " ")
        assert intruder.ask(certificate=certificate, headers=API_SERVER) == "401"

    @pytest.mark.usefixtures("_nothing_was_asked_of_vault")
    def test_a_servers_certificate_of_the_right_ca_is_no_clients(self, bed: Testbed, intruder: Intruder) -> None:
        certificate = bed.kubernetes._front_proxy.issue("serving", "front-proxy-client", hosts=["localhost"])
        assert intruder.ask(certificate=certificate, headers=API_SERVER) == DEAD

    @pytest.mark.usefixtures("_nothing_was_asked_of_vault")
    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param({}, id="nobody"),
            pytest.param({"X-Remote-User": "dev", "X-Remote-Group": "system:masters"}, id="somebody else"),
            pytest.param({"X-Remote-User": "system:kube-aggregator"}, id="the aggregation layer itself"),
            pytest.param({"X-Remote-User": "dev, system:apiserver"}, id="two at once"),
            pytest.param({"X-Remote-User": "SYSTEM:APISERVER"}, id="another case"),
            pytest.param({"X_Remote_User": "system:apiserver"}, id="a header that WSGI would take for it"),
        ],
    )
    def test_the_front_proxy_speaking_for_another_gets_401(
        self, intruder: Intruder, front_proxy: KeyFiles, headers: Mapping[str, str]
    ) -> None:
        assert intruder.ask(certificate=front_proxy, headers=headers) == "401"

    def test_the_same_request_with_all_of_the_proof_gets_the_value(
        self, intruder: Intruder, front_proxy: KeyFiles
    ) -> None:
        assert intruder.ask(certificate=front_proxy, headers=API_SERVER) == "value"

    @pytest.mark.usefixtures("_nothing_was_asked_of_vault")
    def test_the_direct_path_is_not_served(self, intruder: Intruder, front_proxy: KeyFiles) -> None:
        assert intruder.ask(certificate=front_proxy, headers=API_SERVER, path="/mutate") == "404"


class TestThroughTheApiServer:
    @pytest.mark.usefixtures("_nothing_was_asked_of_vault")
    def test_whoever_has_no_right_is_stopped_by_the_api_server(
        self, bed: Testbed, webhook: Webhook, forgery: Forgery
    ) -> None:
        done = _post(bed, forgery, bed.kubernetes.kubeconfig_for("dev"))
        assert "Forbidden" in done.stderr

    @pytest.mark.usefixtures("_nothing_was_asked_of_vault")
    def test_an_administrator_is_stopped_by_keyhole(self, bed: Testbed, webhook: Webhook, forgery: Forgery) -> None:
        done = _post(bed, forgery, bed.kubernetes.kubeconfig)
        assert done.returncode != 0
        assert done.stdout == ""

    @pytest.mark.usefixtures("_nothing_was_asked_of_vault")
    def test_the_api_server_takes_no_word_of_a_client_about_who_it_is(
        self, bed: Testbed, webhook: Webhook, forgery: Forgery
    ) -> None:
        pki = bed.directory / "pki"
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                bed.kubernetes.url + ADMISSION_PATH,
                data=forgery.body(),
                headers={"Content-Type": "application/json", **API_SERVER},
                verify=str(bed.kubernetes.ca_file),
                cert=(str(pki / "admin.crt"), str(pki / "admin.key")),
                timeout=20,
            )
        assert not answer.ok
        assert not forgery.is_answered_by(answer.content)


def _post(bed: Testbed, forgery: Forgery, kubeconfig: Path) -> subprocess.CompletedProcess[str]:
    body = forgery.body().decode()
    return bed.kubectl(
        "create", "--raw", ADMISSION_PATH, "-f", "-", input_text=body, check=False, kubeconfig=kubeconfig
    )


def test_another_ca_counts_as_long_as_the_cluster_says_so(
    bed: Testbed, intruder: Intruder, other_authority: Authority
) -> None:
    certificate = other_authority.issue("client", "front-proxy-client")
    with requests.Session() as kept_alive:

        def ask() -> str:
            return intruder.ask(certificate=certificate, headers=API_SERVER, session=kept_alive)

        assert ask() == DEAD
        # A comment that is no ASCII once ended the following for good.
        comment = "# Prüfstelle für 日本\n".encode()
        _set_authorities(bed, bed.kubernetes._front_proxy.pem + comment + other_authority.pem)
        eventually(lambda: ask() == "value", "the new CA counts")
        _set_authorities(bed, bed.kubernetes._front_proxy.pem)
        answers = []

        def is_refused() -> bool:
            answers.append(ask())
            return answers[-1] != "value"

        eventually(is_refused, "the new CA does not count any more")
        # The connection was still that of the last request, made when the CA counted.
        assert answers[-1] == "401"
        # Each worker reads for itself.
        eventually(lambda: {ask() for _ in range(20)} == {DEAD}, "nor in the other worker")


def test_a_worker_that_cannot_read_who_may_call_leaves_everything_to_the_other(
    bed: Testbed, webhook: Webhook, intruder: Intruder, front_proxy: KeyFiles
) -> None:
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{KUBE_SYSTEM}/rolebindings/keyhole-webhook"
    binding = bed.kubernetes.request("GET", path).json()
    bed.kubernetes.request("DELETE", path).raise_for_status()

    def ask() -> set[str]:
        return {intruder.ask(certificate=front_proxy, headers=API_SERVER) for _ in range(12)}

    def is_known() -> bool:
        return Scraped(scrape(webhook.health_url)).total("keyhole_caller_proof_known") == 1

    try:
        replace(webhook, min(both_workers(webhook)))
        eventually(lambda: not is_known(), "the new worker does not know who may call")
        assert ask() == {"value"}
        assert requests.get(f"{webhook.health_url}/readyz", timeout=30).ok
    finally:
        metadata = {"name": "keyhole-webhook", "namespace": KUBE_SYSTEM}
        bed.kubernetes.request("POST", path.rpartition("/")[0], {**binding, "metadata": metadata}).raise_for_status()
    eventually(is_known, "it comes to know by itself")
    assert ask() == {"value"}


def test_an_apply_is_filled_after_that(cluster: Cluster, forgery: Forgery, webhook: Webhook) -> None:
    cluster.apply(filled("applied-after", password=forgery.reference))
    assert cluster.values("applied-after") == {"password": forgery.value}


def _set_authorities(bed: Testbed, pem: bytes) -> None:
    patch = json.dumps({"data": {"requestheader-client-ca-file": pem.decode()}})
    bed.kubectl("patch", "configmap", CONFIG_MAP, "-n", KUBE_SYSTEM, "--type=merge", "-p", patch)
