"""`keyhole controller`: leads by a Lease, and works off what there is to do, a turn at a time."""

import logging
import platform
import secrets as random
import threading
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from controller.counting import ControllerMeters, Duty, Turn
from controller.errors import Interrupted
from controller.key_store import KeyStore
from controller.leadership import Leadership
from controller.pulse import Pulse
from controller.refresh import Refresher
from controller.rotation import KeyRotation
from kube.accounts import Accounts
from kube.client import connect
from kube.errors import Conflict, KubernetesError, KubernetesUnavailable
from kube.leases import LeaseHolder
from kube.namespaces import Namespaces
from kube.objects import ObjectName
from kube.secrets import Secrets

log = logging.getLogger("keyhole.controller")

TURN_SECONDS = 1.0
_AFTER_FAILURE_SECONDS = 5.0
# Between two beats lie a few requests of ten seconds at most; listing a namespace with very many Secrets takes several.
_ALIVE_WITHIN_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """What the controller works on. Without `kubeconfig` it runs in the cluster.

    `settle_seconds` is how long after a change of the Secret with the record keys every replica has read it.
    """

    record_key: ObjectName
    lease: ObjectName
    settle_seconds: float
    kubeconfig: Path | None = None


class Controller:
    """One process. Several may run: the one that holds the Lease works."""

    def __init__(self, settings: ControllerSettings, meters: ControllerMeters) -> None:
        """Raise `kube.errors.KubernetesUnavailable` when there is no way to an API server."""
        api = connect(settings.kubeconfig, observe=meters.kubernetes)
        own_api_of_the_lease = connect(settings.kubeconfig, observe=meters.kubernetes)
        self._meters = meters
        self._pulse = Pulse(_ALIVE_WITHIN_SECONDS)
        self._stopping = threading.Event()
        self._leadership = Leadership(LeaseHolder(own_api_of_the_lease, settings.lease, _identity()))
        refresher = Refresher(Namespaces(api), Accounts(api), self._check)
        store = KeyStore(Secrets(api), settings.record_key, meters.key_status)
        self._rotation = KeyRotation(store, refresher, settings.settle_seconds)
        self._told = ""

    def run(self) -> None:
        """Work until `stop`, then give the Lease back. What is a bug ends the process: a new one goes on."""
        self._leadership.start()
        try:
            pause_seconds = 0.0
            while not self._stopping.wait(pause_seconds):
                self._pulse.beat()
                pause_seconds = self._turn() if self._leadership.is_held else TURN_SECONDS
        finally:
            self._leadership.close()

    def stop(self) -> None:
        """End soon; may be called from a signal handler."""
        self._stopping.set()

    @property
    def is_alive(self) -> bool:
        """Whether both loops, the work's and the Lease's, still go round."""
        return self._pulse.is_felt and self._leadership.pulse.is_felt

    @property
    def is_ready(self) -> bool:
        """Whether it could lead, or sees another one lead: the API server told lately whose the Lease is."""
        return not self._stopping.is_set() and self._leadership.is_known

    def tell(self) -> None:
        """Bring the metrics up to date that say what is the case now."""
        self._meters.leads(is_leader=self._leadership.is_known and self._leadership.is_held)

    def _turn(self) -> float:
        """Do what is to be done now, and return after how many seconds to look again."""
        try:
            self._rotation.turn()
        except (Conflict, Interrupted):
            # Somebody else changed the Secret, or leads: it is read anew.
            self._meters.turned(Duty.RECORD_KEY, Turn.AGAIN)
            return TURN_SECONDS
        except (KubernetesError, KubernetesUnavailable) as error:
            self._meters.turned(Duty.RECORD_KEY, Turn.FAILED)
            if str(error) != self._told:
                log.warning("%s%s", error, _advice(error))
                self._told = str(error)
            return _AFTER_FAILURE_SECONDS
        self._told = ""
        self._meters.turned(Duty.RECORD_KEY, Turn.DONE)
        return TURN_SECONDS

    def _check(self) -> None:
        self._pulse.beat()
        if self._stopping.is_set() or not self._leadership.is_held:
            raise Interrupted


def _identity() -> str:
    """Return a name that no other process has: a container's host name is its pod's, and a pod restarts containers."""
    return f"{platform.node()}_{random.token_hex(4)}"


def _advice(error: Exception) -> str:
    status = error.status if isinstance(error, KubernetesError) else None
    if status == HTTPStatus.NOT_FOUND:
        return ". The Secret is made, empty, by whoever installs Keyhole; the controller has no right to"
    if status == HTTPStatus.FORBIDDEN:
        return ". The controller's ServiceAccount lacks a right: docs/key-rotation.md lists them"
    return ""
