import ssl
from pathlib import Path

import pytest

from kube.errors import KubernetesError, KubernetesUnavailable
from kube.registration.request_header import RequestHeader, RequestHeaderError
from manifests.registration.api_service import ADMISSION_PATH, GROUP_VERSION
from testbed.servers.pki import Authority
from tests.webhook.callers import authorities, authority, caller, certificate
from webhook.callerauth.aggregation import Aggregation
from webhook.callerauth.caller import CallerRefused, PeerCertificate, ProofUnreadable

API_SERVER = "system:apiserver"


class Cluster:
    """A ConfigMap that can be changed."""

    def __init__(self, directory: Path) -> None:
        self.front_proxy = authority(directory)
        self.client_ca = authority(directory, "kubernetes-ca")
        self.header = self.saying()

    def saying(
        self,
        *given: Authority,
        names: frozenset[str] = frozenset({"front-proxy-client"}),
        header: str = "X-Remote-User",
    ) -> RequestHeader:
        pem = b"".join(one.pem for one in given or (self.front_proxy,)).decode()
        return RequestHeader(pem, names, (header,), self.client_ca.pem.decode())

    def read(self, timeout_seconds: float) -> RequestHeader:
        return self.header


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


@pytest.fixture
def check(cluster: Cluster) -> Aggregation:
    check = Aggregation(cluster.read)
    check.load()
    return check


@pytest.fixture
def front_proxy(cluster: Cluster) -> PeerCertificate:
    return certificate(authorities(cluster.front_proxy), "front-proxy-client")


def test_the_api_server_is_let_in(check: Aggregation, front_proxy: PeerCertificate) -> None:
    check.check(caller(front_proxy, path=ADMISSION_PATH, X_REMOTE_USER=API_SERVER))


def test_nobody_is_let_in_before_the_config_map_was_read(cluster: Cluster, front_proxy: PeerCertificate) -> None:
    check = Aggregation(cluster.read)
    assert not check.is_ready()
    assert check.authorities.pem == ""
    with pytest.raises(CallerRefused):
        check.check(caller(front_proxy, path=ADMISSION_PATH, X_REMOTE_USER=API_SERVER))


def test_without_a_certificate_no_header_counts(check: Aggregation) -> None:
    with pytest.raises(CallerRefused, match="no client certificate"):
        check.check(caller(None, path=ADMISSION_PATH, X_REMOTE_USER=API_SERVER))


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nobody"),
        pytest.param({"X_REMOTE_USER": ""}, id="an empty name"),
        pytest.param({"X_REMOTE_USER": "dev"}, id="a person"),
        pytest.param({"X_REMOTE_USER": "system:kube-aggregator"}, id="the aggregation layer"),
        pytest.param({"X_REMOTE_USER": "system:apiserver,system:apiserver"}, id="a header that came twice"),
        pytest.param({"X_REMOTE_GROUP": "system:masters"}, id="a group alone"),
    ],
)
@pytest.mark.parametrize("path", [ADMISSION_PATH, "/mutate", "/", f"/apis/{GROUP_VERSION}"])
def test_a_post_for_anybody_else_is_refused(
    check: Aggregation, front_proxy: PeerCertificate, headers: dict[str, str], path: str
) -> None:
    with pytest.raises(CallerRefused, match="a user other than"):
        check.check(caller(front_proxy, path=path, **headers))


def test_discovery_is_for_everybody_whom_the_front_proxy_passes_on(
    check: Aggregation, cluster: Cluster, front_proxy: PeerCertificate
) -> None:
    check.check(caller(front_proxy, method="GET", path=f"/apis/{GROUP_VERSION}", X_REMOTE_USER="dev"))
    stranger = certificate(authorities(cluster.front_proxy), "stranger")
    with pytest.raises(CallerRefused, match="names"):
        check.check(caller(stranger, method="GET", path=f"/apis/{GROUP_VERSION}"))


def test_a_get_of_anything_else_is_not_discovery(check: Aggregation, front_proxy: PeerCertificate) -> None:
    with pytest.raises(CallerRefused):
        check.check(caller(front_proxy, method="GET", path=ADMISSION_PATH, X_REMOTE_USER="dev"))


def test_an_empty_list_allows_any_name_and_only_the_api_server_as_user(check: Aggregation, cluster: Cluster) -> None:
    cluster.header = cluster.saying(names=frozenset())
    check.load()
    any_name = certificate(authorities(cluster.front_proxy), "whatever")
    check.check(caller(any_name, path=ADMISSION_PATH, X_REMOTE_USER=API_SERVER))
    with pytest.raises(CallerRefused):
        check.check(caller(any_name, path=ADMISSION_PATH, X_REMOTE_USER="dev"))


def test_any_name_under_the_cas_of_the_clusters_own_clients_is_nobody(cluster: Cluster) -> None:
    cluster.header = cluster.saying(cluster.front_proxy, cluster.client_ca, names=frozenset())
    check = Aggregation(cluster.read)
    with pytest.raises(ProofUnreadable, match="any client certificate of the cluster would pass"):
        check.load()
    cluster.header = cluster.saying(cluster.front_proxy, cluster.client_ca)
    check.load()


