"""What is asked for and cannot be had: refused for good, told so that the reader knows what to change."""

import json

import pytest

from testbed import Testbed
from testbed.keyhole.tenants import add_tenant
from tests.e2e.caller import Caller
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import opted_in_namespace
from tests.e2e.objects import encoded, filled, secret
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

_IDENTITY = "system:serviceaccount:e2e:keyhole"


# Each case writes two versions, and Vault keeps ten: the one that needs the first is among the first five.
@pytest.mark.parametrize(
    ("name", "reference", "told"),
    [
        pytest.param(
            "no-path", "vault:secret/e2e/nothing#p", ["SecretNotFound: ", "secret/e2e/nothing"], id="no such path"
        ),
        pytest.param("no-path-one", "vault:legacy/e2e/nothing#p", ["SecretNotFound: "], id="no such path on KV v1"),
        pytest.param("no-field", "vault:secret/e2e/there#nothing", ["FieldNotFound: ", "#nothing"], id="no such field"),
        pytest.param(
            "no-version", "vault:secret/e2e/there#password#99", ["SecretNotFound: ", "version 99"], id="no such version"
        ),
        pytest.param(
            "deleted-version",
            "vault:secret/e2e/there#password#1",
            ["SecretNotFound: ", "version 1 is deleted"],
            id="a deleted version",
        ),
        pytest.param(
            "version-on-one",
            "vault:legacy/e2e/there#password#1",
            ["ReferenceRefused: ", "keeps no versions"],
            id="a version on KV v1",
        ),
        pytest.param(
            "denied",
            "vault:secret/other/path#password",
            [
                "PermissionDenied: ",
                _IDENTITY,
                "keyhole-e2e",
                'path "secret/data/other/path" { capabilities = ["read"] }',
            ],
            id="a path that the policy does not allow",
        ),
        pytest.param(
            "denied-one",
            "vault:legacy/other/path#password",
            ["PermissionDenied: ", _IDENTITY, 'path "legacy/other/path" { capabilities = ["read"] }'],
            id="the same on KV v1",
        ),
        pytest.param(
            "denied-found",
            "vault+detecting:other-two/other/path#password",
            ["PermissionDenied: ", 'path "other-two/data/other/path" { capabilities = ["read"] }'],
            id="the same on a mount that had to be found",
        ),
        pytest.param(
            "not-kv", "vault+detecting:transit/e2e/key#password", ["NotAKeyValueMount: ", "transit"], id="no KV mount"
        ),
        pytest.param(
            "metadata",
            "vault:secret/metadata/e2e/there#password",
            ["ReferenceRefused: ", "secret/metadata"],
            id="another branch of KV v2",
        ),
        pytest.param(
            "connection",
            "vault+nowhere:secret/e2e/there#password",
            ["UnknownConnection: ", "'nowhere'", "default"],
            id="an unknown connection",
        ),
        pytest.param(
            "role",
            "vault+no-such-role:secret/e2e/there#password",
            ["LoginDenied: ", _IDENTITY, "no-such-role"],
            id="a role that is missing",
        ),
        pytest.param(
            "null", "vault:secret/e2e/there#null", ["FieldNotFound: ", "the field is null"], id="a null field"
        ),
        pytest.param(
            "line",
            "vault:secret/e2e/there#password\n",
            ["MalformedReference: ", "a line break at the end"],
            id="a line break at the end",
        ),
        pytest.param(
            "not-json", "vault:secret/e2e/there#password|json:/a", ["FunctionFailed: ", "json"], id="a function fails"
        ),
    ],
)
def test_kubectl_is_told_what_is_wrong_and_nothing_is_stored(  # noqa: PLR0917 - pytest passes one for each parameter
    cluster: Cluster, plant: Planter, testbed: Testbed, name: str, reference: str, told: list[str]
) -> None:
    plant.secret("there")
    plant.write("there", {"password": plant.value(), "null": None})
    plant.secret("there", mount="legacy", version=1)
    testbed.vault.client().secrets.kv.v2.delete_secret_versions("e2e/there", [1])
    refused = cluster.apply(filled(name, password=reference), check=False)
    assert refused.returncode == 1
    assert "Error from server (Forbidden)" in refused.stderr
    for part in (*told, f"Secret e2e/{name}: annotation data.keyhole.dev/password: "):
        assert part in refused.stderr
    assert not cluster.exists(name)


def test_the_policy_line_in_the_message_is_what_makes_it_work(
    cluster: Cluster, testbed: Testbed, plant: Planter, places: Places
) -> None:
    add_tenant(testbed, "e2e-policy", ["secret/data/nothing"])
    values = plant.secret("by-policy")
    there = Cluster(testbed, places, "e2e-policy")
    manifest = filled("by-policy", password="vault:secret/e2e/by-policy#password")
    refused = there.apply(manifest, check=False)
    line = refused.stderr.partition("add this line to its policy: ")[2].strip()
    testbed.vault.client().sys.create_or_update_policy("keyhole-e2e-policy", line)
    there.apply(manifest)
    assert there.values("by-policy") == values


def test_a_namespace_that_has_not_opted_in_is_refused_without_asking_vault(
    testbed: Testbed, places: Places, caller: Caller, plant: Planter
) -> None:
    add_tenant(testbed, "e2e-out", ["secret/data/e2e/*"], enabled=False)
    plant.secret("opted-out")
    there = Cluster(testbed, places, "e2e-out")
    traffic = Traffic(testbed)
    refused = there.apply(filled("out", password="vault:secret/e2e/opted-out#password"), check=False)
    assert "NamespaceNotEnabled: " in refused.stderr
    assert "keyhole.dev/enabled=true" in refused.stderr
    assert not there.exists("out")
    assert traffic.vault_requests() == []
    assert traffic.token_requests() == 0
    there.apply(secret("without", stringData={"a": "b"}))


