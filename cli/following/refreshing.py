"""Has one object filled again, as oneself, and says what became of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from kube.errors import Conflict, KubernetesError, KubernetesUnavailable
from kube.objects import Metadata, ObjectName
from kube.objects_of import ObjectsOf
from kube.secrets import Changed
from manifests.annotations import RECORD, REFRESH
from manifests.following.standing import Standing, standing
from manifests.kinds.codec import Codec
from manifests.kinds.secret import SECRET
from manifests.provenance import record

_TIMEOUT_SECONDS: Final = 30.0
_WISH: Final = "now"
# What the webhook warns of when a value stays (webhook.admission.outcomes, manifests.planning.immutable).
_KEPT: Final = "unverified: "
_IMMUTABLE: Final = "immutable"


class Ending(StrEnum):
    """How it ended, in the word that is printed."""

    REFRESHED = "refreshed"
    CURRENT = "up to date"
    KEPT = "not refreshed"
    UNAVAILABLE = "no answer"
    IMMUTABLE = "immutable"
    UNSEEN = "not seen by Keyhole"
    NOTHING = "nothing to refresh"
    REFUSED = "refused"

    @property
    def is_well(self) -> bool:
        """Whether the object has the values that Vault has now."""
        return self in {Ending.REFRESHED, Ending.CURRENT}

    @property
    def may_pass(self) -> bool:
        """Whether another try may end otherwise, though nobody has mended anything."""
        return self in {Ending.KEPT, Ending.UNAVAILABLE}


@dataclass(frozen=True, slots=True)
class Named:
    """An object that is to be refreshed. `str` gives NAMESPACE/NAME of a Secret, and KIND NAMESPACE/NAME of others."""

    name: ObjectName
    codec: Codec = SECRET

    def __str__(self) -> str:
        return f"{self.codec.kind} {self.name}" if self.codec.is_listed else str(self.name)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an object; `details` are one text each."""

    named: Named
    ending: Ending
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.named}: {self.ending}" + (f": {'; '.join(self.details)}" if self.details else "")


def refresh(named: Named, objects_of: Callable[[Codec, str], ObjectsOf]) -> Result:
    """Have an object filled again with what Vault has now.

    `objects_of` returns the objects of a kind in a version of it: "" for that in which the kind is listed.
    """
    codec, name = named.codec, named.name
    try:
        before = objects_of(codec, "").read_metadata(name, _TIMEOUT_SECONDS)
        if not _standing(codec, before).readings:
            return Result(named, Ending.NOTHING, ("it has no reference to Vault",))
        # In another version than the manifest's, the record's pointers lead nowhere, and nothing would be filled.
        objects = objects_of(codec, record.parse(before.annotations.get(RECORD)).version)
        return _judged(named, objects, before, objects.change(name, {REFRESH: _WISH}, _TIMEOUT_SECONDS))
    except KubernetesUnavailable as error:
        return Result(named, Ending.UNAVAILABLE, (str(error),))
    except Conflict as error:
        return Result(named, Ending.UNAVAILABLE, (str(error),))
    except KubernetesError as error:
        return Result(named, Ending.REFUSED, (_why(error, codec),))


def _judged(named: Named, objects: ObjectsOf, before: Metadata, changed: Changed) -> Result:
    codec, after = named.codec, changed.metadata
    if REFRESH in after.annotations:
        # Otherwise a later admission would take it for a new request.
        objects.change(named.name, {REFRESH: None}, _TIMEOUT_SECONDS)
        return Result(named, Ending.UNSEEN, ("the webhook is not registered, or the namespace is not enabled",))
    if any(_IMMUTABLE in warning for warning in changed.warnings):
        return Result(named, Ending.IMMUTABLE, changed.warnings)
    if any(_KEPT in warning for warning in changed.warnings):
        return Result(named, Ending.KEPT, changed.warnings)
    news = tuple(_news(_standing(codec, before), _standing(codec, after)))
    return Result(named, Ending.REFRESHED if news else Ending.CURRENT, (*news, *changed.warnings))


def _news(before: Standing, after: Standing) -> Iterator[str]:
    """Yield which versions have changed."""
    known = {(each.pointer, each.reference): each.version for each in before.readings}
    for each in after.readings:
        version = known.get((each.pointer, each.reference))
        if version != each.version:
            yield f"{each.described} {_shown(version)} -> {_shown(each.version)}"


def _shown(version: int | None) -> str:
    return "-" if version is None else str(version)


def _standing(codec: Codec, metadata: Metadata) -> Standing:
    return standing(codec, metadata.annotations, metadata.labels)


def _why(error: KubernetesError, codec: Codec) -> str:
    if error.status == HTTPStatus.NOT_FOUND:
        return f"there is no such {codec.kind}"
    if error.status == HTTPStatus.FORBIDDEN:
        return f"{error}. You need `get` and `patch` on {codec.resource} there"
    return str(error)
