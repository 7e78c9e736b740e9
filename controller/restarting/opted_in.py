"""The workloads of a namespace that opted in to restarts, as they are now."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from controller.managed import Managed
from kube.documents import part, text
from kube.errors import KubernetesError
from kube.metadata_pages import MOST_BYTES, Oversized
from kube.objects import Metadata
from kube.tenant_clients import TenantApi
from kube.workloads import FoundWorkload, WorkloadKind, Workloads
from manifests.annotations import RECORD, ROLLED
from manifests.following import rolled
from manifests.following.restarting import Workload, opted_in
from manifests.following.rolled import Marks, State
from manifests.following.rollout_gate import Gate, deadline_seconds, gate
from manifests.following.workload import Used, has_template, objects_used
from manifests.provenance import record
from manifests.provenance.counting import changes

log = logging.getLogger("keyhole.controller")

CALL_SECONDS: Final = 10.0


class NoRight(Exception):
    """The namespace does not let Keyhole look at workloads: its bundle was printed without `--restarts`."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A workload, and the state of it that was seen. `has_template` is False for a Rollout that refers to another."""

    kind: WorkloadKind
    metadata: Metadata
    workload: Workload
    deadline_seconds: float
    has_template: bool


class OptedIn:
    """Remembers what it read of one namespace, so that only what has changed is read again. For one thread at once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: Mapping[str, Seen] = {}
        self._progressing: Mapping[str, tuple[rolled.Rolled | None, float]] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def look(self, tenant: TenantApi, namespace: Metadata, go_on: Callable[[], None]) -> list[Seen]:
        """Return the namespace's workloads that opted in and are not being deleted. `namespace` is its metadata.

        One whose pods are not ready within its deadline counts as stuck, from when it was first seen on. Raises
        `NoRight`, errors of `kube`, and what `go_on` raises.
        """
        workloads = Workloads(tenant.api)
        now: dict[str, Seen] = {}
        for kind, found in self._listed(workloads, namespace, go_on):
            before = self._seen.get(found.uid)
            if before is None or before.metadata.resource_version != found.resource_version:
                go_on()
                before = _read(workloads, kind, found)
            if before is not None:
                now[found.uid] = before
        self._seen = now
        return self._judged()

    def _listed(
        self, workloads: Workloads, namespace: Metadata, go_on: Callable[[], None]
    ) -> Iterator[tuple[WorkloadKind, Metadata]]:
        for kind in WorkloadKind:
            try:
                for found in workloads.list_metadata(kind, namespace.name.name, CALL_SECONDS, go_on):
                    if isinstance(found, Oversized):
                        log.info("%s %s: its metadata has more than %s bytes", kind.value, found.name, MOST_BYTES)
                    elif not found.is_going and opted_in(namespace.annotations, found.annotations):
                        yield kind, found
            except KubernetesError as error:
                if error.status != HTTPStatus.FORBIDDEN:
                    raise
                # The bundle gives the right to all kinds or to none, and most namespaces have none.
                if kind is WorkloadKind.DEPLOYMENT:
                    raise NoRight from None

    def _judged(self) -> list[Seen]:
        """Return what was seen, after judging for how long each has been progressing."""
        since: dict[str, tuple[rolled.Rolled | None, float]] = {}
        judged: list[Seen] = []
        for uid, one in self._seen.items():
            if one.workload.gate is Gate.PROGRESSING:
                before = self._progressing.get(uid)
                cause = one.workload.restarted_for
                since[uid] = before if before is not None and before[0] == cause else (cause, self._clock())
                if self._clock() - since[uid][1] > one.deadline_seconds:
                    judged.append(replace(one, workload=replace(one.workload, gate=Gate.STUCK)))
                    continue
            judged.append(one)
        self._progressing = since
        return judged


def _read(workloads: Workloads, kind: WorkloadKind, found: Metadata) -> Seen | None:
    """Return what is to be known of a workload; None if it was deleted meanwhile."""
    try:
        return seen_as(kind, workloads.get(kind, found.name, CALL_SECONDS))
    except KubernetesError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise


def seen_as(kind: WorkloadKind, found: FoundWorkload) -> Seen:
    """Return what is to be known of a workload, whatever it holds."""
    document, metadata = found.document, found.metadata
    dealt_with = rolled.parse(metadata.annotations.get(ROLLED))
    if kind is WorkloadKind.ROLLOUT:
        # Its template bears no mark: that would begin a canary.
        restarted_for = dealt_with if "restartAt" in part(document, "spec") else None
    else:
        annotations = part(document, "spec", "template", "metadata", "annotations")
        restarted_for = rolled.parse(text(annotations, ROLLED) or None)
    workload = Workload(
        kind.value,
        metadata.name.name,
        objects_used(document),
        dealt_with,
        restarted_for,
        gate(kind.value, document),
    )
    # The annotations and labels are anybody's to fill, and nothing of them is needed later.
    kept = replace(metadata, annotations={}, labels={}, owners=())
    return Seen(kind, kept, workload, deadline_seconds(document), has_template(document))


def states_of(listed: Sequence[Managed], seen: Sequence[Seen]) -> Marks:
    """Return the marks of the objects with a record that workloads use."""
    used = frozenset[Used]().union(*(one.workload.used for one in seen))
    found = ((Used.of(one.codec, one.name.name), one.metadata) for one in listed)
    return rolled.marks(
        [
            State(name, one.uid, changes(record.parse(one.annotations[RECORD])))
            for name, one in found
            if name in used and name is not None and RECORD in one.annotations and not one.is_going
        ]
    )
