"""What is to change in which file. Files are read, and nothing is written.

There are two passes: what objects say about others, such as stores; then what becomes of each.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from manifests.kinds.base64_search import needles
from review.findings.finding import ObjectName
from review.languages.foreign import Context, Conversion, Language
from review.languages.vault_secrets_operator import restart_targets
from review.lint.objects import Manifest, manifests, pointer
from review.sources import files
from review.sources.edits import Edit, Put, Replace
from review.sources.nodes import Path
from review.sources.stream import read_text
from review.sources.text import NotChecked, NotText, Place, Text, decode

# One of these stands in every text that has something of a language.
_NEEDLES: Final = (
    *("vault:", "<path:", "\\u003cpath:", "avp.kubernetes.io/", "ref+", "vault.security.banzaicloud.io/"),
    *(
        "ExternalSecret",
        "VaultStaticSecret",
        "external-secrets.io",
        "secrets.hashicorp.com",
        "bank-vaults.com",
        "security.bank-vaults.io/",
    ),
    *needles("vault:"),
    *needles("<path:"),
)


class Ambiguous(Exception):
    """Two Vaults for one connection. Says which, and how to tell them apart."""

    def __init__(self, addresses: Sequence[str]) -> None:
        told = " and ".join(addresses)
        super().__init__(
            f"references without a name would lead to two Vaults, {told}; say which connection stands for each:"
            f" --map {addresses[-1]}=NAME"
        )


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
) -> Plan:
    """Return what is to change. Raises `Ambiguous`."""
    plan = Plan()
    candidates: list[FilePlan] = []
    others: list[files.File] = []
    for source in sources:
        found = _candidate(source, plan)
        if found is None and isinstance(source, files.File):
            others.append(source)
        elif found is not None:
            candidates.append(found)
    stores = dict(context.stores)
    _learn(stores, candidates, languages, plan)
    if (names := restart_targets(stores)) and (workloads := list(_with_names(others, names))):
        _learn(stores, workloads, languages, None)
        candidates += workloads
    known = replace(context, stores=stores)
    for candidate in candidates:
        for manifest in _objects(candidate, None):
            for language in languages:
                if (conversion := language.convert(manifest, known)) is not None:
                    _take(plan, candidate, manifest, conversion)
        if candidate.units:
            plan.files.append(candidate)
    return plan


def _learn(
    stores: dict[str, Any], candidates: Iterable[FilePlan], languages: Sequence[Language], plan: Plan | None
) -> None:
    for candidate in candidates:
        for manifest in _objects(candidate, plan):
            for language in languages:
                stores.update((fact.key, fact.value) for fact in language.facts(manifest))


def _with_names(others: Iterable[files.File], names: Collection[str]) -> Iterator[FilePlan]:
    """Yield the files in which a workload may be that a foreign object restarts: nothing else in them is foreign."""
    for file in others:
        content = files.read(file)
        if isinstance(content, NotChecked):
            continue
        try:
            text = Text(file.name, decode(content))
        except NotText:
            continue
        if any(name in text.content for name in names):
            yield FilePlan(file, content, text)


def _candidate(source: files.File | NotChecked, plan: Plan) -> FilePlan | None:
    content = source if isinstance(source, NotChecked) else files.read(source)
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


def _objects(candidate: FilePlan, plan: Plan | None) -> Iterator[Manifest]:
    for document in read_text(candidate.text):
        if isinstance(document, NotChecked):
            if plan is not None:
                plan.unchecked.append(document)
            continue
        yield from manifests(document)


def _take(plan: Plan, file: FilePlan, manifest: Manifest, conversion: Conversion) -> None:
    """Take up what becomes of an object. Of two languages that write the same annotation, the first one does."""
    language, document = conversion.language, manifest.document
    for name, entry in conversion.stanzas.items():
        known = plan.stanzas.get(name, entry)
        if known["address"].rstrip("/") != entry["address"].rstrip("/"):
            raise Ambiguous([known["address"], entry["address"]])
        mounts = {**entry.get("mounts", {}), **known.get("mounts", {})}
        plan.stanzas[name] = {**known, "mounts": mounts} if mounts else known
    plan.notes += (note(manifest, told.path, language, told.message) for told in conversion.told)
    edits = [_within(manifest.path, edit) for edit in conversion.edits]
    same = (unit for unit in file.units if unit.number == document.number)
    taken = {edit.path for unit in same for edit in unit.edits if isinstance(edit, Put)}
    if any(isinstance(edit, Put) and edit.path in taken for edit in edits):
        plan.notes.append(note(manifest, (), language, "another language writes the same annotation"))
    elif edits:
        place = document.place(manifest.path)
        unit = Unit(manifest.name, place, language, document.number, edits, conversion.references)
        file.units.append(unit)


def note(manifest: Manifest, path: Path, language: str, message: str) -> Note:
    """Return a note about a path in an object."""
    return Note(manifest.document.place((*manifest.path, *path)), manifest.name, pointer(path), language, message)


def _within(path: Path, edit: Edit) -> Edit:
    if isinstance(edit, Replace):
        return Put(path, edit.content) if path else edit
    return replace(edit, path=(*path, *edit.path))
