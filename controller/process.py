"""`keyhole controller`: leads by a Lease, and works off what there is to do, a turn at a time.

Each duty has a thread and a client of its own, so nothing that happens in one delays another.
"""

import contextlib
import platform
import secrets as random
import threading
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from controller.certificates.duty import CertificateDuty, CertificateSettings
from controller.certificates.trust import Verifiers
from controller.control_loop import TURN_SECONDS, ControlLoop, DutyLoop
from controller.errors import Interrupted
from controller.following.assembly import Loop, Parts
from controller.following.pacing.budget import Budget
from controller.following.settings import FollowSettings
from controller.heartbeat import Heartbeat
from controller.keys.resign import RecordResigner
from controller.keys.rotation import KeyRotation
from controller.keys.store import KeyStore
from controller.leadership import Leadership
from controller.meters import ControllerMeters, Duty
from controller.telling.meters import FollowMeters
from controller.telling.telling import Telling
from controller.variables.duty import Variables
from controller.variables.meters import VariablesMeters
from controller.variables.settings import VariablesSettings
from controller.variables.telling import VariablesTelling
from kube.client import connect
from kube.errors import KubernetesError
from kube.leases import LeaseHolder
from kube.namespaces import Namespaces
from kube.objects import ObjectName
from kube.registration.api_services import ApiServices
from kube.registration.webhook_configurations import WebhookConfigurations
from kube.secrets import Secrets
from kube.tenant_clients import TenantClients
from kube.tokens import ServiceAccountTokens
from manifests.kinds.known import ONLY_SECRETS, Kinds

# Between two beats are a few requests of at most ten seconds each, several for a namespace with very many Secrets.
_ALIVE_WITHIN_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """What the controller works on.

    Without `kubeconfig` it runs in the cluster, without `certificates` it makes none, without `following` it does not
    follow Vault, and without `variables` it makes no Secrets for pods. `kinds` are those of the objects that it
    follows, and whose records it has signed again.

    `record_key_settle_seconds` is how long after a change of the record key no replica goes by what it read before,
    `settle_seconds` how long after a change of the certificate's Secret every replica has read it, and every API server
    follows a change of what it trusts.
    """

    record_key: ObjectName
    lease: ObjectName
    record_key_settle_seconds: float
    settle_seconds: float
    kubeconfig: Path | None = None
    certificates: CertificateSettings | None = None
    following: FollowSettings | None = None
    variables: VariablesSettings | None = None
    kinds: Kinds = ONLY_SECRETS


