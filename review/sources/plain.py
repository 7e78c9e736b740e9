"""What a scalar without quotes is to kubectl: text, a number, a boolean or nothing.

kubectl converts YAML to JSON with sigs.k8s.io/yaml, whose rules are neither those of YAML 1.1 nor of YAML 1.2: `y` and
`on` are booleans, `0o17` and `017` are 15, `08` is 8, `1e3` is a number, and 1:30 is text. Keys too: `on` is "true".
Source: go.yaml.in/yaml/v2, `resolve.go`, and Go's strconv, *ParseInt*.
"""

import base64
import binascii
import re
from functools import lru_cache
from typing import Any, Final

_TRUE: Final = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE: Final = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_NOTHING: Final = ("", "~", "null", "Null", "NULL")
# JSON has none of these, so kubectl refuses the document; that they are no text is all that matters.
_NO_JSON: Final = (
    ".nan",
    ".NaN",
    ".NAN",
    *(f"{sign}{word}" for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")),
)
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(_TRUE, True),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(_NOTHING),
    **dict.fromkeys(_NO_JSON, 0),
}
_NUMBER_BEGINS: Final = frozenset("0123456789+-.")
# A longer one is beyond what a float can be.
_LONGEST_NUMBER: Final = 400
_MOST_REMEMBERED: Final = 8192
_INTEGER: Final = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>0|[1-9]\d*))"
)
_BASES: Final = {"x": 16, "b": 2, "o": 8, "d": 10}
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_MOST_INTEGER: Final = 2**64
_INFINITE: Final = (float("inf"), float("-inf"))
_TAG: Final = "tag:yaml.org,2002:"
_TAGGED: Final = frozenset(_TAG + name for name in ("int", "float", "bool", "null"))
_BINARY: Final = f"{_TAG}binary"


def read_long(text: str) -> Any:
    """Return what a scalar without quotes and tag stands for."""
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if text[0] in _NUMBER_BEGINS and len(text) <= _LONGEST_NUMBER else text


# Short values and keys come again and again.
read_plain = lru_cache(_MOST_REMEMBERED)(read_long)


def read_tagged(text: str, tag: str) -> Any:
    """Return what a scalar with a tag stands for. In quotes or not: `!!int "12"` is a number."""
    if tag in _TAGGED:
        return read_plain(text)
    if tag == _BINARY:
        try:
            return base64.b64decode("".join(text.split()), validate=True).decode(errors="replace")
        except (binascii.Error, ValueError):
            return text  # kubectl refuses it
    return text


@lru_cache(_MOST_REMEMBERED)
def read_key(text: str) -> str | None:
    """Return the key of a map for a scalar without quotes: JSON has texts only. None if kubectl refuses the key."""
    value = read_plain(text)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return None
    if text in _NO_JSON:
        return text
    return str(int(value)) if value == int(value) and abs(value) < _MOST_INTEGER else str(value)


def _number(text: str) -> Any:
    digits = text.replace("_", "")
    found = _INTEGER.fullmatch(digits)
    if found and found.lastgroup:
        value = int(found["sign"] + found[found.lastgroup], _BASES[found.lastgroup])
        if -_MOST_INTEGER // 2 <= value < _MOST_INTEGER:
            return value
    if _FLOAT.fullmatch(digits):
        number = float(digits)
        return text if number in _INFINITE else number
    return text
