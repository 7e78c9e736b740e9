"""How the API server finds references in a Secret's base64: CEL for the webhook's match condition and the policies.

Under `failurePolicy: Fail` the API server refuses an object if a condition costs more than its budget, so each
condition has to be affordable for the largest possible Secret. A search costs 0.1 for each character of base64, with
needles of up to ten characters; one expression may cost 1,000,000. Comprehensions with two variables are the cheapest
way to walk a map. They exist from Kubernetes 1.33 on.
Source: k8s.io/apiserver, pkg/apis/cel; *Common Expression Language in Kubernetes*.
"""

import string
from collections.abc import Iterable, Mapping
from typing import Final

from manifests.fields.docker_config import CONFIG_JSON, DOCKER_CONFIGS
from manifests.kinds.base64_search import begins_named, named, needles, pattern, start

# How a value that is one reference begins, and how a reference inside a text begins, as far as all have it in common.
BARE: Final = ("vault:", "vault+")
INLINE: Final = ("((vault", "${vault")
# In JSON a credential that is one reference begins right after the quote. Some tools write + as \u002B.
_QUOTED: Final = ('"vault:', '"vault+', '"vault\\u')
# `auth` is the base64 of USERNAME:PASSWORD. A reference's colon would end the username, and a user may be called vault.
_IN_CREDENTIALS: Final = (":vault", *INLINE)
# Longer ones are sent without a search: the budget does not allow for two dozen more searches of large texts.
DOCKER_CONFIG_SEARCHED_CHARACTERS: Final = 8_192
# A regular expression tells exactly whether a text has a reference. It costs 4 to 6 for ten characters.
JUDGED_CHARACTERS: Final = 150_000
# A longer expression also checks that vault+ is followed by the name of a connection and a colon. It costs a hundred
# times as much, so in larger texts every vault+ counts as a reference.
NAMED_CHARACTERS: Final = 4_000
_LETTERS: Final = string.ascii_lowercase + string.digits + "-"
# A name has at most 63 characters.
_BEGINNING_CHARACTERS: Final = 100
_PLAIN, _OF_A_CONNECTION = BARE
_INLINE_PATTERN: Final = "|".join(pattern([f"{text}:", f"{text}+"]) for text in INLINE)
_INLINE_NAMED: Final = "|".join(
    (*(pattern([f"{text}:"]) for text in INLINE), named([f"{text}+" for text in INLINE], _LETTERS, ":"))
)
QUOTED_PATTERN: Final = pattern([f'"{text}' for text in BARE])
_QUOTED_NAMED: Final = "|".join((pattern([f'"{_PLAIN}']), named([f'"{_OF_A_CONNECTION}'], _LETTERS, ":")))


def cel_list(texts: Iterable[str]) -> str:
    """Return a CEL list of texts, which must not contain quotes or backslashes."""
    return "[" + ", ".join(f"'{text}'" for text in texts) + "]"


def begins_as_reference(value: str) -> str:
    """Return CEL that is true if `value`, an expression for a text in base64, begins with `vault:` or `vault+`.

    A comparison costs as much as the shorter of the two texts, so this is nearly free. `startsWith` costs a search.
    """
    return begins(value, map(start, BARE))


def begins(value: str, prefixes: Iterable[str]) -> str:
    """Return CEL that is true if `value`, an expression for a text, begins with one of the prefixes."""
    return " || ".join(f"({value} >= '{text}' && {value} < '{_next(text)}')" for text in prefixes)


def may_refer(value: str) -> str:
    """Return CEL that is true if `value`, an expression for a text in base64, is or contains a reference.

    It may also be true for a text that only contains `((vault` or `${vault`, or begins with `vault+`. It costs six
    searches of the text.
    """
    holds = (f"{value}.contains('{needle}')" for text in INLINE for needle in needles(text))
    return " || ".join((begins_as_reference(value), *holds))


