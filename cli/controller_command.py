"""`keyhole controller`: the one process that writes."""

import logging
import signal
from pathlib import Path

import click

from cli.errors import NotDoneError
from cli.parameters import ObjectNameType
from controller.process import Controller, ControllerSettings
from kube.errors import KubernetesUnavailable
from kube.objects import ObjectName
from webhook.logs import configure, frames

log = logging.getLogger("keyhole.controller")

_BUG = 70  # EX_SOFTWARE of sysexits.h


@click.command(
    epilog="""\b
Examples:
  keyhole controller --record-key keyhole/keyhole-record-key --lease keyhole/keyhole-controller
  keyhole controller --record-key keyhole/keyhole-record-key --lease keyhole/keyhole-controller \\
      --kubeconfig ~/.kube/config --log-level debug
""",
)
@click.option(
    "--record-key",
    type=ObjectNameType(),
    required=True,
    help="The Secret with the keys of the records. It is there already, empty at first: the controller cannot make it.",
)
@click.option(
    "--lease",
    type=ObjectNameType(),
    required=True,
    help="The Lease by which one of several controllers leads. It is made if it is not there.",
)
@click.option(
    "--settle-seconds",
    type=click.FloatRange(0, 3600),
    default=30.0,
    show_default=True,
    help="How long after a change of that Secret every webhook has read it. They read it every 5 s.",
)
@click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Outside a cluster: how to reach the API server.",
)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
def controller(
    record_key: ObjectName, lease: ObjectName, settle_seconds: float, kubeconfig: Path | None, log_level: str
) -> None:
    """Make and rotate the key of the records, until SIGTERM.

    Several may run; one of them leads. What it is about to do stands in the Secret, so that any of them can go
    on after another.
    """
    configure(log_level)
    try:
        process = Controller(ControllerSettings(record_key, lease, settle_seconds, kubeconfig))
    except KubernetesUnavailable as error:
        raise NotDoneError(str(error)) from None
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stop())
    try:
        process.run()
    except Exception as error:  # noqa: BLE001 - a traceback's text could hold anything
        log.critical("bug: %s at %s", type(error).__name__, frames(error))
        raise SystemExit(_BUG) from None
