"""The constants of the grammar, as Rego. Rego has no tables of Unicode, and must not guess at them.

Source: RE2's syntax of regular expressions, in which Rego's are written.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from typing import Final

from manifests import annotations
from manifests.fields.docker_config import DOCKER_CONFIGS
from manifests.fields.files import PREFIX
from manifests.fields.whole import MAX_PATH_BYTES, MAX_PATHS
from manifests.registration.demands.plaintext import EXEMPT_TYPES
from resolver.references import characters, paths
from resolver.references.functions import FUNCTIONS, MAX_INDENT
from resolver.references.reference import (
    DEFAULT_CONNECTION,
    LOOK_ALIKES,
    MAX_FUNCTIONS,
    MAX_REFERENCE_BYTES,
    MAX_REFERENCES,
    percent_encode,
)

# What Unicode has assigned, without the halves of surrogate pairs: nothing else is special to the grammar.
_CHARACTERS: Final = tuple(one for one in map(chr, range(0xF0000)) if unicodedata.category(one) not in ("Cn", "Cs"))
# Two planes for private use, whose 131,068 characters are all alike.
_PRIVATE: Final = (range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE))
_MOUNTS: Final = ("auth", "sys", "identity", "cubbyhole")
_ARGUMENTS: Final = {
    "default": r"[\x00-\x{10FFFF}]*",
    "indent": "|".join(map(str, range(MAX_INDENT + 1))),
    "json": "(?:/(?:[^~/]|~[01])*)+",
}
_HEAD: Final = """\
# METADATA
# title: Characters and names of the grammar
# description: >-
#   What the grammar of references decides character by character. Generated from it, never edited by hand:
#   `python -m release.policies characters > policies/keyhole/characters.rego` writes it anew. Unicode {}.
package keyhole.characters

import rego.v1
"""


def rego() -> str:
    """Return the package `keyhole.characters`, formatted as `opa fmt` does."""
    return _HEAD.format(unicodedata.unidata_version) + "".join(
        f"\n# {told}\n{name} := {value}\n" for name, told, value in _constants()
    )


def _constants() -> Iterable[tuple[str, str, str]]:
    yield "blanks", "What is cut off at the edges of a part of a list.", _one_of(str.isspace)
    ends = _class(one for one in _CHARACTERS if one.isspace() or one in ":#/").removeprefix("[")
    yield "claimed_connection", "What claims to be the name of a connection, well-formed or not.", f"`[^{ends}*`"
    forbidden = _one_of(lambda one: bool(paths._forbidden(one)))  # noqa: SLF001 - one place decides, and this copies it
    yield "forbidden_in_path", "No path has one of these, not even as an escape.", forbidden
    yield "forbidden_in_field", "No field has one of these, not even as an escape.", _category("Cc", "Zl", "Zp")
    yield "escaped_in_field", "A field has these as escapes only.", _one_of(_is_misleading)
    yield "escaped_in_argument", "An argument has these as escapes only.", _category("Cc", "Zl", "Zp")
    yield "escaped_at_edge", "At the edge of an argument these are escapes.", _one_of(characters.is_invisible)
    yield "escaped_by_format", "The canonical text has these as escapes.", _one_of(_is_escaped)
    yield "own_mount", "Mounts of Vault's own, in whatever letters.", f"`^(?:{'|'.join(map(_folded, _MOUNTS))})$`"
    functions = ", ".join(f'"{name}": {_argument(name)}' for name in sorted(FUNCTIONS))
    yield "functions", "What each function takes for its argument; null is none.", f"{{{functions}}}"
    yield "most_reference_bytes", "As the cluster and Vault see it.", str(MAX_REFERENCE_BYTES)
    yield "most_functions", "In one reference.", str(MAX_FUNCTIONS)
    yield "most_references", "In one text.", str(MAX_REFERENCES)
    yield "most_paths", "In one annotation `keyhole.dev/from`.", str(MAX_PATHS)
    yield "most_path_bytes", "Of a whole secret's path, in canonical form.", str(MAX_PATH_BYTES)
    yield "default_connection", "What a reference without a connection asks.", f'"{DEFAULT_CONNECTION}"'
    yield "file_prefix", "How an annotation names another key that it renders.", f'"{PREFIX}"'
    configurations = ", ".join(f'"{name}"' for name in sorted(DOCKER_CONFIGS))
    yield "docker_configurations", "Keys whose JSON has references within.", f"{{{configurations}}}"
    types = ", ".join(f'"{name}"' for name in EXEMPT_TYPES)
    yield "exempt_types", "Types of Secrets that Kubernetes and Helm know.", f"[{types}]"
    names = ", ".join(f'"{name}": "{text}"' for name, text in sorted(_names().items()))
    yield "annotations", "The annotations that a manifest may have.", f"{{{names}}}"


def _names() -> dict[str, str]:
    return {
        "data": annotations.DATA_PREFIX,
        "env": annotations.ENV,
        "env_domain": annotations.ENV_DOMAIN,
        "env_from": annotations.ENV_FROM,
        "fields": annotations.FIELDS,
        "from": annotations.FROM,
        "ignore": annotations.IGNORE,
        "record": annotations.RECORD,
    }


def _argument(name: str) -> str:
    return "null" if FUNCTIONS[name].accepts is None else f"`^(?:{_ARGUMENTS[name]})$`"


def _is_misleading(character: str) -> bool:
    is_alike = characters.look_alike(character, LOOK_ALIKES) is not None
    return not character.isascii() and (characters.is_invisible(character) or is_alike)


def _is_escaped(character: str) -> bool:
    # A blank is one at an edge alone.
    return character != " " and percent_encode(character) != character


def _category(*categories: str) -> str:
    return _one_of(lambda one: unicodedata.category(one) in categories)


def _folded(word: str) -> str:
    """Return a pattern for the texts that become a word when Unicode's forms and cases are evened out."""
    if not word:
        return ""
    forms = _forms()
    ways = [_class(forms[word[:end]]) + _folded(word[end:]) for end in range(1, len(word) + 1) if word[:end] in forms]
    return ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})"


@cache
def _forms() -> dict[str, str]:
    """Return by text the characters that become it. Some stand for several letters, such as U+3373 for two."""
    found: dict[str, str] = {}
    for character in _CHARACTERS:
        form = unicodedata.normalize("NFKC", character).casefold()
        if any(form in mount for mount in _MOUNTS):
            found[form] = found.get(form, "") + character
    return found


def _one_of(wanted: Callable[[str], bool]) -> str:
    found = [one for one in _CHARACTERS if wanted(one)]
    found += (chr(number) for plane in _PRIVATE if wanted(chr(plane[0])) for number in plane)
    return f"`{_class(found)}`"


def _class(wanted: Iterable[str]) -> str:
    """Return a class of characters, all of them as escapes, in ranges."""
    ranges: list[list[int]] = []
    for number in sorted(map(ord, wanted)):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    parts = (rf"\x{{{first:X}}}" if first == last else rf"\x{{{first:X}}}-\x{{{last:X}}}" for first, last in ranges)
    return re.sub(r"\\x\{([0-9A-Z])\}", r"\\x{0\1}", f"[{''.join(parts)}]")
