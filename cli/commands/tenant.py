"""`keyhole tenant`: what a namespace needs, in Kubernetes and in Vault."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from cli.errors import NotDoneError
from cli.parameters import KindsType, KvType
from cli.tenant_review import ReviewOptions, check_alone, review_options
from cli.tenant_vault import VaultOptions, check, setup_of
from manifests.kinds.known import ONLY_SECRETS, Kinds
from provisioning import bundle, target
from provisioning.commands import script
from provisioning.enforcing.setup import for_enforcer
from provisioning.errors import EnforcerError
from provisioning.policy_file import policy_file
from provisioning.tenant import account
from provisioning.tenant import tenant as checked_tenant
from provisioning.terraform import terraform
from provisioning.vault_role import TokenType
from provisioning.vault_setup import Program, VaultSetup
from resolver.connections.model import ConfigurationError
from resolver.references.reference import DEFAULT_CONNECTION

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    epilog="""\b
Examples:
  # Namespace label, ServiceAccounts, Roles and RoleBindings:
  keyhole tenant shop | kubectl apply --server-side -f -
\b
  # Let Keyhole fill variables of workloads there too, and objects of the listed kinds:
  keyhole tenant shop --variables --kinds kinds.yaml | kubectl apply --server-side -f -
\b
  # The bundle, plus what Vault needs for the references in these manifests, as a script to read and run:
  keyhole tenant shop --vault -f manifests/ --connections connections.yaml > shop.sh
\b
  # For a Vault administrator; a path and the KV version of its mount are enough:
  keyhole tenant shop --vault-only --path secret/shop/database --kv secret=2 -o terraform
\b
  # One policy and one role for all namespaces; each may read below its own name:
  keyhole tenant shop --vault-only --templated --kv secret=2 -o hcl
\b
  # What CI of a repository needs in Vault for `keyhole lint --vault`:
  keyhole tenant --review --repository acme/deploy --kv secret=2 > review.sh
\b
  # What `keyhole enforce` needs in Vault, to compare policies and roles with what namespaces use:
  keyhole tenant --enforcer --connections connections.yaml > enforcer.sh
