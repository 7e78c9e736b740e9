"""Which workload is restarted next, and by which patch.

A workload is restarted when a Secret or ConfigMap that it uses has changed since its pods were made, one at a time, in
an order that keeps harm small: if one that was ready does not become ready on a new value, no other gets that value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manifests.annotations import RESTART, ROLLED
from manifests.following import rolled
from manifests.following.rolled import Marks, Rolled
from manifests.following.rollout_gate import Gate
from manifests.following.workload import Used


@dataclass(frozen=True, slots=True)
class Workload:
    """What is known of a workload that opted in.

    `used` are its Secrets and ConfigMaps. `dealt_with` is the mark on the workload, `restarted_for` the one of the last
    restart by Keyhole, None if there is none.
    """

    kind: str
    name: str
    used: frozenset[Used]
    dealt_with: Rolled | None
    restarted_for: Rolled | None
    gate: Gate

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def moved(self, now: Marks) -> frozenset[str]:
        """Return which of its objects have changed since its pods were made, as `rolled.moved` does."""
        used = {rolled.mark_of(one) for one in self.used}
        return rolled.moved(self.dealt_with.marks, now) & used if self.dealt_with else frozenset()

    def baseline(self, now: Marks) -> Marks | None:
        """Return the marks that are to be written to it without a restart, None if it has them."""
        before = self.dealt_with.marks if self.dealt_with else {}
        wanted = rolled.baseline(before, now, self.used)
        return wanted if wanted and wanted.keys() != before.keys() else None

    def after_restart(self, now: Marks) -> Rolled:
        """Return the mark for a restart in the state that it is in."""
        before = self.dealt_with.marks if self.dealt_with else {}
        was_ready = self.gate is Gate.READY
        if self.gate is Gate.PROGRESSING and self.restarted_for is not None:
            # It has not been seen to fail yet.
            was_ready = self.restarted_for.was_ready
        return Rolled(rolled.after_restart(before, now, self.used), was_ready)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done. `held` has each workload that waits for nothing else than the one beside it.

    `busy` are those that were restarted and are not ready yet; while there are any, `restart` is None. `left` are those
    that Keyhole may not restart (paused, `OnDelete`), `waiting` those that somebody else is rolling out.
    """

    restart: Workload | None
    busy: Sequence[Workload]
    held: Sequence[tuple[Workload, Workload]]
    left: Sequence[Workload]
    waiting: Sequence[Workload]

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to wait for."""
        return not (self.restart or self.busy or self.held or self.left or self.waiting)


def decide(workloads: Sequence[Workload], now: Marks) -> Decision:
    """Decide for the workloads of a namespace that opted in; `now` are the marks of all its followed objects."""
    pending = [one for one in workloads if one.moved(now)]
    left = [one for one in pending if one.gate in {Gate.PAUSED, Gate.ON_DELETE}]
    judged = [(one, _stopper(one, workloads, now)) for one in pending if one not in left]
    held = [(one, by) for one, by in judged if by is not None]
    free = [one for one, by in judged if by is None]
    waiting = [one for one in free if one.gate is Gate.PROGRESSING and one.restarted_for is None]
    busy = [one for one in workloads if one not in pending and one.restarted_for and one.gate is Gate.PROGRESSING]
    ready = sorted((one for one in free if one not in waiting), key=_order)
    return Decision(ready[0] if ready and not busy else None, busy, held, left, waiting)


def _stopper(workload: Workload, all_of_them: Sequence[Workload], now: Marks) -> Workload | None:
    """Return one that was ready, got a new value that this one would get too, and did not become ready."""
    moved = workload.moved(now)
    for other in all_of_them:
        seen = other.restarted_for
        if other is workload or other.gate is not Gate.STUCK or seen is None or not seen.was_ready:
            continue
        if any(seen.marks.get(mark) == now[mark] for mark in moved):
            return other
    return None


def _order(workload: Workload) -> tuple[int, str, str]:
    """Those that a former value broke first. Those that are broken for reasons of their own would only hold others."""
    urgency = 1 if workload.gate is Gate.READY else 0 if workload.restarted_for is not None else 2
    return urgency, workload.kind, workload.name


def opted_in(namespace: Mapping[str, str], workload: Mapping[str, str]) -> bool:
    """Whether a workload is to be restarted, by its own annotations and those of its namespace.

    `keyhole.dev/restart: "true"` on either, and not `"false"` on the workload. Other texts mean nothing.
    """
    own = workload.get(RESTART, "").strip()
    return own == "true" or (own != "false" and namespace.get(RESTART, "").strip() == "true")


def baseline_patch(marks: Marks) -> Mapping[str, Any]:
    """Return the merge patch (RFC 7386) that notes what a workload's pods have, and restarts nothing."""
    return {"metadata": {"annotations": {ROLLED: rolled.dump(Rolled(marks))}}}


def restart_patch(kind: str, mark: Rolled, at: str) -> Mapping[str, Any]:
    """Return the merge patch that restarts a workload and notes it, in one.

    `at` (RFC 3339) is for a Rollout: a changed template would begin a canary with its analysis, so Argo Rollouts is
    asked to restart its pods (`spec.restartAt`). The others make new pods for the new template.
    """
    text = rolled.dump(mark)
    annotated = {"metadata": {"annotations": {ROLLED: text}}}
    return {**annotated, "spec": {"restartAt": at} if kind == "Rollout" else {"template": annotated}}
