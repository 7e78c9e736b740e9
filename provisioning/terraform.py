"""A tenant's policy and role for Terraform's Vault provider.

Sources: the provider's resources `vault_policy`, `vault_jwt_auth_backend_role` and
`vault_kubernetes_auth_backend_role`, and its data source `vault_auth_backend`; Terraform, *Strings and Templates*.
"""

import json
from collections.abc import Iterator, Mapping

from provisioning.vault_role import Parameter
from provisioning.vault_setup import VaultSetup

_RESOURCES = {"jwt": "vault_jwt_auth_backend_role", "kubernetes": "vault_kubernetes_auth_backend_role"}
_MARK = "EOT"


def terraform(setup: VaultSetup) -> str:
    """Return resources for the policy and the role. The provider itself is configured elsewhere."""
    notes = "".join(f"# {line}\n" for line in setup.notes)
    return (f"{notes}\n" if notes else "") + "\n".join(_blocks(setup))


def _blocks(setup: VaultSetup) -> Iterator[str]:
    label = setup.policy.name.replace(".", "_").replace("@", "_")
    text = setup.policy_text
    if setup.lacks_accessor:
        yield _block(f'data "vault_auth_backend" "{label}"', [*_namespace(setup), ("path", _value(setup.role.mount))])
        text = setup.policy.hcl(f"${{data.vault_auth_backend.{label}.accessor}}")
    indented = "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())
    policy = [*_namespace(setup), ("name", _value(setup.policy.name)), ("policy", f"<<-{_MARK}\n{indented}  {_MARK}")]
    yield _block(f'resource "vault_policy" "{label}"', policy)
    role = [
        *_namespace(setup),
        ("backend", _value(setup.role.mount)),
        ("role_name", _value(setup.role.name)),
        *(
            # By reference, so that Terraform creates the policy first.
            (name, f"[vault_policy.{label}.name]" if name == "token_policies" else _value(parameter))
            for name, parameter in setup.role.parameters.items()
        ),
    ]
    yield _block(f'resource "{_RESOURCES[setup.role.method]}" "{label}"', role)


def _namespace(setup: VaultSetup) -> list[tuple[str, str]]:
    namespace = setup.target.vault_namespace
    return [("namespace", _value(namespace))] if namespace else []


def _block(header: str, arguments: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in arguments)
    lines = "".join(f"  {name.ljust(width)} = {value}\n" for name, value in arguments)
    return f"{header} {{\n{lines}}}\n"


def _value(parameter: Parameter) -> str:
    match parameter:
        case str():
            # Terraform's strings have the escapes of JSON, and two more.
            return json.dumps(parameter, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
        case bool():
            return "true" if parameter else "false"
        case int():
            return str(parameter)
        case list():
            return f"[{', '.join(_value(item) for item in parameter)}]"
        case Mapping():
            return f"{{ {', '.join(f'{_value(name)} = {_value(_joined(item))}' for name, item in parameter.items())} }}"


def _joined(value: str | list[str]) -> str:
    # The provider takes several values of a claim as one text.
    return value if isinstance(value, str) else ",".join(value)
