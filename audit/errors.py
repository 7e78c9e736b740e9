"""What can go wrong with the audit trail: one root, facts as attributes."""

from pathlib import Path
from typing import ClassVar, Final

from resolver.causes import Cause


class AuditError(Exception):
    """The root. No key and nothing of a line stands in a message."""


class AuditKeyError(AuditError):
    """A file does not hold a key that lines may be chained under."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"audit key {path} {problem}")
        self.path = path
        self.problem = problem


class AuditUnavailable(AuditError):
    """A line could not be written, and what it would have told of must not happen. A retry may work."""

    cause: ClassVar[Cause] = Cause.AUDIT_UNAVAILABLE
    message: Final = "the audit trail cannot be written; a retry may work"

    def __init__(self, how: str) -> None:
        super().__init__(f"the audit trail cannot be written: {how}")
        self.how = how
