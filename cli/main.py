"""The `keyhole` command. Exit codes: 0 done, 1 findings (something is wrong with what was asked about), 2 usage."""

import importlib
from collections.abc import Mapping
from typing import ClassVar

import click

from cli.version import VERSION


class _LateGroup(click.Group):
    """Imports a subcommand's module when it is used: `serve` patches the standard library before much is imported."""

    modules: ClassVar[Mapping[str, str]] = {
        "audit": "cli.audit_command",
        "certs": "cli.certs_command",
        "controller": "cli.controller_command",
        "key": "cli.key_command",
        "connections": "cli.connections_command",
        "probe": "cli.probe_command",
        "resolve": "cli.resolve_command",
        "serve": "cli.serve_command",
        "tenant": "cli.tenant_command",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        module = self.modules.get(cmd_name)
        if module is None:
            return None
        command = getattr(importlib.import_module(module), cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101 - a fact of the table above
        return command


@click.group(
    cls=_LateGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Each command has examples: keyhole COMMAND --help",
)
@click.version_option(VERSION, prog_name="keyhole")
def main() -> None:
    """Turn references to HashiCorp Vault into values, when Kubernetes manifests are applied."""
