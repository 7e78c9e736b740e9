"""The errors of the audit trail. They have one root, and their facts as attributes."""

from pathlib import Path
from typing import ClassVar, Final

from resolver.causes import Cause


class AuditError(Exception):
    """The root. Messages never hold a key or any part of a line."""


class AuditKeyError(AuditError):
    """A file does not hold a key that lines may be chained with."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"audit key {path} {problem}")
        self.path = path
        self.problem = problem


class AuditUnavailable(AuditError):
    """An entry could not be written, so its admission must not happen. A retry may work."""

    cause: ClassVar[Cause] = Cause.AUDIT_UNAVAILABLE
    message: Final = "the audit trail cannot be written; a retry may work"

    def __init__(self, how: str) -> None:
        super().__init__(f"the audit trail cannot be written: {how}")
        self.how = how
