"""What the controller tells of its work in metrics."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from kube.instrumented import Observe
from manifests.provenance.key_status import KeyStatus, Progress, Step
from metrics.catalogue import BUILD, CERTIFICATE_EXPIRY, KUBERNETES_REQUESTS
from metrics.controller_catalogue import LEADER, ROTATION_FAILING, ROTATION_LEFT, ROTATION_SIGNED, ROTATION_STEP, TURNS
from metrics.meters import Meters, status_word

NO_ROTATION: Final = "none"


class Duty(StrEnum):
    """What the controller does."""

    RECORD_KEY = "record-key"
    CERTIFICATES = "certificates"


class Certificate(StrEnum):
    """What the controller looks after when certificates are its own."""

    SERVING = "serving"
    AUTHORITY = "ca"


class Turn(StrEnum):
    """How a turn of a duty ended."""

    DONE = "done"
    AGAIN = "again"
    """Somebody else was faster, or leads."""
    FAILED = "failed"
    BUG = "bug"
    """It raised what nobody expected; it is tried again, later each time."""


class ControllerMeters:
    """Counts turns and tells of the rotation, as far as this process knows it: only who leads reads the Secret."""

    def __init__(self, meters: Meters, version: str) -> None:
        self._meters = meters
        self._last_pass = Progress()
        meters.set(BUILD, 1, version)
        self.leads(is_leader=False)
        # From zero on: Prometheus does not see the first step of a counter that was not there before.
        for duty in Duty:
            for turn in Turn:
                meters.add(TURNS, duty.value, turn.value, amount=0)

    @property
    def kubernetes(self) -> Observe:
        """What counts requests to the API server."""
        return lambda verb, resource, status, seconds: self._meters.observe(
            KUBERNETES_REQUESTS, seconds, verb, resource, status_word(status)
        )

    def turned(self, duty: Duty, turn: Turn) -> None:
        """Count a turn."""
        self._meters.add(TURNS, duty.value, turn.value)

    def leads(self, *, is_leader: bool) -> None:
        """Tell whether this process leads. Who does not knows nothing of a rotation, nor of certificates."""
        self._meters.set(LEADER, float(is_leader))
        if not is_leader:
            self._rotation(None, 0, 0, 0)
            for which in Certificate:
                self.certificate_ends(which, None)

    def key_status(self, status: KeyStatus | None) -> None:
        """Tell how far a rotation is."""
        rotation = status.rotation if status else None
        if rotation is None:
            self._rotation(NO_ROTATION, 0, 0, 0)
        else:
            progress = rotation.progress
            # Under way, a pass has yet to come to what it will leave: until it does, the one before counts.
            last = self._last_pass if progress.visited < progress.namespaces else Progress()
            left = max(last.left, progress.left)
            failing = max(last.problems_total, progress.problems_total)
            self._last_pass = replace(progress, left=left, problems_total=failing)
            if rotation.step is Step.DONE:
                # No old key is left for what could not be signed anew.
                left = failing = 0
            self._rotation(rotation.step.value, progress.refreshed, left, failing)

    def certificate_ends(self, which: Certificate, ends_at: datetime | None) -> None:
        """Tell when a certificate ends; None takes back what was told."""
        if ends_at is None:
            self._meters.forget(CERTIFICATE_EXPIRY, which.value)
        else:
            self._meters.set(CERTIFICATE_EXPIRY, ends_at.timestamp(), which.value)

    def _rotation(self, step: str | None, signed: int, left: int, failing: int) -> None:
        for one in (NO_ROTATION, *Step):
            self._meters.set(ROTATION_STEP, float(one == step), str(one))
        self._meters.set(ROTATION_SIGNED, signed)
        self._meters.set(ROTATION_LEFT, left)
        self._meters.set(ROTATION_FAILING, failing)
