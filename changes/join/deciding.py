"""Which of the commits that could have made a change did, and how sure that is. Pure: the one place for it.

A commit is exact only if no other one could have made the change: one place in all repositories writes the field, these
references began to stand there once, and they stood there when the object was admitted.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from changes.change import Certainty
from changes.history.asked import Stretch
from changes.history.doubts import words

LATE_MICROSECONDS: Final = 600 * 1_000_000
"""How much later than the admission a commit may say that it is, until its clock is no longer blamed for that."""

NOT_WRITTEN: Final = "no commit that was read writes these references into this field"
ONLY_LATER: Final = "only a later commit writes these references into this field"
AHEAD: Final = "by its clock the commit is younger than the change"
NOT_THEN: Final = "when the object was admitted, another commit had replaced these references already"
AGAIN: Final = "an older commit wrote the same references"
SEVERAL: Final = "several files write this field"
NO_NAMESPACE: Final = "no file says the namespace, and nothing shows that the change came from a repository"
NOT_TAKEN_OUT: Final = "no commit that was read takes these references out of this field"
STILL_THERE: Final = "another file still writes this field"


@dataclass(frozen=True, slots=True)
class Decision:
    """The stretch whose beginning, or whose end, is the commit. `why` is empty for an exact one."""

    certainty: Certainty
    stretch: Stretch | None = None
    why: str = ""


def written(
    time: int, found: Sequence[Stretch], live: Collection[int], perhaps: Sequence[Stretch], *, is_applied: bool
) -> Decision:
    """Decide which commit wrote the references that an object was admitted with at a time.

    `found` are the stretches that have them, those that began last first. `live` are the places that wrote the field
    then. `perhaps` are stretches of what may be the same object under another name, that began before. `is_applied`
    says that a client of a repository sent the request, as far as the object shows.
    """
    before = [each for each in found if each.since_time <= time]
    if not before and perhaps:
        return Decision(Certainty.LIKELY, perhaps[0], words(perhaps[0].doubt))
    if not before:
        ahead = [each for each in found if each.since_time <= time + LATE_MICROSECONDS]
        if ahead:
            return Decision(Certainty.LIKELY, ahead[-1], AHEAD)
        return Decision(Certainty.UNKNOWN, why=ONLY_LATER if found else NOT_WRITTEN)
    newest = before[0]
    why = words(newest.doubt) or (
        NOT_THEN
        if newest.until_time <= time
        else SEVERAL
        if len({*live, newest.place, *(each.place for each in perhaps if each.until_time > time)}) > 1
        else AGAIN
        if len(before) > 1
        else NO_NAMESPACE
        if not newest.namespace and not is_applied
        else ""
    )
    return Decision(Certainty.LIKELY if why else Certainty.EXACT, newest, why)


def taken_out(time: int, found: Sequence[Stretch], live: Collection[int], *, is_applied: bool) -> Decision:
    """Decide which commit took out the references that an object had before it was admitted at a time."""
    ended = sorted((each for each in found if each.until_time <= time), key=lambda each: each.until_time)
    if not ended:
        return Decision(Certainty.UNKNOWN, why=NOT_TAKEN_OUT)
    last = ended[-1]
    why = words(last.doubt) or (
        STILL_THERE
        if live
        else AGAIN
        if len(found) > 1
        else NO_NAMESPACE
        if not last.namespace and not is_applied
        else ""
    )
    return Decision(Certainty.LIKELY if why else Certainty.EXACT, last, why)
