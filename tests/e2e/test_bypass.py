"""The policy behind the webhook: nobody asked the webhook, and what it would have changed is not stored as it is.

Records are written by hand here: the policy looks for a key's pointer in them, and cannot check a MAC.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from manifests.registration.warning_policies import BEFORE
from manifests.registration.webhook_configuration import OWN_NAMESPACE
from testbed import Options, Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import serving
from testbed.keyhole.objects import apply
from testbed.keyhole.registration import guarded, registered
from testbed.keyhole.tenants import add_tenant
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.objects import Manifest, encoded, secret
from tests.e2e.other_webhook import ASKED, REFERS, labelling_webhook
from tests.e2e.places import Places

REF = "vault:secret/e2e/app#password"
VALUE = "the-value-that-nobody-may-see"
MIB = 1024 * 1024
IN, OUT = "opted-in", "opted-out"
UNRESOLVED = (
    "data.key is an unresolved reference (if it is not one, say so with the annotation keyhole.dev/ignore: key): "
)


def record(*keys: str) -> str:
    entry = {"form": "annotation", "mac": "m" * 43, "ref": REF, "versions": [1]}
    document = {"v": 1, "key": "01234567", "fields": {f"/data/{key}": entry for key in keys}}
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def annotated(*recorded: str, **data: str) -> Manifest:
    notes = {"data.keyhole.dev/key": REF, **({"keyhole.dev/record": record(*recorded)} if recorded else {})}
    return _with_data("annotated", notes, data)


def mapped(*recorded: str, fields: str = f"/data/key: {REF}", **data: str) -> Manifest:
    notes = {"keyhole.dev/fields": fields, **({"keyhole.dev/record": record(*recorded)} if recorded else {})}
    return _with_data("mapped", notes, data)


def in_place(text: str, **annotations: str) -> Manifest:
    notes = {f"keyhole.dev/{name}": value for name, value in annotations.items()}
    return _with_data("in-place", notes, {"key": text, "plain": VALUE})


def whole(**annotations: str) -> Manifest:
    return in_place(VALUE, **{"from": "secret/e2e/app", **annotations})


def rendered(file: str, notes: Mapping[str, str] | None = None, *, source: str = "", **data: str) -> Manifest:
    """Return a Secret with a file that is rendered, and the text that it is rendered from."""
    notes = notes or {f"data.keyhole.dev/{file}": f"key:{source}"}
    return _with_data("rendered", {**notes, "keyhole.dev/record": record(file)}, {file: VALUE, **data})


def docker(**credentials: str) -> Manifest:
    return secret("in-place", data={".dockerconfigjson": encoded(json.dumps({"auths": {"r": credentials}}))})


def legacy_docker(**credentials: str) -> Manifest:
    return secret(
        "in-place", type="kubernetes.io/dockercfg", data={".dockercfg": encoded(json.dumps({"r": credentials}))}
    )


def _with_data(name: str, notes: Mapping[str, str], data: Mapping[str, str]) -> Manifest:
    return secret(name, notes, data={key: encoded(text) for key, text in data.items()})


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Return a testbed of its own, without a webhook."""
    with Testbed(Options(directory=tmp_path_factory.mktemp("bypassed").resolve())) as bed:
        yield bed


@pytest.fixture(scope="module")
def kept(canary: Canary) -> Places:
    return Places(canary)