def test_a_namespace_that_opts_in_is_served_at_once(
    testbed: Testbed, places: Places, caller: Caller, plant: Planter
) -> None:
    add_tenant(testbed, "e2e-late", ["secret/data/e2e/*"], enabled=False)
    values = plant.secret("late")
    there = Cluster(testbed, places, "e2e-late")
    manifest = filled("late", password="vault:secret/e2e/late#password")
    assert there.apply(manifest, check=False).returncode == 1
    testbed.kubectl("label", "namespace", "e2e-late", "keyhole.dev/enabled=true")
    there.apply(manifest)
    assert there.values("late") == values


def test_a_namespace_without_the_service_account_is_refused_and_told_what_it_needs(
    testbed: Testbed, places: Places, caller: Caller
) -> None:
    there = Cluster(testbed, places, opted_in_namespace(testbed, "e2e-bare"))
    reference = "vault:secret/e2e/any#password"
    refused = there.apply(filled("bare", password=reference), check=False)
    assert "IdentityRefused: " in refused.stderr
    assert "system:serviceaccount:e2e-bare:keyhole" in refused.stderr
    # Without a Role even its absence is not told. With one:
    testbed.kubectl("create", "role", "mint", "--verb=create", "--resource=serviceaccounts/token", "-n", "e2e-bare")
    user = "system:serviceaccount:keyhole:keyhole-webhook"
    testbed.kubectl("create", "rolebinding", "mint", "--role=mint", f"--user={user}", "-n", "e2e-bare")
    refused = there.apply(filled("bare", password=reference), check=False)
    assert "IdentityRefused: " in refused.stderr
    assert "there is no such ServiceAccount" in refused.stderr
    assert not there.exists("bare")


def test_a_namespace_cannot_read_what_only_another_may(
    testbed: Testbed, places: Places, caller: Caller, plant: Planter
) -> None:
    add_tenant(testbed, "e2e-narrow", ["secret/data/narrow/*"])
    plant.secret("of-another")
    there = Cluster(testbed, places, "e2e-narrow")
    manifest = filled("narrow", password="vault:secret/e2e/of-another#password")
    # Whatever the object says of namespaces and roles: the request's namespace decides.
    manifest["metadata"]["annotations"]["keyhole.dev/role"] = "keyhole-e2e"
    refused = there.apply(manifest, check=False)
    assert "PermissionDenied: " in refused.stderr
    assert "role 'keyhole-e2e-narrow'" in refused.stderr


def test_every_failing_field_is_told_at_once(cluster: Cluster, plant: Planter) -> None:
    plant.secret("half")
    path = "vault:secret/e2e/half"
    wrong = {"b": f"{path}#nothing", "c": "vault:secret/e2e/none#p", "d": "vault:legacy/x/y#p"}
    manifest = filled("half", good=f"{path}#password", **wrong)
    refused = cluster.apply(manifest, check=False)
    for key in wrong:
        assert f"annotation data.keyhole.dev/{key}: " in refused.stderr
    assert "data.keyhole.dev/good" not in refused.stderr
    assert not cluster.exists("half")


def test_malformed_references_are_all_told_with_object_field_and_column(cluster: Cluster, plant: Planter) -> None:
    plant.secret("well-formed")
    fields = json.dumps({"/data/.f": "vault:secret/app", "/metadata/labels": "vault:secret/app#p"})
    annotations = {
        "data.keyhole.dev/path": "vault:secret/../sys#p",
        "data.keyhole.dev/function": "x((vault:secret/app#p | shout))",
        "data.keyhole.dev/none": "no reference at all",
        "data.keyhole.dev/denied": "vault:secret/other/path#p",
        "keyhole.dev/fields": fields,
    }
    good = "vault:secret/e2e/well-formed#password"
    data = {"open": encoded("sentinel-text ${vault:secret/app#p"), "good": encoded(good)}
    refused = cluster.apply(secret("malformed", annotations, data=data), check=False)
    assert refused.returncode == 1
    assert "Forbidden" in refused.stderr
    expected = [
        "MalformedReference: Secret e2e/malformed: ",
        "annotation data.keyhole.dev/path: column 14: ",
        "annotation data.keyhole.dev/function: column 25: an unknown function, expected one of base64, ",
        "annotation data.keyhole.dev/none: has no reference",
        "annotation data.keyhole.dev/denied: Vault does not let ",
        "annotation keyhole.dev/fields, /data/.f: column 17: a path without a field",
        "annotation keyhole.dev/fields, '/metadata/labels': on a Secret, only /data/KEY can be filled",
        "data.open: column 15: a reference that is never closed, expected } after it",
    ]
    for part in expected:
        assert part in refused.stderr
    assert "data.good" not in refused.stderr
    assert "sentinel-text" not in refused.stderr
    assert not cluster.exists("malformed")


def test_a_value_that_reads_as_a_reference_is_refused_in_place(cluster: Cluster, plant: Planter) -> None:
    plant.write("reads", {"whole": "vault:secret/e2e/reads#inner", "broken": "${vault:", "inner": plant.value()})
    for name, reference in (
        ("reads-whole", "vault:secret/e2e/reads#whole"),
        ("reads-broken", "<((vault:secret/e2e/reads#broken))>"),
    ):
        refused = cluster.apply(secret(name, data={"password": encoded(reference)}), check=False)
        assert "ValueLooksLikeReference: " in refused.stderr
        assert "data.password" in refused.stderr
        assert "inner" not in refused.stderr
        assert not cluster.exists(name)
