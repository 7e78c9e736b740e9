"""Reading the texts of annotations and values, with the codec of the object's kind."""

import re
from functools import lru_cache

from manifests.fields.template import FieldTemplate, TemplateError
from manifests.kinds.codec import Codec
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Template
from resolver.references.value import SecretValue

# A few megabytes together.
_REMEMBERED = 4096
_SHORT = 512
_BARE = ("vault:", "vault+")
_MOST_BEFORE = 8
# Each character beyond ASCII is looked up in Unicode's tables, once for each part of a reference that contains it.
_UNITS_A_RARE_CHARACTER = 2_000
# What Vault's transit engine produces looks like this. It is not a reference.
_CIPHERTEXT = re.compile(r"vault:v[0-9]+:[A-Za-z0-9+/=_-]*")


def annotation_template(codec: Codec, key: str, text: str) -> FieldTemplate | None:
    """Read the text of an annotation. The same texts come with every apply, so short ones are remembered.

    Returns and raises the same as `Codec.template`.
    """
    return _remembered(codec, key, text) if len(text) <= _SHORT else codec.template(key, text)


@lru_cache(maxsize=_REMEMBERED)
def _remembered(codec: Codec, key: str, text: str) -> FieldTemplate | None:
    """Read and remember a text. Never call this for a value: it may be secret."""
    return codec.template(key, text)


def reading_units(text: str) -> int:
    """Return how many nanoseconds it takes at most to read this annotation, beyond what every annotation takes."""
    return 0 if text.isascii() else _UNITS_A_RARE_CHARACTER * len(text)


def canonical(template: FieldTemplate) -> str:
    """Return the canonical text of a template that consists of one reference and nothing else; empty for others."""
    return str(template.references[0]) if isinstance(template, Template) and template.is_whole else ""


def reads_as_reference(codec: Codec, key: str, value: SecretValue) -> bool:
    """Whether Keyhole would read this value as a reference, well-formed or not, if the field held it."""
    try:
        return codec.template(key, value.reveal().decode()) is not None
    except UnicodeDecodeError:
        return False
    except (ReferenceSyntaxError, TemplateError):
        return True


def begins_late(text: str) -> bool:
    """Whether the text would be a reference if a few characters in front of it were not there."""
    return any(text.find(opener, 1, _MOST_BEFORE + len(opener)) > 0 for opener in _BARE)


def what_it_is(error: ReferenceSyntaxError) -> str:
    """Say what is wrong with a malformed reference without quoting it, because it may be something secret."""
    if _CIPHERTEXT.fullmatch(error.source.rstrip()):
        return "looks like what Vault's transit engine encrypted"
    return error.describe(show_text=False)