def _namespace(bed: Testbed, places: Places, name: str, labels: Mapping[str, str]) -> Cluster:
    apply(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    return Cluster(bed, places, name)


@pytest.fixture(scope="module")
def inside(bed: Testbed, kept: Places) -> Cluster:
    """Return a namespace that opted in."""
    return _namespace(bed, kept, IN, {"keyhole.dev/enabled": "true"})


@pytest.fixture(scope="module")
def outside(bed: Testbed, kept: Places) -> Cluster:
    """Return one that did not."""
    return _namespace(bed, kept, OUT, {})


@pytest.fixture(scope="module")
def _before(inside: Cluster) -> None:
    """Store what was stored before there was a policy."""
    being_deleted = {**annotated(), "metadata": {**annotated()["metadata"], "name": "being-deleted"}}
    being_deleted["metadata"]["finalizers"] = ["example.com/kept"]
    for manifest in (_named("old-annotated", annotated()), _named("old-mapped", mapped()), being_deleted):
        assert inside.create(manifest).ok
    assert inside.create(_named("old-in-place", in_place(REF))).ok
    frozen = {**_named("frozen", annotated(key=VALUE)), "immutable": True}
    del frozen["metadata"]["annotations"]
    assert inside.create(frozen).ok
    inside.kubectl("delete", "secret", "being-deleted", "--wait=false")


@pytest.fixture(scope="class")
def _guarded(bed: Testbed, inside: Cluster, outside: Cluster, _before: None) -> Iterator[None]:
    with guarded(bed):
        yield


def _named(name: str, manifest: Manifest) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "name": name}}


def _refused(answer: Any) -> str:
    """Return what the policy says, less what the API server and the common end of all messages say."""
    # 422, which Kubernetes would answer unless told otherwise, makes `kubectl apply --force` delete the live object.
    assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden")
    message: str = answer.json()["message"]
    assert VALUE not in message
    _, found, told = message.partition(" denied request: NotResolved: ")
    assert found
    told, found, _ = told.partition(
        "Keyhole was not asked about this object; apply it again when its webhook is registered"
    )
    assert found
    return told


