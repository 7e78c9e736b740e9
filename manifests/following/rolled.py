"""The annotation `keyhole.dev/rolled`: which states of its Secrets and ConfigMaps a workload's pods have.

    NAME:STATE,NAME:STATE…

One pair of eight hexadecimal digits each for every followed object that the workload uses, in order. NAME stands for
a Secret's name, or for `ConfigMap/` and a ConfigMap's, which no Secret can have as its name; STATE stands for its uid
and for how often its values have changed (the record's `n`). A `~` at the end says that the workload was not ready when
Keyhole restarted it, so nothing follows from its not becoming ready.

On the workload it says what is dealt with. On the pod template it says what the last restart was for.

A single digest of everything would not do: a new version of a workload that uses one more object would look as if a
value had changed, and would be rolled out twice. No time stands in it, so two leaders write the same text.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from manifests.following.workload import SECRET, Used

Marks: TypeAlias = Mapping[str, str]
"""States by object, both as digests."""

_DIGITS: Final = 8
_TEXT: Final = re.compile(r"[0-9a-f]{8}:[0-9a-f]{8}(?:,[0-9a-f]{8}:[0-9a-f]{8})*~?")
_WAS_NOT_READY: Final = "~"
# Kubernetes' limit for all annotations of an object.
_MOST_CHARACTERS: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class State:
    """A followed object: `n` counts the changes of its values since the object with this uid was made."""

    used: Used
    uid: str
    n: int


@dataclass(frozen=True, slots=True)
class Rolled:
    """What the annotation says. `was_ready` is about the moment of the restart."""

    marks: Marks
    was_ready: bool = True


def parse(text: str | None) -> Rolled | None:
    """Read the annotation. None if there is none, or one that Keyhole did not write."""
    if text is None or len(text) > _MOST_CHARACTERS or not _TEXT.fullmatch(text):
        return None
    pairs = (pair.partition(":") for pair in text.removesuffix(_WAS_NOT_READY).split(","))
    return Rolled({name: state for name, _, state in pairs}, not text.endswith(_WAS_NOT_READY))


def dump(rolled: Rolled) -> str:
    """Return the text of the annotation; "" if there is no mark. Equal contents give equal texts."""
    pairs = ",".join(f"{name}:{state}" for name, state in sorted(rolled.marks.items()))
    return pairs + (_WAS_NOT_READY if pairs and not rolled.was_ready else "")


def marks(states: Collection[State]) -> Marks:
    """Return the marks of objects."""
    return {mark_of(one.used): _digest(f"{one.uid} {one.n}") for one in states}


def mark_of(used: Used) -> str:
    """Return the digest that stands for an object's name."""
    return _digest(used.name if used.kind == SECRET else f"{used.kind}/{used.name}")


def moved(before: Marks, now: Marks) -> frozenset[str]:
    """Return which objects have another state than before. One that is in one of them only has not moved."""
    return frozenset(name for name, state in now.items() if before.get(name, state) != state)


def baseline(before: Marks, now: Marks, used: Collection[Used]) -> Marks:
    """Return the marks of a workload that uses these objects and is not restarted.

    What is new is taken as it is now, what is known stays as it was, and what is no longer used is dropped.
    """
    known = {**now, **before}
    return {mark: known[mark] for mark in map(mark_of, used) if mark in known}


def after_restart(before: Marks, now: Marks, used: Collection[Used]) -> Marks:
    """Return the marks of a workload that is restarted. An object that is not there now keeps its mark."""
    return baseline(now, before, used)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_DIGITS]
