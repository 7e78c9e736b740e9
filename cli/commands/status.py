"""`keyhole status`: which version of a secret the cluster has, which one Vault has, and what is wrong."""

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import tell
from cli.following.options import chosen_namespace, cluster_of, cluster_options
from cli.parameters import kinds_option

if TYPE_CHECKING:
    from cli.following.rows import Row
    from manifests.kinds.known import Kinds

_FINDINGS = 1
# Where nobody knows how wide the terminal is: in a pipe, in a log.
_COLUMNS = 100


@click.command(
    epilog="""\b
Examples:
  keyhole status -n shop
  keyhole status -A -o wide
  keyhole status -A -o json | jq '.references[] | select(.findings != [])'
\b
  # With what Vault has, and until Ctrl-C:
  export VAULT_ADDR=https://vault.example:8200 VAULT_TOKEN=...
  keyhole status -n shop --watch
""",
)
@cluster_options
@click.option("-A", "--all-namespaces", is_flag=True, help="Show every namespace.")
@click.option(
    "--connections",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The Vault connections (YAML), for their intervals and CA bundles. Your token goes to those at VAULT_ADDR.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "wide", "json"]),
    default="text",
    show_default=True,
    help="A table for people, with long texts cut or whole, or JSON.",
)
@kinds_option
@click.option("-w", "--watch", "is_watching", is_flag=True, help="Look again every 2 seconds, and show what changes.")
@click.pass_context
def status(
    ctx: click.Context,
    *,
    namespace: str | None,
    kubeconfig: Path,
    context: str | None,
    all_namespaces: bool,
    connections: Path | None,
    output: str,
    kinds: "Kinds | None",
    is_watching: bool,
) -> None:
    """Show which version of each secret the cluster has, and which one Vault has.

    Each line is a reference in a field of a Secret, or of an object of a kind in --kinds. HERE is the version that gave
    the field its value, VAULT the newest one, CHANGED the time since that was written. For VAULT and CHANGED, Vault is
    asked with your own token (VAULT_ADDR, and VAULT_TOKEN or ~/.vault-token); without one they show a dash. FOLLOWS
    says how often the controller compares the two versions; without --connections the default, a minute, is assumed. In
    Kubernetes you need `list` on Secrets, and on the other kinds. Values are never asked for, neither here nor in
    Vault. The table is cut to the width of your terminal; `-o wide` cuts nothing.

    Exit code 1 if something lasts: there is a PROBLEM, which includes that Vault has had another version for longer
    than the interval. Exit code 0 if all is well, and after Ctrl-C.
    """
    from cli.following.look import Looker
    from cli.following.own_vault import OwnVault
    from cli.following.rows import is_well
    from cli.following.watching import watch
    from manifests.kinds.known import ONLY_SECRETS

    if all_namespaces and namespace:
        raise click.UsageError("give either --namespace or --all-namespaces")
    where = "" if all_namespaces else chosen_namespace(namespace, kubeconfig, context)
    cluster = cluster_of(kubeconfig, context)
    told = partial(tell, err=True)
    looker = Looker(lambda codec: cluster(codec, ""), kinds or ONLY_SECRETS, OwnVault.found(connections), where, told)
    if is_watching:
        watch(looker.look, _shower(output, with_namespace=all_namespaces))
        return
    found = looker.look()
    _show(found, output, with_namespace=all_namespaces)
    if output != "json" and not found:
        place = f"namespace {where}" if where else "any namespace"
        tell(f"no object in {place} has a reference", err=True)
    if not is_well(found):
        ctx.exit(_FINDINGS)


def _show(found: Sequence["Row"], output: str, *, with_namespace: bool, with_titles: bool = True) -> None:
    from cli.following.rows import document
    from cli.following.shown import explanations, lines

    if output == "json":
        click.echo(json.dumps(document(found), indent=2))
        return
    if found:
        columns = shutil.get_terminal_size((_COLUMNS, 0)).columns
        is_wide = output == "wide"
        shown = lines(found, datetime.now(UTC), with_namespace=with_namespace, is_wide=is_wide, columns=columns)
        for line in islice(shown, 0 if with_titles else 1, None):
            click.echo(line)
    for line in explanations(found):
        tell(line, err=True)


def _shower(output: str, *, with_namespace: bool) -> Callable[[Sequence["Row"], Sequence["Row"]], None]:
    """Return how to show changes: the whole table anew on a terminal, elsewhere the lines that are new."""
    is_first = True

    def show(found: Sequence["Row"], new: Sequence["Row"]) -> None:
        from cli.following.rows import document

        nonlocal is_first
        if output == "json":
            click.echo(json.dumps(document(found)))
        elif sys.stdout.isatty():
            click.clear()
            _show(found, output, with_namespace=with_namespace)
        elif new:
            _show(new, output, with_namespace=with_namespace, with_titles=is_first)
            is_first = False
        sys.stdout.flush()

    return show
