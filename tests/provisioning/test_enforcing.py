"""What the Enforcer is given in Vault: the policies and roles of namespaces, for one account, and nothing else."""

import pytest

from provisioning.enforcing.setup import NAME, for_enforcer
from provisioning.errors import TenantRefused
from provisioning.target import Target, assumed
from provisioning.tenant import Account, tenant
from provisioning.vault_role import TokenType, policy_name, vault_role
from provisioning.vault_setup import VaultSetup
from resolver.connections.model import Authentication
from review.policies.policy import Policy
from review.policies.reading import policy
from review.sources.text import Text

ENFORCER = Account("keyhole", "keyhole-enforcer")


def setup(target: Target | None = None, token_type: TokenType = "service") -> VaultSetup:
    return for_enforcer(target or assumed(shared=False), ENFORCER, token_type, "vault")


def granted(found: VaultSetup) -> Policy:
    return policy(Text("policy", found.policy_text), NAME)


@pytest.mark.parametrize(
    ("method", "role", "namespace", "others"),
    [
        ("jwt", "keyhole-{namespace}", "shop", ["admin", "keyholes"]),
        ("kubernetes", "prod-{namespace}-app", "shop", ["admin", "prod"]),
        ("jwt", "keyhole", "shop", ["keyhole-shop", "admin"]),
    ],
)
def test_roles_and_policies_of_namespaces_can_be_read_and_no_others(
    method: str, role: str, namespace: str, others: list[str]
) -> None:
    auth = Authentication.model_validate({"method": method, "role": role, "mount": "clusters/eu"})
    found = granted(setup(Target(auth)))
    own = auth.role_for(namespace)
    for path in (f"auth/clusters/eu/role/{own}", f"sys/policies/acl/{policy_name(own)}"):
        assert found.allows(path, "read")
        for capability in ("list", "update", "delete", "create", "patch", "sudo"):
            assert not found.allows(path, capability)
    for other in others:
        assert not found.allows(f"auth/clusters/eu/role/{other}", "read")
        assert not found.allows(f"sys/policies/acl/{other}", "read")


def test_no_secret_and_nothing_else_of_vault_can_be_read() -> None:
    found = granted(setup())
    for path in ("secret/data/shop", "secret/metadata/shop", "secret/subkeys/shop", "sys/policies/acl/default",
                 "auth/jwt/config", "auth/kubernetes/role/keyhole-shop", "auth/token/lookup-self"):  # fmt: skip
        assert not found.allows(path, "read")
    assert found.allows("auth/token/revoke-self", "update")
    assert not granted(setup(token_type="batch")).allows("auth/token/revoke-self", "update")


@pytest.mark.parametrize("method", ["jwt", "kubernetes"])
def test_its_role_is_bound_to_its_account_and_else_as_those_of_namespaces(method: str) -> None:
    auth = Authentication.model_validate({"method": method, "role": "keyhole-{namespace}", "audience": "vault-eu"})
    own, tenants = setup(Target(auth)).role, vault_role(auth, "shop", "keyhole-shop", "service")
    expected = dict(tenants.parameters)
    assert own.path == f"auth/{method}/role/{NAME}"
    expected["token_policies"] = [NAME]
    if method == "jwt":
        expected["bound_subject"] = "system:serviceaccount:keyhole:keyhole-enforcer"
    else:
        expected["bound_service_account_names"] = ["keyhole-enforcer"]
        expected["bound_service_account_namespaces"] = ["keyhole"]
    assert own.parameters == expected


def test_no_namespace_has_this_role() -> None:
    with pytest.raises(TenantRefused):
        tenant(NAME.removeprefix("keyhole"), Account("keyhole", "a"), Account("keyhole", "b"))