def _docker_configs_may_refer(values: str) -> str:
    hidden = (needle for text in _IN_CREDENTIALS for encoded in needles(text) for needle in needles(encoded))
    searched = (*(needle for text in _QUOTED for needle in needles(text)), *hidden)
    too_long = f"{values}.map(value, size(value)).sum() > {DOCKER_CONFIG_SEARCHED_CHARACTERS}"
    found = f"{values}.exists(value, {cel_list(searched)}.exists(needle, value.contains(needle)))"
    return f"{too_long} || {found}"


def _next(text: str) -> str:
    """Return the first text that comes after all those beginning with `text`. CEL orders by code points."""
    return text[:-1] + chr(ord(text[-1]) + 1)


def refers_in_place() -> str:
    """Return CEL that is true if any value of `object` may contain a reference."""
    found = f"object.data.exists(key, value, value != null && ({may_refer('value')}))"
    present = f"{cel_list(DOCKER_CONFIGS)}.filter(key, key in object.data && object.data[key] != null)"
    configs = f"{present}.map(key, object.data[key])"
    return f"has(object.data) && ({found} || {_docker_configs_may_refer(configs)})"


_OF_THIS_KIND: Final = "request.kind.kind == 'Secret'"
UNCHANGED: Final = "variables.data[?key] == variables.oldData[?key]"
IGNORED: Final = "(variables.ignored == 'true' || variables.ignored.split(',').exists(part, part.trim() == key))"
_VALUE: Final = "variables.data[key]"
_IS_DOCKER: Final = f"key in {cel_list(DOCKER_CONFIGS)}"
# A config.json is read as a docker configuration only if it has credentials.
_AUTHS_PATTERN: Final = pattern(['"auths"'])
_HAS_CREDENTIALS: Final = f"{_VALUE}.matches('{_AUTHS_PATTERN}')"
READS_STRINGS: Final = f"({_IS_DOCKER} && (key != '{CONFIG_JSON}' || {_HAS_CREDENTIALS}))"
_BEGINNING: Final = f"{_VALUE}.substring(0, [{_BEGINNING_CHARACTERS}, size({_VALUE})].min())"


def _matches(coarse: str, exact: str) -> str:
    found = f"{_VALUE}.matches('{coarse}')"
    return f"({found} && (!variables.canBeNamed || {_VALUE}.matches('{exact}')))"


_BEGINS: Final = (
    f"{begins(_VALUE, [start(_PLAIN)])} || ({begins(_VALUE, [start(_OF_A_CONNECTION)])}"
    f" && (!variables.canBeNamed || {_BEGINNING}.matches('{begins_named(_OF_A_CONNECTION, _LETTERS, ':')}')))"
)

VARIABLES: Final[Mapping[str, str]] = {
    # This is as cheap as the webhook's own condition, and like that it finds a little too much.
    "suspects": (
        f"!(variables.optedIn && {_OF_THIS_KIND}) ? [] : variables.data.transformList(key, value,"
        f" value != null && ({_IS_DOCKER} || {may_refer('value')}), key)"
    ),
    "unexcused": (
        f"variables.suspects.filter(key, !(key in variables.recorded) && !(key in variables.annotated)"
        f" && !(key in variables.mapped) && !(key in variables.sources) && !{IGNORED} && !({UNCHANGED}))"
    ),
    "characters": f"variables.unexcused.map(key, size({_VALUE})).sum()",
    "canBeJudged": f"variables.characters <= {JUDGED_CHARACTERS}",
    "canBeNamed": f"variables.characters <= {NAMED_CHARACTERS}",
    "unresolved": (
        f"variables.unexcused.filter(key, {_BEGINS} || (variables.canBeJudged"
        f" && ({_matches(_INLINE_PATTERN, _INLINE_NAMED)}"
        f" || ({READS_STRINGS} && {_matches(QUOTED_PATTERN, _QUOTED_NAMED)}))))"
    ),
}
