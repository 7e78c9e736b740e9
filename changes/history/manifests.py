"""What one file of a repository says, read as `keyhole lint` reads it: which field has which references. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from changes.history.doubts import Doubt
from changes.history.texts import together, whole
from manifests.fields.scan import Form
from manifests.kinds.known import Kinds
from review.findings.finding import ObjectName
from review.languages.all import LANGUAGES
from review.languages.foreign import Context
from review.lint import generators
from review.lint.forms.elsewhere import is_passed_on
from review.lint.forms.references import references
from review.lint.inner.texts import looked_into
from review.lint.needles import MAY_BE_FOREIGN, MAY_HOLD_OTHERS, MAY_REFER, MAY_SPELL
from review.lint.objects import Manifest, is_kustomization, manifests
from review.lint.uses import Use
from review.sources.edits import intended
from review.sources.kustomization import nothing_beside
from review.sources.nodes import Path
from review.sources.stream import Document, read
from review.sources.text import NotChecked

_KINDS: Final = ("kustomize", "argoproj.io")
_MAY_PLACE: Final = tuple(each.encode() for each in _KINDS)
_MAY_MATTER: Final = tuple(each.encode() for each in (*MAY_REFER, *MAY_SPELL, *MAY_BE_FOREIGN))
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_SECRET: Final = "Secret"  # noqa: S105 - the name of a kind
_CONTEXT: Final = Context(certain=True)
_LONGEST: Final = 8192
"""No longer text of references is kept."""


@dataclass(frozen=True, slots=True)
class WrittenField:
    """A field of an object, and the references that a file writes into it, as the trail has their texts.

    `pointer` is that of the object in the cluster. It is empty for a whole secret. Of what others make objects of it is
    where the reference stands in the file.
    """

    object: ObjectName
    pointer: str
    form: str
    references: str
    line: int
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file says. `placing` are the objects that decide where those of other files go."""

    fields: tuple[WrittenField, ...] = ()
    placing: tuple[Manifest, ...] = field(default=(), repr=False)
    unread: int = 0
    """How many documents could not be read, templates for example."""


NOTHING: Final = FileFacts()


def facts(file: str, content: bytes, kinds: Kinds | None) -> FileFacts:
    """Return what a file says. Never raises for what is in it.

    `kinds` are the ones that the administrator listed; None if nobody told us.
    """
    is_named_so = file.rpartition("/")[2].lower().startswith("kustomization")
    may_place = is_named_so or any(each in content for each in _MAY_PLACE)
    if not (may_place or content.startswith(_UTF_16) or any(each in content for each in _MAY_MATTER)):
        return NOTHING
    fields: list[WrittenField] = []
    placing: list[Manifest] = []
    unread = 0
    for document in read(content, file):
        if isinstance(document, NotChecked):
            unread += 1
            continue
        found, unseen = _uses(document, kinds)
        unread += unseen
        own = list(_fields(found))
        fields += own
        fields += _foreign(document, kinds, own)
        if may_place:
            placing += (each for each in manifests(document) if _places(each))
    return FileFacts(tuple(fields), tuple(placing), unread)


def _places(manifest: Manifest) -> bool:
    return is_kustomization(manifest) or (manifest.name.kind, manifest.name.group) in {
        ("Kustomization", "kustomize.toolkit.fluxcd.io"),
        ("Application", "argoproj.io"),
    }


def _uses(document: Document, kinds: Kinds | None) -> tuple[list[Use], int]:
    raw = document.raw
    if not any(each in raw for each in (*MAY_REFER, *MAY_SPELL)):
        return [], 0
    uses: list[Use] = []
    unread = 0
    for manifest in manifests(document):
        found: list[tuple[Manifest, Collection[Path]]] = [(manifest, frozenset())]
        if raw.count("kind") > 1 or any(each in raw for each in MAY_HOLD_OTHERS):
            found, unseen = looked_into(manifest)
            unread += len(unseen)
        is_ours = is_kustomization(manifest)
        for each, own_texts in found:
            own = generators.PARTS if is_ours else ()
            uses += references(each, kinds, {*own, *own_texts}).uses
        if is_ours:
            for made in generators.made(manifest, nothing_beside):
                uses += references(made, kinds).uses if made.may_refer else ()
    return uses, unread


def _foreign(document: Document, kinds: Kinds | None, own: Collection[WrittenField]) -> Iterator[WrittenField]:
    """Yield the references of other tools, as `keyhole migrate` would write them, but what Keyhole itself reads."""
    if not any(each in document.raw for each in MAY_BE_FOREIGN):
        return
    known = {(each.object, each.pointer) for each in own}
    for manifest in manifests(document):
        for language in LANGUAGES:
            conversion = language.convert(manifest, _CONTEXT)
            if conversion is None or not conversion.edits:
                continue
            content = intended(manifest.content, conversion.edits)
            one = next(manifests(replace(document, content=content)))
            made = replace(manifest, content=content, inner=one.name)
            for each in _fields(references(made, kinds).uses):
                if (each.object, each.pointer) not in known:
                    yield replace(each, doubt=each.doubt or Doubt.FOREIGN)


def _fields(uses: Sequence[Use]) -> Iterator[WrittenField]:
    """Yield the fields that are written, each once; of a whole secret, each path by itself."""
    by_field: dict[object, list[Use]] = {}
    for use in uses:
        one_by_one = use.reference if use.is_whole else None
        by_field.setdefault((use.wanted_by, use.fills, use.spot, one_by_one), []).append(use)
    for of_field in by_field.values():
        first = of_field[0]
        texts = {whole(use.reference) if use.is_whole else use.reference.shown for use in of_field}
        references = together(texts)
        if len(references) > _LONGEST:
            continue
        passed_on = is_passed_on(first)
        doubt = Doubt.PASSED_ON if passed_on else "" if first.wanted_by.name else Doubt.NO_NAME
        form = Form.FROM if first.is_whole else first.form
        for name in _objects(first, passed_on=passed_on):
            # What is passed on is filled in an object that no file has, so its field here has to do.
            yield WrittenField(
                name, first.spot.pointer if passed_on else first.fills, form, references, first.spot.place.line, doubt
            )


def _objects(use: Use, *, passed_on: bool) -> Sequence[ObjectName]:
    """Return the objects that take the value: of a variable, the Secrets that Keyhole makes for the workload."""
    if not use.is_variable or passed_on:
        return (use.wanted_by,)
    return [ObjectName("", _SECRET, use.wanted_by.namespace, name) for name in use.secrets]
