"""`keyhole key`: ask for a rotation of the record key, and watch it. Never reads a key."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.commands.keys.report import position, shown, tell, tell_dropped, tell_problems, words
from cli.errors import NotDoneError
from cli.parameters import ObjectNameType
from kube.objects import ObjectName
from manifests.provenance.key_status import STATUS, Rotation, Step, parse, request_of

if TYPE_CHECKING:
    from cli.commands.keys.secret import KeySecret

_POLL_SECONDS = 1.0

# "\b" on a line of its own keeps click from joining the lines below it.
_ROTATE_EXAMPLES = """\b
Examples:
  keyhole key rotate
  keyhole key rotate --no-wait
  keyhole key rotate --drop-old
  keyhole key rotate --record-key my-keyhole/record-key --kubeconfig admin.kubeconfig --timeout 7200
"""
_STATUS_EXAMPLES = """\b
Examples:
  keyhole key status
  keyhole key status -o json
"""

_record_key = click.option(
    "--record-key",
    type=ObjectNameType(),
    default="keyhole/keyhole-record-key",
    show_default=True,
    help="The Secret with the record keys.",
)
_kubeconfig = click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="KUBECONFIG",
    default=lambda: str(Path.home() / ".kube" / "config"),
    show_default="~/.kube/config",
    help="An administrator's kubeconfig.",
)


@click.group(name="key")
def key() -> None:
    """Rotate the key that signs the records, and show its state."""


@key.command(epilog=_ROTATE_EXAMPLES)
@_record_key
@_kubeconfig
@click.option("--no-wait", is_flag=True, help="Ask for the rotation, and do not wait for the controller to finish it.")
@click.option(
    "--drop-old",
    is_flag=True,
    help="Drop the old key after one pass over all namespaces, even if records signed with it are left.",
)
@click.option(
    "--timeout",
    "timeout_seconds",
    type=click.FloatRange(min=1),
    default=3600.0,
    show_default=True,
    help="How many seconds to watch the rotation. It carries on after that.",
)
def rotate(record_key: ObjectName, kubeconfig: Path, *, no_wait: bool, drop_old: bool, timeout_seconds: float) -> None:
    """Have the controller replace the record key, and watch it do so.

    First the new key is accepted, then it signs, then every record in every namespace that opted in is signed again.
    When no record is left under the old key, that key is dropped. If a rotation is already under way, the command
    watches that one and does not begin another.

    With --drop-old the old key is dropped even if records are left. Use it when the key has leaked, for example, and
    some path in Vault no longer exists. Those records then prove nothing, as if somebody had written them by hand: no
    Secret loses its value, and the values are read from Vault again when the objects are next applied. The command
    lists them.

    Exit code 0: done, or with --no-wait, asked for. 1: records of some namespaces could not be signed again; the old
    key stays, and the controller keeps trying. 2: the rotation could not be asked for, or did not end in time.
    """
    from cli.commands.keys.secret import KeySecret

    secret = KeySecret(record_key, kubeconfig)
    request, is_new = secret.ask(drop_old=drop_old)
    click.echo(f"rotation {request} {'asked for' if is_new else 'is under way already'}")
    if no_wait:
        return
    with shown() as show:
        rotation = _follow(secret, request, timeout_seconds, show, passes=0 if is_new else None, to_the_end=drop_old)
    if rotation.step is not Step.DONE:
        tell_problems(rotation)
        raise SystemExit(1)
    click.echo(f"done: the key {rotation.new} signs, {rotation.progress.refreshed} records signed again")
    tell_dropped(rotation)


@key.command(epilog=_STATUS_EXAMPLES)
@_record_key
@_kubeconfig
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines for people, or one JSON object.",
)
def status(record_key: ObjectName, kubeconfig: Path, *, output: str) -> None:
    """Show which key signs, which keys are accepted, and how far a rotation has come.

    Exit code 1 if there is no key yet, or if a rotation needs somebody's help to go on.
    """
    from cli.commands.keys.secret import KeySecret

    metadata = KeySecret(record_key, kubeconfig).read()
    found, pending = parse(metadata.annotations.get(STATUS)), request_of(metadata.annotations)
    rotation = found.rotation if found else None
    if output == "json":
        click.echo(json.dumps({"keys": asdict(found) if found else None, "pending": pending}, indent=2))
    else:
        tell(found, pending)
    if found is None or (rotation and rotation.step is not Step.DONE and rotation.progress.problems_total):
        raise SystemExit(1)


def _follow(
    secret: "KeySecret",
    request: str,
    timeout_seconds: float,
    show: Callable[[int, str], None],
    *,
    passes: int | None,
    to_the_end: bool,
) -> Rotation:
    """Return the rotation once it is done, or once a pass beyond the first `passes` has left records behind.

    Without `passes`, those made so far are the first. With `to_the_end`, return it only once it is done.
    """
    until = time.monotonic() + timeout_seconds
    while time.monotonic() < until:
        rotation = secret.rotation()
        if rotation is None or rotation.request != request:
            show(0, "waiting for the controller")
        else:
            show(position(rotation), words(rotation))
            passes = rotation.progress.passes if passes is None else passes
            is_left = rotation.step is Step.REFRESHING and rotation.progress.passes > passes
            if rotation.step is Step.DONE or (is_left and not to_the_end):
                return rotation
        time.sleep(_POLL_SECONDS)
    raise NotDoneError(f"not over within {timeout_seconds:.0f} s; `keyhole key status` shows how far it has come")
