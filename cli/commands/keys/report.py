"""What `keyhole key` prints about the keys and about a rotation."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from manifests.provenance.key_status import KeyStatus, Rotation, Step

_WHOLE = 100
_BEFORE_REFRESHING = {Step.ACCEPTING: 10, Step.SIGNING: 20, Step.REFRESHING: 30, Step.DONE: _WHOLE}


def position(rotation: Rotation) -> int:
    """Return how far the rotation has come, in percent."""
    reached = _BEFORE_REFRESHING[rotation.step]
    if rotation.step is Step.REFRESHING and rotation.progress.namespaces:
        reached += (_WHOLE - reached) * rotation.progress.visited // rotation.progress.namespaces
    return reached


def words(rotation: Rotation) -> str:
    """Say in one line what is happening now."""
    progress = rotation.progress
    return {
        Step.ACCEPTING: f"the key {rotation.new} is being announced to every replica",
        Step.SIGNING: f"the key {rotation.new} signs; not every replica knows that yet",
        Step.REFRESHING: f"signing again: {progress.refreshed} records, "
        f"{progress.visited} of {progress.namespaces} namespaces",
        Step.DONE: f"the key {rotation.new} signs, and no older one is accepted",
    }[rotation.step]


@contextmanager
def shown() -> Iterator[Callable[[int, str], None]]:
    """Yield a function that shows progress: a bar on a terminal, elsewhere a line for each change."""
    if not sys.stderr.isatty():
        told = [""]

        def tell(_: int, words: str) -> None:
            if words != told[0]:
                click.echo(words, err=True)
            told[0] = words

        yield tell
        return
    with click.progressbar(length=_WHOLE, show_eta=False, item_show_func=lambda words: words, file=sys.stderr) as bar:
        yield lambda position, words: bar.update(position - bar.pos, words)


def tell(found: KeyStatus | None, pending: str | None) -> None:
    """Print the state of the keys, and a request that nobody has taken up yet."""
    if found is None:
        click.echo("no key yet: is `keyhole controller` running?")
        return
    click.echo(f"signing   {found.signing}")
    click.echo(f"accepted  {', '.join(found.accepted)}")
    if pending:
        click.echo(f"rotation  {pending}: asked for; no controller has taken it up yet")
    if found.rotation:
        click.echo(f"rotation  {found.rotation.request}: {found.rotation.step}: {words(found.rotation)}")
        if found.rotation.step is not Step.DONE:
            tell_problems(found.rotation)
        tell_dropped(found.rotation)


def tell_problems(rotation: Rotation) -> None:
    """If something keeps the old key accepted, print what it is and what can be done about it."""
    progress = rotation.progress
    if not progress.problems_total:
        return
    click.echo(f"finding: {progress.problems_total} namespaces, {progress.left} records are left; the old key stays")
    for problem in progress.problems:
        click.echo(f"  {problem.namespace}: {problem.cause}")
    if progress.problems_total > len(progress.problems):
        click.echo(f"  and {progress.problems_total - len(progress.problems)} more")
    _tell_left(rotation)
    click.echo(
        "`keyhole key rotate --drop-old` drops the old key all the same. Those records then prove nothing: no Secret "
        "loses its value, and their values are read from Vault again when the objects are next applied."
    )


def tell_dropped(rotation: Rotation) -> None:
    """If the old key was dropped although records were left, print which."""
    if not rotation.has_dropped:
        return
    progress = rotation.progress
    click.echo(
        f"note: the old key was dropped with {progress.problems_total} namespaces, {progress.left} records left. Those "
        "records prove nothing: their values are read from Vault again when the objects are next applied"
    )
    for problem in progress.problems:
        click.echo(f"  {problem.namespace}: {problem.cause}")
    _tell_left(rotation)


def _tell_left(rotation: Rotation) -> None:
    progress = rotation.progress
    if progress.left_names:
        click.echo("records left:")
    for name in progress.left_names:
        click.echo(f"  {name}")
    if progress.left > len(progress.left_names):
        click.echo(f"  and {progress.left - len(progress.left_names)} more")
