"""What all facts have in common, and the third answer: not known, and why."""

from typing import TypeGuard, TypeVar

from pydantic import BaseModel, ConfigDict

_Facts = TypeVar("_Facts")


class Facts(BaseModel):
    """Facts about something. They are frozen, and JSON with a schema: `keyhole inventory` prints them.

    No field holds a value of a secret, a part of one or a digest of one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class NotKnown(Facts):
    """Stands where a fact would, and says why there is none. Nothing may be concluded from it, good or bad."""

    not_known: str


def is_known(facts: _Facts | NotKnown) -> TypeGuard[_Facts]:
    """Whether there are facts."""
    return not isinstance(facts, NotKnown)
