"""`keyhole key`: ask for a rotation of the record key, and see how far it is. No key is ever read here."""

import json
import secrets as random
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import click

from cli.errors import NotDoneError
from cli.key_report import position, shown, tell, tell_dropped, tell_problems, words
from cli.parameters import ObjectNameType
from kube.client import connect
from kube.errors import Conflict, KubernetesError, KubernetesUnavailable
from kube.objects import Metadata, ObjectName
from kube.secrets import Secrets
from manifests.provenance.key_status import DROP_OLD, ROTATE, STATUS, Rotation, Step, drop_of, parse, request_of

_CALL_SECONDS = 10.0
_POLL_SECONDS = 1.0
_ATTEMPTS = 5

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
    help="The Secret with the keys of the records.",
)
_kubeconfig = click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="KUBECONFIG",
    default=lambda: str(Path.home() / ".kube" / "config"),
    show_default="~/.kube/config",
    help="An administrator's way to the API server.",
)


@click.group(name="key")
def key() -> None:
    """Rotate the key that the records of what was resolved are signed under, and see its state."""


@key.command(epilog=_ROTATE_EXAMPLES)
@_record_key
@_kubeconfig
@click.option("--no-wait", is_flag=True, help="Ask, and leave the rest to the controller.")
@click.option(
    "--drop-old",
    is_flag=True,
    help="End it after one pass over all namespaces, whatever records are left under the old key.",
)
@click.option(
    "--timeout",
    "timeout_seconds",
    type=click.FloatRange(min=1),
    default=3600.0,
    show_default=True,
    help="How many seconds to follow it. It goes on after that.",
)
def rotate(record_key: ObjectName, kubeconfig: Path, *, no_wait: bool, drop_old: bool, timeout_seconds: float) -> None:
    """Have the controller replace the record key, and follow it.

    The new key is accepted first; then it signs; then every record is signed anew, in every namespace that
    opted in; at none left the old key goes. A rotation that is under way is followed, and no other is begun.

    With --drop-old the old key goes even if records are left, because it leaked, say, and a path in Vault is
    gone. Those records count for nothing then, as if somebody had written them by hand: no Secret loses its
    value, and the values are read from Vault anew when the objects are applied again. It says which they are.

    Exit code 0: done, or with --no-wait asked for. 1: records of some namespaces could not be signed anew; the
    old key stays, and the controller tries again. 2: it could not be asked for, or was not over in time.
    """
    secret = _KeySecret(record_key, kubeconfig)
    request, is_new = secret.ask(drop_old=drop_old)
    click.echo(f"rotation {request} {'asked for' if is_new else 'is under way already'}")
    if no_wait:
        return
    with shown() as show:
        rotation = _follow(secret, request, timeout_seconds, show, passes=0 if is_new else None, to_the_end=drop_old)
    if rotation.step is not Step.DONE:
        tell_problems(rotation)
        raise SystemExit(1)
    click.echo(f"done: the key {rotation.new} signs, {rotation.progress.refreshed} records signed anew")
    tell_dropped(rotation)


@key.command(epilog=_STATUS_EXAMPLES)
@_record_key
@_kubeconfig
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def status(record_key: ObjectName, kubeconfig: Path, *, output: str) -> None:
    """Show which key signs, which are accepted, and how far a rotation is.

    Exit code 1 when there is no key yet, or when a rotation cannot go on without somebody's help.
    """
    metadata = _KeySecret(record_key, kubeconfig).read()
    found, pending = parse(metadata.annotations.get(STATUS)), request_of(metadata.annotations)
    rotation = found.rotation if found else None
    if output == "json":
        click.echo(json.dumps({"keys": asdict(found) if found else None, "pending": pending}, indent=2))
    else:
        tell(found, pending)
    if found is None or (rotation and rotation.step is not Step.DONE and rotation.progress.problems_total):
        raise SystemExit(1)


class _KeySecret:
    """The Secret, of which only the metadata is looked at."""

    def __init__(self, name: ObjectName, kubeconfig: Path) -> None:
        self._name = name
        try:
            self._secrets = Secrets(connect(kubeconfig))
        except KubernetesUnavailable as error:
            raise NotDoneError(str(error)) from None

    def read(self) -> Metadata:
        """Return its metadata now."""
        try:
            return self._secrets.read_metadata(self._name, _CALL_SECONDS)
        except (KubernetesError, KubernetesUnavailable) as error:
            raise NotDoneError(str(error)) from None

    def rotation(self) -> Rotation | None:
        """Return the rotation as it is told now; None, too, while the API server does not answer."""
        try:
            found = parse(self._secrets.read_metadata(self._name, _CALL_SECONDS).annotations.get(STATUS))
        except KubernetesUnavailable:
            return None
        except KubernetesError as error:
            raise NotDoneError(str(error)) from None
        return found.rotation if found else None

    def ask(self, *, drop_old: bool) -> tuple[str, bool]:
        """Return the request of the rotation that is under way, or of a new one, and whether it is new.

        With `drop_old` ask as well that it ends whatever is left.
        """
        for _ in range(_ATTEMPTS):
            metadata = self.read()
            known = parse(metadata.annotations.get(STATUS))
            if known is None:
                raise NotDoneError(f"Secret {self._name} holds no key yet: is `keyhole controller` running?")
            under_way = request_of(metadata.annotations)
            # A request that somebody left in the meantime waits for the end of this one.
            if known.rotation is not None and known.rotation.step is not Step.DONE:
                under_way = known.rotation.request
            request = under_way or random.token_hex(4)
            wanted = {} if under_way else {ROTATE: request}
            if drop_old and drop_of(metadata.annotations) != request:
                wanted[DROP_OLD] = request
            if not wanted or self._annotate(metadata, wanted):
                return request, not under_way
        raise NotDoneError(f"Secret {self._name} changes all the time; try again")

    def _annotate(self, metadata: Metadata, annotations: Mapping[str, str]) -> bool:
        """Set annotations, and return False when somebody else changed the Secret meanwhile."""
        try:
            self._secrets.change(self._name, annotations, _CALL_SECONDS, resource_version=metadata.resource_version)
        except Conflict:
            return False
        except (KubernetesError, KubernetesUnavailable) as error:
            raise NotDoneError(str(error)) from None
        return True


def _follow(
    secret: _KeySecret,
    request: str,
    timeout_seconds: float,
    show: Callable[[int, str], None],
    *,
    passes: int | None,
    to_the_end: bool,
) -> Rotation:
    """Return the rotation when it is done, or when a pass beyond `passes` (None: those of now) has left something.

    With `to_the_end`, only when it is done.
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
    raise NotDoneError(f"not over within {timeout_seconds:.0f} s; `keyhole key status` tells how far it is")
