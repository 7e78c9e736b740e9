"""Texts that are references, or nearly, and whether the grammar of references reads them: what Rego must agree with.

`python -m tests.policies.vectors` writes them anew.
"""

import json
import random
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from manifests.fields.whole import paths
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.functions import FUNCTIONS
from resolver.references.grammar import has_reference, parse_value

FILE = Path(__file__).with_name("vectors.json")
COUNT = 2000
_ODD = (
    *(" ", "\t", "\n", "\r", "\x00", "\x1f", "\x7f", "\x85", "\xa0", "\xad", "\u034f", "\u2003", "\u200b", "\u2028"),
    *("\u202e", "\ufeff", "\ufe0f", "\ue000", "\uff03", "\uff05", "\uff5c", "\uff0f", "\uff0e", "\u2025", "\u2215"),
    *(
        "\u2223",
        "\u066a",
        "\u037e",
        "\u3002",
        "ä",
        "日",
        "é",
        "\u017f",
        "\uff41",
        "\u3373",
        "\U0001d42c",
        "😀",
        "\U000f0000",
        "\U000e0100",
    ),
    *("#", "|", ")", "}", "(", "{", "$", "%", "%2", "%zz", "%23", "%7C", "%25", "%C3%A4", "%C3", "%E2%80%8B", "%00"),
    *("%ED%A0%80", "%F0%9F%98%80", "%F5%80%80%80", "%C0%80", "%E0%80%80", "%20", "%0A", "%2F", "%2E%2E", "%3B", "+"),
    *(
        "/",
        "//",
        ".",
        "..",
        "/../",
        "/./",
        ";",
        "..;x",
        "?",
        "\\",
        ":",
        "((",
        "${",
        "))",
        "vault:",
        "~",
        "~2",
        "''",
        '"',
    ),
)
_CONNECTIONS = (
    "",
    "",
    "",
    "",
    "+eu",
    "+default",
    "+a" + "b" * 62,
    "+a" + "b" * 63,
    "+",
    "+-a",
    "+A",
    "+a-",
    "+a b",
    "+é",
)
_SEGMENTS = (
    "secret",
    "app",
    "data",
    "db one",
    "gehälter",
    "日本",
    "a;b",
    "a+b",
    "%C3%A4",
    "x" * 9,
    "ÅÉ",
    "a,b",
    "a%2Cb",
)
_MOUNTS = ("auth", "SYS", "\u017fys", "Identity", "\uff53ys", "cubbyhole", "\u3373th", "authx", "sys%20")
_FIELDS = ("password", "f", "a b", "日本", "a/b", "a:b", "%23x", "a;b", "A.B", "", "x%0A", "+")
_VERSIONS = (
    "",
    "",
    "",
    "#1",
    "#3",
    "#10",
    "#9999999999",
    "#0",
    "#01",
    "#-1",
    "#10000000000",
    "#x",
    "#",
    "#1#2",
    "#\u0661",
)
_ARGUMENTS = (
    "",
    ":",
    ":0",
    ":8",
    ":64",
    ":65",
    ":08",
    ":/a",
    ":/a/b~0",
    ":/a~2",
    ":a",
    ":/",
    ":x#y:z",
    ": x",
    ":x ",
    ":%20",
)


