"""`keyhole resolve`: what does a reference stand for, asked as a namespace or as oneself."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from pydantic import ValidationError

from cli.errors import NotDoneError
from kube.client import connect
from kube.errors import KubernetesUnavailable
from kube.tokens import ServiceAccountTokens
from resolver.connections.files import load, with_bundle
from resolver.connections.model import Authentication, ConfigurationError, Connection
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.references.characters import visible
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Reference, parse_value
from resolver.references.reference import DEFAULT_CONNECTION
from resolver.references.value import NotText, SecretValue
from resolver.resolve import Resolved, Resolver
from resolver.tenancy.static_token import StaticToken
from resolver.tenancy.token_cache import TokenCache
from runtime.namespace_tokens import NamespaceTokens

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
  # As the webhook would, for a namespace (you must be allowed to mint tokens of its ServiceAccount keyhole):
  keyhole resolve 'vault:secret/app#password' --namespace team-a --connections connections.yaml \\
      --kubeconfig ~/.kube/config
""",
)
@click.argument("reference")
@click.option("--reveal", is_flag=True, help="Print the value. Without it, only whether there is one.")
@click.option("--namespace", help="Resolve as this namespace; otherwise with your own token (VAULT_TOKEN).")
@click.option("--connections", type=_FILE, help="With --namespace: the Vault connections (YAML).")
@click.option("--kubeconfig", type=_FILE, envvar="KUBECONFIG", help="With --namespace: how to reach the API server.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
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
    """Resolve REFERENCE, or a text with references in it. The value is masked unless --reveal is given.

    Exit code 1 when a reference is malformed or does not resolve.
    """
    try:
        template = parse_value(reference)
    except ReferenceSyntaxError as error:
        _finish(ctx, output, {"error": error.cause, "message": error.message}, error.diagram())
        return
    if not template.references:
        raise click.UsageError("no reference in it; one looks like vault:MOUNT/PATH#FIELD")
    resolver = _as_namespace(connections, kubeconfig) if namespace else _as_oneself()
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


def _show(value: SecretValue, found: Mapping[Reference, Resolved], output: str, *, reveal: bool) -> None:
    if output == "json":
        references = [{"reference": str(key), "version": outcome.version} for key, outcome in found.items()]
        click.echo(json.dumps({"value": _text(value) if reveal else None, "references": references}))
    elif reveal:
        # The bytes as they are, so that the output can be piped.
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


def _as_namespace(connections: Path | None, kubeconfig: Path | None) -> Resolver:
    if connections is None:
        raise click.UsageError("--namespace needs --connections")
    try:
        return Resolver(load(connections), TokenCache(NamespaceTokens(ServiceAccountTokens(connect(kubeconfig)))))
    except (ConfigurationError, KubernetesUnavailable) as error:
        raise NotDoneError(str(error)) from None


def _as_oneself() -> Resolver:
    """Use what the `vault` command uses: VAULT_ADDR, VAULT_TOKEN or ~/.vault-token, VAULT_CACERT, VAULT_NAMESPACE."""
    address, token = os.environ.get("VAULT_ADDR"), os.environ.get("VAULT_TOKEN")
    token_file = Path.home() / ".vault-token"
    if not token and token_file.is_file():
        token = token_file.read_text().strip()
    if not address or not token:
        raise click.UsageError("set VAULT_ADDR and VAULT_TOKEN, or give --namespace and --connections")
    ca_file = Path(os.environ["VAULT_CACERT"]) if os.environ.get("VAULT_CACERT") else None
    try:
        connection = Connection(
            address=address,
            auth=Authentication(method="jwt", role="unused"),
            ca_file=ca_file,
            vault_namespace=os.environ.get("VAULT_NAMESPACE") or None,
        )
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise NotDoneError(f"VAULT_ADDR: {problem}") from None
    try:
        connection = with_bundle(connection, "VAULT_CACERT")
    except ConfigurationError as error:
        raise NotDoneError(str(error)) from None
    return Resolver({DEFAULT_CONNECTION: connection}, StaticToken(SecretValue(token)))