@pytest.mark.usefixtures("_guarded")
class TestBypassed:
    @pytest.mark.parametrize(
        ("manifest", "told"),
        [
            pytest.param(annotated(), "annotation data.keyhole.dev/key is not filled: ", id="a key that is not there"),
            pytest.param(
                annotated(key=VALUE), "annotation data.keyhole.dev/key is not filled: ", id="a key without a record"
            ),
            pytest.param(
                annotated("other", key=VALUE),
                "annotation data.keyhole.dev/key is not filled: ",
                id="a key whose record is another's",
            ),
            pytest.param(
                annotated("key"), "annotation data.keyhole.dev/key is not filled: ", id="a record without the key"
            ),
            pytest.param(
                annotated("key.more", "more.key", key=VALUE),
                "annotation data.keyhole.dev/key is not filled: ",
                id="records of keys that hold its name",
            ),
            pytest.param(mapped(), "annotation keyhole.dev/fields, /data/key, is not filled: ", id="a mapped key"),
            pytest.param(
                mapped("key", fields=f"/data/key: {REF}\n\"/data/two\": '{REF}'", key=VALUE, two=VALUE),
                "annotation keyhole.dev/fields, /data/two, is not filled: ",
                id="the second key of a map",
            ),
            pytest.param(whole(), "annotation keyhole.dev/from is not filled: ", id="whole secrets without a record"),
            pytest.param(
                whole(record="{}"), "annotation keyhole.dev/from is not filled: ", id="whole secrets with an empty one"
            ),
            pytest.param(
                _with_data("in-place", {"data.keyhole.dev/other": "key:another"}, {"key": f"(({REF}))"}),
                "annotation data.keyhole.dev/other is not filled: ",
                id="a file that is not rendered",
            ),
            pytest.param(
                rendered("other", source="another", key=f"x(({REF}))"), UNRESOLVED, id="a text beside a file's"
            ),
            pytest.param(in_place(REF), UNRESOLVED, id="a whole value in place"),
            pytest.param(in_place("vault+eu:secret/app#password"), UNRESOLVED, id="a connection's"),
            pytest.param(in_place(f"x(({REF}))"), UNRESOLVED, id="in parentheses, after one byte"),
            pytest.param(in_place(f"xx${{{REF}}}"), UNRESOLVED, id="in braces, after two bytes"),
            pytest.param(in_place("xxx((vault+eu:a/b#c))"), UNRESOLVED, id="a connection's in parentheses"),
            pytest.param(in_place(REF, record=record("other")), UNRESOLVED, id="in place, with another key's record"),
            pytest.param(in_place(REF, ignore="other, plain"), UNRESOLVED, id="in place, where others are ignored"),
            pytest.param(
                docker(password=REF),
                UNRESOLVED.replace("key", ".dockerconfigjson", 1).replace(": key", ": .dockerconfigjson"),
                id="a docker password",
            ),
            pytest.param(
                legacy_docker(password=REF),
                UNRESOLVED.replace("key", ".dockercfg", 1).replace(": key", ": .dockercfg"),
                id="a docker password of the old kind",
            ),
            pytest.param(
                secret("in-place", data={"config.json": docker(password=REF)["data"][".dockerconfigjson"]}),
                UNRESOLVED.replace("key", "config.json", 1).replace(": key", ": config.json"),
                id="a docker password in a config.json",
            ),
        ],
    )
    def test_what_is_not_resolved_is_refused(self, inside: Cluster, manifest: Manifest, told: str) -> None:
        assert _refused(inside.create(manifest)) == told
        assert not inside.exists(manifest["metadata"]["name"])
        assert inside.create(manifest, dry_run=True).ok

    @pytest.mark.parametrize(
        "manifest",
        [
            pytest.param(secret("plain", stringData={"a": VALUE}), id="a plain Secret"),
            pytest.param(secret("plain"), id="a Secret without anything"),
            pytest.param(secret("plain", data={"a": None}), id="a key without a value"),
            pytest.param(annotated("key", key=VALUE), id="a key with its record"),
            pytest.param(annotated("a", "key", "z", key=REF), id="a value that reads as a reference, with its record"),
            pytest.param(mapped("key", key=VALUE), id="a mapped key with its record"),
            pytest.param(
                mapped("key", fields=f"/data/key: |\n  {REF}\n  /data/text: x", key=VALUE),
                id="a text in the map that reads as a key",
            ),
            pytest.param(whole(record=record("key")), id="whole secrets with a record"),
            pytest.param(
                rendered("other", source="key", key=f"x(({REF}))"), id="the text that a file is rendered from"
            ),
            pytest.param(
                rendered("other", {"keyhole.dev/fields": "/data/other: key:key"}, key=f"x(({REF}))"),
                id="the text of a mapped file",
            ),
            pytest.param(in_place(VALUE, record=record("key")), id="a resolved value in place"),
            pytest.param(in_place(REF, record=record("key")), id="in place, with its record"),
            pytest.param(in_place(REF, ignore="true"), id="a reference in an ignored object"),
            pytest.param(in_place(REF, ignore="other, key"), id="a reference in an ignored key"),
            pytest.param(
                in_place("((vault)) ((vault.key)) ((vault-x)) ((vault/x)) ${vault_addr}"), id="other brackets"
            ),
            pytest.param(in_place(f" {REF}"), id="a reference that stands behind other text"),
            pytest.param(docker(username="vault", password=VALUE), id="a docker user named vault"),
            *(
                pytest.param(in_place(text), id=f"{text}, no reference to Keyhole either")
                for text in (
                    "vault+a/b:",
                    "vault+x y:",
                    "vault+x#y:",
                    "vault+",
                    "x((vault+a/b:c#d))",
                    "xx${vault+x y:c#d}",
                )
            ),
            pytest.param(docker(username="vault+a/b:c", password=VALUE), id="a docker user named vault+a/b:c"),
        ],
    )
    def test_what_is_resolved_or_no_reference_passes(self, inside: Cluster, manifest: Manifest) -> None:
        assert inside.create(manifest).status_code == 201
        inside.delete(manifest["metadata"]["name"])

    def test_a_reference_in_place_passes_where_nobody_opted_in_and_an_annotation_does_not(
        self, outside: Cluster
    ) -> None:
        assert outside.create(in_place(REF)).status_code == 201
        assert _refused(outside.create(annotated(key=VALUE)))

    @pytest.mark.parametrize("namespace", ["kube-system", "kube-public", OWN_NAMESPACE])
    def test_the_cluster_and_keyhole_themselves_are_left_alone_and_warned(
        self, bed: Testbed, kept: Places, namespace: str
    ) -> None:
        cluster = _namespace(bed, kept, namespace, {"keyhole.dev/enabled": "true"})
        nothing = f"is not read: Keyhole fills nothing in namespace {namespace}"
        for manifest, what in (
            (annotated(), "annotation data.keyhole.dev/key"),
            (mapped(), "annotation keyhole.dev/fields"),
            (in_place(REF), "data.key"),
        ):
            for dry_run in (True, False):
                created = cluster.create(manifest, dry_run=dry_run)
                assert created.status_code == 201
                assert f"{what} {nothing}" in created.headers["Warning"]
            cluster.delete(manifest["metadata"]["name"])
        assert "Warning" not in cluster.create(secret("plain", {"keyhole.dev/ignore": "true"})).headers

    @pytest.mark.parametrize("before", BEFORE)
    @pytest.mark.parametrize("reference", [REF, "vault+eu:secret/app#password"])
    def test_what_stands_before_a_reference_is_warned_of(
        self, inside: Cluster, outside: Cluster, before: str, reference: str
    ) -> None:
        created = inside.create(in_place(f"{before}{reference}"), dry_run=True)
        assert created.status_code == 201
        assert "data.key stays as it is: there is something in front of its reference" in created.headers["Warning"]
        assert "keyhole.dev/ignore: key)" in created.headers["Warning"]
        assert "Warning" not in inside.create(in_place(f"{before}{reference}", ignore="key"), dry_run=True).headers
        assert "Warning" not in outside.create(in_place(f"{before}{reference}"), dry_run=True).headers

    def test_so_is_one_that_is_a_string_in_json_which_nobody_takes_apart(self, inside: Cluster) -> None:
        manifest = secret("json", data={"auth.json": docker(password=REF)["data"][".dockerconfigjson"]})
        created = inside.create(manifest)
        assert created.status_code == 201
        assert "data.auth.json stays as it is: a string in it looks like a reference" in created.headers["Warning"]
        # What did not change needs no words.
        assert "Warning" not in inside.kubectl("label", "secret", "json", "a=b").stderr

    @pytest.mark.parametrize("text", [" vault", "the vault: x", '"vault"', "  ", "'vault-x"])
    def test_other_texts_are_not(self, inside: Cluster, text: str) -> None:
        assert "Warning" not in inside.create(in_place(text), dry_run=True).headers

    @pytest.mark.parametrize("name", ["old-annotated", "old-mapped", "old-in-place"])
    def test_what_did_not_change_passes(self, inside: Cluster, name: str) -> None:
        inside.kubectl("label", "--overwrite", "secret", name, "example.com/a=b")
        inside.kubectl("annotate", "--overwrite", "secret", name, "example.com/a=b")

    @pytest.mark.parametrize(
        ("name", "changed"),
        [
            ("old-annotated", secret("old-annotated", {"data.keyhole.dev/key": f"{REF}#2"})),
            ("old-mapped", secret("old-mapped", {"keyhole.dev/fields": f"/data/key: {REF}#2"})),
            ("old-in-place", _named("old-in-place", in_place(f"{REF}#2"))),
        ],
    )
    def test_what_changed_does_not(self, inside: Cluster, name: str, changed: Manifest) -> None:
        before = inside.get(name)
        assert _refused(inside.replace(changed))
        assert inside.get(name) == before

    def test_a_key_that_is_taken_away_from_its_annotation_is_missed(self, inside: Cluster) -> None:
        assert inside.create(_named("emptied", annotated("key", key=VALUE))).ok
        assert _refused(inside.replace(_named("emptied", annotated("key"))))

    def test_nothing_is_demanded_of_what_cannot_be_filled_any_more(self, inside: Cluster) -> None:
        changed = {**_named("frozen", annotated(key=VALUE)), "immutable": True}
        assert inside.replace(changed).status_code == 200

    def test_a_finalizer_comes_off_an_object_that_is_being_deleted(self, inside: Cluster) -> None:
        patch = '-p=[{"op":"remove","path":"/metadata/finalizers"}]'
        inside.kubectl("patch", "secret", "being-deleted", "--type=json", patch)
        assert not inside.exists("being-deleted")

    def test_an_object_that_is_given_a_name_needs_the_key_and_no_record_yet(self, inside: Cluster) -> None:
        with_key, without = annotated(key=VALUE), annotated()
        for manifest in (with_key, without):
            del manifest["metadata"]["name"]
            manifest["metadata"]["generateName"] = "made-up-"
        assert inside.create(with_key).status_code == 201
        assert _refused(inside.create(without))