""",
)
@click.argument("namespace", required=False)
@click.option(
    "--connection", default=DEFAULT_CONNECTION, show_default=True, help="The Vault connection that the namespace uses."
)
@click.option(
    "--connections",
    type=_FILE,
    help="The Vault connections (YAML). Without this, the method jwt and all defaults are assumed.",
)
@click.option(
    "--webhook-service-account",
    default="keyhole/keyhole-webhook",
    show_default=True,
    metavar="NAMESPACE/NAME",
    help="The account that may mint tokens for the ServiceAccount keyhole.",
)
@click.option(
    "--controller-service-account",
    default="keyhole/keyhole-controller",
    show_default=True,
    metavar="NAMESPACE/NAME",
    help="The account that may mint tokens for keyhole and keyhole-reconciler.",
)
@click.option(
    "--enforcer",
    is_flag=True,
    help="Let the Enforcer look into the namespace: it may mint tokens for the same two accounts as the controller. "
    "Without NAMESPACE: print what the Enforcer itself needs in Vault, to read the policies and roles of namespaces.",
)
@click.option(
    "--enforcer-service-account",
    default="keyhole/keyhole-enforcer",
    show_default=True,
    metavar="NAMESPACE/NAME",
    help="With --enforcer: the Enforcer's account.",
)
@click.option(
    "--restarts",
    is_flag=True,
    help="Let Keyhole restart workloads that ask for it when a Secret that they use has changed. Only with the policy "
    "that `keyhole manifests reconciler-policy` prints and the chart keyhole has.",
)
@click.option(
    "--variables",
    is_flag=True,
    help="Let Keyhole fill variables of workloads: label the namespace, and let it see pods and make Secrets there.",
)
@click.option(
    "--kinds",
    type=KindsType(),
    help="The list that `keyhole serve --kinds` is given: let Keyhole refresh objects of these kinds here, and find "
    "their references with -f.",
)
@click.option(
    "--guard-accounts",
    is_flag=True,
    help="Add a policy (cluster-wide objects) that keeps everybody but Keyhole from getting tokens for these accounts.",
)
@click.option(
    "--vault", is_flag=True, help="Also print what Vault needs: a policy, a role, and the commands that set them up."
)
@click.option("--vault-only", is_flag=True, help="Print what Vault needs, without the Kubernetes objects.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["commands", "hcl", "terraform"]),
    help="With --vault: a shell script that includes the Kubernetes objects (the default), or only policy and role.",
)
@click.option(
    "--path", "paths", multiple=True, help="A path in Vault that may be read, such as secret/shop/app. May be repeated."
)
@click.option(
    "-f",
    "--filename",
    "files",
    multiple=True,
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
    help="Manifests whose references may be read: a file, a folder, or - for standard input. May be repeated.",
)
@click.option("--strict", is_flag=True, help="With -f: treat files that had to be skipped as findings.")
@click.option("--kv", multiple=True, type=KvType(), help="The KV version of a mount. May be repeated.")
@click.option(
    "--templated",
    is_flag=True,
    help="Print one policy and role for all namespaces. Each --path then has a segment {namespace} and may end in /*; "
    "without any --path, each namespace may read below its own name on each known mount.",
)
@click.option("--accessor", help="With --templated: the accessor of the auth mount, as `vault auth list` shows it.")
@click.option(
    "--token-type",
    type=click.Choice(["service", "batch"]),
    help="The type of the Vault tokens. Batch tokens cannot be revoked.  [default: service]",
)
@click.option(
    "--program",
    type=click.Choice(["vault", "bao"]),
    help="The program that writes policy and role; bao is OpenBao's.  [default: vault]",
)
@review_options
@click.pass_context
def tenant(
    ctx: click.Context,
    *,
    namespace: str | None,
    connection: str,
    connections: Path | None,
    webhook_service_account: str,
    controller_service_account: str,
    enforcer: bool,
    enforcer_service_account: str,
    restarts: bool,
    variables: bool,
    kinds: Kinds | None,
    guard_accounts: bool,
    vault: bool,
    vault_only: bool,
    output: Literal["commands", "hcl", "terraform"] | None,
    paths: tuple[str, ...],
    files: tuple[Path, ...],
    strict: bool,
    kv: tuple[tuple[str, int], ...],
    templated: bool,
    accessor: str | None,
    token_type: TokenType | None,
    program: Program | None,
    review: ReviewOptions | None,
) -> None:
    """Print what a namespace needs so that Keyhole serves it.

    Nothing is changed: read the output, then apply it yourself. Exit code 1 when a manifest holds something that
    admission would refuse; then only what is wrong is printed. Files that could not be read although they may hold
    references (a template, say, or a file of a generator that is not there) are listed on standard error.
    """
    options = VaultOptions(output, paths, files, kv, templated, accessor, token_type, strict, program)
    try:
        if review is not None:
            check_alone("--review", ctx, options, "namespace", "enforcer")
            _print(review.setup(_known(connections, connection, options), options), output, None)
            return
        if enforcer and namespace is None:
            check_alone("--enforcer and no NAMESPACE", ctx, options, "kv")
            own, known = account(enforcer_service_account), _known(connections, connection, options)
            _print(for_enforcer(known, own, token_type or "service", program or "vault"), output, None)
            return
        if namespace is None:
            raise click.MissingParameter(ctx=ctx, param_hint="'NAMESPACE'", param_type="argument")
        owners = [webhook_service_account, controller_service_account, *([enforcer_service_account] * enforcer)]
        of = checked_tenant(namespace, *map(account, owners))
        objects = bundle.render(of, restarts=restarts, variables=variables, kinds=kinds or (), guarded=guard_accounts)
        if not vault and not vault_only:
            if options.given():
                raise click.UsageError(f"only with --vault or --vault-only: {', '.join(options.given())}")
            _write(objects)
            return
        check(options, connection, connections)
        known = _known(connections, connection, options)
        setup = replace(setup_of(ctx, namespace, known, options, kinds or ONLY_SECRETS), program=program or "vault")
    except (EnforcerError, ConfigurationError) as error:
        raise NotDoneError(str(error)) from None
    _print(setup, output, None if vault_only else objects)


def _known(connections: Path | None, connection: str, options: VaultOptions) -> target.Target:
    return target.read(connections, connection) if connections else target.assumed(shared=options.templated)


def _print(setup: VaultSetup, output: Literal["commands", "hcl", "terraform"] | None, objects: str | None) -> None:
    if output == "hcl":
        _write(policy_file(setup))
    elif output == "terraform":
        _write(terraform(setup))
    else:
        _write(script(setup, objects))


def _write(text: str) -> None:
    # Always UTF-8: a path may contain any letter, and the output is piped into other programs.
    click.echo(text.encode(), nl=False)
