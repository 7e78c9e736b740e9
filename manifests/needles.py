"""What base64 shows of a text: CEL cannot decode, and so the API server looks for references in what is encoded.

Three bytes become four characters (RFC 4648 section 4), so that a text reads in one of three ways, by how many bytes
before it are left over when all that comes earlier is taken in threes.
"""

import base64
import string
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

_ALPHABET: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
_BITS: Final = 6
_UNKNOWN: Final = "?"
# A range is written shorter from here on, and CEL charges for the length of a pattern.
_SHORTEST_RANGE: Final = 3


def start(text: str) -> str:
    """Return what the base64 of a text begins with if the text begins with `text`, which is whole threes of bytes."""
    raw = text.encode()
    if len(raw) % 3:
        raise ValueError(text)
    return base64.b64encode(raw).decode()


def needles(text: str) -> tuple[str, ...]:
    """Return three strings: the base64 of whatever holds `text` holds one of them.

    The converse is not true: of the first and last character of `text` a needle may know but some bits.
    """
    return tuple("".join(known for known in way if len(known) == 1) for way in _ways(text))


def pattern(texts: Sequence[str]) -> str:
    """Return a regular expression (RE2) that finds, in base64, one of several texts of the same length, exactly.

    Texts that mix two of `texts` may be found as well: it is meant for texts that differ in one character.
    """
    ways = []
    for alternatives in zip(*(list(_ways(text)) for text in texts), strict=True):
        characters = (frozenset("".join(known)) for known in zip(*alternatives, strict=True))
        ways.append("".join(map(_class, characters)))
    return "|".join(ways)


def _ways(text: str) -> Iterator[list[str]]:
    """Yield for each of the three ways what may stand at each of the characters that `text` takes part in."""
    for before in range(3):
        bits = _UNKNOWN * 8 * before + "".join(f"{byte:08b}" for byte in text.encode())
        bits += _UNKNOWN * (-len(bits) % _BITS)
        groups = [bits[at : at + _BITS] for at in range(0, len(bits), _BITS)]
        yield [_candidates(group) for group in groups if group.strip(_UNKNOWN)]


def _candidates(group: str) -> str:
    return "".join(
        character
        for number, character in enumerate(_ALPHABET)
        if all(bit in (_UNKNOWN, digit) for bit, digit in zip(group, f"{number:06b}", strict=True))
    )


def _class(characters: frozenset[str]) -> str:
    if len(characters) == 1:
        return "".join(characters)
    # Neighbours in ASCII have the same distance to their place in the order.
    ordered = sorted(characters)
    runs = [
        [character for _, character in run]
        for _, run in groupby(enumerate(ordered), lambda each: ord(each[1]) - each[0])
    ]
    ranges = (f"{run[0]}-{run[-1]}" if len(run) > _SHORTEST_RANGE else "".join(run) for run in runs)
    return f"[{''.join(ranges)}]"
