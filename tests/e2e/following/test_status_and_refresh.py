"""`keyhole status` and `keyhole refresh` as processes, on the real servers. A controller runs in one test only."""

import json
import signal
from collections.abc import Mapping

from controller.managed import Managed
from controller.telling.telling import Telling
from kube.client import connect
from kube.objects import Metadata, ObjectName
from kube.secrets import Secrets
from kube.tenant_clients import TenantClients
from manifests.annotations import FOLLOW, PROBLEM, RECORD
from manifests.following.problem import Problem, dump, parse
from manifests.kinds.secret import SECRET
from resolver.identity import RECONCILER
from testbed import Testbed
from testbed.keyhole.identities import controller_kubeconfig
from testbed.keyhole.objects import apply
from testbed.keyhole.rights import granted
from testbed.servers.authorization import wait_until_allowed
from tests.e2e.cluster import Cluster
from tests.e2e.following.command import Keyhole
from tests.e2e.following.conftest import Following
from tests.e2e.objects import Manifest, filled, secret
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually

_SECONDS = 120
_READER = "follow-reader"


def app(name: str = "app", **annotations: str) -> Manifest:
    """Return a Secret whose password is that at `e2e/app`."""
    manifest = filled(name, password="vault:secret/e2e/app#password")
    manifest["metadata"]["annotations"] |= annotations
    return manifest


def events_of(cluster: Cluster, name: str) -> Mapping[str, str]:
    """Return the notes of the Events about a Secret, by reason."""
    told = cluster.kubectl("events", "--for", f"secret/{name}", "-o", "json").stdout
    # Where there are none, kubectl writes no JSON.
    return {each["reason"]: each["message"] for each in json.loads(told)["items"]} if told else {}


def is_behind(keyhole: Keyhole) -> bool:
    """Whether status says that Vault has had another version for longer than the interval."""
    return "behind" in keyhole.status().stdout


def test_a_rotation_is_shown_and_a_refresh_brings_it(
    cluster: Cluster, plant: Planter, process: Keyhole, keyhole: Keyhole
) -> None:
    plant.secret("app")
    cluster.apply(app())
    first = keyhole.rows(code=0)["app"]
    assert first["version"] == first["vault_version"]
    assert first["reference"] == "vault:secret/e2e/app#password"
    assert (first["field"], first["follows_seconds"], first["vault_state"]) == ("data.password", 1, "readable")
    value = plant.secret("app")["password"]
    eventually(lambda: is_behind(keyhole), "the older version is told")
    row = process.rows(code=1)["app"]
    assert (row["version"], row["vault_version"]) == (first["version"], first["version"] + 1)
    assert [finding["cause"] for finding in row["findings"]] == ["behind"]
    assert "keyhole refresh" in keyhole.status(code=1).stderr
    done = process.refresh("app", code=0)
    expected = f"{cluster.namespace}/app: refreshed: data.password {first['version']} -> {first['version'] + 1}\n"
    assert done.stdout == expected
    assert cluster.values("app")["password"] == value
    assert keyhole.refresh("--all", code=0).stdout == f"{cluster.namespace}/app: up to date\n"
    row = keyhole.rows("-A", code=0)["app"]
    assert (row["version"], row["vault_version"], row["findings"]) == (row["vault_version"], row["version"], [])


def test_what_needs_a_path_is_refreshed_and_the_rest_is_not(cluster: Cluster, plant: Planter, keyhole: Keyhole) -> None:
    for name in ("app", "other"):
        plant.secret(name)
    cluster.apply(app("one"), app("two"), filled("three", password="vault:secret/e2e/other#password"))
    values = {name: plant.secret(name)["password"] for name in ("app", "other")}
    listed = keyhole.refresh("--path", "secret/e2e/app", "--dry-run", code=0).stdout
    assert listed.splitlines() == [f"{cluster.namespace}/one", f"{cluster.namespace}/two"]
    assert values["app"] not in cluster.values("one").values()
    done = keyhole.refresh("-A", "--path", "secret/e2e/app", code=0)
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == listed.splitlines()
    held = [cluster.values(name)["password"] for name in ("one", "two", "three")]
    assert held[:2] == [values["app"]] * 2
    assert held[2] != values["other"]


def test_while_vault_is_sealed_nothing_is_refreshed_and_it_is_told(
    bed: Testbed, cluster: Cluster, plant: Planter, keyhole: Keyhole
) -> None:
    plant.secret("app")
    cluster.apply(app())
    bed.vault.seal()
    try:
        status = keyhole.status(code=0)
        refused = keyhole.refresh("app", code=1)
    finally:
        bed.vault.unseal()
    assert "unreachable" in status.stdout
    assert status.stderr.count("note: default: VaultUnavailable") == 1
    assert f"{cluster.namespace}/app: not refreshed: data.password keeps its value, unverified: " in refused.stdout
    assert keyhole.refresh("app", code=0).stdout == f"{cluster.namespace}/app: up to date\n"


