"""What `keyhole migrate` would convert, as findings of `keyhole lint` (KH401)."""

from collections.abc import Iterator
from typing import Final

from review.findings.finding import Finding
from review.languages.all import LANGUAGES
from review.languages.foreign import Context, Conversion
from review.lint.catalogue import FOREIGN
from review.lint.objects import Manifest
from review.sources.edits import Replace

_CONTEXT: Final = Context(certain=True)
# These need to know the stores of the whole tree.
_OF_STORES: Final = frozenset({"eso", "vso"})
_MOST: Final = 5


def hints(manifest: Manifest) -> Iterator[Finding]:
    """Yield what of an object is of another tool: that it can be converted, and what of it cannot, and why."""
    for language in LANGUAGES:
        conversion = language.convert(manifest, _CONTEXT)
        if conversion is not None:
            yield from _told(manifest, conversion)


def _told(manifest: Manifest, conversion: Conversion) -> Iterator[Finding]:
    name = conversion.language
    converts = f"`keyhole migrate --from {name}`"
    if name in _OF_STORES:
        yield manifest.finding(FOREIGN, (), f"an object of another tool; {converts} converts it, or says why not")
        return
    if conversion.references:
        first = conversion.edits[0]
        path = () if isinstance(first, Replace) else first.path
        count = "a reference" if conversion.references == 1 else f"{conversion.references} references"
        yield manifest.finding(FOREIGN, path, f"{count} of another tool; {converts} converts what can be converted")
    for told in conversion.told[:_MOST]:
        yield manifest.finding(FOREIGN, told.path, f"{converts}: {told.message}")
