"""Finding a text in base64. CEL cannot decode, so the API server has to search the encoded value.

Base64 turns three bytes into four characters (RFC 4648 section 4). A text inside a longer one is therefore encoded in
one of three ways, depending on whether 0, 1 or 2 bytes are left over in front of it.
"""

import base64
import string
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final

_ALPHABET: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
_BITS: Final = 6
_Bytes = frozenset[int]
_ANY: Final = frozenset(range(256))
_UNKNOWN: Final = "?"
# From this length on a range is shorter to write, and CEL charges for the length of a pattern.
_SHORTEST_RANGE: Final = 3


def start(text: str) -> str:
    """Return how the base64 of a text begins if the text begins with `text`, whose bytes are a multiple of three."""
    raw = text.encode()
    if len(raw) % 3:
        raise ValueError(text)
    return base64.b64encode(raw).decode()


def needles(text: str) -> tuple[str, ...]:
    """Return three strings. The base64 of everything that contains `text` contains one of them.

    The converse is not true: a needle may depend on only some bits of the first and last characters of `text`.
    """
    return tuple("".join(known for known in way if len(known) == 1) for way in _ways(text))


def pattern(texts: Sequence[str]) -> str:
    """Return a regular expression (RE2) that matches the base64 of everything that contains one of several texts.

    The texts have the same length. It is exact if they differ in one character; otherwise it also matches mixtures.
    """
    ways = []
    for alternatives in zip(*(list(_ways(text)) for text in texts), strict=True):
        characters = (frozenset("".join(known)) for known in zip(*alternatives, strict=True))
        ways.append("".join(map(_class, characters)))
    return "|".join(ways)


def named(openers: Sequence[str], alphabet: str, end: str) -> str:
    """Return a regular expression (RE2) that matches exactly, in base64, an opener, a name of any length and `end`.

    `openers` are ASCII texts of the same length and with the same ending. Names consist of characters of `alphabet`.
    `end` is one character, and at least two bytes follow it.
    """
    return "|".join(_named(openers, before, frozenset(alphabet.encode()), end) for before in range(3))


def begins_named(opener: str, alphabet: str, end: str) -> str:
    """Return the same for texts that begin with `opener`."""
    return f"^(?:{_named([opener], 0, frozenset(alphabet.encode()), end)})"


def _named(openers: Sequence[str], before: int, letters: _Bytes, end: str) -> str:
    known = [[_ANY] * before + [frozenset([byte]) for byte in opener.encode()] for opener in openers]
    whole = len(known[0]) - len(known[0]) % 3
    opened = "|".join(dict.fromkeys("".join(_blocks(opener[:whole])) for opener in known))
    (rest,) = {tuple(opener[whole:]) for opener in known}
    ended = _ended(rest, letters, end)
    begun = [*rest, *[letters] * (3 - len(rest))] if rest else []
    more = f"{''.join(_blocks(begun))}(?:{''.join(_blocks([letters] * 3))})*(?:{_ended((), letters, end)})"
    return f"(?:{opened})(?:{ended}|{more})" if rest else f"(?:{opened}){more}"


def _ended(rest: Sequence[_Bytes], letters: _Bytes, end: str) -> str:
    """Match the three bytes that begin with `rest` and in which the name ends."""
    last = frozenset(end.encode())
    fits = ([*rest, *[letters] * number, last] for number in range(3 - len(rest)))
    return "|".join("".join(_blocks([*block, *[_ANY] * (3 - len(block))])) for block in fits)


def _blocks(allowed: Sequence[_Bytes]) -> Iterator[str]:
    """Yield an expression for each group of three bytes, given the bytes that are allowed at each place."""
    for first, second, third in zip(allowed[::3], allowed[1::3], allowed[2::3], strict=True):
        # The first half of the second byte is encoded together with the first byte, the other with the third.
        lower: dict[_Bytes, set[int]] = {}
        for high in {byte >> 4 for byte in second}:
            lower.setdefault(frozenset(byte & 15 for byte in second if byte >> 4 == high), set()).add(high)
        ways = (f"{_left(first, highs)}{_right(lows, third)}" for lows, highs in lower.items())
        yield f"(?:{'|'.join(ways)})"


def _left(first: _Bytes, highs: Collection[int]) -> str:
    upper: dict[_Bytes, set[int]] = {}
    for low in {byte & 3 for byte in first}:
        upper.setdefault(frozenset(byte >> 2 for byte in first if byte & 3 == low), set()).add(low)
    ways = (
        _sextets(ones) + _sextets({low << 4 | high for low in lows for high in highs}) for ones, lows in upper.items()
    )
    return f"(?:{'|'.join(ways)})"


def _right(lows: _Bytes, third: _Bytes) -> str:
    lower: dict[_Bytes, set[int]] = {}
    for high in {byte >> 6 for byte in third}:
        lower.setdefault(frozenset(byte & 63 for byte in third if byte >> 6 == high), set()).add(high)
    ways = (
        _sextets({low << 2 | high for low in lows for high in highs}) + _sextets(ones) for ones, highs in lower.items()
    )
    return f"(?:{'|'.join(ways)})"


def _sextets(numbers: Collection[int]) -> str:
    return _class(frozenset(_ALPHABET[number] for number in numbers))


def prefix(text: str) -> str:
    """Return how the base64 of a text begins if the text begins with `text`, as far as `text` determines it."""
    raw = text.encode()
    return base64.b64encode(raw).decode()[: len(raw) * 8 // _BITS]


def _ways(text: str) -> Iterator[list[str]]:
    """Yield, for each of the three ways, the characters that are possible at each place that `text` takes part in."""
    for before in range(3):
        bits = _UNKNOWN * 8 * before + "".join(f"{byte:08b}" for byte in text.encode())
        bits += _UNKNOWN * (-len(bits) % _BITS)
        groups = [bits[at : at + _BITS] for at in range(0, len(bits), _BITS)]
        yield [_candidates(group) for group in groups if group.strip(_UNKNOWN)]


@lru_cache
def _candidates(group: str) -> str:
    return "".join(
        character
        for number, character in enumerate(_ALPHABET)
        if all(bit in (_UNKNOWN, digit) for bit, digit in zip(group, f"{number:06b}", strict=True))
    )


def _class(characters: frozenset[str]) -> str:
    if len(characters) == 1 and characters != {"+"}:
        return "".join(characters)
    # Within a run of neighbours in ASCII, code point minus index is constant.
    ordered = sorted(characters)
    runs = [
        [character for _, character in run]
        for _, run in groupby(enumerate(ordered), lambda each: ord(each[1]) - each[0])
    ]
    ranges = (f"{run[0]}-{run[-1]}" if len(run) > _SHORTEST_RANGE else "".join(run) for run in runs)
    return f"[{''.join(ranges)}]"
