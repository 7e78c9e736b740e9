"""`keyhole resolve`: what a reference resolves to, for a namespace or for yourself."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import NotDoneError
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.references.characters import visible
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Reference, parse_value
from resolver.references.value import NotText, SecretValue

if TYPE_CHECKING:
    from resolver.resolve import Resolved

_DEADLINE_SECONDS = 30.0
_FINDINGS = 1
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    epilog="""\b
Examples:
  export VAULT_ADDR=https://vault.example:8200 VAULT_TOKEN=...
  keyhole resolve 'vault:secret/app#password'
  keyhole resolve 'postgres://app:((vault:secret/app#password | urlencode))@db/app' --reveal
\b
  # As the webhook does for a namespace (you must be allowed to mint tokens for its ServiceAccount keyhole):
  keyhole resolve 'vault:secret/app#password' --namespace team-a --connections connections.yaml \\
      --kubeconfig ~/.kube/config
""",
)
@click.argument("reference")
@click.option("--reveal", is_flag=True, help="Print the value. Without this, only say whether there is one.")
@click.option("--namespace", help="Resolve as this namespace. Without this, your own token (VAULT_TOKEN) is used.")
@click.option("--connections", type=_FILE, help="With --namespace: the Vault connections (YAML).")
@click.option(
    "--kubeconfig", type=_FILE, envvar="KUBECONFIG", help="With --namespace: the kubeconfig of the API server."
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines for people, or one JSON object.",
)
@click.pass_context
def resolve(  # noqa: PLR0917 - click passes one for each option
    ctx: click.Context,
    reference: str,
    reveal: bool,  # noqa: FBT001
    namespace: str | None,
    connections: Path | None,
    kubeconfig: Path | None,
    output: str,
) -> None:
    """Show what a reference resolves to.

    REFERENCE may also be a text with references in it. The value is masked unless --reveal is given.

    Exit code 1 if a reference is malformed or does not resolve.
    """
    from cli.commands.resolver_for import namespace_resolver, own_resolver
    from resolver.resolve import Resolved

    try:
        template = parse_value(reference)
    except ReferenceSyntaxError as error:
        _finish(ctx, output, {"error": error.cause, "message": error.message}, error.diagram())
        return
    if not template.references:
        raise click.UsageError("no reference in it; one looks like vault:MOUNT/PATH#FIELD")
    resolver = namespace_resolver(connections, kubeconfig) if namespace else own_resolver()
    try:
        outcomes = resolver.resolve(template.references, namespace or "", Deadline.after(_DEADLINE_SECONDS))
    finally:
        resolver.close()
    failures = [outcome for outcome in outcomes.values() if isinstance(outcome, ResolverError)]
    if failures:
        told = "\n".join(f"{failure.cause}: {visible(failure.message)}" for failure in failures)
        _finish(ctx, output, {"error": failures[0].cause, "message": told}, told)
        return
    found = {reference: outcome for reference, outcome in outcomes.items() if isinstance(outcome, Resolved)}
    try:
        value = template.render({reference: outcome.value for reference, outcome in found.items()})
    except ResolverError as error:
        _finish(ctx, output, {"error": error.cause, "message": error.message}, f"{error.cause}: {error.message}")
        return
    _show(value, found, output, reveal=reveal)


def _show(value: SecretValue, found: Mapping[Reference, "Resolved"], output: str, *, reveal: bool) -> None:
    if output == "json":
        references = [{"reference": str(key), "version": outcome.version} for key, outcome in found.items()]
        click.echo(json.dumps({"value": _text(value) if reveal else None, "references": references}))
    elif reveal:
        # The raw bytes, so that the output can be piped.
        sys.stdout.buffer.write(value.reveal())
    else:
        for key, outcome in found.items():
            version = "" if outcome.version is None else f", version {outcome.version}"
            click.echo(f"{key.shown}: {outcome.value}{version} (--reveal shows it)")


def _text(value: SecretValue) -> str:
    try:
        return value.reveal_text()
    except NotText:
        raise NotDoneError("the value is not UTF-8 text, which JSON needs; ask for it with `| base64`") from None


def _finish(ctx: click.Context, output: str, finding: Mapping[str, str], text: str) -> None:
    click.echo(json.dumps(finding) if output == "json" else text, err=output != "json")
    ctx.exit(_FINDINGS)
