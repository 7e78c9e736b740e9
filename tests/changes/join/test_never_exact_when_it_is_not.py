"""Random histories of repositories, and clients that apply them late: an exact commit is the one that it was.

The oracle knows what the join does not: which revision of which files a client had when it sent a request. It replays
all commits as plain dictionaries, without anything of Git, YAML or SQL.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from hypothesis import event, given, settings
from hypothesis import strategies as st

from changes.change import Certainty, Change, How
from changes.history.reading import read
from changes.index.index import Index
from changes.join.join import joined
from tests.changes.history.repositories import FIRST, MINUTE, Repository, kustomization, secret
from tests.changes.join.test_join import change

EXAMPLES = int(os.environ.get("KEYHOLE_HISTORIES") or 25)
REPOSITORIES = ("one", "two")
FOLDERS = ("apps", "overlays")
FILES = ("a.yaml", "b.yaml")
REFERENCES = tuple(f"vault:secret/{name}#password" for name in ("old", "new", "other"))
NAMESPACES = ("shop", "stage", "")
KUSTOMIZATIONS = ("", "namespace: shop", "namespace: stage", "namePrefix: x-")
_DEFAULT = "shop"

Name: TypeAlias = tuple[str, str]
"""A namespace and a name, in the cluster."""
Folder: TypeAlias = tuple[str, Mapping[str, tuple[str, str]]]
"""A kustomization, and of the object in each file the namespace and the reference, "" for none."""
Tree: TypeAlias = Mapping[str, Folder]


@dataclass(frozen=True)
class Write:
    """A commit: a file of a folder gets a reference, is removed or moves to the other name; or the kustomization."""

    repository: str
    folder: str
    what: str
    file: str
    namespace: str
    reference: str
    kustomization: str
    minutes: int


@dataclass(frozen=True)
class Apply:
    """A client applies a folder, or one file of it, at a revision that is so many commits old."""

    repository: str
    folder: str
    file: str
    behind: int


@dataclass
class Model:
    """One repository as it was at each commit, with the commits' times in minutes."""

    trees: list[Tree] = field(default_factory=list)
    times: list[int] = field(default_factory=list)

    def now(self) -> Tree:
        return self.trees[-1] if self.trees else {folder: ("", {}) for folder in FOLDERS}

    def built(self, revision: int, folder: str, file: str) -> Mapping[Name, str]:
        """Return the references of the objects that come of a folder, or of one file of it."""
        how, files = self.trees[revision][folder]
        found: dict[Name, str] = {}
        for each, (written, reference) in files.items():
            if file in {"", each}:
                namespace = how.removeprefix("namespace: ") if how.startswith("namespace") else written
                found[namespace or _DEFAULT, "x-db" if how.startswith("namePrefix") else "db"] = reference
        return found

    def wrote(self, revision: int, folder: str, file: str, name: Name) -> int:
        """Return the commit since which, without a break, what is applied has the reference of an object."""
        reference = self.built(revision, folder, file)[name]
        while revision and self.built(revision - 1, folder, file).get(name) == reference:
            revision -= 1
        return revision


