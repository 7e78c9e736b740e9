"""What is wrong with one field of an object, or with the object as a whole."""

from dataclasses import dataclass

from resolver.causes import Cause


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong: `origin` names the field or annotation, `message` tells what happened and what helps.

    `temporary` says that a retry may work, where the cause alone does not say so.
    """

    origin: str
    message: str
    cause: Cause = Cause.MALFORMED_REFERENCE
    temporary: bool = False
    retry_after_seconds: int | None = None

    @property
    def is_temporary(self) -> bool:
        """Whether a retry of the same object may work."""
        return self.temporary or self.cause.is_temporary
