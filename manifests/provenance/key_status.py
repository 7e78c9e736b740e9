"""What the Secret with the record keys says of itself in annotations: its ids, and how far a rotation is. Pure.

`keyhole.dev/rotate` is an administrator's request, any text that was not used before; the controller takes it off when
it begins. `keyhole.dev/drop-old` names the request of a rotation that is to end after its next pass, whatever records
are left under old keys; the controller takes it off when it ends. `keyhole.dev/key-status` is the controller's own:
JSON, keys sorted, compact. It holds no key.
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
"""How long a webhook goes on with keys that it can no longer read."""
SETTLE_SECONDS: Final = BELIEVED_SECONDS + 60.0
"""How long a rotation waits before each of its steps: no webhook may be left behind.

Each one has read the change by then, or does not believe what it read before. The minute more is for what was under way
at that moment: an admission takes 30 s at most.
"""

# An annotation is not the place for a thousand namespaces; the log has them all.
_MOST_PROBLEMS: Final = 20
MOST_LEFT_NAMES: Final = 100
_VERSION: Final = 1
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST_REQUEST: Final = 64


class Step(StrEnum):
    """How far a rotation is. `ACCEPTING` and `SIGNING` last until every replica has read the Secret."""

    ACCEPTING = "accepting"
    """The new key is in the Secret, the old one signs."""
    SIGNING = "signing"
    """The new key signs."""
    REFRESHING = "refreshing"
    """Records under old keys are signed anew."""
    DONE = "done"
    """The old keys are gone."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why records of a namespace are still under an old key."""

    namespace: str
    cause: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the refreshing is: of `namespaces`, `visited` in the pass that is under way or was the last.

    `refreshed` are the records that were signed anew since the rotation began, `left` those that this pass could not
    have signed, of which `left_names` are the first as NAMESPACE/NAME; `passes` counts the passes that have ended.
    `problems_total` counts the namespaces at fault, of which `problems` are the first.
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
        """Return it with so many more records left, of which some are given by name."""
        return replace(self, left=self.left + count, left_names=(*self.left_names, *names)[:MOST_LEFT_NAMES])

    def with_problems(self, problems: Mapping[str, str]) -> "Progress":
        """Return it with these causes by namespace."""
        first = tuple(Problem(name, problems[name]) for name in sorted(problems)[:_MOST_PROBLEMS])
        return replace(self, problems=first, problems_total=len(problems))


@dataclass(frozen=True, slots=True)
class Rotation:
    """The rotation that is under way, or was the last. `new` is the id of the key that it brings.

    `has_dropped` says that it ended because an administrator asked for it, with the records left that `progress` names.
    """

    request: str
    new: str
    step: Step
    progress: Progress = Progress()
    has_dropped: bool = False


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """The ids of the ring's keys, in order, and the rotation, if there ever was one."""

    signing: str
    accepted: tuple[str, ...]
    rotation: Rotation | None = None

    @classmethod
    def of(cls, ring: KeyRing, rotation: Rotation | None = None) -> "KeyStatus":
        """Return the status of a ring."""
        return cls(ring.signing.id, tuple(sorted(ring.accepted)), rotation)

    def dump(self) -> str:
        """Return the annotation."""
        return json.dumps({"v": _VERSION, **asdict(self)}, sort_keys=True, separators=(",", ":"))


def request_of(annotations: Mapping[str, str]) -> str | None:
    """Return the request that waits, in a form that may stand in a log and on a terminal; None without one."""
    return _fit(annotations.get(ROTATE))


def drop_of(annotations: Mapping[str, str]) -> str | None:
    """Return the request whose rotation is to end whatever is left, in the form of `request_of`; None without one."""
    return _fit(annotations.get(DROP_OLD))


def parse(text: str | None) -> KeyStatus | None:
    """Read the annotation; None when there is none, or one that the controller did not write."""
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
    # An earlier version wrote fewer members, and a later one may write more.
    has_dropped = told.get("has_dropped") is True
    return Rotation(
        str(told["request"]), str(told["new"]), Step(told["step"]), _progress(told["progress"]), has_dropped
    )


def _progress(told: Mapping[str, Any]) -> Progress:
    problems = tuple(Problem(str(one["namespace"]), str(one["cause"])) for one in told["problems"])
    left_names = tuple(str(name) for name in told.get("left_names", ()))
    counts = {field.name: int(told[field.name]) for field in fields(Progress) if isinstance(field.default, int)}
    return Progress(**counts, problems=problems, left_names=left_names)