def test_without_a_token_the_cluster_alone_is_shown(cluster: Cluster, plant: Planter, keyhole: Keyhole) -> None:
    plant.secret("app")
    cluster.apply(app())
    done = keyhole.status(code=0, VAULT_TOKEN="")
    titles, line = (text.split() for text in done.stdout.splitlines())
    assert titles == ["OBJECT", "FIELD", "REFERENCE", "HERE", "VAULT", "CHANGED", "FOLLOWS", "PROBLEM"]
    assert (line[0], line[4:]) == ("Secret/app", ["-", "-", "1s", "-"])


def test_what_is_deleted_denied_pinned_or_left_alone(
    bed: Testbed, cluster: Cluster, plant: Planter, keyhole: Keyhole
) -> None:
    for name in ("app", "gone", "pinned"):
        plant.secret(name)
    cluster.apply(
        app("left-alone", **{FOLLOW: "false"}),
        filled("pinned", password="vault:secret/e2e/pinned#password#1"),
        filled("deleted", password="vault:secret/e2e/gone#password"),
        secret("text", stringData={"url": "db://((vault:secret/e2e/app#password))@db"}),
        filled("v1", password="vault:legacy/e2e/old#password"),
        check=False,
    )
    plant.secret("app")
    plant.secret("pinned")
    bed.vault.client().secrets.kv.v2.delete_latest_version_of_secret("e2e/gone", mount_point="secret")
    rows = keyhole.rows(code=1)
    assert rows["deleted"]["vault_state"] == "deleted"
    assert [finding["cause"] for finding in rows["deleted"]["findings"]] == ["deleted"]
    assert rows["left-alone"]["findings"] == rows["pinned"]["findings"] == []
    assert (rows["left-alone"]["follows_seconds"], rows["pinned"]["follows_seconds"]) == (None, None)
    assert rows["pinned"]["is_pinned"]
    table = keyhole.status("-o", "wide", code=1).stdout
    assert {"pinned", "off", "deleted"} <= set(table.split())
    bed.vault.client().secrets.kv.v2.undelete_secret_versions("e2e/gone", [1], mount_point="secret")


def test_a_problem_is_shown_with_its_time_and_hostile_ones_do_no_harm(
    cluster: Cluster, plant: Planter, keyhole: Keyhole
) -> None:
    plant.secret("app")
    told = dump(Problem("immutable", "/data/password", "2026-01-31T12:00:00Z"))
    cluster.apply(app("told", **{PROBLEM: told}), app("sound"), app("fooled", **{PROBLEM: '{"cause":"\\u001b[2J"}'}))
    cluster.apply(app("broken"))
    cluster.kubectl("annotate", "--overwrite", "secret", "told", f"{PROBLEM}={told}")
    rows = keyhole.rows(code=1)
    assert rows["told"]["findings"] == [
        {"cause": "immutable", "field": "/data/password", "since": "2026-01-31T12:00:00Z"}
    ]
    assert [finding["cause"] for finding in rows["fooled"]["findings"]] == ["malformed-problem"]
    assert rows["sound"]["findings"] == []
    done = keyhole.status("-o", "wide", code=1)
    assert "immutable since 2026-01-31T12:00:00Z" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert "immutable: Vault has a newer value" in done.stderr


def test_what_the_webhook_never_sees_is_told_and_nothing_stays_behind(
    bed: Testbed, cluster: Cluster, plant: Planter, keyhole: Keyhole
) -> None:
    """Nobody asks Keyhole about kube-system."""
    plant.secret("app")
    cluster.apply(app())
    record = cluster.get("app")["metadata"]["annotations"][RECORD]
    outside = {**secret("unseen", {RECORD: record})}
    outside["metadata"]["namespace"] = "kube-system"
    apply(bed, outside)
    done = keyhole.refresh("-n", "kube-system", "unseen", code=1)
    assert done.stdout.startswith("kube-system/unseen: not seen by Keyhole: ")
    after = Secrets(connect(bed.kubernetes.kubeconfig)).read_metadata(ObjectName("kube-system", "unseen"), 10)
    assert after.annotations == {RECORD: record}
    keyhole.status("-n", "kube-system", code=0)
    bed.kubectl("delete", "secret", "unseen", "-n", "kube-system")


