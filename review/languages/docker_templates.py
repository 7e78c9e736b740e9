"""Docker configurations that a template puts together: in Keyhole JSON with references in its credentials.

Keyhole builds `auth` itself where username or password come from Vault, so a template that does is left out.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from manifests.fields.docker_config import DOCKER_CONFIG, LEGACY_DOCKER_CONFIG
from resolver.references.grammar import Reference
from review.languages.filled_secret import Docker, NotExpressible
from review.languages.go_templates import Joined, Piece, Value

KEYS: Final = frozenset({DOCKER_CONFIG, LEGACY_DOCKER_CONFIG})
_MARK: Final = "\ue000"
_SHAPE: Final = "put together from username, a colon and password"


def docker(pieces: Sequence[Piece], reference: Callable[[Value], Reference]) -> Docker:
    """Return the configuration of a template with values in it. Raises `NotExpressible`, and what `reference` does."""
    joined: list[Joined] = []
    references: list[Reference] = []
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
        elif isinstance(piece, Value):
            references.append(reference(piece))
            text += json.dumps(f"(({references[-1]}))", ensure_ascii=False)[1:-1]
        else:
            joined.append(piece)
            text += f"{_MARK}{len(joined) - 1}{_MARK}"
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise NotExpressible("its docker configuration is no JSON around values") from None
    auths = document.get("auths", document) if isinstance(document, dict) else None
    for entry in auths.values() if isinstance(auths, dict) else ():
        if isinstance(entry, dict) and isinstance(entry.get("auth"), str):
            _leave_out_auth(entry, joined, reference)
    result = json.dumps(document, ensure_ascii=False)
    if _MARK in result:
        raise NotExpressible("it encodes text around values in base64, other than as `auth`")
    return Docker(result, tuple(references))


def _leave_out_auth(entry: dict[str, Any], joined: Sequence[Joined], reference: Callable[[Value], Reference]) -> None:
    """Empty an `auth` that a template builds from the username and password beside it. Raises `NotExpressible`."""
    auth = entry["auth"]
    number = auth.strip(_MARK)
    if auth != f"{_MARK}{number}{_MARK}" or not number.isdecimal():
        return
    parts = [f"(({reference(part)}))" if isinstance(part, Value) else part for part in joined[int(number)].parts]
    if len([part for part in parts if part == ":"]) != 1 or len(parts) != len(["username", ":", "password"]):
        raise NotExpressible(f"its `auth` is not {_SHAPE}")
    if not {"username", "password"} <= entry.keys():
        raise NotExpressible("its `auth` stands alone, and Keyhole builds it from username and password beside it")
    if [entry["username"], ":", entry["password"]] != parts:
        raise NotExpressible("its `auth` has another username or password than stand beside it")
    entry["auth"] = ""
