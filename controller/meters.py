"""The metrics of the controller."""

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
    FOLLOWING = "following"
    VARIABLES = "variables"


class Certificate(StrEnum):
    """The certificates that the controller makes and renews."""

    SERVING = "serving"
    AUTHORITY = "ca"


class Turn(StrEnum):
    """How a turn of a duty ended."""

    DONE = "done"
    AGAIN = "again"
    """Somebody else was faster or has taken over."""
    FAILED = "failed"
    BUG = "bug"
    """It raised an unexpected error. It is tried again, with longer and longer pauses."""


class ControllerMeters:
    """Counts turns and reports the rotation, as far as this process knows it: only the leader reads the Secret."""

    def __init__(self, meters: Meters, version: str) -> None:
        self._meters = meters
        self._last_pass = Progress()
        meters.set(BUILD, 1, version)
        self.leads(is_leader=False)
        # Start at zero: Prometheus does not see the first increase of a counter that did not exist before.
        for duty in Duty:
            for turn in Turn:
                meters.add(TURNS, duty.value, turn.value, amount=0)

    @property
    def kubernetes(self) -> Observe:
        """The function that counts requests to the API server."""
        return lambda verb, resource, status, seconds: self._meters.observe(
            KUBERNETES_REQUESTS, seconds, verb, resource, status_word(status)
        )

    def turned(self, duty: Duty, turn: Turn) -> None:
        """Count a turn."""
        self._meters.add(TURNS, duty.value, turn.value)

    def leads(self, *, is_leader: bool) -> None:
        """Report whether this process leads. If not, it knows nothing about rotations and certificates."""
        self._meters.set(LEADER, float(is_leader))
        if not is_leader:
            self._rotation(None, 0, 0, 0)
            for which in Certificate:
                self.certificate_ends(which, None)

    def key_status(self, status: KeyStatus | None) -> None:
        """Report the progress of a rotation."""
        rotation = status.rotation if status else None
        if rotation is None:
            self._rotation(NO_ROTATION, 0, 0, 0)
        else:
            progress = rotation.progress
            # A pass in progress has not found everything that it will leave; until it ends, the previous pass counts.
            last = self._last_pass if progress.visited < progress.namespaces else Progress()
            left = max(last.left, progress.left)
            failing = max(last.problems_total, progress.problems_total)
            self._last_pass = replace(progress, left=left, problems_total=failing)
            if rotation.step is Step.DONE:
                # There is no old key any more for records that could not be signed again.
                left = failing = 0
            self._rotation(rotation.step.value, progress.refreshed, left, failing)

    def certificate_ends(self, which: Certificate, ends_at: datetime | None) -> None:
        """Report when a certificate expires; None removes the report."""
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
