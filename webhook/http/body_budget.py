"""How much of what is sent lies in memory at once: large bodies are read only while there is room for them.

An object that is admitted takes about three times its body's size. Small bodies need no room of their own: those at
work and in the queue are counted (`webhook.scheduling.gate`). Large ones share a fixed room, of which a namespace takes
another part only while it holds less than is free, as with places. Whose body it is has to be known before it is read:
the API server writes uid and namespace before anything that can be long, in the order of the fields of `admission/v1`'s
AdmissionRequest (https://pkg.go.dev/k8s.io/api/admission/v1).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from resolver.budget import ALONE, Process
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded
from webhook.scheduling.fair_shares import Memory
from webhook.scheduling.gate import OverloadedError

SMALL_BYTES = 64 * 1024
# Of its body's size, for an object that is admitted.
_TIMES_ITS_BODY = 3
_HEAD = re.compile(
    rb"""\s*\{\s*(?:"(?:kind|apiVersion)":\s*"[^"\\]*",\s*)*
    "request":\s*\{\s*"uid":\s*"(?P<uid>[^"\\]+)"
    (?:,\s*"(?:kind|resource|requestKind|requestResource)":\s*\{[^{}]*\}
      |,\s*"(?:subResource|requestSubResource|name)":\s*"[^"\\]*")*
    (?:,\s*"namespace":\s*"(?P<namespace>[^"\\]*)")?""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Head:
    """What the beginning of a review tells: the uid that it is answered under, and whose places it takes."""

    uid: str
    namespace: str

    @classmethod
    def of(cls, begin: bytes) -> Self | None:
        """Read it; None when it is not as the API server writes it. Nothing but a refusal is founded on it."""
        found = _HEAD.match(begin)
        if found is None:
            return None
        try:
            return cls(found["uid"].decode(), (found["namespace"] or b"").decode())
        except UnicodeDecodeError:
            return None


class BodyBudget:
    """The room for large bodies in one worker's memory, and their turns at being parsed. Greenlets may share it."""

    def __init__(self, memory: Memory, process: Process = ALONE) -> None:
        self._memory = memory
        self._process = process

    @contextmanager
    def hold(self, namespace: str, size_bytes: int) -> Iterator[None]:
        """Hold room for a body while the block runs. Raises `OverloadedError` at once when there is none."""
        taken_bytes = _TIMES_ITS_BODY * size_bytes
        if not self._memory.take(namespace, taken_bytes):
            raise OverloadedError("too many large objects are under way; a retry will work")
        try:
            yield
        finally:
            self._memory.give(namespace, taken_bytes)

    def await_turn(self, namespace: str, deadline: Deadline) -> None:
        """Wait until a body may be parsed, which takes long. Raises `OverloadedError` at the deadline."""
        try:
            self._process.rest(namespace, deadline)
        except DeadlineExceeded:
            raise OverloadedError("its turn did not come in time, so many large objects are under way") from None
