"""The policy of a tenant as a file for `vault policy write` or `bao policy write`."""

from provisioning.commands import vault_options
from provisioning.policy import ACCESSOR
from provisioning.vault_setup import VaultSetup


def policy_file(setup: VaultSetup) -> str:
    """Return the policy, with the role in a comment below, because HCL cannot express a role."""
    options, role = vault_options(setup), setup.role
    told = [
        *setup.notes,
        f"To write this policy: {setup.program} policy write{options} {setup.policy.name} FILE",
        f"Its role, to be given to: {setup.program} write{options} {role.path} -",
        *role.as_json.splitlines(),
    ]
    if setup.lacks_accessor:
        told.insert(
            0, f"{ACCESSOR} stands for the accessor of auth/{role.mount}; `{setup.program} auth list` shows it."
        )
    return setup.policy_text + "\n" + "".join(f"# {line}\n" for line in told)
