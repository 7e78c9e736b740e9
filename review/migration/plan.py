"""What is to change in which file. Two passes: what objects say about others, such as stores; then what becomes of each.

Files are read, and nothing is written.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from manifests.kinds.base64_search import needles
from review.findings.finding import ObjectName
from review.languages.foreign import Context, Conversion, Language
from review.lint.objects import Manifest, manifests, pointer
from review.sources import files
from review.sources.edits import Edit, Put, Remove, Replace
from review.sources.nodes import Path
from review.sources.stream import Document, read_text
from review.sources.text import NotChecked, NotText, Place, Text, decode

# One of these stands in every text that has something of a language.
_NEEDLES: Final = (
    *("vault:", "<path:", "\\u003cpath:", "avp.kubernetes.io/", "ref+", "vault.security.banzaicloud.io/"),
    *("external-secrets.io", "secrets.hashicorp.com", "bank-vaults.com", "security.bank-vaults.io/"),
    *needles("vault:"),
    *needles("<path:"),
)


class Ambiguous(Exception):
    """Two Vaults for one connection. Says which, and how to tell them apart."""

    def __init__(self, name: str, addresses: Sequence[str]) -> None:
        told = " and ".join(addresses)
        super().__init__(
            f"references without a name would lead to two Vaults, {told}; say which connection stands for each:"
            f" --map {addresses[-1]}=NAME"
        )
        self.name = name


@dataclass(frozen=True, slots=True)
class Note:
    """What is not converted, or what a person has to see to. Quotes no text of a field."""

    place: Place
    object: ObjectName
    pointer: str
    language: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.object}: {self.message}" if self.object.kind else f"{self.place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Unit:
    """What becomes of one object by one language. The edits have their paths in the document of that number."""

    object: ObjectName
    place: Place
    language: str
    number: int
    edits: Sequence[Edit] = field(repr=False)
    references: int


@dataclass(slots=True)
class FilePlan:
    """What becomes of one file. `before` is its content."""

    file: files.File
    before: bytes = field(repr=False)
    text: Text = field(repr=False)
    units: list[Unit] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """What becomes of all files. `stanzas` are the connections that have to be configured."""

    files: list[FilePlan] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    unchecked: list[NotChecked] = field(default_factory=list)
    stanzas: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    looked_at: int = 0


def may_have_something(text: str) -> bool:
    """Whether a text may have something of a language. Quick, and says so too often."""
    return any(needle in text for needle in _NEEDLES)


def planned(
    sources: Iterable[files.File | NotChecked],
    languages: Sequence[Language],
    context: Context,
    step: Callable[[], None] = lambda: None,
) -> Plan:
    """Return what is to change. `step` is called after each file. Raises `Ambiguous`."""
    plan = Plan()
    candidates = [found for source in sources if (found := _candidate(source, plan, step)) is not None]
    stores = dict(context.stores)
    for candidate in candidates:
        for manifest, _ in _objects(candidate, plan):
            for language in languages:
                stores.update((fact.key, fact.value) for fact in language.facts(manifest))
    known = replace(context, stores=stores)
    for candidate in candidates:
        for manifest, document in _objects(candidate, None):
            _convert(plan, candidate, manifest, document, languages, known)
        if candidate.units:
            plan.files.append(candidate)
    return plan


def _candidate(source: files.File | NotChecked, plan: Plan, step: Callable[[], None]) -> FilePlan | None:
    content = source if isinstance(source, NotChecked) else files.read(source)
    step()
    if isinstance(source, NotChecked) or isinstance(content, NotChecked):
        plan.unchecked += [content] if isinstance(content, NotChecked) else []
        return None
    plan.looked_at += 1
    try:
        text = Text(source.name, decode(content))
    except NotText as error:
        place = Place(source.name, error.line, error.column, error.line, error.column)
        plan.unchecked.append(NotChecked(place, error.reason))
        return None
    return FilePlan(source, content, text) if may_have_something(text.content) else None


def _objects(candidate: FilePlan, plan: Plan | None) -> Iterator[tuple[Manifest, Document]]:
    for document in read_text(candidate.text):
        if isinstance(document, NotChecked):
            if plan is not None:
                plan.unchecked.append(document)
            continue
        for manifest in manifests(document):
            yield manifest, document


def _convert(
    plan: Plan,
    file: FilePlan,
    manifest: Manifest,
    document: Document,
    languages: Sequence[Language],
    context: Context,
) -> None:
    taken: set[Path] = set()
    for language in languages:
        conversion = language.convert(manifest, context)
        if conversion is None:
            continue
        _stanzas(plan, conversion)
        plan.notes += (note(manifest, told.path, conversion.language, told.message) for told in conversion.told)
        edits = [_within(manifest.path, edit) for edit in conversion.edits]
        puts = {edit.path for edit in edits if not isinstance(edit, Remove | Replace)}
        if not edits:
            continue
        if taken & puts:
            plan.notes.append(note(manifest, (), conversion.language, "another language fills the same annotation"))
            continue
        taken |= puts
        place = document.place(manifest.path)
        file.units.append(
            Unit(manifest.name, place, conversion.language, document.number, edits, conversion.references)
        )


def note(manifest: Manifest, path: Path, language: str, message: str) -> Note:
    """Return a note about a path in an object."""
    return Note(manifest.document.place((*manifest.path, *path)), manifest.name, pointer(path), language, message)


def _stanzas(plan: Plan, conversion: Conversion) -> None:
    for name, entry in conversion.stanzas.items():
        known = plan.stanzas.setdefault(name, entry)
        if known["address"] != entry["address"]:
            raise Ambiguous(name, [known["address"], entry["address"]])


def _within(path: Path, edit: Edit) -> Edit:
    if isinstance(edit, Replace):
        return Put(path, edit.content) if path else edit
    return replace(edit, path=(*path, *edit.path))
