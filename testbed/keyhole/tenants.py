"""Tenants for Keyhole to serve: namespaces that opted in, and what Vault lets them read."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from manifests.kinds.codec import Codec
from manifests.kinds.known import Kinds
from provisioning import bundle, grants, target
from provisioning.enforcing.setup import for_enforcer
from provisioning.tenant import tenant
from provisioning.vault_setup import VaultSetup, for_namespace
from resolver.references.reference import DEFAULT_CONNECTION
from testbed.bed import Testbed
from testbed.keyhole.connections import AUDIENCE
from testbed.keyhole.identities import CONTROLLER, ENFORCER, WEBHOOK, WEBHOOK_USER
from testbed.keyhole.objects import apply
from testbed.servers.authorization import wait_until_allowed


def add_tenant(
    bed: Testbed,
    namespace: str,
    policy_paths: Sequence[str],
    *,
    enabled: bool = True,
    method: str = "jwt",
    restarts: bool = False,
    variables: bool = False,
    kinds: Iterable[Codec] = (),
    enforcer: bool = False,
) -> None:
    """Make a namespace by Keyhole's own tenant bundle, and in Vault the policy and role `keyhole-NAMESPACE`.

    `policy_paths` are the paths of a Vault policy (with `data/` on KV v2) that the namespace may read. With `restarts`
    Keyhole may restart its workloads, with `variables` fill their variables. `kinds` are those on the list of kinds.
    With `enforcer` the Enforcer may look into it.
    """
    of = tenant(namespace, WEBHOOK, CONTROLLER, ENFORCER if enforcer else None)
    text = bundle.render(of, restarts=restarts, variables=variables, kinds=kinds)
    manifests = list(yaml.safe_load_all(text))
    if not enabled:
        for manifest in manifests:
            manifest["metadata"].pop("labels", None)
    apply(bed, *manifests)
    wait_until_allowed(bed, WEBHOOK_USER, "create", "serviceaccounts/token", name="keyhole", namespace=namespace)
    admit_to_vault(bed, namespace, policy_paths, method=method)


def admit_to_vault(bed: Testbed, namespace: str, policy_paths: Sequence[str], *, method: str = "jwt") -> None:
    """Make in Vault the policy and role `keyhole-NAMESPACE`, for these paths of a Vault policy."""
    vault = bed.vault.client()
    name = f"keyhole-{namespace}"
    policy = "\n".join(f'path "{path}" {{ capabilities = ["read"] }}' for path in policy_paths)
    vault.sys.create_or_update_policy(name, policy)
    if method == "jwt":
        vault.auth.jwt.create_role(
            name,
            user_claim="sub",
            allowed_redirect_uris=[],
            role_type="jwt",
            bound_audiences=[AUDIENCE],
            bound_subject=f"system:serviceaccount:{namespace}:keyhole",
            token_policies=[name],
            token_ttl="10m",  # noqa: S106 - a lifetime
        )
    else:
        vault.auth.kubernetes.create_role(name, ["keyhole"], [namespace], ttl="10m", policies=[name], audience=AUDIENCE)


def set_up(bed: Testbed, setup: VaultSetup) -> None:
    """Write policy and role into Vault, as the script of `keyhole tenant --vault` does."""
    vault = bed.vault.client()
    vault.sys.create_or_update_policy(setup.policy.name, setup.policy_text)
    vault.adapter.post(f"/v1/{setup.role.path}", json=dict(setup.role.parameters))


def let_the_enforcer_ask_vault(bed: Testbed, connections: Path) -> None:
    """Make in Vault what the Enforcer needs there, for the `default` of a connections file."""
    known = target.read(connections, DEFAULT_CONNECTION)
    set_up(bed, for_enforcer(known, ENFORCER, "service", "vault"))


def add_exact_tenant(bed: Testbed, namespace: str, paths: Sequence[str], connections: Path, kinds: Kinds) -> None:
    """Make a tenant as `keyhole tenant --vault --path PATH --variables --enforcer` does: it may read just these paths.

    `paths` are paths of references, `connections` is the connections file.
    """
    bundled = bundle.render(tenant(namespace, WEBHOOK, CONTROLLER, ENFORCER), variables=True, kinds=kinds)
    apply(bed, *yaml.safe_load_all(bundled))
    known = target.read(connections, DEFAULT_CONNECTION)
    set_up(bed, for_namespace(known, namespace, grants.of_paths(paths, known.mounts), "service"))
    wait_until_allowed(bed, WEBHOOK_USER, "create", "serviceaccounts/token", name="keyhole", namespace=namespace)
