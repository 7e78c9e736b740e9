"""Which objects the API server sends to the webhook, by its own evaluation of the conditions and by its own counts."""

import json
from collections.abc import Iterator, Mapping, Sequence

import pytest

from certs.issue import issue_ca
from manifests.fields.docker_config import DOCKER_CONFIGS
from manifests.registration.webhook_configuration import OWN_NAMESPACE, webhook_configuration
from testbed import Options, Testbed
from testbed.keyhole.installation import Webhook
from testbed.keyhole.objects import apply
from testbed.keyhole.registration import withdraw
from testbed.servers.ports import free_port
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.objects import Manifest, encoded, filled, secret
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.e2e.traffic import Traffic

REF = "vault:secret/e2e/app#password"
MIB = 1024 * 1024
IN, OUT = "opted-in", "opted-out"
# What the API server says when a webhook was to be asked and was not there.
ASKED = "failed calling webhook"


def config(**credentials: str) -> str:
    return encoded(json.dumps({"auths": {"registry.example": credentials}}))


def docker(**credentials: str) -> Manifest:
    data = {".dockerconfigjson": config(**credentials)}
    return secret("docker", type="kubernetes.io/dockerconfigjson", data=data)


def legacy_docker(**credentials: str) -> Manifest:
    text = json.dumps({"registry.example": credentials})
    return secret("docker", type="kubernetes.io/dockercfg", data={".dockercfg": encoded(text)})


def in_place(text: str) -> Manifest:
    return secret("in-place", data={"plain": encoded("text"), "key": encoded(text)})


