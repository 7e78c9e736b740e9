"""Objects that Keyhole filled before: what GitOps controllers do to them every few minutes, and what people do."""

import contextlib
import json
from collections.abc import Iterator

import pytest

from manifests.kinds.codec import MARKER
from testbed import Testbed
from testbed.keyhole.installation import Webhook
from testbed.keyhole.tenants import add_tenant
from tests.e2e.cluster import Cluster, owners_of_data
from tests.e2e.objects import Manifest, encoded, filled, secret
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

FORMS = ("annotation", "fields", "in place", "in a text", "docker configuration")
WORKERS = 2
RECORD, MANAGED = "keyhole.dev/record", "keyhole.dev/managed"


def manifest_of(form: str, name: str, path: str, connection: str = "") -> Manifest:
    """Return a Secret whose key `password`, or docker configuration, comes from Vault."""
    reference = f"vault{connection}:secret/e2e/{path}#password"
    docker = json.dumps({"auths": {"r.example": {"username": "u", "password": reference}}})
    return {
        "annotation": filled(name, password=reference),
        "fields": secret(name, {"keyhole.dev/fields": f"/data/password: {reference}"}),
        "in place": secret(name, stringData={"password": reference}),
        "in a text": secret(name, data={"password": encoded(f"dsn://u:(({reference}))@db")}),
        "docker configuration": secret(
            name, type="kubernetes.io/dockerconfigjson", data={".dockerconfigjson": encoded(docker)}
        ),
    }[form]


@contextlib.contextmanager
def sealed(bed: Testbed) -> Iterator[None]:
    bed.vault.seal()
    try:
        yield
    finally:
        bed.vault.unseal()


@pytest.mark.parametrize("server_side", [False, True], ids=["client-side", "server-side"])
@pytest.mark.parametrize("form", FORMS)
class TestUnchanged:
    def test_dry_runs_diffs_and_applies_show_and_change_nothing(
        self, cluster: Cluster, plant: Planter, testbed: Testbed, form: str, *, server_side: bool
    ) -> None:
        name = f"unchanged-{form.replace(' ', '-')}-{str(server_side).lower()}"
        plant.secret(name)
        manifest = manifest_of(form, name, name)
        cluster.apply(manifest, server_side=server_side)
        before = cluster.get(name)
        traffic = Traffic(testbed)
        flags = ["--server-side"] if server_side else []
        for _ in range(3):
            cluster.apply(manifest, server_side=server_side, dry_run=True)
            diff = cluster.kubectl("diff", *flags, "-f", "-", text=json.dumps(manifest), check=False)
            assert (diff.returncode, diff.stdout) == (0, "")
        assert traffic.vault_requests() == []
        assert traffic.token_requests() == 0
        for _ in range(3 * WORKERS):
            cluster.apply(manifest, server_side=server_side)
        assert cluster.get(name) == before
        # Each worker verifies it once; the one that resolved it does not even do that.
        assert len(traffic.reads()) < WORKERS
        assert before["metadata"]["labels"][MANAGED] == "true"


class TestVaultAway:
    @pytest.mark.parametrize("connection", ["", "+always"], ids=["verified lately", "to be verified"])
    @pytest.mark.parametrize("form", ["annotation", "in place"])
    def test_unchanged_manifests_apply_and_new_references_wait(
        self, cluster: Cluster, plant: Planter, testbed: Testbed, form: str, connection: str
    ) -> None:
        name = f"away-{form.replace(' ', '-')}{connection.replace('+', '-')}"
        values = plant.secret(name)
        manifest = manifest_of(form, name, name, connection)
        cluster.apply(manifest, server_side=True)
        before = cluster.get(name)
        with sealed(testbed):
            for server_side in (True, False):
                done = cluster.apply({**manifest}, server_side=server_side, check=False)
                assert done.returncode == 0, done.stderr
                assert cluster.values(name) == values
            labelled = cluster.kubectl("label", "secret", name, "edited=yes")
            if connection:
                assert "data.password keeps its value, unverified: VaultUnavailable" in labelled.stderr
            refused = cluster.create(manifest_of(form, f"{name}-new", name, connection))
            assert refused.status_code == 503
            assert not cluster.exists(f"{name}-new")
        assert cluster.get(name)["metadata"]["annotations"][RECORD] == before["metadata"]["annotations"][RECORD]
        cluster.apply(manifest_of(form, f"{name}-new", name, connection))
        assert cluster.values(f"{name}-new") == values


