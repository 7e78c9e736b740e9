"""Does one thing after another: takes a Secret that is needed, brings it about, and notes what came of it."""

from collections.abc import Callable
from typing import Final

from controller.variables.making import Ending, Made, Making
from controller.variables.meters import Refusal, VariablesMeters
from controller.variables.shared import Shared, Task
from controller.variables.telling import VariablesTelling
from kube.errors import Conflict, KubernetesError, KubernetesUnavailable
from kube.tenant_clients import TenantApi, TenantClients
from kube.variables.generated_secrets import Refused
from resolver.identity import RECONCILER

_CALL_SECONDS: Final = 10.0
_FOREIGN: Final = "There is another Secret of that name, which Keyhole did not make and does not touch."


class Worker:
    """Brings Secrets about. Threads may share it."""

    def __init__(  # noqa: PLR0917 - what it needs, and whom it tells
        self,
        clients: TenantClients,
        shared: Shared,
        making: Making,
        telling: VariablesTelling,
        meters: VariablesMeters,
        clock: Callable[[], float],
    ) -> None:
        self._clients = clients
        self._shared = shared
        self._making = making
        self._telling = telling
        self._meters = meters
        self._clock = clock

    def work(self, go_on: Callable[[], None]) -> None:
        """Do one thing, if there is one within a second. Raises what `go_on` raises."""
        go_on()
        task = self._shared.take()
        if task is None:
            return
        # Who may not act there cannot tell of it there either: the watch of the namespace says so in the log.
        tenant: TenantApi | None = None
        try:
            tenant = self._clients.acting_as(RECONCILER, task.namespace, _CALL_SECONDS)
            made = self._making.bring_about(tenant, task.secret, task.pods, go_on, is_expected=task.is_expected)
        except Conflict:
            self._shared.end_failed(task, is_lasting=False)
        except Refused as error:
            self._failed(tenant, task, error.error, error.words)
        except (KubernetesError, KubernetesUnavailable) as error:
            self._failed(tenant, task, error, "")
        except BaseException:
            self._shared.end_failed(task, is_lasting=False)
            raise
        else:
            self._note(tenant, task, made)

    def _note(self, tenant: TenantApi, task: Task, made: Made) -> None:
        for since in self._shared.end(task, made):
            self._meters.waited(self._clock() - since)
        self._meters.done(made.ending)
        if made.ending is Ending.FOREIGN:
            self._meters.refused(Refusal.FOREIGN)
            self._tell(tenant, task, _FOREIGN)
        elif made.ending is Ending.OWNERLESS:
            self._meters.refused(Refusal.OWNERLESS)

    def _failed(
        self, tenant: TenantApi | None, task: Task, error: KubernetesError | KubernetesUnavailable, words: str
    ) -> None:
        is_lasting = isinstance(error, KubernetesError)
        self._shared.end_failed(task, is_lasting=is_lasting)
        self._meters.refused(Refusal.REFUSED if is_lasting else Refusal.UNAVAILABLE)
        if tenant is not None:
            self._tell(tenant, task, words or str(error))

    def _tell(self, tenant: TenantApi, task: Task, why: str) -> None:
        tell = self._telling.not_kept if task.is_expected else self._telling.missing
        for pod in task.pods[:1]:
            tell(tenant, pod, task.secret.name, why)