def names(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


writes = st.builds(
    Write,
    names(*REPOSITORIES),
    names(*FOLDERS),
    names("write", "write", "write", "write", "remove", "move", "kustomization"),
    names(*FILES),
    names(*NAMESPACES),
    names(*REFERENCES, ""),
    names(*KUSTOMIZATIONS),
    st.integers(0, 3),
)
applies = st.builds(Apply, names(*REPOSITORIES), names(*FOLDERS), names("", *FILES), st.sampled_from([0, 0, 0, 1, 4]))
few_writes = st.builds(
    Write,
    names("one"),
    names("apps"),
    names("write"),
    names("a.yaml"),
    names("shop"),
    names(*REFERENCES, ""),
    names(""),
    st.integers(0, 3),
)
few_applies = st.builds(Apply, names("one"), names("apps"), names(""), st.sampled_from([0, 0, 0, 1]))


def written(tree: Tree, one: Write) -> Tree:
    """Return what a tree is after a commit."""
    how, before = tree[one.folder]
    files = dict(before)
    if one.what == "write":
        files[one.file] = one.namespace, one.reference
    elif one.what == "kustomization":
        how = one.kustomization
    elif one.file in files:
        moved = files.pop(one.file)
        if one.what == "move":
            files[FILES[1 - FILES.index(one.file)]] = moved
    return {**tree, one.folder: (how, files)}


def texts(tree: Tree) -> dict[str, str | None]:
    """Return the files of a tree; None for those that it has not."""
    found: dict[str, str | None] = {}
    for folder, (how, files) in tree.items():
        of_kustomization = kustomization(f"resources: [{', '.join(files)}]\n{how}\n") if how else None
        found[f"{folder}/kustomization.yaml"] = of_kustomization
        for file in FILES:
            one = files.get(file)
            found[f"{folder}/{file}"] = None if one is None else manifest(*one)
    return found


def manifest(namespace: str, reference: str) -> str:
    """Return the object with another field beside, which stays when the reference goes."""
    password = {"password": reference} if reference else {}
    return secret("db", namespace, user="vault:secret/user#name", **password)


@dataclass(frozen=True)
class Admission:
    """What the trail has of an admission, and what it has not: the commit that made it, by its number."""

    minutes: float
    name: Name
    before: str
    reference: str
    repository: str
    made: int

    def change(self) -> Change:
        """Return it as the trail has it."""
        namespace, name = self.name
        if not self.reference:
            return change(minutes=self.minutes, namespace=namespace, name=name, how=How.REMOVED, before=[self.before])
        return change(self.reference, minutes=self.minutes, namespace=namespace, name=name)


def check(steps: Sequence[Write | Apply]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        models = {name: Model() for name in REPOSITORIES}
        repositories = {name: Repository(Path(folder) / name) for name in REPOSITORIES}
        admissions = list(replayed(steps, models, repositories))
        index = Index(Path(folder) / "index")
        for name, each in repositories.items():
            if each.commits:
                read(index.database, each.folder, name)
        for one in admissions:
            told = joined(index.database, [one.change()])[0].fields[0].attribution
            event(str(told.certainty))
            if told.certainty is Certainty.EXACT:
                assert told.commit is not None
                made = repositories[one.repository].commits[one.made]
                assert (told.commit.repository, told.commit.id) == (one.repository, made)
            else:
                assert not is_plain(models, one), f"one file wrote it, once, and it is {told.certainty}: {told.why}"
        index.close()


def replayed(
    steps: Sequence[Write | Apply], models: Mapping[str, Model], repositories: Mapping[str, Repository]
) -> Iterator[Admission]:
    """Make the commits, and yield what clients change in the cluster meanwhile."""
    cluster: dict[Name, str] = {}
    minute = 0.0
    for step in steps:
        model = models[step.repository]
        if isinstance(step, Write):
            minute += step.minutes
            commit(model, repositories[step.repository], step, int(minute))
            continue
        minute += 0.25
        revision = len(model.trees) - 1 - step.behind
        built = model.built(revision, step.folder, step.file) if revision >= 0 else {}
        for name, reference in built.items():
            before = cluster.get(name, "")
            if before != reference:
                made = model.wrote(revision, step.folder, step.file, name)
                yield Admission(minute, name, before, reference, step.repository, made)
                cluster[name] = reference


def commit(model: Model, repository: Repository, step: Write, minute: int) -> None:
    before = texts(model.now()) if model.trees else {}
    model.trees.append(written(model.now(), step))
    model.times.append(minute)
    after = texts(model.now())
    differ = {file: text for file, text in after.items() if text != before.get(file)}
    repository.commit(differ, time=FIRST + minute * MINUTE)


def is_plain(models: Mapping[str, Model], one: Admission) -> bool:
    """Whether there is nothing to choose: one file in all that ever was has the object, by no kustomization's doing.

    And it got the reference once, and had it at that time.
    """
    places = {
        (repository, folder, file)
        for repository, model in models.items()
        for tree in model.trees
        for folder, (_, files) in tree.items()
        for file in files
    }
    if len(places) != 1:
        return False
    ((repository, folder, file),) = places
    model = models[repository]
    had = [tree[folder][1].get(file) == (one.name[0], one.reference) for tree in model.trees]
    since = [number for number, now in enumerate(had) if now and not (number and had[number - 1])]
    if not one.reference:
        return False
    is_bare = all(how == "" for tree in model.trees for how, _ in tree.values())
    then = max((number for number, time in enumerate(model.times) if time <= one.minutes), default=-1)
    return is_bare and len(since) == 1 and then >= 0 and had[then]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.one_of(writes, applies), min_size=4, max_size=24))
def test_an_exact_commit_is_the_one_that_it_was(steps: Sequence[Write | Apply]) -> None:
    check(steps)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.one_of(few_writes, few_applies), min_size=4, max_size=12))
def test_where_there_is_nothing_to_choose_a_commit_is_exact(steps: Sequence[Write | Apply]) -> None:
    check(steps)
