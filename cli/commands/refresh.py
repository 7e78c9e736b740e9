"""`keyhole refresh`: have Secrets take what Vault has now, without waiting for the controller."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import NotDoneError, tell
from cli.following.options import chosen_namespace, cluster_options, secrets_of
from kube.objects import ObjectName

if TYPE_CHECKING:
    from cli.following.refreshing import Result
    from kube.secrets import Secrets

_FINDINGS = 1
_AGAIN_SECONDS = 5.0
# More than this many take long enough for somebody to ask how far it is.
_MANY = 20
_MOST_IN_A_ROW = 3


@click.command(
    epilog="""\b
Examples:
  keyhole refresh -n shop app
  keyhole refresh -n shop --all
  # Every Secret that needs a secret which has just been rotated:
  keyhole refresh -A --path secret/shop/app --dry-run
  keyhole refresh -A --path secret/shop/app --wait
""",
)
@cluster_options
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="Refresh all Secrets of the namespace that Keyhole fills.")
@click.option("--path", metavar="MOUNT/PATH", help="Refresh those that need this path in Vault.")
@click.option("-A", "--all-namespaces", is_flag=True, help="With --all or --path: in every namespace.")
@click.option("--dry-run", is_flag=True, help="Only list the Secrets that would be refreshed.")
@click.option("--wait", "is_waiting", is_flag=True, help="Try again what Vault or the API server had no answer for.")
@click.option(
    "--timeout",
    "timeout_seconds",
    type=click.FloatRange(min=1),
    default=300.0,
    show_default=True,
    help="With --wait: for how many seconds.",
)
@click.pass_context
def refresh(
    ctx: click.Context,
    *,
    namespace: str | None,
    kubeconfig: Path,
    context: str | None,
    names: Sequence[str],
    is_all: bool,
    path: str | None,
    all_namespaces: bool,
    dry_run: bool,
    is_waiting: bool,
    timeout_seconds: float,
) -> None:
    """Have Secrets take the values that Vault has now.

    It sets the annotation `keyhole.dev/refresh` in your name. The webhook then asks Vault as the namespace, as it does
    for every admission, and takes the annotation off. For each Secret a line says what became of it. You need `get` and
    `patch` on Secrets, and `list` unless you name them.

    Exit code 1 if one of them was not refreshed; it keeps the value it has. 2: nothing could be done.
    """
    if sum((bool(names), is_all, path is not None)) != 1:
        raise click.UsageError("give the names of Secrets, or --all, or --path MOUNT/PATH")
    if all_namespaces and (names or namespace):
        raise click.UsageError("--all-namespaces goes with --all or --path, and without --namespace")
    where = "" if all_namespaces else chosen_namespace(namespace, kubeconfig, context)
    chosen = [_named(where, name) for name in names]
    secrets = secrets_of(kubeconfig, context)
    chosen = chosen or list(_found(secrets, where, path))
    if not chosen:
        place = f"namespace {where}" if where else "any namespace"
        raise NotDoneError(f"no Secret in {place} needs " + (path or "anything from Vault"))
    if dry_run:
        for one in chosen:
            tell(str(one))
        return
    until = time.monotonic() + timeout_seconds if is_waiting else 0.0
    if not _refresh_all(secrets, chosen, until):
        ctx.exit(_FINDINGS)


def _named(namespace: str, name: str) -> ObjectName:
    try:
        return ObjectName.parse(f"{namespace}/{name}")
    except ValueError:
        raise click.UsageError(f"{name!r} is not the name of a Secret") from None


def _found(secrets: "Secrets", namespace: str, path: str | None) -> Iterator[ObjectName]:
    from cli.following.look import listed
    from kube.metadata_pages import Oversized
    from manifests.following.standing import standing
    from manifests.kinds.secret import SECRET

    wanted = None if path is None else path.strip("/")
    for found in listed(secrets, namespace):
        if isinstance(found, Oversized):
            tell(f"note: {found.name or 'a Secret'} has too much metadata and was not read", err=True)
            continue
        readings = standing(SECRET, found.annotations, found.labels).readings
        if any(wanted in {None, each.reference.path} for each in readings):
            yield found.name


def _refresh_all(secrets: "Secrets", chosen: Iterable[ObjectName], until_seconds: float) -> bool:
    """Refresh them, those that may pass again and again until then, and return whether all are well."""
    is_well = True
    left = list(chosen)
    while left:
        again: list[ObjectName] = []
        may_wait = time.monotonic() + _AGAIN_SECONDS < until_seconds
        for result in _refreshed(secrets, left):
            if result.ending.may_pass and may_wait:
                again.append(result.name)
                tell(f"{result}; trying again", err=True)
            else:
                is_well = is_well and result.ending.is_well
                tell(str(result))
        left = again
        if left:
            time.sleep(_AGAIN_SECONDS)
    return is_well


def _refreshed(secrets: "Secrets", names: Sequence[ObjectName]) -> Iterator["Result"]:
    from cli.following.refreshing import Ending, refresh

    in_a_row = 0
    # On a terminal the lines themselves show how far it is, and would break the bar.
    is_hidden = len(names) < _MANY or not sys.stderr.isatty() or sys.stdout.isatty()
    with click.progressbar(names, file=sys.stderr, hidden=is_hidden) as bar:
        for name in bar:
            result = refresh(secrets, name)
            yield result
            in_a_row = in_a_row + 1 if result.ending is Ending.UNAVAILABLE else 0
            if in_a_row == _MOST_IN_A_ROW and len(names) > _MOST_IN_A_ROW:
                raise NotDoneError(f"given up after {name}: {result.details[0]}")
