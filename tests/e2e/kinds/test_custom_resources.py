"""Custom resources on real servers: how they are filled, what their schema makes of it, who may have them filled."""

import json
from typing import Any

import pytest

from testbed import Testbed
from testbed.keyhole.objects import apply
from tests.e2e.kinds.definitions import BOXES, GROUP
from tests.e2e.kinds.resources import Resources, Shown, database
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

RECORD = "keyhole.dev/record"
FIELDS = {
    "/spec/password": "vault:secret/e2e/db#password",
    "/spec/port": "vault:secret/e2e/db#port | int",
    "/spec/tls": "vault:secret/e2e/db#tls | bool",
    "/spec/users/1/limits/most": "vault:secret/e2e/db#port | int",
}
SPEC = {"host": "db", "users": [{"name": "a"}, {"name": "b"}]}


@pytest.fixture
def password(plant: Planter) -> str:
    value = plant.value()
    plant.write("db", {"password": value, "port": "5432", "tls": True, "mode": "fast", "code": "abc"})
    return value


def _without_server(found: Shown) -> Shown:
    metadata = {name: found["metadata"][name] for name in ("name", "annotations", "labels")}
    return {"metadata": metadata, "spec": found["spec"]}


@pytest.mark.parametrize("flags", [(), ("--server-side",), ("--validate=strict",)], ids=["client", "server", "strict"])
def test_named_fields_are_filled_and_an_unchanged_manifest_changes_nothing(
    databases: Resources, password: str, traffic: Traffic, flags: tuple[str, ...]
) -> None:
    manifest = database(f"filled-{len(flags and flags[0])}", FIELDS, SPEC)
    name = manifest["metadata"]["name"]
    assert databases.refusal(manifest, *flags) == ""
    found = databases.get(name)
    users = [{"name": "a"}, {"name": "b", "limits": {"most": 5432}}]
    assert found["spec"] == {**SPEC, "users": users, "password": password, "port": 5432, "tls": True}
    assert json.loads(found["metadata"]["annotations"][RECORD])["version"] == "v1"
    asked = len(traffic.vault_requests())
    shown = databases.shown(manifest, *flags)
    assert _without_server(shown) == _without_server(found)
    assert databases.refusal(manifest, *flags) == ""
    assert databases.get(name)["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]
    assert len(traffic.vault_requests()) == asked


@pytest.mark.parametrize("flags", [(), ("--server-side",)], ids=["client", "server"])
def test_a_field_in_a_list_that_its_applier_owns_whole_is_filled_again_without_a_change(
    bed: Testbed, places: Places, databases: Resources, password: str, flags: tuple[str, ...]
) -> None:
    """As in an Argo CD Application: to the API server, its lists are atomic."""
    boxes = Resources(bed, places, databases.namespace, f"apis/{GROUP}/v1", BOXES)
    fields = (
        "/spec/source/helm/parameters/1/value: vault:secret/e2e/db#password\n"
        "/spec/source/helm/values: |\n  auth: ((vault:secret/e2e/db#password))\n"
    )
    parameters = [{"name": "a", "value": "1"}, {"name": "b"}]
    manifest = {
        **database(f"box-{len(flags)}", {}, {"source": {"helm": {"parameters": parameters}}}),
        "kind": "Box",
    }
    manifest["metadata"]["annotations"] = {"keyhole.dev/fields": fields}
    name = manifest["metadata"]["name"]
    assert boxes.refusal(manifest, *flags) == ""
    found = boxes.get(name)
    helm = found["spec"]["source"]["helm"]
    assert helm == {
        "parameters": [{"name": "a", "value": "1"}, {"name": "b", "value": password}],
        "values": f"auth: {password}\n",
    }
    assert boxes.shown(manifest, *flags)["spec"] == found["spec"]
    assert boxes.refusal(manifest, *flags) == ""
    assert boxes.get(name)["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]


def test_what_is_put_without_values_and_record_has_them_again(databases: Resources, password: str) -> None:
    manifest = database("put", FIELDS, SPEC)
    assert databases.create(manifest).status_code == 201
    found = databases.get("put")
    again = {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": found["metadata"]["resourceVersion"]}}
    assert databases.replace(again).ok
    assert _without_server(databases.get("put")) == _without_server(found)
    databases.kubectl("label", "databases", "put", "team=shop")
    labelled = databases.get("put")
    assert labelled["spec"] == found["spec"]
    assert labelled["metadata"]["annotations"] == found["metadata"]["annotations"]
    assert labelled["spec"]["password"] == password


def test_a_new_value_comes_when_the_object_is_refreshed_and_goes_with_its_annotation(
    databases: Resources, plant: Planter, password: str
) -> None:
    manifest = database("rotated", FIELDS, SPEC)
    assert databases.refusal(manifest) == ""
    fresh = plant.value()
    plant.write("db", {"password": fresh, "port": 1500, "tls": True})
    databases.kubectl("annotate", "databases", "rotated", "keyhole.dev/refresh=now")
    found = databases.get("rotated")
    assert (found["spec"]["password"], found["spec"]["port"]) == (fresh, 1500)
    assert fresh != password
    assert "keyhole.dev/refresh" not in found["metadata"]["annotations"]
    assert json.loads(found["metadata"]["annotations"][RECORD])["n"] == 1
    kept = {pointer: text for pointer, text in FIELDS.items() if pointer != "/spec/tls"}
    assert databases.refusal(database("rotated", kept, SPEC)) == ""
    assert "tls" not in databases.get("rotated")["spec"]


def test_its_schema_judges_the_filled_object_and_not_the_one_in_git(databases: Resources, password: str) -> None:
    assert password
    needed = {pointer: FIELDS[pointer] for pointer in ("/spec/password", "/spec/port")}
    good = {**needed, "/spec/mode": "vault:secret/e2e/db#mode | default:safe"}
    assert databases.refusal(database("judged", good)) == ""
    # The values are no secrets here: the API server quotes what a schema refuses.
    assert "spec.code" in databases.refusal(database("pattern", {**needed, "/spec/code": "vault:secret/e2e/db#code"}))
    text = {**needed, "/spec/port": "vault:secret/e2e/db#port"}
    assert "must be of type integer" in databases.refusal(database("type", text))
    rule = {**needed, "/spec/tls": FIELDS["/spec/tls"], "/spec/port": "vault:secret/e2e/db#missing | default:443 | int"}
    assert "a port above 1024 goes with TLS" in databases.refusal(database("rule", rule))
    assert not any(map(databases.exists, ("pattern", "type", "rule")))


def test_a_dry_run_of_something_new_satisfies_a_schema_by_what_the_reference_has_as_default(
    databases: Resources, traffic: Traffic
) -> None:
    needed = {pointer: FIELDS[pointer] for pointer in ("/spec/password", "/spec/port")}
    shown = databases.shown(database("dry", {**needed, "/spec/mode": "vault:secret/e2e/db#mode | default:safe"}))
    assert shown["spec"] == {
        "password": "(keyhole: the value is filled in when this is applied)",
        "port": 1,
        "mode": "safe",
    }
    refused = databases.refusal(
        database("dry", {**needed, "/spec/mode": "vault:secret/e2e/db#mode"}), "--dry-run=server"
    )
    assert 'supported values: "fast", "safe"' in refused
    assert traffic.vault_requests() == []


def test_in_another_version_nothing_is_planned_and_the_record_is_carried_along(
    databases: Resources, password: str, traffic: Traffic
) -> None:
    assert databases.refusal(database("versions", FIELDS, SPEC)) == ""
    before = databases.get("versions")
    asked = len(traffic.vault_requests())
    databases.kubectl("label", f"databases.v1beta1.{GROUP}", "versions", "team=shop")
    refreshed = databases.kubectl("annotate", f"databases.v1beta1.{GROUP}", "versions", "keyhole.dev/refresh=now")
    assert f"annotate databases.v1.{GROUP}" in refreshed.stderr
    found = databases.get("versions")
    assert found["spec"] == before["spec"]
    assert found["metadata"]["annotations"] == before["metadata"]["annotations"]
    assert found["spec"]["password"] == password
    other = database("versions", {"/spec/password": FIELDS["/spec/password"]}, SPEC, version="v1beta1")
    refused = databases.refusal(other)
    assert "its fields were filled in version v1 of Database" in refused
    assert len(traffic.vault_requests()) == asked


def test_fields_that_have_no_place_are_all_told(databases: Resources) -> None:
    reference = "vault:secret/e2e/db#password"
    pointers = (
        "/metadata/name",
        "/status/a",
        "/spec/users/0",
        "/spec/users/7/password",
        "/spec/host/name",
        "/spec/a b",
    )
    refused = databases.refusal(database("nowhere", dict.fromkeys(pointers, reference), SPEC))
    assert "403" not in refused
    for pointer in pointers:
        assert pointer in refused
    assert "none at index 7" in refused
    assert "/spec/host is neither a map nor a list" in refused


def _user(bed: Testbed, name: str, *rights: tuple[str, str, list[str]]) -> Any:
    rules = [{"apiGroups": [group], "resources": [plural], "verbs": verbs} for group, plural, verbs in rights]
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    metadata = {"name": name, "namespace": "kinds"}
    apply(
        bed,
        {**rbac, "kind": "Role", "metadata": metadata, "rules": rules},
        {
            **rbac,
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}],
        },
    )
    return bed.kubernetes.kubeconfig_for(name)


def test_who_asks_has_to_be_allowed_to_get_the_object_and_secrets(
    bed: Testbed, databases: Resources, password: str
) -> None:
    assert password
    write = ["create", "update", "patch"]
    users = {
        "no-get": (_user(bed, "no-get", (GROUP, "databases", write), ("", "secrets", ["get"])), "this Database"),
        "no-secrets": (_user(bed, "no-secrets", (GROUP, "databases", [*write, "get"])), "the Secrets of the namespace"),
        "both": (_user(bed, "both", (GROUP, "databases", [*write, "get"]), ("", "secrets", ["get"])), ""),
    }
    for name, (kubeconfig, missing) in users.items():
        text = json.dumps(database(name, FIELDS, SPEC))
        arguments = ("create", "-f", "-", "-o", "name", "-n", "kinds")
        done = bed.kubectl(*arguments, input_text=text, check=False, kubeconfig=kubeconfig)
        assert (done.returncode == 0) == (not missing), done.stderr
        assert f"{name} may not get {missing}" in done.stderr or not missing


def test_a_namespace_that_did_not_opt_in_gets_nothing(bed: Testbed, databases: Resources) -> None:
    apply(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "outside"}})
    manifest = database("outside", FIELDS, SPEC)
    text = json.dumps(manifest)
    done = bed.kubectl("create", "-f", "-", "-n", "outside", input_text=text, check=False)
    assert databases.namespace != "outside"
    assert "has not opted in" in done.stderr
