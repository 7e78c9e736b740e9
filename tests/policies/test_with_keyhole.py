"""The policies on what Keyhole itself writes: policies and roles of tenants, and the inventory."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from enforcer.collecting.inventory import nothing_yet
from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterFacts, ClusterObject, FilledField, Namespace, Unread
from enforcer.facts.inventory import Inventory
from provisioning.policy_paths import NAMESPACE
from provisioning.target import Target
from provisioning.vault_setup import VaultSetup, for_all, for_namespace
from resolver.connections.model import Authentication
from resolver.vault.mounts import KvLocation, KvMount
from tests.policies.conftest import Run

pytestmark = pytest.mark.policies

NEWER, OLDER = KvMount("secret", 2), KvMount("legacy", 1)
LOCATIONS = [KvLocation(NEWER, "shop/app"), KvLocation(OLDER, "shop/app")]
STARTED = datetime(2026, 11, 28, 2, tzinfo=UTC)


def target(method: Literal["jwt", "kubernetes"], role: str = "keyhole-{namespace}") -> Target:
    return Target(Authentication(method=method, role=role))


def planned(setup: VaultSetup) -> dict[str, Any]:
    """Return the plan that makes the resources of a setup, as `terraform show -json` prints it."""
    role = dict(setup.role.parameters)
    resources = {
        "vault_policy": {"name": setup.policy.name, "policy": setup.policy_text},
        f"vault_{setup.role.method}_auth_backend_role": {"role_name": setup.role.name, **role},
    }
    return {
        "format_version": "1.2",
        "resource_changes": [
            {
                "address": f"{kind}.this",
                "mode": "managed",
                "type": kind,
                "change": {"actions": ["create"], "before": None, "after": after, "after_unknown": {"id": True}},
            }
            for kind, after in resources.items()
        ],
    }


def violations(run: Run, folder: Path, plan: dict[str, Any], data: dict[str, Any]) -> list[str]:
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "data.json").write_text(json.dumps({"keyhole": data}))
    files = ("--data", "policies/keyhole", "--data", str(folder / "data.json"), "--input", str(folder / "plan.json"))
    answer: list[str] = json.loads(
        run("opa", "eval", *files, "--format", "raw", "data.keyhole.terraform.violations").stdout
    )
    return answer


@pytest.mark.parametrize("method", ["jwt", "kubernetes"])
@pytest.mark.parametrize("token_type", ["service", "batch"])
def test_what_keyhole_tenant_writes_passes(
    run: Run, tmp_path: Path, method: Literal["jwt", "kubernetes"], token_type: Literal["service", "batch"]
) -> None:
    plan = planned(for_namespace(target(method), "shop", LOCATIONS, token_type))
    used = {"used": {"shop": ["secret/shop/app", "legacy/shop/app"]}}
    assert violations(run, tmp_path, plan, used) == []
    found = violations(run, tmp_path, plan, {"used": {"shop": ["legacy/shop/app"]}})
    assert [each.rpartition(" ")[2] for each in found] == ["(unused)", "(unused)"]


@pytest.mark.parametrize(("method", "rule"), [("jwt", "(bound-subject)"), ("kubernetes", "(bound-namespace)")])
def test_one_policy_for_all_is_wide_and_may_be(
    run: Run, tmp_path: Path, method: Literal["jwt", "kubernetes"], rule: str
) -> None:
    locations = [KvLocation(NEWER, f"{NAMESPACE}/*")]
    plan = planned(for_all(target(method, "keyhole-tenants"), locations, "service", "auth_jwt_1"))
    found = violations(run, tmp_path, plan, {})
    assert {each.rpartition(" ")[2] for each in found} == {"(wildcard)", "(not-checked)", rule}
    allowed = {"parameters": {"widePolicies": ["keyhole-tenants"]}}
    assert violations(run, tmp_path, plan, allowed) == []


def inventory() -> Inventory:
    filled = FilledField(
        pointer="/data/a", reference="vault:secret/shop/app#a", versions={"default:secret/shop/app": 3}
    )
    wants = {
        "/data/b": "vault+eu:kv/m%C3%BCnze#b | trim, vault:secret/shop/x#y",
        "": "vault:secret/shop/base, vault+eu:kv/whole",
    }
    one = ClusterObject(
        group="",
        kind="Secret",
        namespace="shop",
        name="app",
        uid="u",
        record=True,
        proof="proved",
        fields=(filled,),
        wants=wants,
    )
    unread = Unread(group="", kind="Secret", name="big", not_known="its annotations are too large")
    namespaces = (
        Namespace(name="shop", enabled=True, variables=False, objects=(one,)),
        Namespace(name="part", enabled=True, variables=False, objects=(), unread=(unread,)),
        Namespace(name="bank", enabled=True, variables=False, objects=NotKnown(not_known="forbidden")),
        Namespace(name="empty", enabled=True, variables=False, objects=()),
    )
    return nothing_yet("0.1.0", STARTED).model_copy(
        update={"cluster": ClusterFacts(namespaces=namespaces), "ended": STARTED}
    )


def asked(run: Run, folder: Path, query: str) -> Any:
    (folder / "inventory.json").write_text(inventory().model_dump_json())
    command = ("opa", "eval", "--bundle", "policies", "--input", str(folder / "inventory.json"), "--format", "raw")
    return json.loads(run(*command, query).stdout)


def test_what_is_used_is_read_from_the_inventory(run: Run, tmp_path: Path) -> None:
    assert asked(run, tmp_path, "data.keyhole.inventory.used") == {
        "shop": ["kv/münze", "kv/whole", "secret/shop/app", "secret/shop/base", "secret/shop/x"],
        "empty": [],
    }


def test_whatever_is_not_known_in_the_inventory_is_told(run: Run, tmp_path: Path) -> None:
    found = asked(run, tmp_path, "[found.msg | some found in data.keyhole.inventory.deny]")
    unasked = ["vault", "gate", "audit_policy", "trail", "git", "forge", "workloads"]
    assert sorted(found) == sorted(
        [
            "cluster/namespaces/1/unread/0: not checked: its annotations are too large (not-checked)",
            "cluster/namespaces/2/objects: not checked: forbidden (not-checked)",
            *(f"{name}: not checked: the run has not come to it (not-checked)" for name in unasked),
        ]
    )
