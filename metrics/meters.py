"""Counting: the declared metrics in prometheus_client, for one process or for several that report together.

Several workers share a folder in which each keeps its numbers in files that are mapped into its memory; whichever
worker is asked adds them up. A worker's files are named after its place, not its process id. A worker that takes over
the place of a dead one keeps counting in the same files, so that no count falls and no file is left behind.
"""

import os
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics import disable_created_metrics
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import MultiProcessValue, MutexValue

from metrics.declaration import Declaration, Kind, Merge

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
# How a request ended, as a label holds it. Whoever answers must not be able to make new series without end.
OTHER: Final = "other"
# Vault's own, beside those of HTTP: of a disaster recovery secondary and of a performance standby.
_OF_VAULT: Final = ("472", "473")
_WITHOUT_AN_ANSWER: Final = ("none", "late", "unanswered", "too-large", "broken")
STATUSES: Final = frozenset({*_WITHOUT_AN_ANSWER, *_OF_VAULT, *(str(int(status)) for status in HTTPStatus)})
# Adding up takes milliseconds in which a worker does nothing else. Somebody who keeps asking must not stop it.
_AT_MOST_EVERY_SECONDS: Final = 1.0
# About a thousand series. A process that writes to a mapped file for which the disk has no room is killed.
_RESERVED_BYTES: Final = 256 * 1024

# They would add a series to each counter, and do not exist with several processes anyway.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Meters:
    """The metrics of a process. Threads and greenlets may share it. Made by `alone` or `shared`."""

    def __init__(self, value_class: Any, collected: CollectorRegistry) -> None:
        self._value_class = value_class
        self._own = CollectorRegistry()
        self._collected = collected
        self._lock = threading.Lock()
        self._parents: dict[str, Any] = {}
        self._series: dict[tuple[str, ...], Any] = {}

    @classmethod
    def alone(cls) -> "Meters":
        """Return the metrics of a process that reports alone."""
        meters = cls(MutexValue, CollectorRegistry())
        meters._collected = meters._own
        return meters

    @classmethod
    def shared(cls, folder: Path, place: int) -> "Meters":
        """Return the metrics of a worker that reports together with the others in its folder (`metrics.folder`).

        Raises OSError if there is no room for its files.
        """
        for kind in ("counter", "histogram", *(f"gauge_{merge.value}" for merge in Merge)):
            _reserve(folder / f"{kind}_{place}.db")
        collected = CollectorRegistry()
        MultiProcessCollector(collected, str(folder))  # type: ignore[no-untyped-call]
        return cls(MultiProcessValue(lambda: place), collected)  # type: ignore[no-untyped-call]

    def add(self, metric: Declaration, *labels: str, amount: float = 1) -> None:
        """Add to a counter. `labels` are the values of the metric's labels, in their order."""
        self._one(metric, labels).inc(amount)

    def observe(self, metric: Declaration, value: float, *labels: str) -> None:
        """Count a value into a histogram."""
        self._one(metric, labels).observe(value)

    def set(self, metric: Declaration, value: float, *labels: str) -> None:
        """Set a gauge."""
        self._one(metric, labels).set(value)

    def forget(self, metric: Declaration, *labels: str) -> None:
        """Remove a series that is no longer meaningful. Only a process that reports alone can do this."""
        if self._series.pop((metric.name, *labels), None) is not None:
            self._parents[metric.name].remove(*labels)

    def text(self) -> bytes:
        """Return everything, in Prometheus' text format 0.0.4."""
        return generate_latest(self._collected)

    def _one(self, metric: Declaration, labels: tuple[str, ...]) -> Any:
        key = (metric.name, *labels)
        found = self._series.get(key)
        return self._new(metric, labels, key) if found is None else found

    def _new(self, metric: Declaration, labels: tuple[str, ...], key: tuple[str, ...]) -> Any:
        with self._lock:
            # prometheus_client would choose once and for all, by the environment, when it is imported.
            values.ValueClass = self._value_class
            parent = self._parents.get(metric.name)
            if parent is None:
                parent = self._parents[metric.name] = self._declared(metric)
            return self._series.setdefault(key, parent.labels(*labels) if metric.labels else parent)

    def _declared(self, metric: Declaration) -> Counter | Gauge | Histogram:
        names = tuple(metric.labels)
        if metric.kind is Kind.COUNTER:
            return Counter(metric.name, metric.meaning, names, registry=self._own)
        if metric.kind is Kind.GAUGE:
            return Gauge(metric.name, metric.meaning, names, registry=self._own, multiprocess_mode=metric.merge.value)
        return Histogram(metric.name, metric.meaning, names, registry=self._own, buckets=metric.buckets)


class Exposition:
    """The exposed text, at most a second old. `refresh` is called first to bring gauges up to date."""

    def __init__(
        self, meters: Meters, refresh: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._meters = meters
        self._refresh = refresh
        self._clock = clock
        self._told: tuple[bytes, float] | None = None

    def text(self) -> bytes:
        """Return the metrics of this process, or of all workers."""
        told = self._told
        if told is not None and self._clock() - told[1] < _AT_MOST_EVERY_SECONDS:
            return told[0]
        self._refresh()
        text = self._meters.text()
        self._told = text, self._clock()
        return text


def status_word(status: str) -> str:
    """Return a status, or the word for having none, if it is a known one."""
    return status if status in STATUSES else OTHER


def _reserve(file: Path) -> None:
    with file.open("ab") as opened:
        os.posix_fallocate(opened.fileno(), 0, _RESERVED_BYTES)