def test_immutable_missing_and_plain_secrets_are_told(cluster: Cluster, plant: Planter, keyhole: Keyhole) -> None:
    plant.secret("app")
    frozen = {**app("frozen"), "immutable": True}
    cluster.apply(frozen, secret("plain", stringData={"a": "b"}), app())
    done = keyhole.refresh("frozen", "plain", "missing", "app", code=1)
    told = [line.removeprefix(f"{cluster.namespace}/").split(": ")[:2] for line in done.stdout.splitlines()]
    assert told == [
        ["frozen", "immutable"],
        ["plain", "nothing to refresh"],
        ["missing", "refused"],
        ["app", "up to date"],
    ]


def test_who_may_not_list_secrets_is_told_what_is_needed(
    bed: Testbed, cluster: Cluster, plant: Planter, keyhole: Keyhole
) -> None:
    plant.secret("app")
    cluster.apply(app())
    rights = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}]
    apply(bed, *granted(_READER, _READER, rights, cluster.namespace))
    wait_until_allowed(bed, _READER, "list", "secrets", namespace=cluster.namespace)
    own = {"KUBECONFIG": str(bed.kubernetes.kubeconfig_for(_READER))}
    assert "app" in keyhole.status(code=0, **own).stdout
    refused = keyhole.status("-A", code=2, **own)
    assert "You need `list` on secrets" in refused.stderr


def test_a_watch_shows_a_rotation_and_ends_with_ctrl_c(cluster: Cluster, plant: Planter, keyhole: Keyhole) -> None:
    plant.secret("app")
    cluster.apply(app())
    version = keyhole.rows(code=0)["app"]["version"]
    with keyhole.watching() as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("OBJECT")
        assert process.stdout.readline().split()[3:5] == [str(version)] * 2
        plant.secret("app")
        assert process.stdout.readline().split()[3:5] == [str(version), str(version + 1)]
        process.send_signal(signal.SIGINT)
        assert process.wait(_SECONDS) == 0


def test_what_the_loop_tells_is_seen_by_the_tenant_and_by_status(
    bed: Testbed, cluster: Cluster, plant: Planter, keyhole: Keyhole
) -> None:
    plant.secret("app")
    cluster.apply(app())
    name = ObjectName(cluster.namespace, "app")
    tenant = TenantClients(connect(controller_kubeconfig(bed))).acting_as(RECONCILER, cluster.namespace, 10)
    telling = Telling("test")

    def seen() -> Metadata:
        return tenant.secrets.read_metadata(name, 10)

    telling.event(tenant, seen(), "Secret", "v1", "Refreshed", "data.password: 1 -> 2", is_warning=False)
    assert "data.password: 1 -> 2" in events_of(cluster, "app")["Refreshed"]
    for _ in range(2):
        telling.problem(tenant, Managed(SECRET, seen()), Problem("deleted", "/data/password"), lambda: None)
    written = parse(seen().annotations[PROBLEM])
    assert written is not None
    assert written.since
    assert [finding["cause"] for finding in keyhole.rows(code=1)["app"]["findings"]] == ["deleted"]
    telling.problem(tenant, Managed(SECRET, seen()), None, lambda: None)
    assert PROBLEM not in seen().annotations
    keyhole.status(code=0)


def test_what_the_loop_did_and_could_not_do_is_told(
    bed: Testbed, cluster: Cluster, plant: Planter, keyhole: Keyhole, following: Following
) -> None:
    plant.secret("told")
    cluster.apply(filled("told", password="vault:secret/e2e/told#password"))
    left_alone = app("left-alone", **{FOLLOW: "false"})
    plant.secret("app")
    cluster.apply(left_alone)
    cluster.kubectl("annotate", "secret", "left-alone", f"{PROBLEM}={dump(Problem('deleted'))}")
    first = keyhole.rows(code=1)["told"]["version"]
    with following():
        plant.secret("told")
        eventually(lambda: "Refreshed" in events_of(cluster, "told"), "the refresh is told")
        bed.vault.client().secrets.kv.v2.delete_latest_version_of_secret("e2e/told", mount_point="secret")
        eventually(lambda: "NotFollowed" in events_of(cluster, "told"), "what is deleted is told")
        row = keyhole.rows(code=1)["told"]
        assert (row["version"], row["vault_state"]) == (first + 1, "deleted")
        assert [(finding["cause"], bool(finding["since"])) for finding in row["findings"]] == [("deleted", True)]
        plant.secret("told")
        eventually(lambda: keyhole.status().returncode == 0, "nothing is wrong any more")
    row = keyhole.rows(code=0)["told"]
    assert row["version"] == row["vault_version"] == first + 2
    assert PROBLEM not in cluster.get("left-alone")["metadata"]["annotations"]
