"""`keyhole lint`: reads files, has every rule look, and gives one report."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from review.findings.baseline import Baseline
from review.findings.finding import Finding, ObjectName, told_apart
from review.findings.report import Checked, Report
from review.findings.standards import Standards
from review.lint import generators, plaintext, tokens
from review.lint.by_form import secrets_by_form
from review.lint.catalogue import BAD_IGNORE, BY_ID, ENDED_EXCEPTION, ENDED_IGNORE, KEY_TWICE, NO_DIGEST
from review.lint.flux import OPENER
from review.lint.judging import Judge, judged
from review.lint.needles import MAY_BE_FOREIGN, MAY_HOLD_OTHERS, MAY_HOLD_VALUES, MAY_REFER, MAY_SPELL
from review.lint.objects import Manifest, is_kustomization, manifests, named
from review.lint.tree import Tree
from review.sources import files
from review.sources.kustomization import Look, beside, nothing_beside, other_files
from review.sources.nodes import Path
from review.sources.stream import RENDER, Document, read_text
from review.sources.text import IGNORE, NotChecked, NotText, Place, Text, decode

if TYPE_CHECKING:
    from manifests.kinds.known import Kinds
    from review.lint.origins.sources import Sources
    from review.sources.comments import Ignore

_ORIGIN = "config.kubernetes.io/origin"
_TEMPLATE = "# Source: "


@dataclass(frozen=True, slots=True)
class Source:
    """Something to look at: a name, what reads it, and the folder that its own paths begin in, if it is a file."""

    name: str
    read: Callable[[], bytes | NotChecked]
    folder: FilePath | None = None


@dataclass(slots=True)
class Lint:
    """One run. Give it sources with `look`, then take the `report`. `today` decides which comments have ended."""

    today: date
    baseline: Baseline = field(default_factory=lambda: Baseline(frozenset()))
    only: Callable[[str], bool] = field(default=lambda _name: True)
    """Whether findings of a file are told. What it says about the whole tree counts in any case."""
    judges: Sequence[Judge] = ()
    """What judges the tree in the end."""
    kinds: "Kinds | None" = None
    """The kinds beside Secrets that are filled; None if nobody told us."""
    standards: Standards = field(default_factory=Standards)
    foreign: Callable[[Manifest], Iterable[Finding]] | None = None
    """What finds references of other tools, in documents that may have some."""
    built: FilePath = field(default_factory=FilePath)
    """The folder that `kustomize build` was given, if its output is looked at."""
    _sources: "Sources | None" = None
    _tree: Tree = field(default_factory=Tree)
    _findings: list[Finding] = field(default_factory=list)
    _of_patches: set[Finding] = field(default_factory=set)
    _unchecked: list[NotChecked] = field(default_factory=list)
    _checked: list[Checked] = field(default_factory=list)
    _ignores: dict[tuple[str, int], list["Ignore"]] = field(default_factory=dict)
    _beside: list[Source | NotChecked] = field(default_factory=list)
    _looked: set[str] = field(default_factory=set)
    _files: int = 0

    def look(self, source: Source | NotChecked) -> None:
        """Look at one source. Never raises for what is in it."""
        if isinstance(source, NotChecked):
            self._unchecked.append(source)
            return
        if source.name in self._looked:
            return
        self._looked.add(source.name)
        content = source.read()
        if isinstance(content, NotChecked):
            self._unchecked.append(content)
            return
        self._files += 1
        try:
            text = Text(source.name, decode(content))
        except NotText as error:
            place = Place(source.name, error.line, error.column, error.line, error.column)
            self._unchecked.append(NotChecked(place, error.reason))
            return
        self._comments(text)
        suspects = tokens.suspects(text.content)
        for document in read_text(text):
            if isinstance(document, NotChecked):
                self._not_read(document)
            else:
                self._document(document, source, suspects)
        while self._beside:
            self.look(self._beside.pop())

    def _not_read(self, place: NotChecked) -> None:
        """Take note of a document that cannot be read. A template is told once a file: it is rendered as a whole."""
        last = self._unchecked[-1] if self._unchecked else None
        if place.reason != RENDER or last is None or (last.place.file, last.reason) != (place.place.file, RENDER):
            self._unchecked.append(place)

    def report(self) -> Report:
        """Judge what was seen, and return it."""
        self._tree.unread = len(self._unchecked)
        self._tree.settle()
        findings, unchecked = judged(self._tree, self.judges)
        found = map(self._at_its_source, self._tree.judged([*self._findings, *findings]))
        every = self.standards.told(found)
        here = [finding for finding in told_apart(every) if self.only(finding.place.file)]
        told = sorted([*here, *self.standards.ended(ENDED_EXCEPTION, self.today)], key=_order)
        kept = [finding for finding in told if not self._is_excused(finding)]
        return Report(kept, [*self._unchecked, *unchecked], self._checked, self._files, len(told) - len(kept))

    def _document(self, document: Document, source: Source, suspects: Sequence[tokens.Format]) -> None:
        raw, before = document.raw, len(self._findings)
        is_escaped = any(each in raw for each in MAY_SPELL)
        has_secret = is_escaped or any(each in raw for each in MAY_HOLD_VALUES)
        has_reference = is_escaped or any(each in raw for each in MAY_REFER)
        if _ORIGIN in raw:
            self._origin(document)
        for manifest in manifests(document):
            if manifest.is_object:
                self._checked.append(Checked(manifest.name, document.place(manifest.path)))
            self._tree.see(manifest)
            if OPENER in raw:
                self._tree.flux.look(manifest)
            if self.standards.is_on(NO_DIGEST) and "image" in raw:
                from review.lint import images  # noqa: PLC0415 - off unless the standards say otherwise

                self._findings += images.without_digest(manifest)
            if suspects:
                self._findings += secrets_by_form(manifest, suspects)
            if is_kustomization(manifest):
                self._generated(manifest, source.folder)
            if has_secret or has_reference:
                self._look_into(manifest, has_secret=has_secret, has_reference=has_reference)
        if self.foreign is not None and any(each in raw for each in MAY_BE_FOREIGN):
            self._findings += (found for manifest in manifests(document) for found in self.foreign(manifest))
        self._twice(document)
        self._name_template(raw, before)

    def _name_template(self, raw: str, before: int) -> None:
        """Name the template that a document was rendered from in the findings that it added."""
        if _TEMPLATE in raw:
            from review.lint.origins.helm import with_template  # noqa: PLC0415 - most files were not rendered

            self._findings[before:] = with_template(self._findings[before:], raw)

    def _twice(self, document: Document) -> None:
        whole = Manifest(document, (), document.content, ObjectName())
        for path, place in document.keys_twice():
            message = f"the key {named(str(path[-1]))} stands twice in its map"
            self._findings.append(whole.finding(KEY_TWICE, path, message, place=place))

    def _look_into(self, manifest: Manifest, *, has_secret: bool, has_reference: bool) -> None:
        """Look for values and references in an object, and in those that stand in its texts."""
        found: list[tuple[Manifest, Collection[Path]]] = [(manifest, frozenset())]
        raw = manifest.document.raw
        if raw.count("kind") > 1 or any(each in raw for each in MAY_HOLD_OTHERS):
            from review.lint.inner import texts  # noqa: PLC0415 - most files have none

            found, unread = texts.looked_into(manifest)
            self._unchecked += unread
        for each, own_texts in found:
            if has_secret:
                for secret in plaintext.secrets(each):
                    self._findings += plaintext.plaintext(secret, self.standards.public_keys)
            if has_reference:
                own = generators.PARTS if is_kustomization(each) else ()
                self._references(each, {*own, *own_texts})

    def _generated(self, manifest: Manifest, folder: FilePath | None) -> None:
        """Look at what a kustomization makes, also from files beside it."""
        look = beside(folder) if folder is not None else nothing_beside
        for made in generators.made(manifest, look):
            self._findings += generators.plaintext(made, folder)
            self._unchecked += generators.not_looked_at(made)
            if made.may_refer and self._references(made, ()):
                self._findings += made.hashed()
        if "patches" in manifest.document.raw:
            self._named_patches(manifest, look)
        if folder is not None:
            self._beside += sources(other_files(manifest.content, folder))

    def _named_patches(self, manifest: Manifest, look: Look) -> None:
        from review.lint.inner.named import patches_of_secrets  # noqa: PLC0415 - most kustomizations have none

        for patch in patches_of_secrets(manifest, look):
            if isinstance(patch, NotChecked):
                self._unchecked.append(patch)
                continue
            # Several kustomizations may name one file.
            found = [*plaintext.plaintext(patch, self.standards.public_keys)]
            self._findings += (each for each in found if each not in self._of_patches)
            self._of_patches.update(found)

    def _references(self, manifest: Manifest, texts: Collection[Path]) -> bool:
        """Read the references of an object; return whether it has any."""
        from review.lint.forms import references  # noqa: PLC0415 - takes longer to import than most files to look at

        seen = references.references(manifest, self.kinds, texts)
        self._findings += seen.findings
        self._unchecked += seen.unchecked
        self._tree.refers(seen.uses)
        return bool(seen.uses)

    def _origin(self, document: Document) -> None:
        from review.lint.origins.sources import Sources  # noqa: PLC0415 - most files were not built

        self._sources = self._sources or Sources(self.built)
        self._sources.see(document)

    def _at_its_source(self, finding: Finding) -> Finding:
        if self._sources is None:
            return finding
        for found in self._sources.comments(told := self._sources.told(finding)):
            if found.until >= self.today:
                self._ignores.setdefault((found.place.file, found.line), []).append(found)
        return told

    def _comments(self, text: Text) -> None:
        if IGNORE not in text.content:
            return
        from review.sources.comments import BadIgnore, ignores  # noqa: PLC0415 - most files have none

        for found in ignores(text, BY_ID):
            if isinstance(found, BadIgnore):
                self._findings.append(Finding(BAD_IGNORE, found.place, found.problem))
            elif found.until < self.today:
                message = f"it ended on {found.until}; it covers nothing any more"
                self._findings.append(Finding(ENDED_IGNORE, found.place, message))
            else:
                self._ignores.setdefault((text.file, found.line), []).append(found)

    def _is_excused(self, finding: Finding) -> bool:
        comments = self._ignores.get((finding.place.file, finding.place.line), ())
        if finding in self.baseline or self.standards.accept(finding, self.today):
            return True
        return any(finding.rule.id in comment.rules for comment in comments)


def sources(paths: Iterable[files.File | NotChecked]) -> Iterator[Source | NotChecked]:
    """Yield the sources behind files."""
    for file in paths:
        if isinstance(file, NotChecked):
            yield file
        else:
            yield Source(file.name, lambda file=file: files.read(file), file.path.parent)  # type: ignore[misc]


def _order(finding: Finding) -> tuple[str, int, int, str]:
    return finding.place.file, finding.place.line, finding.place.column, finding.rule.id
