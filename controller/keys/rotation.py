"""The rotation of the record key, step by step. Its state is in the Secret, so a new process can continue.

Accepting: the new key is added. Once no replica goes by what was there before, signing: it signs. Once again so,
refreshing: records under old keys are signed anew, and when none is left, the old keys go: done. An administrator may
ask that they go whatever is left, so that nobody's record keeps a leaked key accepted.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from controller.keys.bootstrap import KeyBootstrap
from controller.keys.resign import RecordResigner
from controller.keys.store import KeyStore
from kube.secrets import Secret
from manifests.provenance.key_status import (
    DROP_OLD,
    ROTATE,
    STATUS,
    KeyStatus,
    Progress,
    Rotation,
    Step,
    drop_of,
    parse,
    request_of,
)
from manifests.provenance.keyring import KEY_PREFIX, SIGNING, KeyRing, new_key

log = logging.getLogger("keyhole.controller")

REPORT_EVERY_SECONDS = 2.0
NEXT_PASS_SECONDS = 15.0


class KeyRotation:
    """Does what has to be done, turn by turn.

    `settle_seconds` is how long after a change of the Secret no replica goes by what it read before.
    """

    def __init__(
        self,
        store: KeyStore,
        resigner: RecordResigner,
        settle_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._maker = KeyBootstrap(store)
        self._resigner = resigner
        self._settle_seconds = settle_seconds
        self._clock = clock
        # The state that has to settle, and since when this process has seen it. Processes share no clock, so another
        # one starts waiting again; waiting too long is harmless.
        self._seen: tuple[tuple[str, Step], float] | None = None
        self._next_pass_at = 0.0
        self._told: Progress | None = None

    def turn(self) -> None:
        """Read the Secret and do the next step, if it is time.

        Raises `kube.errors.KubernetesUnavailable`, `KubernetesError` (`Conflict` among them) or
        `controller.errors.Interrupted`; the next turn starts again from the Secret.
        """
        secret = self._store.read()
        ring = self._maker.ring(secret)
        if ring is None:
            return
        status = parse(secret.metadata.annotations.get(STATUS))
        rotation = status.rotation if status else None
        if rotation is None or rotation.step is Step.DONE:
            self._rest(secret, ring, status)
        elif rotation.new not in ring.accepted:
            log.warning("the key %s of the rotation under way is gone; it begins again", rotation.new)
            self._begin(secret, ring, rotation.request)
        else:
            self._go_on(secret, ring, rotation)

    def _rest(self, secret: Secret, ring: KeyRing, status: KeyStatus | None) -> None:
        request = request_of(secret.metadata.annotations)
        truth = KeyStatus.of(ring, status.rotation if status else None)
        if request:
            self._begin(secret, ring, request)
        elif truth != status:
            self._store.write(secret, truth)

    def _begin(self, secret: Secret, ring: KeyRing, request: str) -> None:
        key = new_key()
        while key.id in ring.accepted:
            key = new_key()
        wider = KeyRing(ring.signing, {**ring.accepted, key.id: key})
        status = KeyStatus.of(wider, Rotation(request, key.id, Step.ACCEPTING))
        added = {f"{KEY_PREFIX}{key.id}": key.secret.reveal()}
        # A request for another rotation ended with that one.
        stale = {DROP_OLD: None} if drop_of(secret.metadata.annotations) != request else {}
        self._store.write(secret, status, data=added, annotations={ROTATE: None, **stale})
        log.info("rotation %s: the key %s is accepted from now on", request, key.id)

    def _go_on(self, secret: Secret, ring: KeyRing, rotation: Rotation) -> None:
        # The key that signs is what counts: a Secret that was restored in between may be older than its status.
        if ring.signing.id != rotation.new:
            if self._has_settled(rotation.new, Step.ACCEPTING):
                status = KeyStatus.of(
                    KeyRing(ring.accepted[rotation.new], ring.accepted), replace(rotation, step=Step.SIGNING)
                )
                self._store.write(secret, status, data={SIGNING: rotation.new.encode()})
                log.info("rotation %s: the key %s signs from now on", rotation.request, rotation.new)
        elif rotation.step is not Step.REFRESHING:
            if self._has_settled(rotation.new, Step.SIGNING):
                self._store.write(secret, KeyStatus.of(ring, replace(rotation, step=Step.REFRESHING)))
        elif _is_to_drop(secret, rotation) or self._clock() >= self._next_pass_at:
            self._refresh(secret, ring, rotation)

    def _has_settled(self, key_id: str, step: Step) -> bool:
        now = self._clock()
        if self._seen is None or self._seen[0] != (key_id, step):
            self._seen = (key_id, step), now
        return now >= self._seen[1] + self._settle_seconds

    def _refresh(self, secret: Secret, ring: KeyRing, rotation: Rotation) -> None:
        old_ids = ring.accepted.keys() - {rotation.new}
        reporter = _Reporter(self._store, secret, KeyStatus.of(ring, rotation), self._clock)
        done = self._resigner.resign(old_ids, rotation.new, rotation.progress, reporter.report)
        has_left = bool(done.left or done.problems_total)
        if has_left and not _is_to_drop(secret, rotation):
            self._next_pass_at = self._clock() + NEXT_PASS_SECONDS
            self._store.write(reporter.secret, KeyStatus.of(ring, replace(rotation, progress=done)))
            self._tell_what_is_left(rotation.request, done)
            return
        finished = replace(rotation, step=Step.DONE, progress=done, has_dropped=has_left)
        status = KeyStatus.of(KeyRing(ring.signing, {ring.signing.id: ring.signing}), finished)
        gone = {f"{KEY_PREFIX}{key_id}": None for key_id in old_ids}
        self._store.write(reporter.secret, status, data=gone, annotations={DROP_OLD: None})
        log.info("rotation %s: done, %d records signed anew", rotation.request, done.refreshed)
        if has_left:
            log.warning(
                "rotation %s: the old key went as it was asked for, with %d records and %d namespaces left. Those "
                "records count for nothing, and their values are read from Vault when their objects are applied: %s",
                *(rotation.request, done.left, done.problems_total, ", ".join(done.left_names)),
            )

    def _tell_what_is_left(self, request: str, done: Progress) -> None:
        """Log it once until it changes, because there is a pass every few seconds."""
        left = replace(done, passes=0)
        level = logging.DEBUG if left == self._told else logging.WARNING
        self._told = left
        log.log(
            level,
            "rotation %s: %d records and %d namespaces are left, so the old key stays; a try every %.0f s: %s",
            *(request, done.left, done.problems_total, NEXT_PASS_SECONDS),
            "; ".join(f"{problem.namespace}: {problem.cause}" for problem in done.problems),
        )


def _is_to_drop(secret: Secret, rotation: Rotation) -> bool:
    return drop_of(secret.metadata.annotations) == rotation.request


class _Reporter:
    """Writes the progress of a pass into the Secret every few seconds. Ends the pass if somebody else wrote there."""

    def __init__(self, store: KeyStore, secret: Secret, status: KeyStatus, clock: Callable[[], float]) -> None:
        self.secret = secret
        self._store = store
        self._status = status
        self._clock = clock
        self._next_at = clock() + REPORT_EVERY_SECONDS

    def report(self, progress: Progress) -> None:
        rotation = self._status.rotation
        if rotation is None or self._clock() < self._next_at:
            return
        status = replace(self._status, rotation=replace(rotation, progress=progress))
        self.secret = self._store.write(self.secret, status)
        self._next_at = self._clock() + REPORT_EVERY_SECONDS
