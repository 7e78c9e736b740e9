"""`keyhole refresh`: have objects take what Vault has now, without waiting for the controller."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import NotDoneError, tell
from cli.following.options import chosen_namespace, cluster_of, cluster_options
from cli.parameters import kinds_option
from kube.objects import ObjectName

if TYPE_CHECKING:
    from cli.following.refreshing import Named, Result
    from kube.objects_of import ObjectsOf
    from manifests.kinds.codec import Codec
    from manifests.kinds.known import Kinds

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
  keyhole refresh -n shop configmap/settings --kinds kinds.yaml
  # Every Secret that needs a secret which has just been rotated:
  keyhole refresh -A --path secret/shop/app --dry-run
  keyhole refresh -A --path secret/shop/app --wait
""",
)
@cluster_options
@click.argument("names", metavar="[[KIND/]NAME]...", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="Refresh all objects of the namespace that Keyhole fills.")
@click.option("--path", metavar="MOUNT/PATH", help="Refresh those that need this path in Vault.")
@click.option("-A", "--all-namespaces", is_flag=True, help="With --all or --path: in every namespace.")
@click.option("--dry-run", is_flag=True, help="Only list the objects that would be refreshed.")
@click.option("--wait", "is_waiting", is_flag=True, help="Try again what Vault or the API server had no answer for.")
@click.option(
    "--timeout",
    "timeout_seconds",
    type=click.FloatRange(min=1),
    default=300.0,
    show_default=True,
    help="With --wait: for how many seconds.",
)
@kinds_option
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
    kinds: "Kinds | None",
) -> None:
    """Have objects take the values that Vault has now.

    It sets the annotation `keyhole.dev/refresh` in your name. The webhook then asks Vault as the namespace, as it does
    for every admission, and takes the annotation off. For each object a line says what became of it. A NAME alone is
    that of a Secret. You need `get` and `patch` on them, and `list` unless you name them.

    Exit code 1 if one of them was not refreshed; it keeps the value it has. 2: nothing could be done.
    """
    if sum((bool(names), is_all, path is not None)) != 1:
        raise click.UsageError("give the names of objects, or --all, or --path MOUNT/PATH")
    if all_namespaces and (names or namespace):
        raise click.UsageError("--all-namespaces goes with --all or --path, and without --namespace")
    where = "" if all_namespaces else chosen_namespace(namespace, kubeconfig, context)
    from manifests.kinds.known import ONLY_SECRETS

    known = kinds or ONLY_SECRETS
    chosen = [_named(where, name, known) for name in names]
    objects_of = cluster_of(kubeconfig, context)
    chosen = chosen or list(_found(objects_of, known, where, path))
    if not chosen:
        place = f"namespace {where}" if where else "any namespace"
        raise NotDoneError(f"no object in {place} needs " + (path or "anything from Vault"))
    if dry_run:
        for one in chosen:
            tell(str(one))
        return
    until = time.monotonic() + timeout_seconds if is_waiting else 0.0
    if not _refresh_all(objects_of, chosen, until):
        ctx.exit(_FINDINGS)


def _named(namespace: str, text: str, kinds: "Kinds") -> "Named":
    from cli.following.refreshing import Named

    kind, slash, name = text.rpartition("/")
    wanted = kind.lower() if slash else "secret"
    codec = next((each for each in kinds if wanted in _spellings(each)), None)
    if codec is None:
        known = ", ".join(sorted(each.kind for each in kinds))
        raise click.UsageError(f"{text!r}: {kind!r} is no kind that Keyhole fills; it fills {known} (see --kinds)")
    try:
        return Named(ObjectName.parse(f"{namespace}/{name}"), codec)
    except ValueError:
        raise click.UsageError(f"{text!r} is not the name of an object") from None


def _spellings(codec: "Codec") -> frozenset[str]:
    """Return how kubectl lets a kind be written."""
    names = {codec.kind.lower(), codec.resource}
    return frozenset(names | {f"{name}.{codec.group}" for name in names if codec.group})


def _found(
    objects_of: "Callable[[Codec, str], ObjectsOf]", kinds: "Kinds", namespace: str, path: str | None
) -> Iterator["Named"]:
    from cli.following.look import listed
    from cli.following.refreshing import Named
    from manifests.following.standing import standing

    wanted = None if path is None else path.strip("/")
    for found in listed(lambda codec: objects_of(codec, ""), kinds, namespace, partial(tell, err=True)):
        readings = standing(found.codec, found.metadata.annotations, found.metadata.labels).readings
        if any(wanted in {None, each.reference.path} for each in readings):
            yield Named(found.name, found.codec)


def _refresh_all(
    objects_of: "Callable[[Codec, str], ObjectsOf]", chosen: Iterable["Named"], until_seconds: float
) -> bool:
    """Refresh them, those that may pass again and again until then, and return whether all are well."""
    is_well = True
    left = list(chosen)
    while left:
        again: list[Named] = []
        may_wait = time.monotonic() + _AGAIN_SECONDS < until_seconds
        for result in _refreshed(objects_of, left):
            if result.ending.may_pass and may_wait:
                again.append(result.named)
                tell(f"{result}; trying again", err=True)
            else:
                is_well = is_well and result.ending.is_well
                tell(str(result))
        left = again
        if left:
            time.sleep(_AGAIN_SECONDS)
    return is_well


def _refreshed(objects_of: "Callable[[Codec, str], ObjectsOf]", chosen: Sequence["Named"]) -> Iterator["Result"]:
    from cli.following.refreshing import Ending, refresh

    in_a_row = 0
    # On a terminal the lines themselves show how far it is, and would break the bar.
    is_hidden = len(chosen) < _MANY or not sys.stderr.isatty() or sys.stdout.isatty()
    with click.progressbar(chosen, file=sys.stderr, hidden=is_hidden) as bar:
        for named in bar:
            result = refresh(named, objects_of)
            yield result
            in_a_row = in_a_row + 1 if result.ending is Ending.UNAVAILABLE else 0
            if in_a_row == _MOST_IN_A_ROW and len(chosen) > _MOST_IN_A_ROW:
                raise NotDoneError(f"given up after {named}: {result.details[0]}")
