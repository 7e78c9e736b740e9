"""Waiting until the loop has seen to something, and how long that took."""

import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.errors import BenchError
from bench.loop.logs import Question, Questions, Write, Writes
from bench.loop.settings import SHARED_PATH
from bench.loop.stage import LoopStage
from testbed.servers.supervision import Server

_POLL_SECONDS = 0.5
# Long enough for whatever is slow to be shown as such.
_PATIENCE_SECONDS = 600.0


def asked_everything(stage: LoopStage, controller: Server, questions: Questions, since: float) -> float:
    """Wait until the version of each path was asked for since then, and return after how many seconds it was."""
    missing = {*stage.settings.all_paths, SHARED_PATH}
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while missing - {question.asked_version_of for question in questions.read()}:
        controller.check()
        if time.monotonic() > deadline:
            raise BenchError(
                f"after {_PATIENCE_SECONDS:.0f} s not every path was asked for; log: {controller.log_file}"
            )
        time.sleep(_POLL_SECONDS)
    firsts: dict[str, float] = {}
    for question in questions.found:
        if question.asked_version_of in missing:
            firsts.setdefault(question.asked_version_of, question.at_seconds)
    return max(firsts.values()) - since


@dataclass(frozen=True, slots=True)
class Arrival:
    """What followed a change in Vault: writes to the Secrets that were to follow, and questions, with their times.

    `stale` is how many of the Secrets do not hold the new value in the end.
    """

    changed_at: float
    writes: Sequence[Write]
    questions: Sequence[Question]
    stale: int

    @property
    def refreshes(self) -> Sequence[Write]:
        """The writes that changed a Secret."""
        return [write for write in self.writes if write.is_refresh]

    @property
    def last_at(self) -> float:
        """When the last of them was refreshed. Raises BenchError when none was."""
        if not self.refreshes:
            raise BenchError(f"nothing was refreshed within {_PATIENCE_SECONDS:.0f} s after a change")
        return max(write.at_seconds for write in self.refreshes)

    @property
    def repeated(self) -> int:
        """How many refreshes there were beyond one for each object."""
        return len(self.refreshes) - len({(write.namespace, write.name) for write in self.refreshes})

    def noticed_at(self, path: str) -> float:
        """Return when the path was first asked for after the change. Raises BenchError when it was not."""
        for question in self.questions:
            if question.asked_version_of == path and question.at_seconds >= self.changed_at:
                return question.at_seconds
        raise BenchError(f"{path} was not asked for after it changed")


def changed(stage: LoopStage, controller: Server, paths: Sequence[str], wanted: Mapping[str, int]) -> Arrival:
    """Change paths, and wait until so many objects of each namespace have been refreshed, or for ten minutes."""
    value = f"value-{time.time_ns()}"
    writes, questions, changed_at = Writes(stage.bed), Questions(stage.bed), time.time()
    stage.change(paths, value)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while _refreshed(writes.read(), wanted) < sum(wanted.values()) and time.monotonic() < deadline:
        controller.check()
        time.sleep(_POLL_SECONDS)
    stale = sum(_stale(stage, namespace, value) for namespace in wanted)
    return Arrival(changed_at, [each for each in writes.read() if each.namespace in wanted], questions.read(), stale)


def _refreshed(writes: Sequence[Write], wanted: Mapping[str, int]) -> int:
    return len({(write.namespace, write.name) for write in writes if write.is_refresh and write.namespace in wanted})


def _stale(stage: LoopStage, namespace: str, value: str) -> int:
    """Return how many of a namespace's Secrets do not hold the value."""
    answer = stage.bed.kubernetes.request("GET", f"/api/v1/namespaces/{namespace}/secrets")
    answer.raise_for_status()
    filled = [each for each in answer.json()["items"] if each["metadata"]["name"].startswith("app-")]
    return sum(not base64.b64decode(each["data"]["password"]).startswith(value.encode()) for each in filled)