@pytest.mark.usefixtures("_guarded")
class TestCost:
    """What costs too much is refused, so that the largest objects there can be must not."""

    @pytest.mark.parametrize("keys", [1, 5000])
    def test_a_full_secret_passes(self, inside: Cluster, keys: int) -> None:
        data = {f"key-{number:05}": encoded(b"\1" * (MIB // keys)) for number in range(keys)}
        inside.kubectl("create", "-f", "-", text=json.dumps(secret("full", data=data)))
        inside.kubectl("label", "secret", "full", "example.com/a=b")
        inside.delete("full")

    def test_a_full_secret_that_begins_like_references_behind_blanks_passes(self, inside: Cluster) -> None:
        data = {f"key-{number:05}": encoded(b" vault:".ljust(MIB // 1000, b"x")) for number in range(1000)}
        inside.kubectl("create", "-f", "-", text=json.dumps(secret("behind", data=data)))
        inside.delete("behind")

    def test_the_last_of_a_thousand_references_is_missed_and_all_of_them_pass(self, inside: Cluster) -> None:
        keys = [f"key-{number:04}" for number in range(1000)]
        notes = {f"data.keyhole.dev/{key}": REF for key in keys}
        data = {key: encoded(VALUE) for key in keys}
        whole = secret("thousand", {**notes, "keyhole.dev/record": record(*keys)}, data=data)
        short = secret("thousand", {**notes, "keyhole.dev/record": record(*keys[:-1])}, data=data)
        assert _refused(inside.create(short)) == "annotation data.keyhole.dev/key-0999 is not filled: "
        assert inside.create(whole).status_code == 201

    def test_a_large_text_that_may_hold_a_reference_passes_unjudged(self, inside: Cluster) -> None:
        assert inside.create(_named("judged", in_place(f"(({REF}))" + "x" * 100_000))).status_code == 403
        for text in (f"(({REF}))", "((vault.key))"):
            manifest = _named("unjudged", in_place(text + "x" * (MIB - 1000)))
            inside.kubectl("create", "-f", "-", text=json.dumps(manifest))
            inside.delete("unjudged")


@pytest.fixture(scope="class")
def tenant(bed: Testbed, kept: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return a namespace with the webhook, the policy behind it, and another webhook after it."""
    add_tenant(bed, "tenant", ["secret/data/e2e/*"])
    directory = tmp_path_factory.mktemp("beside")
    connections = write_connections(bed, directory / "connections.yaml")
    with (
        serving(bed, directory, connections) as webhook,
        registered(bed, webhook, policy=True),
        labelling_webhook(bed, directory / "other"),
    ):
        yield Cluster(bed, kept, "tenant")


class TestBesideAnotherWebhook:
    def test_a_reference_that_it_adds_to_an_object_that_keyhole_was_not_asked_about_is_not_stored(
        self, tenant: Cluster
    ) -> None:
        # Kubernetes asks anew whom it asked before, and nobody else.
        manifest = secret("late", {REFERS: f"late={REF}"}, stringData={"a": "b"})
        manifest["metadata"]["labels"] = {ASKED: "yes"}
        assert _refused(tenant.create(manifest)) == "annotation data.keyhole.dev/late is not filled: "
        assert not tenant.exists("late")
