"""The setup of a tenant as a shell script with `kubectl` and `vault` (or `bao`, which has the same arguments)."""

import shlex
from collections.abc import Iterator, Mapping

from provisioning.policy import ACCESSOR
from provisioning.vault_setup import Program, VaultSetup

# This word alone is never a line of a manifest, a policy or a role's JSON.
_END = "EOF"
# The server of each program, and the variable with its address.
_SERVERS: Mapping[Program, tuple[str, str]] = {"vault": ("Vault", "VAULT_ADDR"), "bao": ("OpenBao", "BAO_ADDR")}


def script(setup: VaultSetup, bundle: str | None) -> str:
    """Return the script. It applies the bundle first, if there is one, and stops at the first command that fails."""
    return "\n".join(_parts(setup, bundle))


def vault_options(setup: VaultSetup) -> str:
    """Return the options of every `vault` or `bao` command, each with a blank before it."""
    namespace = setup.target.vault_namespace
    return f" -namespace={shlex.quote(namespace)}" if namespace else ""


def _parts(setup: VaultSetup, bundle: str | None) -> Iterator[str]:
    server, variable = _SERVERS[setup.program]
    where = f" at {setup.target.address}" if setup.target.address else ""
    rights = f"set {variable}, and log in as somebody who may write policies and roles."
    notes = "".join(f"# {line}\n" for line in setup.notes)
    yield f"#!/bin/sh\n# For the {server}{where}: {rights}\n{notes}set -eu\n"
    if bundle is not None:
        yield f"kubectl apply --server-side -f - {_here(bundle)}"
    options = vault_options(setup)
    write_policy = f"{setup.program} policy write{options} {shlex.quote(setup.policy.name)} -"
    if setup.lacks_accessor:
        yield _find_accessor(setup, options)
        edit = f'sed "s/aliases\\.{ACCESSOR}\\./aliases.$accessor./g"'
        yield f"{edit} <<'{_END}' |\n{setup.policy_text}{_END}\n{write_policy}\n"
    else:
        yield f"{write_policy} {_here(setup.policy_text)}"
    yield f"{setup.program} write{options} {shlex.quote(setup.role.path)} - {_here(setup.role.as_json)}"


def _find_accessor(setup: VaultSetup, options: str) -> str:
    # Reading sys/auth/MOUNT would be shorter, but takes more rights.
    mount = shlex.quote(f"{setup.role.mount}/")
    find = f"awk -v mount={mount} '$1 == mount {{ print $3 }}'"
    return f'accessor=$({setup.program} auth list{options} | {find})\n: "${{accessor:?there is no such auth mount}}"\n'


def _here(text: str) -> str:
    return f"<<'{_END}'\n{text}{_END}\n"
