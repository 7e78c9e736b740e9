"""What the text under a key of a Secret, or in an annotation, is read as."""

import re
from functools import lru_cache
from typing import Final

from manifests.fields.template import (
    CONFIG_JSON,
    DOCKER_CONFIG,
    LEGACY_DOCKER_CONFIG,
    DockerConfigError,
    FieldTemplate,
    docker_config,
    fills_credentials,
)
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Template, has_reference, parse_value
from resolver.references.value import SecretValue

DOCKER_CONFIGS: Final = (DOCKER_CONFIG, LEGACY_DOCKER_CONFIG, CONFIG_JSON)
"""The keys of which each string is looked at, and what `auth` hides."""
# Together a few megabytes.
_REMEMBERED = 4096
_SHORT = 512
_BARE = ("vault:", "vault+")
_MOST_BEFORE = 8
# Each character beyond ASCII is looked up in Unicode's tables, again for each part of a reference that it stands in.
_UNITS_A_RARE_CHARACTER = 2_000
# What a text of Vault's transit engine looks like, which is no reference.
_CIPHERTEXT = re.compile(r"vault:v[0-9]+:[A-Za-z0-9+/=_-]*")


def template_of(key: str, text: str) -> FieldTemplate | None:
    """Return what fills the key; None when the text holds no reference.

    Raises `DockerConfigError` and `ReferenceSyntaxError`.
    """
    is_bare = text.startswith(_BARE)
    if key in {DOCKER_CONFIG, LEGACY_DOCKER_CONFIG} and not is_bare:
        return docker_config(text, is_legacy=key == LEGACY_DOCKER_CONFIG)
    if key == CONFIG_JSON and not is_bare and '"auths"' in text and fills_credentials(text):
        return docker_config(text)
    if not has_reference(text):
        return None
    return parse_value(text)


def annotation_template(key: str, text: str) -> FieldTemplate | None:
    """Return the same for the text of an annotation, which comes again with every apply and so is remembered."""
    return _remembered(key, text) if len(text) <= _SHORT else template_of(key, text)


@lru_cache(maxsize=_REMEMBERED)
def _remembered(key: str, text: str) -> FieldTemplate | None:
    """Never of a value in place: it may be secret."""
    return template_of(key, text)


def reading_units(text: str) -> int:
    """Return the work, in nanoseconds at the most, that it takes to read an annotation beyond what each one takes."""
    return 0 if text.isascii() else _UNITS_A_RARE_CHARACTER * len(text)


def canonical(template: FieldTemplate) -> str:
    """Return the canonical text of a filling that is one reference as a whole; empty for any other."""
    return str(template.references[0]) if isinstance(template, Template) and template.is_whole else ""


def reads_as_reference(key: str, value: SecretValue) -> bool:
    """Whether a value, standing in place under a Secret's key, would be read as a reference, sound or malformed."""
    try:
        return template_of(key, value.reveal().decode()) is not None
    except UnicodeDecodeError:
        return False
    except (ReferenceSyntaxError, DockerConfigError):
        return True


def begins_late(text: str) -> bool:
    """Whether a text would be a reference but for a few characters that stand before it."""
    return any(text.find(opener, 1, _MOST_BEFORE + len(opener)) > 0 for opener in _BARE)


def what_it_is(error: ReferenceSyntaxError) -> str:
    """Say what is wrong with a text that is no reference, and quote nothing of it."""
    if _CIPHERTEXT.fullmatch(error.source.rstrip()):
        return "looks like what Vault's transit engine encrypted"
    return error.describe(show_text=False)