class Controller:
    """One controller process. Several may run; the one that holds the Lease works."""

    def __init__(
        self,
        settings: ControllerSettings,
        meters: ControllerMeters,
        following: FollowMeters | None = None,
        variables: VariablesMeters | None = None,
    ) -> None:
        """Raise `kube.errors.KubernetesUnavailable` if no API server is configured.

        `following` and `variables` have the meters of those duties, if they are to run. Raises
        `resolver.connections.model.ConfigurationError` if it cannot use the connections.
        """
        api = connect(settings.kubeconfig, observe=meters.kubernetes)
        own_api_of_the_lease = connect(settings.kubeconfig, observe=meters.kubernetes)
        self._meters = meters
        self._stopping = threading.Event()
        lease = LeaseHolder(own_api_of_the_lease, settings.lease, _identity())
        self._leadership = Leadership(lease, self._stopping.set)
        tenants = TenantClients(connect(settings.kubeconfig, observe=meters.kubernetes))
        pace = settings.following
        budget = Budget(pace.vault_requests_per_second, pace.patches_per_second) if pace is not None else Budget()
        resigner = RecordResigner(Namespaces(api), tenants, budget, self._check, settings.kinds)
        store = KeyStore(Secrets(api), settings.record_key, meters.key_status)
        self._rotation = KeyRotation(store, resigner, settings.record_key_settle_seconds)
        self._rotating = DutyLoop(Duty.RECORD_KEY, self._rotate, _advice, meters, Heartbeat(_ALIVE_WITHIN_SECONDS))
        self._loops = [self._rotating]
        if settings.certificates is not None:
            self._loops.append(_certificate_work(settings, settings.certificates, meters))
        self._following: Loop | None = None
        if settings.following is not None and following is not None:
            # With its own client, because threads must not share one.
            own = connect(settings.kubeconfig, observe=meters.kubernetes)
            parts = Parts(
                settings.record_key,
                Secrets(own),
                Namespaces(own),
                ServiceAccountTokens(own),
                tenants,
                budget,
                settings.kinds,
            )
            self._following = Loop(settings.following, parts, following, self._is_leading, self._stopping)
            turn = self._following.duty.turn
            self._loops.append(DutyLoop(Duty.FOLLOWING, turn, _advice, meters, Heartbeat(_ALIVE_WITHIN_SECONDS)))
        self._variables: Variables | None = None
        if settings.variables is not None and variables is not None:
            self._variables = Variables(
                settings.variables,
                Namespaces(connect(settings.kubeconfig, observe=meters.kubernetes)),
                tenants,
                VariablesTelling(Telling()),
                variables,
                self._is_leading,
                self._stopping,
            )
            turn = self._variables.turn
            self._loops.append(DutyLoop(Duty.VARIABLES, turn, _advice, meters, Heartbeat(_ALIVE_WITHIN_SECONDS)))

    def run(self) -> None:
        """Work until `stop`, then give the Lease back.

        A bug in a duty ends a turn of that duty. Raises a bug in the leading: without it there is nothing to do, and
        another process goes on.
        """
        self._leadership.start()
        with contextlib.ExitStack() as stack:
            if self._following is not None:
                # After the Lease, so that the next leader need not wait for it.
                stack.callback(self._following.give_back)
            stack.callback(self._leadership.close)
            if self._following is not None:
                self._following.start()
                stack.callback(self._following.close)
            if self._variables is not None:
                stack.callback(self._variables.close)
            for loop in self._loops:
                thread = ControlLoop(loop, self._stopping, self._is_leading)
                thread.start()
                stack.callback(thread.close)
            self._stopping.wait()
        self._leadership.check()

    def stop(self) -> None:
        """Stop soon. May be called from a signal handler."""
        self._stopping.set()

    @property
    def is_alive(self) -> bool:
        """Whether all loops are still running: those of the duties, and that of the Lease."""
        heartbeats = [self._leadership.heartbeat, *(loop.heartbeat for loop in self._loops)]
        return all(heartbeat.is_alive for heartbeat in heartbeats)

    @property
    def is_ready(self) -> bool:
        """Whether this process could lead or sees another one lead, and no duty's last turn ended in a bug.

        That it could lead means that the API server told lately whose the Lease is.
        """
        is_well = all(loop.is_well for loop in self._loops)
        return is_well and not self._stopping.is_set() and self._leadership.is_known

    def tell(self) -> None:
        """Update the metrics that describe the current state."""
        self._meters.leads(is_leader=self._leadership.is_known and self._leadership.is_held)

    def _is_leading(self) -> bool:
        return self._leadership.is_held

    def _rotate(self) -> float:
        self._rotation.turn()
        return TURN_SECONDS

    def _check(self) -> None:
        self._rotating.heartbeat.beat()
        if self._stopping.is_set() or not self._leadership.is_held:
            raise Interrupted


def _certificate_work(settings: ControllerSettings, wanted: CertificateSettings, meters: ControllerMeters) -> DutyLoop:
    # With its own client, because threads must not share one.
    api = connect(settings.kubeconfig, observe=meters.kubernetes)
    verifiers = Verifiers(
        ApiServices(api),
        WebhookConfigurations(api),
        api_service=wanted.api_service,
        webhook_configuration=wanted.webhook_configuration,
    )
    duty = CertificateDuty(Secrets(api), verifiers, wanted, settings.settle_seconds, observe=meters.certificate_ends)
    return DutyLoop(Duty.CERTIFICATES, duty.turn, duty.advice, meters, Heartbeat(_ALIVE_WITHIN_SECONDS))


def _identity() -> str:
    """Return a unique name. The host name alone is the pod's, which does not change when a container restarts."""
    return f"{platform.node()}_{random.token_hex(4)}"


def _advice(error: Exception) -> str:
    status = error.status if isinstance(error, KubernetesError) else None
    if status == HTTPStatus.FORBIDDEN:
        return ". The controller's ServiceAccount lacks a right: docs/key-rotation.md lists them"
    return ""
