"""What the manifests in files refer to, read as `keyhole lint` reads them, and whom CODEOWNERS names for the files."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from enforcer.collecting.run import Run, Stopped
from enforcer.collecting.sources import Sources
from enforcer.facts.base import NotKnown
from enforcer.facts.git import CodeOwners, GitFacts, GitField, GitObject, InFile, NotRead, OwnedFile
from enforcer.facts.inventory import Inventory
from manifests.following.followed import told
from manifests.kinds.known import Kinds
from review.findings.finding import Finding, ObjectName
from review.lint import lint
from review.lint.forms.elsewhere import is_passed_on
from review.lint.judges import owned
from review.lint.tree import Tree
from review.lint.uses import Use
from review.sources import files
from review.sources.git import Repositories, root_of
from review.sources.text import NotChecked, NotText, Place, decode

_BUILD: Final = "give what `kustomize build` makes of it"
_CHANGED: Final = f"a kustomization changes it: {_BUILD}"
_GENERATED: Final = f"kustomize generates it: {_BUILD}"
_NO_NAME: Final = "its name is only made when it is applied"
_TWICE: Final = "several files have it, with other references each"
_NO_OWNERS: Final = NotKnown(not_known="no work tree was given (--git)")


def collect(sources: Sources, run: Run, so_far: Inventory) -> GitFacts | NotKnown:  # noqa: ARG001 - as all collectors
    """Read the manifests, and the file CODEOWNERS of the work tree. Never raises for what is in files."""
    read = _read(sources.manifests, sources.kinds, run) if sources.manifests else _Read()
    why_not: NotKnown | None = None
    if not sources.manifests:
        why_not = NotKnown(not_known="no manifests were given (--manifests)")
    elif not read.count and not read.not_read:
        why_not = NotKnown(not_known=f"there is no manifest in {', '.join(map(str, sources.manifests))}")
    if why_not is not None and sources.git is None:
        return why_not
    return GitFacts(
        objects=why_not or tuple(_objects(read.tree)),
        namespaces=tuple(sorted({*read.tree.namespaces, *(use.namespace for use in read.tree.uses)} - {""})),
        not_read=tuple(read.not_read),
        owners=_owners(sources, read, run),
    )


@dataclass(slots=True)
class _Read:
    """What was read: the manifests together, and what could not be."""

    tree: Tree = field(default_factory=Tree)
    not_read: list[NotRead] = field(default_factory=list)
    count: int = 0
    paths: dict[str, Path] = field(default_factory=dict)
    """The files by the names that they are told by."""

    def take(self, tree: Tree) -> Iterable[Finding | NotChecked]:
        """Keep the tree (a judge of lint's)."""
        self.tree = tree
        return ()


def _read(roots: Sequence[Path], kinds: Kinds, run: Run) -> _Read:
    read = _Read()
    reader = lint.Lint(datetime.now(UTC).date(), judges=[read.take], kinds=kinds)
    stopped = ""
    for number, source in enumerate(lint.sources(_by_repository(files.find(roots), read.paths))):
        try:
            run.go_on()
        except Stopped as error:
            stopped = error.reason
            break
        run.tell(f"manifest {number + 1}")
        reader.look(source)
    report = reader.report()
    read.count = report.files
    read.not_read = [NotRead(place=_in_file(one.place), reason=one.reason) for one in report.unchecked]
    if stopped:
        read.not_read.append(NotRead(place=InFile(file=str(roots[0])), reason=f"not all files were read: {stopped}"))
    return read


def _by_repository(
    found: Iterable[files.File | NotChecked], paths: dict[str, Path]
) -> Iterator[files.File | NotChecked]:
    """Yield files by their names in their repository, wherever this runs: paths of Flux and Argo CD begin there."""
    repositories = Repositories()
    for file in found:
        if isinstance(file, NotChecked):
            yield file
            continue
        located = repositories.locate(str(file.path))
        # Of two repositories both may have the same names.
        name = located[1] if located is not None and located[1] not in paths else file.name
        paths[name] = file.path
        yield replace(file, name=name)


def _objects(tree: Tree) -> Iterator[GitObject]:
    by_object: dict[tuple[ObjectName, bool], list[Use]] = {}
    for use in tree.uses:
        by_object.setdefault((use.wanted_by, is_passed_on(use)), []).append(use)
    for (name, passed_on), uses in sorted(by_object.items(), key=lambda each: _order(*each[0])):
        fields = tuple(_fields(uses))
        pointers = [field.pointer for field in fields if field.pointer]
        open_because = next(filter(None, (_open(tree, use) for use in uses)), "")
        yield GitObject(
            group=name.group,
            kind=name.kind,
            namespace=name.namespace,
            name=name.name,
            place=_in_file(uses[0].spot.place),
            fields=fields,
            secrets=() if passed_on else tuple(sorted({secret for use in uses for secret in use.secrets})),
            passed_on=passed_on,
            open_because=open_because or (_TWICE if len(pointers) > len(set(pointers)) else ""),
        )


def _fields(uses: Sequence[Use]) -> Iterator[GitField]:
    """Yield the fields of an object, each once for each set of references that it has."""
    spots: dict[tuple[str, object], list[Use]] = {}
    for use in uses:
        one_by_one = (use.spot, use.reference) if use.is_whole else use.spot
        spots.setdefault((use.fills, one_by_one), []).append(use)
    told_already: set[tuple[str, str]] = set()
    for (pointer, _), of_field in spots.items():
        reference = told(use.reference for use in of_field)
        if (pointer, reference) not in told_already:
            told_already.add((pointer, reference))
            single = tuple(sorted({use.reference.shown for use in of_field}))
            place = _in_file(of_field[0].spot.place)
            yield GitField(pointer=pointer, reference=reference, references=single, place=place)


def _open(tree: Tree, use: Use) -> str:
    """Return why the cluster has another name or other fields than the file; empty if it has the same."""
    file = use.spot.place.file
    if tree.placing.is_of_kustomize(file):
        return _GENERATED
    if tree.placing.is_changed(file):
        return _CHANGED
    return "" if use.wanted_by.name or is_passed_on(use) else _NO_NAME


def _order(name: ObjectName, passed_on: bool) -> tuple[str, str, str, str, bool]:  # noqa: FBT001 - a part of the key
    return name.namespace, name.kind, name.group, name.name, passed_on


def _owners(sources: Sources, read: _Read, run: Run) -> CodeOwners | NotKnown | None:
    """Return whom CODEOWNERS names for the files with references: the manifests, if they are of the work tree.

    Manifests that were rendered elsewhere are in no repository. Then the work tree itself is read.
    """
    if sources.git is None:
        return _NO_OWNERS
    root = root_of(sources.git.resolve()) or sources.git.resolve()
    file = owned.code_owners_file(root)
    if file is None:
        return None
    names, not_read = _named(root, read), list[NotRead]()
    if not names:
        try:
            run.go_on()
        except Stopped as stopped:
            return NotKnown(not_known=stopped.reason)
        of_tree = _read([sources.git], sources.kinds, run)
        names, not_read = _named(root, of_tree), of_tree.not_read
    owners = owned.parsed(file)
    if isinstance(owners, NotChecked):
        return NotKnown(not_known=f"{owners.place}: {owners.reason}")
    return CodeOwners(
        file=file.relative_to(root).as_posix(),
        malformed=_malformed(file),
        files=tuple(OwnedFile(file=name, owned=owned.has_owner(owners, name)) for name in names),
        not_read=tuple(not_read),
    )


def _named(root: Path, read: _Read) -> list[str]:
    """Return the files with references that are in a work tree, by their names there."""
    told_by = {use.spot.place.file for use in read.tree.uses}
    paths = {read.paths.get(name, Path(name)).resolve() for name in told_by}
    return sorted(path.relative_to(root).as_posix() for path in paths if path.is_relative_to(root))


def _malformed(file: Path) -> tuple[int, ...]:
    content = files.read(files.File(file, file.as_posix()))
    try:
        return owned.without_owner(decode(content)) if isinstance(content, bytes) else ()
    except NotText:
        return ()  # told by whoever reads the patterns


def _in_file(place: Place) -> InFile:
    return InFile(file=place.file, line=place.line, column=place.column)