def full(keys: int, **more: str) -> Manifest:
    """Return a Secret as large as a Secret can be."""
    room = MIB - sum(map(len, more.values()))
    data = {f"key-{number:05}": encoded(b"\1" * (room // keys)) for number in range(keys)}
    return secret("full", data={**data, **{key: encoded(text) for key, text in more.items()}})


PLAIN = {
    "a plain Secret": secret("plain", stringData={"a": "b"}),
    "no data": secret("plain"),
    "a key without a value": secret("plain", data={"a": None, "b": encoded("c")}),
    "the word vault": in_place("https://vault.example:8200 ${VAULT_ADDR} vault."),
    "a reference that stands behind other text": in_place(f" {REF}"),
    "a reference in somebody else's annotation": secret("plain", {"example.com/password": REF}),
    "the opt-in label on a Secret": {
        **secret("plain", stringData={"a": "b"}),
        "metadata": {"name": "plain", "labels": {"keyhole.dev/enabled": "true"}},
    },
    "a docker pull Secret": docker(username="vault", password="hello", auth=encoded("vault:hello")),
    "a docker pull Secret of the old kind": legacy_docker(username="me", auth=encoded("vault:hello")),
    "a config.json": secret("kaniko", data={"config.json": config(username="vault", auth=encoded("vault:hello"))}),
    "bytes": secret("plain", data={"a": encoded(bytes(range(256)))}),
}
REFERRING_IN_PLACE = {
    "a whole value": in_place(REF),
    "a connection's whole value": in_place("vault+eu:secret/app#password"),
    "beside a key without a value": secret("in-place", data={"a": None, "b": encoded(REF)}),
    **{f"in parentheses, {before} bytes before": in_place("x" * before + f"(({REF}))") for before in range(3)},
    **{f"in braces, {before} bytes before": in_place("x" * before + f"${{{REF}}}") for before in range(3)},
    "a docker password": docker(username="me", password=REF),
    "a docker password of a connection, with + escaped": {
        **docker(),
        "data": {".dockerconfigjson": encoded(r'{"auths": {"r": {"password": "vault\u002Beu:secret/app#password"}}}')},
    },
    "a docker password in auth alone": docker(auth=encoded(f"me:{REF}")),
    "in a docker password in auth alone": docker(auth=encoded(f"someone:x(({REF}))")),
    "a docker password of the old kind": legacy_docker(username="me", password=REF),
    "a docker password of the old kind, in auth alone": legacy_docker(auth=encoded(f"me:{REF}")),
    "a docker password in a config.json": secret("kaniko", data={"config.json": config(password=REF)}),
    "in auth alone in a config.json": secret("kaniko", data={"config.json": config(auth=encoded(f"me:{REF}"))}),
}
ANNOTATED = {
    "a reference in an annotation": filled("annotated", password=REF),
    "a map of fields": secret("annotated", {"keyhole.dev/fields": f"/data/password: {REF}"}),
    "a record": secret("annotated", {"keyhole.dev/record": "{}"}),
    "a request for a refresh": secret("annotated", {"keyhole.dev/refresh": "now"}),
    "one that means nothing": secret("annotated", {"date.keyhole.dev/password": REF}),
}


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Return a testbed of its own: here nobody answers the API server."""
    with Testbed(Options(directory=tmp_path_factory.mktemp("unanswered").resolve())) as bed:
        yield bed


@pytest.fixture(scope="module")
def kept(canary: Canary) -> Places:
    return Places(canary)


@pytest.fixture(scope="module")
def inside(bed: Testbed, kept: Places) -> Cluster:
    """Return a namespace that opted in."""
    return _namespace(bed, kept, IN, {"keyhole.dev/enabled": "true"})


@pytest.fixture(scope="module")
def outside(bed: Testbed, kept: Places) -> Cluster:
    """Return one that did not."""
    return _namespace(bed, kept, OUT, {})


def _namespace(bed: Testbed, places: Places, name: str, labels: Mapping[str, str]) -> Cluster:
    apply(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    return Cluster(bed, places, name)


@pytest.fixture(scope="module")
def _stopped(bed: Testbed, inside: Cluster, outside: Cluster) -> Iterator[None]:
    """Register a webhook that does not answer, when what is to be there already is there."""
    being_deleted = filled("being-deleted", password=REF)
    being_deleted["metadata"]["finalizers"] = ["example.com/kept"]
    inside.apply(filled("live", password=REF), secret("recorded", {"keyhole.dev/record": "{}"}), being_deleted)
    inside.kubectl("delete", "secret", "being-deleted", "--wait=false")
    url = f"https://127.0.0.1:{free_port()}/mutate"
    configuration = webhook_configuration(url, issue_ca().certificate_pem)
    apply(bed, configuration)
    for cluster, manifest in ((inside, in_place(REF)), (outside, filled("probe", password=REF))):
        eventually(lambda: ASKED in cluster.create(manifest, dry_run=True).text, "the webhook is registered")  # noqa: B023
    yield
    withdraw(bed, configuration)


@pytest.mark.usefixtures("_stopped")
class TestStopped:
    """The webhook does not answer: what is sent is refused, and what is not is applied as if there were none."""

    @pytest.mark.parametrize("manifest", PLAIN.values(), ids=PLAIN)
    @pytest.mark.parametrize("namespace", [IN, OUT])
    def test_what_holds_no_reference_is_applied(
        self, bed: Testbed, kept: Places, namespace: str, manifest: Manifest
    ) -> None:
        cluster = Cluster(bed, kept, namespace)
        cluster.apply(manifest)
        cluster.apply(manifest, server_side=True)
        cluster.kubectl("label", "secret", manifest["metadata"]["name"], "example.com/a=b")
        cluster.delete(manifest["metadata"]["name"])

    @pytest.mark.parametrize(
        "manifest", [*REFERRING_IN_PLACE.values(), *ANNOTATED.values()], ids=[*REFERRING_IN_PLACE, *ANNOTATED]
    )
    def test_what_holds_a_reference_is_refused_and_not_stored(self, inside: Cluster, manifest: Manifest) -> None:
        for dry_run in (True, False):
            refused = inside.create(manifest, dry_run=dry_run)
            assert refused.status_code == 500
            assert ASKED in refused.text
        assert not inside.exists(manifest["metadata"]["name"])

    @pytest.mark.parametrize("manifest", ANNOTATED.values(), ids=ANNOTATED)
    def test_an_annotation_is_looked_at_in_every_namespace(self, outside: Cluster, manifest: Manifest) -> None:
        assert ASKED in outside.create(manifest).text
        assert not outside.exists(manifest["metadata"]["name"])

    @pytest.mark.parametrize("manifest", REFERRING_IN_PLACE.values(), ids=REFERRING_IN_PLACE)
    def test_a_reference_in_place_is_left_alone_where_nobody_opted_in(
        self, outside: Cluster, manifest: Manifest
    ) -> None:
        assert outside.create(manifest).status_code == 201
        stored = outside.get(manifest["metadata"]["name"])["data"]
        assert {key: value or None for key, value in stored.items()} == manifest["data"]
        outside.delete(manifest["metadata"]["name"])

    @pytest.mark.parametrize("name", ["live", "recorded"])
    def test_what_removes_the_last_annotation_is_sent(self, inside: Cluster, name: str) -> None:
        assert ASKED in inside.replace(secret(name, data={"password": encoded("mine")})).text
        removals = ("data.keyhole.dev/password-", "keyhole.dev/record-")
        assert ASKED in inside.kubectl("annotate", "secret", name, *removals, check=False).stderr
        assert "annotations" in inside.get(name)["metadata"]

    def test_an_object_that_is_being_deleted_is_not_sent(self, inside: Cluster) -> None:
        patch = '-p=[{"op":"remove","path":"/metadata/finalizers"}]'
        inside.kubectl("patch", "secret", "being-deleted", "--type=json", patch)
        assert not inside.exists("being-deleted")

    @pytest.mark.parametrize("namespace", ["kube-system", OWN_NAMESPACE])
    def test_the_cluster_and_keyhole_themselves_do_not_need_it(
        self, bed: Testbed, kept: Places, namespace: str
    ) -> None:
        cluster = _namespace(bed, kept, namespace, {"keyhole.dev/enabled": "true"})
        for manifest in (filled("annotated", password=REF), in_place(REF)):
            cluster.apply(manifest)

    @pytest.mark.parametrize("namespace", [IN, OUT])
    @pytest.mark.parametrize("keys", [1, 5000])
    def test_a_full_secret_without_a_reference_is_applied(
        self, bed: Testbed, kept: Places, namespace: str, keys: int
    ) -> None:
        cluster = Cluster(bed, kept, namespace)
        cluster.kubectl("create", "-f", "-", text=json.dumps(full(keys)))
        cluster.kubectl("label", "secret", "full", "example.com/a=b")
        cluster.delete("full")

    @pytest.mark.parametrize("names", [DOCKER_CONFIGS[:1], DOCKER_CONFIGS], ids=["one", "three together"])
    def test_so_is_one_with_the_longest_docker_configuration_that_is_searched(
        self, inside: Cluster, names: Sequence[str]
    ) -> None:
        text = json.dumps({"auths": {}, "rest": "x" * (6000 // len(names))})
        inside.kubectl("create", "-f", "-", text=json.dumps(full(5000, **dict.fromkeys(names, text))))
        inside.delete("full")

    @pytest.mark.parametrize("keys", [1, 5000])
    @pytest.mark.parametrize("text", [REF, f"x(({REF}))"], ids=["whole", "inline"])
    def test_a_reference_in_the_last_key_of_a_full_secret_is_seen(self, inside: Cluster, keys: int, text: str) -> None:
        refused = inside.kubectl("create", "-f", "-", text=json.dumps(full(keys, last=text)), check=False)
        assert ASKED in refused.stderr

    def test_a_long_docker_configuration_is_sent_unsearched(self, inside: Cluster) -> None:
        assert ASKED in inside.create(docker(password="x" * 8192)).text
        assert ASKED in inside.create(secret("kaniko", data={"config.json": config(password="x" * 8192)})).text


class TestRunning:
    """The webhook answers, and the API server notes how often it asked."""

    @pytest.mark.parametrize("manifest", PLAIN.values(), ids=PLAIN)
    def test_nobody_asks_about_what_holds_no_reference(
        self, testbed: Testbed, cluster: Cluster, manifest: Manifest
    ) -> None:
        traffic = Traffic(testbed)
        cluster.apply(manifest)
        cluster.apply(manifest, dry_run=True)
        cluster.delete(manifest["metadata"]["name"])
        assert traffic.questions(cluster.namespace) == 0

    @pytest.mark.parametrize("dry_run", [False, True], ids=["really", "in a dry run"])
    def test_what_holds_both_forms_is_sent_once(
        self, testbed: Testbed, cluster: Cluster, plant: Planter, *, dry_run: bool
    ) -> None:
        values = plant.secret("sent-once", "a", "b")
        reference = "vault:secret/e2e/sent-once"
        manifest = secret("sent-once", {"data.keyhole.dev/a": f"{reference}#a"}, data={"b": encoded(f"{reference}#b")})
        traffic = Traffic(testbed)
        assert cluster.create(manifest, dry_run=dry_run).status_code == 201
        assert traffic.questions(cluster.namespace) == 1
        if not dry_run:
            assert cluster.values("sent-once") == values
            cluster.delete("sent-once")

    def test_a_reference_in_place_is_none_of_ours_where_nobody_opted_in(
        self, testbed: Testbed, webhook: Webhook, places: Places
    ) -> None:
        there = _namespace(testbed, places, "sent-nowhere", {})
        traffic = Traffic(testbed)
        there.apply(in_place(REF))
        assert there.values("in-place")["key"] == REF
        assert traffic.questions("sent-nowhere") == 0

    def test_what_removes_an_annotation_is_sent(self, testbed: Testbed, cluster: Cluster, plant: Planter) -> None:
        plant.secret("removed")
        cluster.apply(filled("removed", password="vault:secret/e2e/removed#password"))
        traffic = Traffic(testbed)
        cluster.kubectl("replace", "-f", "-", text=json.dumps(secret("removed", stringData={"password": "mine"})))
        assert traffic.questions(cluster.namespace) == 1
        assert cluster.values("removed") == {"password": "mine"}
        cluster.kubectl("label", "secret", "removed", "example.com/a=b")
        assert traffic.questions(cluster.namespace) == 1

    @pytest.mark.parametrize("keys", [1, 5000])
    def test_a_reference_in_the_last_key_of_a_full_secret_is_resolved(
        self, cluster: Cluster, plant: Planter, keys: int
    ) -> None:
        value = plant.secret("full")["password"]
        manifest = full(keys, room_for_the_value=" " * 1000, last="<((vault:secret/e2e/full#password))>")
        del manifest["data"]["room_for_the_value"]
        cluster.kubectl("create", "-f", "-", text=json.dumps(manifest))
        assert cluster.values("full")["last"] == f"<{value}>"
        cluster.delete("full")
