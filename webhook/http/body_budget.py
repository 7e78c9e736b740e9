"""The memory budget for large bodies: they are read only while there is memory for them.

Admitting an object takes about three times the size of its body. Small bodies need no budget, because the number of
admissions that run or wait is limited (`webhook.scheduling.gate`). Large ones share the worker's memory budget, of
which a namespace gets more only while it holds less than is free. So the namespace has to be known before the body is
read. The API server writes uid and namespace before anything that can be long, in the order of the fields of
`admission/v1`'s AdmissionRequest (https://pkg.go.dev/k8s.io/api/admission/v1).
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
# What admitting an object takes, as a multiple of its body.
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
    """The beginning of a review: the uid to answer it with, and the namespace whose budget it takes."""

    uid: str
    namespace: str

    @classmethod
    def of(cls, begin: bytes) -> Self | None:
        """Read the beginning of a body. None if no API server writes it so. Only a refusal ever relies on this."""
        found = _HEAD.match(begin)
        if found is None:
            return None
        try:
            return cls(found["uid"].decode(), (found["namespace"] or b"").decode())
        except UnicodeDecodeError:
            return None


class BodyBudget:
    """The memory for large bodies in one worker, and their turns at being parsed. Greenlets may share it."""

    def __init__(self, memory: Memory, process: Process = ALONE) -> None:
        self._memory = memory
        self._process = process

    @contextmanager
    def hold(self, namespace: str, size_bytes: int) -> Iterator[None]:
        """Hold memory for a body while the block runs. Raises `OverloadedError` at once if there is none left."""
        taken_bytes = _TIMES_ITS_BODY * size_bytes
        if not self._memory.take(namespace, taken_bytes):
            raise OverloadedError("too many large objects are under way; a retry will work")
        try:
            yield
        finally:
            self._memory.give(namespace, taken_bytes)

    def await_turn(self, namespace: str, deadline: Deadline) -> None:
        """Wait for a turn to parse a body, which takes a while. Raises `OverloadedError` at the deadline."""
        try:
            self._process.rest(namespace, deadline)
        except DeadlineExceeded:
            raise OverloadedError("its turn did not come in time, so many large objects are under way") from None