@cache
def vectors(seed: int = 16, total: int = COUNT) -> list[dict[str, Any]]:
    """Return vectors, the same for the same seed: four fifths are values, the others lists of whole secrets."""
    chance = random.Random(seed)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    makers: dict[str, tuple[Callable[[random.Random], str], int]] = {
        "value": (_value, total - total // 5),
        "paths": (_paths, total // 5),
    }
    for kind, (make, count) in makers.items():
        wanted = {True: count // 2, False: count - count // 2}
        while sum(wanted.values()):
            text = make(chance)
            is_read = _is_read(kind, text)
            if wanted[is_read] and (kind, text) not in found:
                wanted[is_read] -= 1
                found[kind, text] = {"kind": kind, "text": text, "read": is_read}
                if kind == "value":
                    found[kind, text]["refers"] = has_reference(text)
    return list(found.values())


def written(found: Iterable[dict[str, Any]]) -> str:
    """Return the text of a file of vectors: each on a line, in ASCII."""
    return '{"vectors": [\n' + ",\n".join(json.dumps(each) for each in found) + "\n]}\n"


def _is_read(kind: str, text: str) -> bool:
    try:
        parse_value(text) if kind == "value" else paths(text)
    except ReferenceSyntaxError:
        return False
    return True


def _value(chance: random.Random) -> str:
    roll = chance.random()
    if roll < 0.5:
        return _spoiled(chance, _reference(chance))
    if roll < 0.9:
        return "".join(_inline(chance))
    if roll < 0.95:
        return _long(chance)
    return _spoiled(
        chance, chance.choice(("plain", "vault", "vault+eu", "vault+a b:x", "((x))", "${vault}", "avault:a/b#c"))
    )


def _inline(chance: random.Random) -> Iterator[str]:
    for _ in range(chance.randint(1, 3)):
        yield chance.choice(("", "a ", "x=", "(", "$", "{", "((a))", "${B}", "\n", "日", "((vault+a))", "${vault+"))
        opener, closer = chance.choice((("((", "))"), ("${", "}")))
        yield opener
        yield _spoiled(chance, _reference(chance), 0.15)
        yield chance.choice(("", "", "", "", " ", "\t", "\n"))
        yield closer if chance.random() < 0.95 else chance.choice((")", "}", ""))
    yield chance.choice(("", "", " b", ")", "}"))


def _reference(chance: random.Random) -> str:
    odd = chance.random() < 0.15
    connection = chance.choice(_CONNECTIONS if odd else _CONNECTIONS[:6])
    field = chance.choice(_FIELDS if chance.random() < 0.15 else _FIELDS[:9])
    version = chance.choice(_VERSIONS if chance.random() < 0.15 else _VERSIONS[:7])
    count = chance.choice((0, 0, 0, 1, 2, 8, 9) if odd else (0, 0, 1, 2))
    # Of many functions one is wrong by chance nearly always, and then nobody counts them.
    functions = (_function(chance, 1 if count > 2 else 0.85) for _ in range(count))
    return f"vault{connection}:{_path(chance)}#{field}{version}{''.join(functions)}"


def _path(chance: random.Random) -> str:
    mounts = _MOUNTS if chance.random() < 0.1 else _SEGMENTS[:2]
    return "/".join([chance.choice(mounts), *chance.choices(_SEGMENTS, k=chance.choice((0, 1, 1, 1, 2, 3)))])


def _function(chance: random.Random, fitting_share: float) -> str:
    bar = chance.choice((" | ", "|", " |", "| ", "\t|\t", "  |  "))
    is_fitting = chance.random() < fitting_share
    name = chance.choice((*FUNCTIONS,) if is_fitting else (*FUNCTIONS, "md5", "Base64", ""))
    fitting = {"default": f":{_odd_text(chance)}", "indent": ":4", "json": ":/a/b"}.get(name, "")
    return f"{bar}{name}{fitting if is_fitting else chance.choice(_ARGUMENTS)}"


def _odd_text(chance: random.Random) -> str:
    """Return a text, seldom with something odd at an edge or within: what `default` takes is nearly free."""
    odd = (chance.choice(_ODD) if chance.random() < 0.3 else "" for _ in range(3))
    return "a b".join(odd) if chance.random() < 0.9 else "".join(odd)


def _long(chance: random.Random) -> str:
    """Return a reference whose length, as it stands or with the escapes of its canonical form, is about the limit."""
    letter, length = chance.choice(
        (("x", 2040), ("ä", 1012), ("\u00ad", 680), ("%E2%80%8B", 215), ("%61", 680), ("$", 675), ("x ", 1015))
    )
    where = chance.choice(("field", "path", "argument"))
    filler = letter * (length + chance.randint(-14, 8))
    match where:
        case "field":
            return f"vault:secret/app#{filler}{chance.choice(('', ' | trim', '|default:', '|base64 | indent:8'))}"
        case "path":
            return f"vault:secret/{filler}#f"
        case _:
            return f"vault+eu:secret/app#f#12 | default:a{filler}b"


def _paths(chance: random.Random) -> str:
    count = chance.choice((1, 1, 2, 3, 19, 20, 21))
    # Of many paths one is wrong by chance nearly always, and then nobody counts them.
    is_plain = count > 3 and chance.random() < 0.5
    listed = [
        f"secret/{number}" if is_plain else _spoiled(chance, _listed(chance, number), 0.3 / count)
        for number in range(count)
    ]
    return chance.choice((",", ", ", " ,\n")).join(listed) + chance.choice(("", "", "", "", ",", " ", "\x1f"))


def _listed(chance: random.Random, number: int) -> str:
    if chance.random() < 0.08:
        letter, length = chance.choice((("x", 1786), ("ä", 895), ("$", 595), ("%61", 597), ("%61", 600)))
        return "secret/" + letter * (length + chance.randint(-5, 5))
    scheme = f"vault{chance.choice(_CONNECTIONS if chance.random() < 0.1 else _CONNECTIONS[:6])}:"
    path = f"{_path(chance)}/{number if chance.random() < 0.97 else 0}"
    return (scheme if chance.random() < 0.4 else "") + path


def _spoiled(chance: random.Random, text: str, share: float = 0.4) -> str:
    """Return the text, in a share of the cases with something odd in it, without a character of it, or cut."""
    if chance.random() >= share:
        return text
    at = chance.randint(0, len(text))
    match chance.randint(0, 5):
        case 0:
            return text[:at] + text[at + 1 :]
        case 1:
            return text[:at]
        case _:
            return text[:at] + chance.choice(_ODD) + text[at:]


if __name__ == "__main__":
    FILE.write_text(written(vectors()), encoding="ascii")
