"""Docker configurations of other tools. Keyhole builds `auth` itself, from a username and a password."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from manifests import annotations
from review.languages.foreign import Told
from review.languages.texts.pieces import Piece, Untranslatable, written
from review.languages.texts.placing import NOTES, Draft, Found, decoded_text
from review.sources.edits import Remove
from review.sources.nodes import Path

Credentials: TypeAlias = Callable[[str], tuple[Sequence[Piece], Sequence[Piece]] | None]
"""Reads an `auth`: username and password, or None if it is not of the language. Raises `Untranslatable`."""
_POINTER: Final = "/data/.dockerconfigjson"


def converted(draft: Draft, path: Path, value: str, read: Credentials) -> Iterator[Path]:
    """Turn a docker configuration into an annotation, and yield its path if it has something of the language."""
    text = decoded_text(value) if path[0] == "data" else value
    try:
        content: Any = json.loads(text or "")
        auths = content["auths"]
        entries = [(host, entry) for host, entry in auths.items() if isinstance(entry, dict)]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return
    count = 0
    try:
        for host, entry in entries:
            pair = read(entry["auth"]) if isinstance(entry.get("auth"), str) else None
            if pair is not None:
                rest = {name: member for name, member in entry.items() if name != "auth"}
                auths[host] = {**rest, "username": written(pair[0]), "password": written(pair[1])}
                count += 2
    except Untranslatable as error:
        draft.told.append(Told(path, error.reason))
        yield path
        return
    if not count:
        return
    yield path
    found = Found(json.dumps(content, ensure_ascii=False), count)
    if draft.note(path, NOTES, None, (annotations.FIELDS, _POINTER), found):
        draft.edits.append(Remove(path, prune=True))
