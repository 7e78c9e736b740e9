"""The annotations on the Secret with the record keys: requests, the ids of the keys, and the state of a rotation. Pure.

`keyhole.dev/rotate` is an administrator's request for a rotation: any text that was not used before. The controller
removes it when the rotation begins. `keyhole.dev/drop-old` names a request whose rotation has to end after its next
pass, even if there are records left under old keys. The controller removes it when the rotation ends.
`keyhole.dev/key-status` is written by the controller: compact JSON with sorted names. It contains no key.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final

from manifests.annotations import DOMAIN
from manifests.provenance.keyring import KeyRing

ROTATE: Final = f"{DOMAIN}/rotate"
DROP_OLD: Final = f"{DOMAIN}/drop-old"
STATUS: Final = f"{DOMAIN}/key-status"

BELIEVED_SECONDS: Final = 600.0
"""How long a webhook keeps using the keys after it could read them for the last time."""
SETTLE_SECONDS: Final = BELIEVED_SECONDS + 60.0
"""How long a rotation waits before each step, so that no webhook is left behind.

By then each webhook has either read the change or stopped using what it read before. The extra minute is for admissions
that were under way at that moment; they take 30 s at most.
"""

# An annotation is no place for a thousand namespaces. The log has all of them.
_MOST_PROBLEMS: Final = 20
MOST_LEFT_NAMES: Final = 100
_VERSION: Final = 1
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST_REQUEST: Final = 64


class Step(StrEnum):
    """The steps of a rotation. `ACCEPTING` and `SIGNING` last until every replica has read the Secret."""

    ACCEPTING = "accepting"
    """The new key is in the Secret, and the old one still signs."""
    SIGNING = "signing"
    """The new key signs."""
    REFRESHING = "refreshing"
    """Records under old keys are signed again with the new one."""
    DONE = "done"
    """The old keys are gone."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a namespace still has records under an old key."""

    namespace: str
    cause: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the refreshing of records has come.

    The current or last pass has visited `visited` of `namespaces`. `refreshed` counts the records that were signed
    again since the rotation began, and `left` those that this pass could not get signed; `left_names` has the first of
    them as NAMESPACE/NAME. `passes` counts completed passes. `problems_total` counts the namespaces with problems, and
    `problems` has the first of them.
    """

    namespaces: int = 0
    visited: int = 0
    refreshed: int = 0
    left: int = 0
    passes: int = 0
    problems_total: int = 0
    problems: tuple[Problem, ...] = ()
    left_names: tuple[str, ...] = ()

    def with_left(self, count: int, names: Sequence[str]) -> "Progress":
        """Return a copy with that many more records left, some of them named."""
        return replace(self, left=self.left + count, left_names=(*self.left_names, *names)[:MOST_LEFT_NAMES])

    def with_problems(self, problems: Mapping[str, str]) -> "Progress":
        """Return a copy with these problems, given as causes by namespace."""
        first = tuple(Problem(name, problems[name]) for name in sorted(problems)[:_MOST_PROBLEMS])
        return replace(self, problems=first, problems_total=len(problems))


@dataclass(frozen=True, slots=True)
class Rotation:
    """The current or last rotation. `new` is the id of the key that it introduces.

    `has_dropped` says that it ended early because an administrator asked for that; `progress` names the records left.
    """

    request: str
    new: str
    step: Step
    progress: Progress = Progress()
    has_dropped: bool = False


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """The ids of the keys, sorted, and the rotation, if there ever was one."""

    signing: str
    accepted: tuple[str, ...]
    rotation: Rotation | None = None

    @classmethod
    def of(cls, ring: KeyRing, rotation: Rotation | None = None) -> "KeyStatus":
        """Return the status of a key ring."""
        return cls(ring.signing.id, tuple(sorted(ring.accepted)), rotation)

    def dump(self) -> str:
        """Return the text of the annotation."""
        return json.dumps({"v": _VERSION, **asdict(self)}, sort_keys=True, separators=(",", ":"))


def request_of(annotations: Mapping[str, str]) -> str | None:
    """Return the pending request, made safe for logs and terminals; None if there is none."""
    return _fit(annotations.get(ROTATE))


def drop_of(annotations: Mapping[str, str]) -> str | None:
    """Return the request whose rotation has to end early, made safe like `request_of`; None if there is none."""
    return _fit(annotations.get(DROP_OLD))


def parse(text: str | None) -> KeyStatus | None:
    """Read the annotation; None if it is missing or was not written by the controller."""
    try:
        document = json.loads(text or "null")
        return _status(document) if document["v"] == _VERSION else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _fit(text: str | None) -> str | None:
    return _UNFIT.sub("_", text)[:_LONGEST_REQUEST] if text else None


def _status(document: Mapping[str, Any]) -> KeyStatus:
    told = document["rotation"]
    accepted = tuple(str(key_id) for key_id in document["accepted"])
    return KeyStatus(str(document["signing"]), accepted, None if told is None else _rotation(told))


def _rotation(told: Mapping[str, Any]) -> Rotation:
    # Earlier versions wrote fewer members, and later ones may write more.
    has_dropped = told.get("has_dropped") is True
    return Rotation(
        str(told["request"]), str(told["new"]), Step(told["step"]), _progress(told["progress"]), has_dropped
    )


def _progress(told: Mapping[str, Any]) -> Progress:
    problems = tuple(Problem(str(one["namespace"]), str(one["cause"])) for one in told["problems"])
    left_names = tuple(str(name) for name in told.get("left_names", ()))
    counts = {field.name: int(told[field.name]) for field in fields(Progress) if isinstance(field.default, int)}
    return Progress(**counts, problems=problems, left_names=left_names)
