"""The annotation `keyhole.dev/problem`: what lastingly keeps an object from following Vault.

    {"cause":WORD,"field":POINTER,"since":"2026-01-31T12:00:00Z"}

The controller writes it and takes it off. Anybody else can write it too, so it is read as a hint and never trusted.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from resolver.causes import Cause

# A JSON Pointer names a key of at most 253 characters, some of which it escapes.
_MOST_FIELD_CHARACTERS: Final = 600
# Twice as much as `dump` may give, in case somebody wrote it with escapes or blanks.
_MOST_CHARACTERS: Final = 8192
_CAUSE: Final = re.compile(r"[A-Za-z][A-Za-z-]{0,63}", re.ASCII)
_SINCE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|", re.ASCII)


class Explained(StrEnum):
    """Words with their explanation: `sentence` says what is the case and `remedy` what to do about it, in Markdown."""

    sentence: str
    remedy: str

    def __new__(cls, word: str, sentence: str, remedy: str) -> Self:
        """Make a member that is the string `word`."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.sentence = sentence
        member.remedy = remedy
        return member


class Hindrance(Explained):
    """What keeps an object from following Vault and is no cause of a refusal (`resolver.causes.Cause`)."""

    DELETED = (
        "deleted",
        "The newest version in Vault is deleted. The object keeps the value it has.",
        "Write a new version (`vault kv put`), bring this one back (`vault kv undelete`), or remove the reference.",
    )
    DESTROYED = (
        "destroyed",
        "The newest version in Vault is destroyed. The object keeps the value it has.",
        "Write a new version (`vault kv put`), or remove the reference.",
    )
    IMMUTABLE = (
        "immutable",
        "Vault has a newer value, but the object is immutable, so it can never take it.",
        "Create a new object under another name, or delete this one and apply it again.",
    )
    UNSEEN = (
        "unseen",
        "The API server did not ask Keyhole's webhook about the refresh. The annotation `keyhole.dev/refresh` stayed.",
        "Check that the webhook is registered (`keyhole probe`) and that the namespace is enabled.",
    )
    NOT_REFRESHED = (
        "not-refreshed",
        "The webhook was asked to refresh the object and kept a value as it was.",
        "`keyhole refresh` does the same and shows the webhook's warning. The log of the webhook names the cause too.",
    )
    RESTART_HELD = (
        "restart-held",
        "A workload that was restarted for the new value does not become ready. The others are not restarted.",
        'Mend it or the value in Vault, or leave it out of restarts (`keyhole.dev/restart: "false"`): then it goes on.',
    )
    RESTART_PAUSED = (
        "restart-paused",
        "A workload needs a restart to use the new value, and it is paused, or updates only when its pods are deleted.",
        "Resume the rollout, or delete the pods.",
    )


_KNOWN: Final[Mapping[str, Cause | Hindrance]] = {str(cause): cause for cause in (*Cause, *Hindrance)}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an object: a `Cause` or `Hindrance` by its word, and the JSON Pointer of the field.

    `field` is "" if it concerns the whole object; a longer one than any key of Kubernetes is cut. `since` is in UTC
    (RFC 3339, seconds), or "" where nobody knows.
    """

    cause: str
    field: str = ""
    since: str = ""

    def __post_init__(self) -> None:
        # JSON can contain halves of surrogate pairs, which could not be written.
        field = self.field[:_MOST_FIELD_CHARACTERS].encode(errors="replace").decode()
        object.__setattr__(self, "field", field)


def parse(text: str | None) -> Problem | None:
    """Read the annotation; None if there is none, or if it does not say what is wrong. `field` may hold any text."""
    if text is None or len(text) > _MOST_CHARACTERS:
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    cause, field, since = (document.get(name, "") for name in ("cause", "field", "since"))
    if not all(isinstance(each, str) for each in (cause, field, since)):
        return None
    if not _CAUSE.fullmatch(cause) or not _SINCE.fullmatch(since):
        return None
    return Problem(cause, field, since)


def dump(problem: Problem) -> str:
    """Return the annotation's text. Equal problems give equal texts."""
    document = {"cause": problem.cause, "field": problem.field, "since": problem.since}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def explained(cause: str) -> tuple[str, str]:
    """Return what a cause means and what to do about it; two empty texts for a word that is unknown."""
    known = _KNOWN.get(cause)
    return (known.sentence, known.remedy) if known else ("", "")
