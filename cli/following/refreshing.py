"""Has one Secret filled again, as oneself, and says what became of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from kube.errors import Conflict, KubernetesError, KubernetesUnavailable
from kube.objects import Metadata, ObjectName
from kube.secrets import Changed, Secrets
from manifests.annotations import REFRESH
from manifests.following.standing import Standing, standing
from manifests.kinds.secret import SECRET

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
        """Whether the Secret has the values that Vault has now."""
        return self in {Ending.REFRESHED, Ending.CURRENT}

    @property
    def may_pass(self) -> bool:
        """Whether another try may end otherwise, though nobody has mended anything."""
        return self in {Ending.KEPT, Ending.UNAVAILABLE}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a Secret; `details` are one text each."""

    name: ObjectName
    ending: Ending
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.ending}" + (f": {'; '.join(self.details)}" if self.details else "")


def refresh(secrets: Secrets, name: ObjectName) -> Result:
    """Have a Secret filled again with what Vault has now."""
    try:
        before = secrets.read_metadata(name, _TIMEOUT_SECONDS)
        if not _standing(before).readings:
            return Result(name, Ending.NOTHING, ("it has no reference to Vault",))
        return _judged(secrets, before, secrets.change(name, {REFRESH: _WISH}, _TIMEOUT_SECONDS))
    except KubernetesUnavailable as error:
        return Result(name, Ending.UNAVAILABLE, (str(error),))
    except Conflict as error:
        return Result(name, Ending.UNAVAILABLE, (str(error),))
    except KubernetesError as error:
        return Result(name, Ending.REFUSED, (_why(error),))


def _judged(secrets: Secrets, before: Metadata, changed: Changed) -> Result:
    name, after = before.name, changed.metadata
    if REFRESH in after.annotations:
        # Otherwise a later admission would take it for a new request.
        secrets.change(name, {REFRESH: None}, _TIMEOUT_SECONDS)
        return Result(name, Ending.UNSEEN, ("the webhook is not registered, or the namespace is not enabled",))
    if any(_IMMUTABLE in warning for warning in changed.warnings):
        return Result(name, Ending.IMMUTABLE, changed.warnings)
    if any(_KEPT in warning for warning in changed.warnings):
        return Result(name, Ending.KEPT, changed.warnings)
    news = tuple(_news(_standing(before), _standing(after)))
    return Result(name, Ending.REFRESHED if news else Ending.CURRENT, (*news, *changed.warnings))


def _news(before: Standing, after: Standing) -> Iterator[str]:
    """Yield which versions have changed."""
    known = {(each.pointer, each.reference): each.version for each in before.readings}
    for each in after.readings:
        version = known.get((each.pointer, each.reference))
        if version != each.version:
            yield f"{each.described} {_shown(version)} -> {_shown(each.version)}"


def _shown(version: int | None) -> str:
    return "-" if version is None else str(version)


def _standing(metadata: Metadata) -> Standing:
    return standing(SECRET, metadata.annotations, metadata.labels)


def _why(error: KubernetesError) -> str:
    if error.status == HTTPStatus.NOT_FOUND:
        return "there is no such Secret"
    if error.status == HTTPStatus.FORBIDDEN:
        return f"{error}. You need `get` and `patch` on Secrets there"
    return str(error)