def test_an_allowed_alternative_name_is_not_the_common_name(check: Aggregation, cluster: Cluster) -> None:
    alternative = frozenset({"front-proxy-client"})
    odd = certificate(authorities(cluster.front_proxy), "other", alternative=alternative)
    with pytest.raises(CallerRefused, match="names"):
        check.check(caller(odd, path=ADMISSION_PATH, X_REMOTE_USER=API_SERVER))


class TestOtherHeaderNames:
    """The aggregation layer sets X-Remote-User always, and passes on from clients whatever else they send."""

    @pytest.fixture(autouse=True)
    def _other(self, check: Aggregation, cluster: Cluster) -> None:
        cluster.header = cluster.saying(header="X-Forwarded-User")
        check.load()

    def test_a_client_cannot_overrule_the_aggregation_layer(
        self, check: Aggregation, front_proxy: PeerCertificate
    ) -> None:
        with pytest.raises(CallerRefused, match="a user other than"):
            check.check(
                caller(front_proxy, path=ADMISSION_PATH, X_FORWARDED_USER=API_SERVER, X_REMOTE_USER="system:dev")
            )

    @pytest.mark.parametrize("header", ["X_FORWARDED_USER", "X_REMOTE_USER"])
    def test_either_alone_is_enough(self, check: Aggregation, front_proxy: PeerCertificate, header: str) -> None:
        check.check(caller(front_proxy, path=ADMISSION_PATH, **{header: API_SERVER}))


class TestAnotherCa:
    def test_a_connection_made_under_a_withdrawn_ca_does_not_count(
        self, check: Aggregation, cluster: Cluster, tmp_path: Path
    ) -> None:
        (tmp_path / "next").mkdir()
        following = authority(tmp_path / "next")
        cluster.header = cluster.saying(cluster.front_proxy, following)
        check.load()
        both = certificate(check.authorities, "front-proxy-client")
        admission = {"path": ADMISSION_PATH, "X_REMOTE_USER": API_SERVER}
        check.check(caller(both, **admission))
        cluster.header = cluster.saying(following)
        check.load()
        with pytest.raises(CallerRefused, match="no longer counts"):
            check.check(caller(both, **admission))

    def test_a_connection_made_before_a_ca_was_added_goes_on(
        self, check: Aggregation, cluster: Cluster, front_proxy: PeerCertificate
    ) -> None:
        cluster.header = cluster.saying(cluster.front_proxy, cluster.client_ca)
        check.load()
        check.check(caller(front_proxy, path=ADMISSION_PATH, X_REMOTE_USER=API_SERVER))


@pytest.mark.parametrize(
    "error",
    [
        KubernetesUnavailable("did not answer"),
        KubernetesError("reading ConfigMap kube-system/extension-apiserver-authentication", 403),
        RequestHeaderError("requestheader-client-ca-file", "is missing"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_why_it_cannot_be_read_is_told(error: Exception) -> None:
    def read(timeout_seconds: float) -> RequestHeader:
        raise error

    with pytest.raises(ProofUnreadable, match=str(error).replace("(", r"\(").replace(")", r"\)")):
        Aggregation(read).load()


def test_a_ca_that_is_none_is_told(check: Aggregation, cluster: Cluster, front_proxy: PeerCertificate) -> None:
    cluster.header = RequestHeader("no PEM", frozenset(), ("X-Remote-User",), "")
    with pytest.raises(ProofUnreadable, match="requestheader-client-ca-file holds no certificates"):
        check.load()
    check.check(caller(front_proxy, path=ADMISSION_PATH, X_REMOTE_USER=API_SERVER))


def test_a_connection_is_known_by_its_certificate(
    cluster: Cluster, check: Aggregation, front_proxy: PeerCertificate
) -> None:
    assert check.knows(front_proxy)
    assert not check.knows(certificate(authorities(cluster.front_proxy), "another"))
    assert not check.knows(certificate(authorities(cluster.client_ca), "front-proxy-client"))
    assert not Aggregation(cluster.read).knows(front_proxy)


COMMENT = "Zertifizierungsstelle für 日本"


@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_text_in_any_language_around_the_certificates_is_no_matter(
    check: Aggregation, cluster: Cluster, front_proxy: PeerCertificate, place: str
) -> None:
    """RFC 7468 allows it, and whoever edits the ConfigMap by hand writes it."""
    pem, other = (one.pem.decode() for one in (cluster.front_proxy, cluster.client_ca))
    text = {
        "before": f"# {COMMENT}\n{pem}{other}",
        "between": f"{pem}# {COMMENT}\n{other}",
        "after": f"{pem}{other}# {COMMENT}\n",
    }[place]
    cluster.header = RequestHeader(text, frozenset({"front-proxy-client"}), ("X-Remote-User",), "")
    check.load()
    assert check.authorities.certificates == authorities(cluster.front_proxy, cluster.client_ca).certificates
    # OpenSSL takes them for the handshake too.
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=check.authorities.pem)
    check.check(caller(front_proxy, path=ADMISSION_PATH, X_REMOTE_USER=API_SERVER))


def test_a_certificate_with_something_else_inside_is_none(check: Aggregation, cluster: Cluster) -> None:
    broken = cluster.front_proxy.pem.decode().replace("M", "ü", 1)
    cluster.header = RequestHeader(broken, frozenset({"front-proxy-client"}), ("X-Remote-User",), "")
    with pytest.raises(ProofUnreadable, match="holds no certificates in PEM"):
        check.load()
