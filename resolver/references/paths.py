"""Which paths in Vault a reference may name.

A path is refused if anything between this parser and Vault (hvac, an HTTP library, a proxy, Vault itself) could read it
differently from us, or if a person who reviews it could.
"""

import re
import unicodedata

from resolver.references import characters

# A path below one of these is not a secret of a KV engine; `auth/token/lookup-self` would even reveal the token.
# Vault's mounts are case-sensitive, but a proxy in front of it may not be, and nobody needs a mount named "Sys".
_FORBIDDEN_MOUNTS = frozenset({"auth", "sys", "identity", "cubbyhole"})

_FORBIDDEN_CHARACTERS = {
    "?": "a question mark begins the query of a URL",
    "%": "a percent sign would be decoded a second time on its way",
    "\\": "some HTTP libraries and proxies turn a backslash into a slash",
}

_FORBIDDEN_CATEGORIES = {
    "Cc": "a control character can end a line of HTTP or of a log",  # also NUL, which ends strings elsewhere
    "Cs": "half of a surrogate pair has no UTF-8 form",
    "Co": "a private-use character looks different on every screen",
    "Zl": "a line separator ends a line for some programs",
    "Zp": "a paragraph separator ends a line for some programs",
}

# The characters that may be forbidden: these, and everything beyond printable ASCII.
_SUSPICIOUS = re.compile(r"[?%\\]|[^ -~]")

# Characters that separate parts of a path, a reference or a URL.
_STRUCTURE = "./\\%?#|;"


class PathError(ValueError):
    """A path that no reference may name. `start` and `end` are offsets in the decoded path."""

    def __init__(self, reason: str, start: int, end: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.start = start
        self.end = end


def check(path: str) -> tuple[str, ...]:
    """Return the segments of a decoded path, the mount first. Raises PathError.

    A path has a mount and at least one segment below it, none of them empty or a dot segment (RFC 3986
    section 5.2.4), and no character that could be read in two ways: no blank but U+0020 and nothing else that is
    invisible, and nothing that looks like a character by which paths are parted, or becomes one by NFKC. Other letters,
    accents and signs are allowed in any script. Whether the first segment alone is the mount is not decided here:
    mounts may contain slashes.
    """
    for suspicious in _SUSPICIOUS.finditer(path):
        reason = _forbidden(suspicious[0])
        if reason is not None:
            raise PathError(reason, *suspicious.span())
    segments = path.split("/")
    start = 0
    for segment in segments:
        _check_segment(segment, start)
        start += len(segment) + 1
    if unicodedata.normalize("NFKC", segments[0]).casefold() in _FORBIDDEN_MOUNTS:
        raise PathError("Vault's own mounts cannot be read by a reference", 0, len(segments[0]))
    if len(segments) == 1:
        raise PathError("a path needs a mount and the path of a secret below it", 0, len(path))
    return tuple(segments)


def _forbidden(character: str) -> str | None:
    """Return why a path may not contain a character, or None. Invisible characters are named by their escapes."""
    reason = _FORBIDDEN_CHARACTERS.get(character) or _FORBIDDEN_CATEGORIES.get(unicodedata.category(character))
    if reason is not None:
        return reason
    if characters.is_invisible(character):
        return "an invisible character makes two paths look the same; delete it, or rename the secret in Vault"
    alike = characters.look_alike(character, _STRUCTURE)
    if alike is None:
        return None
    return f"{characters.escape(character)} looks like {alike}; type {alike} itself, or rename the secret in Vault"


def _check_segment(segment: str, start: int) -> None:
    end = start + len(segment)
    if not segment:
        raise PathError("a segment of the path is empty", start, end)
    # "..;x" is a dot segment for servers that strip path parameters (RFC 3986 section 3.3) first.
    if segment.partition(";")[0] in ("", ".", ".."):
        raise PathError("a dot segment would be normalised into another path", start, end)
    if segment != segment.strip():
        raise PathError("a blank at the start or end of a segment is lost in some programs", start, end)
