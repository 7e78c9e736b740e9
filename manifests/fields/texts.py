"""What a text is read as, in an annotation or in place, by the codec of its kind."""

import re
from functools import lru_cache

from manifests.fields.template import FieldTemplate, TemplateError
from manifests.kinds.codec import Codec
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Template
from resolver.references.value import SecretValue

# Together a few megabytes.
_REMEMBERED = 4096
_SHORT = 512
_BARE = ("vault:", "vault+")
_MOST_BEFORE = 8
# Each character beyond ASCII is looked up in Unicode's tables, again for each part of a reference that it stands in.
_UNITS_A_RARE_CHARACTER = 2_000
# What a text of Vault's transit engine looks like, which is no reference.
_CIPHERTEXT = re.compile(r"vault:v[0-9]+:[A-Za-z0-9+/=_-]*")


def annotation_template(codec: Codec, key: str, text: str) -> FieldTemplate | None:
    """Read the text of an annotation. It comes again with every apply, so short ones are remembered.

    Returns and raises what `Codec.template` does.
    """
    return _remembered(codec, key, text) if len(text) <= _SHORT else codec.template(key, text)


@lru_cache(maxsize=_REMEMBERED)
def _remembered(codec: Codec, key: str, text: str) -> FieldTemplate | None:
    """Never call this for a value in place: it may be secret."""
    return codec.template(key, text)


def reading_units(text: str) -> int:
    """Return the work, in nanoseconds at the most, that it takes to read an annotation beyond what each one takes."""
    return 0 if text.isascii() else _UNITS_A_RARE_CHARACTER * len(text)


def canonical(template: FieldTemplate) -> str:
    """Return the canonical text of a template that is one reference as a whole; empty for any other."""
    return str(template.references[0]) if isinstance(template, Template) and template.is_whole else ""


def reads_as_reference(codec: Codec, key: str, value: SecretValue) -> bool:
    """Whether a value, standing in place in a field, would be read as a reference, sound or malformed."""
    try:
        return codec.template(key, value.reveal().decode()) is not None
    except UnicodeDecodeError:
        return False
    except (ReferenceSyntaxError, TemplateError):
        return True


def begins_late(text: str) -> bool:
    """Whether a text would be a reference but for a few characters that stand before it."""
    return any(text.find(opener, 1, _MOST_BEFORE + len(opener)) > 0 for opener in _BARE)


def what_it_is(error: ReferenceSyntaxError) -> str:
    """Say what is wrong with a text that is no reference, and quote nothing of it."""
    if _CIPHERTEXT.fullmatch(error.source.rstrip()):
        return "looks like what Vault's transit engine encrypted"
    return error.describe(show_text=False)
