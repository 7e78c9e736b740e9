"""Faults, planted as whoever makes them would: around Keyhole, in Vault, in Git, in what the API server is told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tests.e2e.enforcer.nightly import Nightly
from tests.e2e.enforcer.world import DIGEST, OTHER_DIGEST, World, deployment, gate_open, run_pod
from tests.e2e.objects import Manifest, encoded, filled, secret


@dataclass(frozen=True)
class Fault:
    """A fault: the standard that finds it, the object that it is of, and a word of what the finding is about."""

    what: str
    standard: str
    about: Mapping[str, str]
    pointer: str = ""


def _in(namespace: str, name: str, kind: str = "Secret", group: str = "") -> Mapping[str, str]:
    return {"group": group, "kind": kind, "namespace": namespace, "name": name}


def _of_vault(kind: str, name: str) -> Mapping[str, str]:
    return {"group": "vault", "kind": kind, "name": name}


FAULTS = (
    Fault("a value that was changed around Keyhole", "records-proved", _in("records", "changed")),
    Fault("the same in a ConfigMap", "records-proved", _in("records", "settings", "ConfigMap")),
    Fault("one field of a whole secret that was changed", "records-proved", _in("records", "whole")),
    Fault("a record that was copied from another Secret", "records-proved", _in("records", "copied")),
    Fault(
        "a record whose version was raised, so that an old value seems new", "records-proved", _in("records", "raised")
    ),
    Fault("a rotation that did not arrive", "values-current", _in("values", "rotated")),
    Fault("a value whose version was deleted", "values-current", _in("values", "deleted")),
    Fault("a value whose version was destroyed", "values-current", _in("values", "destroyed")),
    Fault("a path that was deleted and written anew", "values-current", _in("values", "anew")),
    Fault("a pinned version that was destroyed", "values-current", _in("values", "pinned")),
    Fault("a reference that is another one than in Git", "git-is-cluster", _in("git", "other")),
    Fault("an object that Git does not have", "git-is-cluster", _in("git", "extra")),
    Fault("an object that Git alone has", "git-is-cluster", _in("git", "missing")),
    Fault("a reference that was stored and not filled", "nothing-unresolved", _in("unresolved", "stored")),
    Fault("an annotation that is misspelt", "nothing-unresolved", _in("unresolved", "misspelt")),
    Fault("a reference that cannot be read", "nothing-unresolved", _in("unresolved", "malformed")),
    Fault("a Secret in plain text", "no-plaintext", _in("plain", "by-hand")),
    Fault("a key beside those that are filled", "no-plaintext", _in("plain", "beside")),
    Fault("a wildcard in a policy", "least-privilege", _of_vault("Policy", "keyhole-granted"), "secret/data/granted/*"),
    Fault(
        "a path that nobody uses", "least-privilege", _of_vault("Policy", "keyhole-granted"), "secret/data/granted/no"
    ),
    Fault("a policy that writes", "least-privilege", _of_vault("Policy", "keyhole-granted"), "secret/data/granted/app"),
    Fault("a policy that makes tokens", "least-privilege", _of_vault("Policy", "keyhole-granted"), "auth/token/create"),
    Fault("the default policy", "identities", _of_vault("Role", "keyhole-bound"), "token_no_default_policy"),
    Fault("tokens that live for a day", "identities", _of_vault("Role", "keyhole-bound"), "token_ttl"),
    Fault("a further policy", "identities", _of_vault("Role", "keyhole-bound"), "token_policies"),
    Fault("a further audience", "identities", _of_vault("Role", "keyhole-bound"), "bound_audiences"),
    Fault("any account of a namespace", "identities", _of_vault("Role", "keyhole-loose"), "bound_subject"),
    Fault("an image without a digest", "images", _in("images", "tagged", "Deployment", "apps")),
    Fault("a tag that moved", "images", {"group": "image", "kind": "Tag", "name": "registry.example/moved:1.2"}),
    Fault("a webhook that fails open", "gate-intact", {"kind": "MutatingWebhookConfiguration", "name": "keyhole"}),
    Fault("a policy that only warns", "gate-intact", {"kind": "ValidatingAdmissionPolicyBinding", "name": "keyhole"}),
    Fault(
        "a policy without its rules", "gate-intact", {"kind": "ValidatingAdmissionPolicy", "name": "keyhole-reconciler"}
    ),
    Fault("an audit policy that logs Secrets whole", "api-audit-quiet", {"kind": "AuditPolicy"}),
    Fault("a line of the trail that was changed", "trail", {"group": "keyhole", "kind": "Trail"}),
    Fault("an object that somebody else applied", "appliers", _in("applied", "by-bob")),
)


def build(world: World) -> None:
    """Make the tenants, in which everything is as it should be."""
    world.tenant(
        "records",
        *(_app("records", name) for name in ("changed", "copied", "raised")),
        secret("whole", {"keyhole.dev/from": "secret/records/whole"}),
        {**filled("settings", url="x=((vault:secret/records/settings#user))"), "kind": "ConfigMap"},
    )
    # So that its version is more than one.
    world.plant("secret/values/anew")
    world.tenant(
        "values",
        *(_app("values", name) for name in ("rotated", "deleted", "destroyed", "anew")),
        filled("pinned", password="vault:secret/values/pinned#password#1"),
    )
    world.tenant("git", *(_app("git", name) for name in ("other", "extra")))
    world.tenant("unresolved", _app("unresolved", "app"))
    world.tenant("plain", _app("plain", "beside"))
    for namespace in ("granted", "bound", "loose"):
        world.tenant(namespace, _app(namespace, "app"))
    world.tenant("images", _app("images", "app"), deployment("tagged", f"registry.example/app@{DIGEST}"))
    for name in ("one", "two"):
        run_pod(world.bed, "images", name, "registry.example/moved:1.2", DIGEST)
    world.tenant("applied", _app("applied", "by-bob"))


def plant(world: World, nightly: Nightly) -> None:
    """Plant every fault."""
    with gate_open(world.bed):
        _around_keyhole(world)
    _in_vault(world)
    _in_git(world)
    world.change("plain", "beside", {"data": {"more": encoded("by hand")}})
    world.bed.kubectl("create", "secret", "generic", "by-hand", "-n", "plain", "--from-literal=key=by hand")
    world.change("images", "tagged", _spec_of(deployment("tagged", "registry.example/app:1.3")), "Deployment")
    run_pod(world.bed, "images", "two", "registry.example/moved:1.2", OTHER_DIGEST)
    _by_somebody_else(world)
    _in_the_gate(world)
    nightly.collect_trail()
    trail = nightly.folder / "trail" / "audit.log"
    trail.write_text(trail.read_text().replace("by-bob", "by-bop", 1))


def _around_keyhole(world: World) -> None:
    """Write while nobody is asked."""
    wrong = {"data": {"password": encoded("somebody's own")}}
    for name in ("changed", "whole"):
        world.change("records", name, wrong)
    world.change("records", "settings", {"data": {"url": "somebody's own"}}, "ConfigMap")
    record = "keyhole.dev/record"
    of_another = world.get("records", "changed")["metadata"]["annotations"][record]
    world.change("records", "copied", {"metadata": {"annotations": {record: of_another}}})
    own = json.loads(world.get("records", "raised")["metadata"]["annotations"][record])
    raised = json.dumps(own).replace('"versions": [1]', '"versions": [2]')
    assert "[2]" in raised
    world.change("records", "raised", {"metadata": {"annotations": {record: raised}}})
    annotations = {
        "stored": {"data.keyhole.dev/password": "vault:secret/unresolved/app#password"},
        "misspelt": {"keyhole.dev/form": "secret/unresolved/app"},
        "malformed": {"data.keyhole.dev/password": "vault:secret/unresolved#"},
    }
    for name, given in annotations.items():
        made = secret(name, given)
        world.bed.kubernetes.request("POST", "/api/v1/namespaces/unresolved/secrets", made).raise_for_status()


def _in_vault(world: World) -> None:
    client = world.bed.vault.client()
    kv = client.secrets.kv.v2
    world.plant("secret/values/rotated")
    kv.delete_latest_version_of_secret("values/deleted")
    for name in ("destroyed", "pinned"):
        kv.destroy_secret_versions(f"values/{name}", [1])
    kv.delete_metadata_and_all_versions("values/anew")
    world.plant("secret/values/anew")
    policy = str(client.sys.read_acl_policy("keyhole-granted")["data"]["policy"])
    read = 'capabilities = ["read"]'
    policy = policy.replace(
        f'"secret/data/granted/app" {{\n  {read}', '"secret/data/granted/app" {\n  capabilities = ["read", "update"]'
    )
    further = {
        "secret/data/granted/*": read,
        "secret/data/granted/no": read,
        "auth/token/create": 'capabilities = ["update"]',
    }
    policy += "".join(f'\npath "{path}" {{ {capabilities} }}' for path, capabilities in further.items())
    client.sys.create_or_update_acl_policy("keyhole-granted", policy)
    role = dict(client.auth.jwt.read_role("keyhole-bound")["data"])
    wrong = {
        "token_no_default_policy": False,
        "token_ttl": 86_400,
        "token_max_ttl": 86_400,
        "token_policies": ["keyhole-bound", "keyhole-loose"],
        "bound_audiences": [*role["bound_audiences"], "another"],
    }
    client.adapter.post("/v1/auth/jwt/role/keyhole-bound", json={**role, **wrong})
    role = dict(client.auth.jwt.read_role("keyhole-loose")["data"])
    any_account = {
        "bound_subject": "",
        "bound_claims_type": "glob",
        "bound_claims": {"sub": "system:serviceaccount:loose:*"},
    }
    client.adapter.post("/v1/auth/jwt/role/keyhole-loose", json={**role, **any_account})


def _in_git(world: World) -> None:
    other, extra = world.manifests["git"]
    assert extra["metadata"]["name"] == "extra"
    newer = _app("git", "other")
    newer["metadata"]["annotations"]["data.keyhole.dev/password"] = "vault:secret/git/newer#password"
    newer["metadata"]["namespace"] = other["metadata"]["namespace"]
    missing = _app("git", "missing")
    missing["metadata"]["namespace"] = "git"
    missing["metadata"]["annotations"]["data.keyhole.dev/password"] = "vault:secret/git/other#password"
    world.manifests["git"] = [newer, missing]
    world.commit("git")


def _by_somebody_else(world: World) -> None:
    """Change an annotation as Bob, who may do everything."""
    bob = world.bed.kubernetes.kubeconfig_for("bob", ["system:masters"])
    world.bed.kubectl("annotate", "secret", "by-bob", "-n", "applied", "note=hello", kubeconfig=bob)


def _in_the_gate(world: World) -> None:
    admission = "admissionregistration.k8s.io/v1"
    changes = {
        "mutatingwebhookconfigurations/keyhole": [
            {"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}
        ],
        "validatingadmissionpolicybindings/keyhole": [
            {"op": "replace", "path": "/spec/validationActions", "value": ["Warn"]}
        ],
        "validatingadmissionpolicies/keyhole-reconciler": [
            {"op": "replace", "path": "/spec/validations", "value": [{"expression": "true"}]}
        ],
    }
    for path, change in changes.items():
        world.bed.kubectl(
            "patch", path.replace("/", f".{admission.partition('/')[0]}/"), "--type=json", "-p", json.dumps(change)
        )
    loud = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: RequestResponse}]\n"
    world.change("keyhole", "keyhole-enforcer", {"data": {"audit-policy.yaml": loud}}, "ConfigMap")


def _app(namespace: str, name: str) -> Manifest:
    return filled(name, password=f"vault:secret/{namespace}/{name}#password")


def _spec_of(manifest: Manifest) -> Manifest:
    return {"apiVersion": manifest["apiVersion"], "spec": manifest["spec"]}
