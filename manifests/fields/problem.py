"""What is wrong with one field of an object."""

from dataclasses import dataclass

MALFORMED = "MalformedReference"


@dataclass(frozen=True, slots=True)
class Problem:
    """`origin` names the field or annotation, `message` the cause; `cause` is the word that scripts match."""

    origin: str
    message: str
    cause: str = MALFORMED
    temporary: bool = False
    retry_after_seconds: int | None = None
