"""`keyhole controller`: the one process that writes."""

import logging
import signal
from pathlib import Path

import click

from cli.errors import NotDoneError
from cli.parameters import AddressType, ObjectNameType
from cli.version import VERSION
from controller.counting import ControllerMeters
from controller.health import HealthListener, Pages
from controller.process import Controller, ControllerSettings
from kube.errors import KubernetesUnavailable
from kube.objects import ObjectName
from metrics.meters import Exposition, Meters
from webhook.log_lines import LogFormat
from webhook.logs import configure, frames
from webhook.settings import Address

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
    "--health-listen",
    type=AddressType(),
    default="0.0.0.0:8080",
    show_default=True,
    help="/livez, /readyz and /metrics, plain.",
)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
@click.option(
    "--log-format",
    type=click.Choice(["console", "json"]),
    default="console",
    show_default=True,
    help="How a line of the log is written.",
)
def controller(  # noqa: PLR0917 - click passes one for each option
    record_key: ObjectName,
    lease: ObjectName,
    settle_seconds: float,
    kubeconfig: Path | None,
    health_listen: Address,
    log_level: str,
    log_format: str,
) -> None:
    """Make and rotate the key of the records, until SIGTERM.

    Several may run; one of them leads. What it is about to do stands in the Secret, so that any of them can go
    on after another.
    """
    configure(log_level, LogFormat(log_format))
    meters = Meters.alone()
    try:
        settings = ControllerSettings(record_key, lease, settle_seconds, kubeconfig)
        process = Controller(settings, ControllerMeters(meters, VERSION))
        pages = Pages(lambda: process.is_alive, lambda: process.is_ready, Exposition(meters, process.tell).text)
        listener = HealthListener(health_listen.host, health_listen.port, pages)
    except KubernetesUnavailable as error:
        raise NotDoneError(str(error)) from None
    except OSError as error:
        raise NotDoneError(f"cannot listen on {health_listen}: {error.strerror}") from None
    listener.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stop())
    try:
        process.run()
    except Exception as error:  # noqa: BLE001 - a traceback's text could hold anything
        log.critical("bug: %s at %s", type(error).__name__, frames(error))
        raise SystemExit(_BUG) from None
    finally:
        listener.close()
