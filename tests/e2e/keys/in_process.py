"""The controller in the test's own process: starting another one costs a second of processor, mostly for imports.

Where signals, kills and Leases are the subject, `testbed.keyhole.installation.controlling` starts a real one.
"""

import contextlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

from cli.version import VERSION
from controller.following.settings import FollowSettings
from controller.meters import ControllerMeters
from controller.process import Controller, ControllerSettings
from controller.telling.meters import FollowMeters
from controller.variables.meters import VariablesMeters
from controller.variables.settings import VariablesSettings
from kube.objects import ObjectName
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.registration.webhook_configuration import OWN_NAMESPACE
from metrics.meters import Meters
from runtime.log_lines import LogFormat, formatter
from testbed import Testbed
from testbed.keyhole.identities import LEASE, RECORD_KEY, controller_kubeconfig


@contextlib.contextmanager
def controlling_here(
    bed: Testbed,
    directory: Path,
    *,
    name: str = "controller",
    settle_seconds: float = 0.3,
    following: FollowSettings | None = None,
    variables: VariablesSettings | None = None,
    kinds: Kinds = ONLY_SECRETS,
) -> Iterator[Controller]:
    """Run a controller of the record key until the block ends, one at a time. It logs to NAME.log.

    With `following` it follows Vault too, in objects of these `kinds`; with `variables` it makes Secrets for pods.
    Raises the bug that ended it, if one did.
    """
    settings = ControllerSettings(
        ObjectName(OWN_NAMESPACE, RECORD_KEY),
        ObjectName(OWN_NAMESPACE, LEASE),
        record_key_settle_seconds=settle_seconds,
        settle_seconds=settle_seconds,
        kubeconfig=controller_kubeconfig(bed),
        following=following,
        variables=variables,
        kinds=kinds,
    )
    meters = Meters.alone()
    controller = Controller(settings, ControllerMeters(meters, VERSION), FollowMeters(meters), VariablesMeters(meters))
    bugs: list[Exception] = []

    def run() -> None:
        try:
            controller.run()
        except Exception as error:  # noqa: BLE001 - raised where the test sees it
            bugs.append(error)

    thread = threading.Thread(target=run, name=name)
    with _logged(directory / f"{name}.log"):
        thread.start()
        try:
            yield controller
        finally:
            controller.stop()
            thread.join()
    if bugs:
        raise bugs[0]


@contextlib.contextmanager
def _logged(file: Path) -> Iterator[None]:
    """Write what Keyhole logs into a file, as the process does."""
    handler = logging.FileHandler(file)
    handler.setFormatter(formatter(LogFormat.CONSOLE))
    log = logging.getLogger("keyhole")
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.setLevel(before)
        log.removeHandler(handler)
        handler.close()
