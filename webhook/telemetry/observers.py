"""Counts changes of the connections file, requests to the API server and starts. Labels come from closed sets."""

from collections.abc import Callable

from kube.instrumented import Observe
from metrics.admission_catalogue import APPLIERS, REFUSALS
from metrics.catalogue import ALL, BUILD, CALLER_MODE, CONNECTIONS_RELOADS, KUBERNETES_REQUESTS, WORKER_STARTS, WORKERS
from metrics.declaration import Kind, Teller
from metrics.meters import Meters, status_word
from resolver.causes import Cause
from webhook.admission.metered import Applier
from webhook.callerauth.modes import CallerMode


def kubernetes_meter(meters: Meters) -> Observe:
    """Return an observer that counts requests to the API server."""
    return lambda verb, resource, status, seconds: meters.observe(
        KUBERNETES_REQUESTS, seconds, verb, resource, status_word(status)
    )


def reload_meter(meters: Meters) -> Callable[[bool], None]:
    """Return a function that counts changes of the connections file, by whether they are in use."""
    return lambda is_taken: meters.add(CONNECTIONS_RELOADS, "taken" if is_taken else "rejected")


def count_start(meters: Meters, version: str, mode: CallerMode) -> None:
    """Count the start of a worker, and write what it is.

    Counters that alerts watch begin at zero, because Prometheus misses the first step of a counter that is new.
    """
    for metric in ALL:
        if metric.kind is Kind.COUNTER and metric.told_by is Teller.WEBHOOK and not metric.labels:
            meters.add(metric, amount=0)
    for cause in Cause:
        meters.add(REFUSALS, cause, amount=0)
    for applier in Applier:
        meters.add(APPLIERS, applier, amount=0)
    for result in ("taken", "rejected"):
        meters.add(CONNECTIONS_RELOADS, result, amount=0)
    meters.add(WORKER_STARTS)
    meters.set(WORKERS, 1)
    meters.set(BUILD, 1, version)
    meters.set(CALLER_MODE, 1, mode.value)
