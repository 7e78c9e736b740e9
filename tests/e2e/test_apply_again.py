"""What the cluster keeps, who owns it, and what a second apply does."""

import json

import pytest

from testbed import Testbed
from testbed.keyhole.installation import Webhook
from testbed.keyhole.tenants import add_tenant
from tests.e2e.cluster import Cluster, owners_of_data
from tests.e2e.objects import encoded, filled, secret
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.e2e.traffic import Traffic

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class TestWhoOwnsWhat:
    def test_no_field_manager_owns_a_value_in_the_annotation_form(self, cluster: Cluster, plant: Planter) -> None:
        plant.secret("owned")
        manifest = filled("owned", password="vault:secret/e2e/owned#password")
        for _ in range(2):
            cluster.apply(manifest, server_side=True)
            stored = cluster.get("owned")
            assert owners_of_data(stored) == []
            assert "password" in stored["data"]

    def test_the_applier_alone_owns_a_field_with_a_reference_in_place(self, cluster: Cluster, plant: Planter) -> None:
        plant.secret("owned-in-place")
        data = {"password": encoded("vault:secret/e2e/owned-in-place#password"), "plain": encoded("text")}
        for _ in range(2):
            cluster.apply(secret("owned-in-place", data=data), server_side=True)
            assert owners_of_data(cluster.get("owned-in-place")) == ["kubectl"]

    def test_last_applied_configuration_holds_the_reference_only(self, cluster: Cluster, plant: Planter) -> None:
        value = plant.secret("last-applied")["password"]
        reference = "vault:secret/e2e/last-applied#password"
        for _ in range(2):
            cluster.apply(
                secret("last-applied", {"data.keyhole.dev/a": reference}, stringData={"b": reference}),
            )
            stored = cluster.get("last-applied")
            last_applied = stored["metadata"]["annotations"][_LAST_APPLIED]
            assert reference in last_applied
            assert cluster.values("last-applied") == {"a": value, "b": value}
            assert "CANARY" not in json.dumps(stored["metadata"])


