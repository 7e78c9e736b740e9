"""`keyhole connections`: check a connections file, and show what it may contain."""

from pathlib import Path

import click

from cli.errors import tell
from resolver.connections import schema as connections_schema
from resolver.connections.files import load
from resolver.connections.model import ConfigurationError, read

_FINDINGS = 1
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(name="connections")
def connections() -> None:
    """Check the file that says which Vault Keyhole asks, and as whom."""


@connections.command(
    epilog="""\b
Examples:
  keyhole connections check connections.yaml
\b
  # In a pipeline, which does not have the CA files of the webhook's container:
  keyhole connections check connections.yaml --without-ca-files
"""
)
@click.argument("file", type=_FILE)
@click.option(
    "--without-ca-files", is_flag=True, help="Do not look for the CA files, which exist only where the webhook runs."
)
@click.pass_context
def check(ctx: click.Context, file: Path, *, without_ca_files: bool) -> None:
    """Check FILE as `keyhole serve` does when it starts. No server is asked.

    Exit code 1 if something is wrong with it. Each problem is listed with its field and its cause.
    """
    try:
        found = read(file) if without_ca_files else load(file)
    except ConfigurationError as error:
        tell(str(error), err=True)
        ctx.exit(_FINDINGS)
    for name, connection in found.items():
        tell(f"{name}: {connection.address}, auth/{connection.auth.mount_point}, role {connection.auth.role}")


@connections.command(
    epilog="""\b
Examples:
  keyhole connections schema > connections.schema.json
\b
  # The first line of a connections file, for editors with the YAML language server:
  # yaml-language-server: $schema=connections.schema.json
"""
)
def schema() -> None:
    """Print the JSON schema of the connections file."""
    click.echo(connections_schema.text().encode(), nl=False)