class TestRotation:
    @pytest.mark.parametrize("form", FORMS)
    def test_a_refresh_brings_the_new_value_and_lets_nothing_else_move(
        self, cluster: Cluster, plant: Planter, form: str
    ) -> None:
        name = f"refreshed-{form.replace(' ', '-')}"
        plant.secret(name)
        manifest = manifest_of(form, name, name)
        cluster.apply(manifest, server_side=True)
        before = cluster.get(name)
        value = plant.secret(name)["password"]
        cluster.kubectl("annotate", "secret", name, "keyhole.dev/refresh=now")
        after = cluster.get(name)
        key = ".dockerconfigjson" if form == "docker configuration" else "password"
        assert value in cluster.values(name)[key]
        assert "keyhole.dev/refresh" not in after["metadata"]["annotations"]
        assert owners_of_data(after) == owners_of_data(before)
        # And the next apply meets no conflict, and finds nothing to do.
        cluster.apply(manifest, server_side=True)
        assert cluster.get(name)["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]

    def test_a_connection_that_keeps_nothing_brings_it_with_the_next_apply(
        self, cluster: Cluster, plant: Planter
    ) -> None:
        manifest = manifest_of("annotation", "always", "always", "+always")
        for _ in range(2):
            values = plant.secret("always")
            cluster.apply(manifest, server_side=True)
            assert cluster.values("always") == values


class TestPeople:
    def test_a_changed_reference_shows_as_a_change_and_no_value(self, cluster: Cluster, plant: Planter) -> None:
        plant.secret("changed")
        plant.secret("changed-to")
        for form in ("annotation", "in place"):
            name = f"changed-{form.replace(' ', '-')}"
            cluster.apply(manifest_of(form, name, "changed"), server_side=True)
            other = manifest_of(form, name, "changed-to")
            shown = cluster.kubectl("diff", "--server-side", "-f", "-", text=json.dumps(other), check=False)
            assert shown.returncode == 1
            assert "password: '***" in shown.stdout

    def test_a_removed_annotation_takes_field_record_and_label_along(self, cluster: Cluster, plant: Planter) -> None:
        plant.secret("removed")
        cluster.apply(filled("removed", password="vault:secret/e2e/removed#password"), server_side=True)
        cluster.apply(secret("removed", data={"plain": encoded("x")}), server_side=True)
        after = cluster.get("removed")
        assert after["data"] == {"plain": encoded("x")}
        assert MANAGED not in after["metadata"].get("labels", {})
        assert RECORD not in after["metadata"].get("annotations", {})

    @pytest.mark.parametrize("server_side", [False, True], ids=["client-side", "server-side"])
    def test_a_key_moves_from_its_annotation_to_a_literal_and_back(
        self, cluster: Cluster, plant: Planter, *, server_side: bool
    ) -> None:
        name = f"moved-{str(server_side).lower()}"
        values = plant.secret("moved")
        annotated = filled(name, password="vault:secret/e2e/moved#password")
        literal = secret(name, data={"password": encoded("literal")})
        for manifest, expected in ((annotated, values), (literal, {"password": "literal"}), (annotated, values)):
            cluster.apply(manifest, server_side=server_side)
            assert cluster.values(name) == expected

    def test_a_hand_edit_of_an_annotated_value_is_put_right(self, cluster: Cluster, plant: Planter) -> None:
        values = plant.secret("by-hand")
        cluster.apply(filled("by-hand", password="vault:secret/e2e/by-hand#password"), server_side=True)
        patch = json.dumps({"stringData": {"password": "mine"}})
        done = cluster.kubectl("patch", "secret", "by-hand", "--type=merge", "-p", patch)
        assert "data.password has a value of its own" in done.stderr
        assert cluster.values("by-hand") == values

    def test_a_hand_edit_of_a_value_in_place_wins(self, cluster: Cluster, plant: Planter) -> None:
        plant.secret("in-place-by-hand")
        cluster.apply(manifest_of("in place", "in-place-by-hand", "in-place-by-hand"))
        patch = json.dumps({"stringData": {"password": "mine"}})
        done = cluster.kubectl("patch", "secret", "in-place-by-hand", "--type=merge", "-p", patch)
        assert "was changed by hand" in done.stderr
        assert cluster.values("in-place-by-hand") == {"password": "mine"}
        assert RECORD not in cluster.get("in-place-by-hand")["metadata"].get("annotations", {})

    def test_a_replace_without_the_record_keeps_the_value(
        self, cluster: Cluster, plant: Planter, testbed: Testbed
    ) -> None:
        values = plant.secret("replaced")
        manifest = manifest_of("annotation", "replaced", "replaced")
        cluster.apply(manifest, server_side=True)
        before = cluster.get("replaced")
        traffic = Traffic(testbed)
        cluster.replace(manifest).raise_for_status()
        assert len(traffic.reads()) < WORKERS
        assert cluster.values("replaced") == values
        assert cluster.get("replaced")["metadata"]["annotations"] == before["metadata"]["annotations"]


@pytest.fixture(scope="module")
def neighbour(testbed: Testbed, places: Places, webhook: Webhook) -> Cluster:
    """Return another namespace that may read the same paths."""
    add_tenant(testbed, "e2e-elsewhere", ["secret/data/e2e/*"])
    return Cluster(testbed, places, "e2e-elsewhere")


class TestBackups:
    @pytest.mark.parametrize("form", FORMS)
    def test_a_restored_backup_is_resolved_anew(self, cluster: Cluster, plant: Planter, form: str) -> None:
        name = f"backup-{form.replace(' ', '-')}"
        plant.secret(name)
        # Vault confirmed the backup's value to this worker a moment ago. That is no reason to keep it.
        cluster.apply(manifest_of(form, name, name), server_side=True)
        backup = _exported(cluster.get(name))
        cluster.delete(name)
        value = plant.secret(name)["password"]
        cluster.create(backup).raise_for_status()
        key = ".dockerconfigjson" if form == "docker configuration" else "password"
        assert value in cluster.values(name)[key]

    @pytest.mark.parametrize("form", ["annotation", "fields"])
    @pytest.mark.parametrize("where", ["another name", "another namespace", "another cluster"])
    def test_a_copy_is_resolved_where_it_is_created(
        self, cluster: Cluster, neighbour: Cluster, plant: Planter, form: str, where: str
    ) -> None:
        name = f"{where}-{form}".replace(" ", "-")
        plant.secret(name)
        cluster.apply(manifest_of(form, name, name), server_side=True)
        copy = _exported(cluster.get(name))
        there = neighbour if where == "another namespace" else cluster
        copy["metadata"]["name"] = f"{name}-copied" if where == "another name" else name
        if where == "another cluster":
            cluster.delete(name)
            copy["metadata"]["annotations"][RECORD] = _of_another_key(copy["metadata"]["annotations"][RECORD])
        values = plant.secret(name)
        shown = there.create(copy, dry_run=True)
        shown.raise_for_status()
        assert shown.json()["data"] == {"password": encoded(MARKER)}
        there.create(copy).raise_for_status()
        assert there.values(copy["metadata"]["name"]) == values

    def test_what_get_prints_may_be_applied_in_another_namespace(
        self, cluster: Cluster, neighbour: Cluster, plant: Planter
    ) -> None:
        plant.secret("piped")
        cluster.apply(manifest_of("annotation", "piped", "piped"))
        for _ in range(2):
            values = plant.secret("piped")
            # Two objects have two uids: an apply over a live one must not say the other's.
            copy = _exported(cluster.get("piped"))
            copy["metadata"]["annotations"]["keyhole.dev/refresh"] = "now"
            done = neighbour.apply(copy)
            assert "a value of its own" not in done.stderr
            assert neighbour.values("piped") == values

    def test_a_value_that_somebody_wrote_beside_the_reference_is_refused(
        self, cluster: Cluster, plant: Planter
    ) -> None:
        plant.secret("written")
        manifest = manifest_of("annotation", "written", "written")
        manifest["metadata"]["annotations"][RECORD] = '{"v":1,"key":"a","fields":{}}'
        refused = cluster.create({**manifest, "data": {"password": encoded("mine")}})
        assert refused.status_code == 403
        assert "data.password has a value of its own" in refused.json()["message"]

    def test_a_copy_under_another_name_has_no_valid_record(self, cluster: Cluster, plant: Planter) -> None:
        values = plant.secret("copied")
        cluster.apply(manifest_of("in place", "copied", "copied"), server_side=True)
        copy = _exported(cluster.get("copied"))
        copy["metadata"]["name"] = "copied-to"
        created = cluster.create(copy)
        created.raise_for_status()
        assert "data.password: its value was copied" in created.headers["Warning"]
        stored = cluster.get("copied-to")
        assert RECORD not in stored["metadata"].get("annotations", {})
        assert cluster.values("copied-to") == values
        # What it holds is a literal now: a rotation does not reach it.
        plant.secret("copied")
        cluster.kubectl("annotate", "secret", "copied-to", "keyhole.dev/refresh=now")
        assert cluster.values("copied-to") == values

    def test_a_generated_name_is_recorded_with_its_first_update(self, cluster: Cluster, plant: Planter) -> None:
        values = plant.secret("generated")
        manifest = filled("", password="vault:secret/e2e/generated#password")
        manifest["metadata"] = {"generateName": "generated-", "annotations": manifest["metadata"]["annotations"]}
        created = cluster.create(manifest)
        created.raise_for_status()
        name = created.json()["metadata"]["name"]
        assert cluster.values(name) == values
        assert RECORD not in cluster.get(name)["metadata"]["annotations"]
        cluster.kubectl("label", "secret", name, "x=y")
        assert RECORD in cluster.get(name)["metadata"]["annotations"]

    def test_in_place_a_generated_name_is_refused(self, cluster: Cluster, plant: Planter) -> None:
        plant.secret("generated")
        manifest = manifest_of("in place", "", "generated")
        manifest["metadata"] = {"generateName": "generated-"}
        refused = cluster.create(manifest)
        assert refused.status_code == 403
        assert "generated name" in refused.json()["message"]


def _of_another_key(record: str) -> str:
    """Return a record as another installation has it: of a key that is none of this one's."""
    document = json.loads(record)
    return json.dumps({**document, "key": "f0f0f0f0"})


def _exported(manifest: Manifest) -> Manifest:
    """Return an object as a backup has it: without what the API server gives it."""
    given = {"uid", "resourceVersion", "creationTimestamp", "managedFields", "namespace"}
    metadata = {name: part for name, part in manifest["metadata"].items() if name not in given}
    return {**manifest, "metadata": metadata}


class TestManagers:
    @pytest.mark.parametrize("form", ["annotation", "in place"])
    def test_two_field_managers_keep_what_each_owns(self, cluster: Cluster, plant: Planter, form: str) -> None:
        name = f"managed-{form.replace(' ', '-')}"
        values = plant.secret(name)
        manifest = manifest_of(form, name, name)
        owners = ["git"] if form == "in place" else []
        _applied_by(cluster, "git", manifest)
        other = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "annotations": {"note": "of another"}},
        }
        _applied_by(cluster, "other", other)
        assert owners_of_data(cluster.get(name)) == owners
        value = plant.secret(name)
        cluster.kubectl("annotate", "secret", name, "keyhole.dev/refresh=now", "--field-manager=reconciler")
        assert cluster.values(name) == value != values
        assert owners_of_data(cluster.get(name)) == owners
        _applied_by(cluster, "git", manifest)
        assert cluster.values(name) == value

    def test_taking_a_field_from_another_manager_needs_force(self, cluster: Cluster, plant: Planter) -> None:
        values = plant.secret("taken")
        manifest = secret("taken", data={"password": encoded("vault:secret/e2e/taken#password")})
        _applied_by(cluster, "git", manifest)
        mine = secret("taken", data={"password": encoded("mine")})
        refused = cluster.kubectl(
            *("apply", "--server-side", "--field-manager=other", "-f", "-"), text=json.dumps(mine), check=False
        )
        assert refused.returncode == 1
        assert "conflict" in refused.stderr
        assert cluster.values("taken") == values
        _applied_by(cluster, "other", mine, "--force-conflicts")
        assert cluster.values("taken") == {"password": "mine"}
        assert owners_of_data(cluster.get("taken")) == ["other"]


def _applied_by(cluster: Cluster, manager: str, manifest: Manifest, *flags: str) -> None:
    command = ("apply", "--server-side", f"--field-manager={manager}", *flags, "-f", "-")
    cluster.kubectl(*command, text=json.dumps(manifest))