class TestAgain:
    @pytest.mark.parametrize("server_side", [False, True], ids=["client-side apply", "server-side apply"])
    @pytest.mark.parametrize("form", ["annotation", "in place"])
    def test_a_rotated_value_comes_with_the_next_apply(
        self, cluster: Cluster, plant: Planter, form: str, *, server_side: bool
    ) -> None:
        name = f"rotated-{form.replace(' ', '-')}-{str(server_side).lower()}"
        # Of a connection that keeps nothing without asking.
        reference = f"vault+always:secret/e2e/{name}#password"
        in_place = secret(name, data={"password": encoded(reference)})
        manifest = in_place if form == "in place" else filled(name, password=reference)
        for change in range(2):
            values = plant.secret(name)
            if form == "annotation" and not server_side:
                # Client-side apply sends nothing when nothing changed in the manifest.
                manifest["metadata"]["labels"] = {"change": str(change)}
            cluster.apply(manifest, server_side=server_side)
            assert cluster.values(name) == values

    def test_an_unchanged_re_apply_changes_nothing_in_the_cluster(self, cluster: Cluster, plant: Planter) -> None:
        plant.secret("unchanged", "a", "b")
        reference = "vault:secret/e2e/unchanged"
        manifest = secret(
            "unchanged", {"data.keyhole.dev/a": f"{reference}#a"}, data={"b": encoded(f"{reference}#b"), "c": "eA=="}
        )
        cluster.apply(manifest, server_side=True)
        before = cluster.get("unchanged")["metadata"]["resourceVersion"]
        cluster.apply(manifest, server_side=True)
        assert cluster.get("unchanged")["metadata"]["resourceVersion"] == before

    def test_a_value_resolved_in_place_survives_an_edit_of_something_else(
        self, cluster: Cluster, plant: Planter, testbed: Testbed
    ) -> None:
        values = plant.secret("edited")
        data = {"password": encoded("vault:secret/e2e/edited#password")}
        cluster.apply(secret("edited", data=data))
        traffic = Traffic(testbed)
        cluster.kubectl("label", "secret", "edited", "team=a")
        assert cluster.values("edited") == values
        assert traffic.vault_requests() == []

    def test_an_immutable_secret_is_applied_again_without_asking_vault(
        self, cluster: Cluster, plant: Planter, testbed: Testbed
    ) -> None:
        values = plant.secret("immutable", "a", "b")
        reference = "vault:secret/e2e/immutable"
        data = {"b": encoded(f"{reference}#b")}
        manifest = secret("immutable", {"data.keyhole.dev/a": f"{reference}#a"}, data=data, immutable=True)
        cluster.apply(manifest, server_side=True)
        plant.secret("immutable", "a", "b")
        traffic = Traffic(testbed)
        cluster.apply(manifest, server_side=True)
        assert cluster.values("immutable") == values
        assert traffic.vault_requests() == []

    @pytest.mark.parametrize("server_side", [False, True], ids=["client-side apply", "server-side apply"])
    def test_another_reference_of_an_immutable_secret_is_refused_as_other_data_is(
        self, cluster: Cluster, plant: Planter, *, server_side: bool
    ) -> None:
        name = f"immutable-changed-{str(server_side).lower()}"
        values = plant.secret(name)
        plant.secret(name)
        reference = f"vault:secret/e2e/{name}#password"
        cluster.apply({**filled(name, password=f"{reference}#1"), "immutable": True}, server_side=server_side)
        before = cluster.get(name)
        for changed in (filled(name, password=f"{reference}#2"), secret(name)):
            refused = cluster.apply({**changed, "immutable": True}, server_side=server_side, check=False)
            assert refused.returncode == 1
            assert "the Secret is immutable: delete it first" in refused.stderr
            assert cluster.get(name) == before
        assert cluster.values(name) == values

    def test_a_finalizer_comes_off_an_object_whose_references_no_longer_resolve(
        self, cluster: Cluster, plant: Planter, testbed: Testbed
    ) -> None:
        values = plant.secret("deleted")
        manifest = filled("deleted", password="vault:secret/e2e/deleted#password")
        manifest["metadata"]["finalizers"] = ["example.com/kept"]
        cluster.apply(manifest)
        testbed.vault.client().secrets.kv.v2.delete_metadata_and_all_versions("e2e/deleted")
        cluster.kubectl("delete", "secret", "deleted", "--wait=false")
        traffic = Traffic(testbed)
        cluster.kubectl("label", "secret", "deleted", "still=here")
        assert cluster.values("deleted") == values
        cluster.kubectl(
            "patch", "secret", "deleted", "--type=json", '-p=[{"op":"remove","path":"/metadata/finalizers"}]'
        )
        assert not cluster.exists("deleted")
        assert traffic.vault_requests() == []


class TestStoredBefore:
    """What was stored before the namespace opted in, and looks like a reference."""

    def test_it_is_no_reason_to_refuse_a_change_of_something_else(
        self, testbed: Testbed, places: Places, webhook: Webhook, plant: Planter
    ) -> None:
        add_tenant(testbed, "e2e-before", ["secret/data/e2e/*"], enabled=False)
        there = Cluster(testbed, places, "e2e-before")
        texts = {
            "cipher": "vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf7w==",
            "spring": "vault://secret/my-app",
            "denied": "vault:secret/another/path#password",
        }
        values = plant.secret("stored-before")
        there.apply(secret("old", stringData=texts))
        there.apply(secret("reference", stringData={"password": "vault:secret/e2e/stored-before#password"}))
        testbed.kubectl("label", "namespace", there.namespace, "keyhole.dev/enabled=true")
        new = secret("new", stringData=texts)
        eventually(lambda: not there.create(new, dry_run=True).ok, "the API server knows of the label")
        told = there.kubectl("label", "secret", "old", "a=b").stderr
        assert "data.cipher did not change, so it stays as it is" in told
        assert "keyhole.dev/ignore: cipher" in told
        assert "data.denied stays an unresolved reference: PermissionDenied" in told
        there.kubectl("patch", "secret", "old", '-p={"metadata":{"finalizers":["example.com/kept"]}}')
        there.kubectl("patch", "secret", "old", '-p={"metadata":{"finalizers":[]}}')
        assert there.values("old") == texts
        # What can be resolved is.
        there.kubectl("label", "secret", "reference", "a=b")
        assert there.values("reference") == values
        # And what is new is refused, and says what to do.
        refused = there.create(new)
        assert refused.status_code == 403
        assert "keyhole.dev/ignore: cipher" in refused.json()["message"]
        there.apply(secret("new", {"keyhole.dev/ignore": "cipher, spring, denied"}, stringData=texts))
