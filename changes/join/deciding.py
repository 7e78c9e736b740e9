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

_SECOND: Final = 1_000_000
"""Git's times have whole seconds: what replaced something within the second of the admission may have come later."""

NOT_WRITTEN: Final = "no commit that was read writes these references into this field"
ONLY_LATER: Final = "only a later commit writes these references into this field"
AHEAD: Final = "by its clock the commit is younger than the change"
NOT_THEN: Final = "when the object was admitted, another commit had replaced these references already"
AGAIN: Final = "an older commit wrote the same references"
SEVERAL: Final = "several files write this field"
NO_NAMESPACE: Final = "no file says the namespace, and the same object of another namespace looks the same"
STALE: Final = "the clone was fetched or read before the change, so a newer commit may be missing"
BY_PERSON: Final = "no ServiceAccount sent it, so it may have been written by hand"
UNTOLD: Final = "the trail does not tell which references the field had before"
SAME: Final = "the references are as before, and the history that was read has nothing but references"
BY_HELM: Final = "Helm made the object, and a chart may refer to the same"
NOT_TAKEN_OUT: Final = "no commit that was read takes these references out of this field"
AGAIN_OUT: Final = "an older commit took references out of this field too"
STILL_THERE: Final = "another file still writes this field"


_OF_CHARTS: Final = frozenset({"flux-helm", "helm"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a field of an object that was admitted at a time, in microseconds since 1970.

    `found` are the stretches that have its references, those that began last first. `live` are the places that
    wrote the field then. `perhaps` are stretches of what may be the same object under another name, that began
    before. `tool` is what applied the object, as that one says (`manifests.origin`); empty if it does not. `fresh`
    is up to when no commit is missing. `by_person` is whether somebody may have typed what was sent. `is_told` is
    whether the trail tells what was before.
    """

    time: int
    found: Sequence[Stretch]
    live: Collection[int] = ()
    perhaps: Sequence[Stretch] = ()
    fresh: int = 0
    tool: str = ""
    by_person: bool = False
    is_told: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """The stretch whose beginning, or whose end, is the commit. `why` is empty for an exact one."""

    certainty: Certainty
    stretch: Stretch | None = None
    why: str = ""


def written(known: Evidence) -> Decision:
    """Decide which commit wrote the references that a field has since."""
    before = [each for each in known.found if each.since_time <= known.time]
    if before:
        return _decided(before[0], _of_written(known, before))
    if known.perhaps:
        return _decided(known.perhaps[0], words(known.perhaps[0].doubt))
    ahead = [each for each in known.found if each.since_time <= known.time + LATE_MICROSECONDS]
    if ahead:
        return _decided(ahead[-1], AHEAD)
    return Decision(Certainty.UNKNOWN, why=ONLY_LATER if known.found else NOT_WRITTEN)


def taken_out(known: Evidence, ends: Sequence[Stretch]) -> Decision:
    """Decide which commit took a field's references out.

    `ends` are the stretches behind which the field had none in its place, until the time, the last one first. They need
    not be of the references that the field had until then: a client may have passed over some that came between.
    """
    if not ends or not known.found:
        return Decision(Certainty.UNKNOWN, why=NOT_TAKEN_OUT)
    several = (STILL_THERE if known.live else "") or (AGAIN_OUT if len(ends) > 1 else "")
    return _decided(ends[0], words(ends[0].doubt) or several or _of_client(known, ends[0]))


def _of_written(known: Evidence, before: Sequence[Stretch]) -> str:
    newest = before[0]
    others = (each.place for each in known.perhaps if each.until_time > known.time)
    if newest.doubt:
        return words(newest.doubt)
    if newest.until_time + _SECOND <= known.time:
        return NOT_THEN
    if len({*known.live, newest.place, *others}) > 1:
        return SEVERAL
    return AGAIN if len(before) > 1 else _of_client(known, newest)


def _of_client(known: Evidence, stretch: Stretch) -> str:
    if known.tool in _OF_CHARTS:
        return BY_HELM
    if known.fresh + _SECOND < known.time:
        return STALE
    if not known.is_told:
        return UNTOLD
    # An object keeps the labels of Flux and Argo CD when somebody edits it.
    if known.by_person:
        return BY_PERSON
    # The traces of Flux and Argo CD on the object prove nothing: whoever may write it may write them.
    return "" if stretch.namespace else NO_NAMESPACE


def _decided(stretch: Stretch, why: str) -> Decision:
    return Decision(Certainty.LIKELY if why else Certainty.EXACT, stretch, why)
