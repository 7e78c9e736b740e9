"""git-is-cluster: what is filled in the cluster is what Git refers to, and nothing else."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from pydantic import Field

from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterFacts, ClusterObject
from enforcer.facts.git import GitFacts, GitObject, InFile
from enforcer.facts.inventory import Inventory
from enforcer.facts.workloads import Workload, WorkloadFacts
from enforcer.judging.answers import Answer, Held, NotChecked, found, section_not_known
from enforcer.judging.standard import Parameters, Standard
from manifests.variables.names import is_ours
from review.findings.finding import Finding, ObjectName
from review.findings.rule import Rule, Severity
from review.sources.text import Place

_Key: TypeAlias = tuple[str, str, str, str]

_NO_NAMESPACE: Final = "no file says in which namespace it will be"
RULE: Final = Rule(
    "git-is-cluster",
    "git-is-cluster",
    Severity.ERROR,
    "The cluster has other references than Git, or objects that Git does not have.",
    "What is not in Git was reviewed by nobody, and is lost when the cluster is built again.",
    "Put the object into Git, or take it out of the cluster; apply what Git has.",
)


class GitIsCluster(Parameters):
    """What the standards file may set."""

    not_in_git: tuple[str, ...] = Field(
        default=(), description="Namespaces, with * for any text, whose manifests are not among those that are given."
    )


def judge(inventory: Inventory, parameters: GitIsCluster) -> Iterator[Answer]:
    """Compare each object that was filled, and each workload with variables, with what files have.

    Secrets behind variables are not in Git. Their names are made of what fills them, so they are right if the workload
    names the same ones in Git and in the cluster; those of its older revisions are nobody's to review.
    """
    git, cluster = inventory.git, inventory.cluster
    if isinstance(git, NotKnown):
        yield section_not_known("git", git)
        return
    if isinstance(cluster, NotKnown):
        yield section_not_known("cluster", cluster)
        return
    if isinstance(git.objects, NotKnown):
        yield section_not_known("git", git.objects)
        return
    yield from _Comparison(git, git.objects, cluster, inventory.workloads, parameters.not_in_git).answers()


STANDARD: Final = Standard(
    RULE, GitIsCluster, judge, "What is filled in the cluster is what Git refers to, and nothing else."
)


@dataclass(slots=True)
class _Comparison:
    git: GitFacts
    objects: Sequence[GitObject]
    cluster: ClusterFacts
    workloads: WorkloadFacts | NotKnown
    not_in_git: Sequence[str]
    by_key: dict[_Key, GitObject] = field(default_factory=dict)
    passed_on: dict[str, set[str]] = field(default_factory=dict)
    """What others make objects of: the references by the namespace, empty if that is open."""
    seen: set[_Key] = field(default_factory=set)
    unknown: dict[str, str] = field(default_factory=dict)
    """Namespaces whose objects are not known, and why."""
    unread: dict[ObjectName, str] = field(default_factory=dict)
    """Objects of which nothing is known, without a name all of a kind, and why."""
    generated: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """By namespace and name of a Secret behind variables, its references."""

    def __post_init__(self) -> None:
        for one in self.objects:
            if one.passed_on:
                told = {reference for each in one.fields for reference in each.references}
                self.passed_on.setdefault(one.namespace, set()).update(told)
            else:
                self.by_key[one.group, one.kind, one.namespace, one.name] = one

    def answers(self) -> Iterator[Answer]:
        for namespace in sorted(self.cluster.namespaces, key=lambda one: one.name):
            if self._is_covered(namespace.name):
                if isinstance(namespace.objects, NotKnown):
                    self.unknown[namespace.name] = namespace.objects.not_known
                    about = ObjectName("", "Namespace", "", namespace.name)
                    yield NotChecked(about, namespace.objects.not_known)
                    continue
                for unread in namespace.unread:
                    about = ObjectName(unread.group, unread.kind, namespace.name, unread.name)
                    self.unread[about] = unread.not_known
                    yield NotChecked(about, unread.not_known)
                for one in sorted(namespace.objects, key=lambda each: (each.kind, each.group, each.name)):
                    yield from self._object(one)
        yield from self._with_variables()
        for key, of_git in sorted(self.by_key.items()):
            if key not in self.seen and self._is_covered(of_git.namespace):
                yield self._missing(of_git)

    def _is_covered(self, namespace: str) -> bool:
        return not any(fnmatchcase(namespace, pattern) for pattern in self.not_in_git)

    def _object(self, one: ClusterObject) -> Iterator[Answer]:
        references = [each.reference for each in one.fields]
        if one.kind == "Secret" and not one.group and is_ours(one.name):
            self.generated[one.namespace, one.name] = references
            return
        about = ObjectName(one.group, one.kind, one.namespace, one.name)
        if not one.record and (one.group, one.kind, one.namespace, one.name) not in self.by_key:
            return  # nothing of Vault is in it
        of_git, why_not = self._find(about, references)
        if why_not is not None:
            yield why_not
        elif of_git is not None:
            differences: Sequence[Answer] = [*_differences(one, of_git, about)]
            yield from differences or _alike(one, about)

    def _find(self, about: ObjectName, references: Iterable[str]) -> tuple[GitObject | None, Answer | None]:
        """Return what Git has of an object that it should have, or the answer if it cannot be compared."""
        of_git = self.by_key.get((about.group, about.kind, about.namespace, about.name))
        if of_git is not None:
            self.seen.add((about.group, about.kind, about.namespace, about.name))
            if of_git.open_because:
                return None, NotChecked(about, f"{_at(of_git.place)}: {of_git.open_because}")
            return of_git, None
        anywhere = (about.group, about.kind, "", about.name)
        if anywhere in self.by_key:
            self.seen.add(anywhere)
            return None, NotChecked(about, f"{_at(self.by_key[anywhere].place)}: {_NO_NAMESPACE}")
        single = {part for reference in references for part in reference.split(", ")}
        if single and all(self._is_passed_on(about.namespace, part) for part in single):
            return None, Held(about)
        if self.git.not_read:
            first, count = self.git.not_read[0], len(self.git.not_read)
            reason = f"no file that was read has it, but {count} could not be read, first {_at(first.place)}"
            return None, NotChecked(about, f"{reason}: {first.reason}")
        has_any = about.namespace in self.git.namespaces
        hint = "" if has_any else f", nor anything else of namespace {about.namespace}"
        return None, found(RULE, about, f"Git does not have this object{hint}: its references were reviewed by nobody")

    def _is_passed_on(self, namespace: str, reference: str) -> bool:
        """Whether a file has a reference, or the whole secret, in what others make objects of in a namespace."""
        known = (self.passed_on.get(each, frozenset[str]()) for each in (namespace, ""))
        whole = reference if " | " in reference else reference.partition("#")[0]
        return any(each in of_namespace for of_namespace in known for each in (reference, whole))

    def _with_variables(self) -> Iterator[Answer]:
        wanted = {key: one for key, one in self.by_key.items() if one.secrets}
        known = self.workloads if isinstance(self.workloads, NotKnown) else self.workloads.workloads
        if isinstance(known, NotKnown):
            for key, wanting in sorted(wanted.items()):
                self.seen.add(key)
                if self._is_covered(wanting.namespace):
                    reason = f"the workloads of the cluster are not known: {known.not_known}"
                    yield NotChecked(_name(wanting), reason)
            return
        enabled = {each.name for each in self.cluster.namespaces if each.enabled}
        for one in sorted(known, key=lambda each: (each.namespace, each.kind, each.group, each.name)):
            if one.secrets and one.namespace in enabled and self._is_covered(one.namespace):
                yield self._workload(one)

    def _workload(self, one: Workload) -> Answer:
        about = ObjectName(one.group, one.kind, one.namespace, one.name)
        references = [each for name in one.secrets for each in self.generated.get((one.namespace, name), ())]
        of_git, why_not = self._find(about, references)
        if of_git is None:
            return why_not or Held(about)
        if set(of_git.secrets) == set(one.secrets):
            return Held(about)
        message = "the references of its variables in the cluster are others than those in Git"
        return found(RULE, about, message, pointer="variables", place=_place(of_git.place))

    def _missing(self, one: GitObject) -> Answer:
        about = _name(one)
        if not one.namespace:
            return NotChecked(about, f"{_at(one.place)}: {_NO_NAMESPACE}")
        if one.open_because:
            return NotChecked(about, f"{_at(one.place)}: {one.open_because}")
        for unread in (about, replace(about, name="")):
            if unread in self.unread:
                return NotChecked(about, self.unread[unread])
        if one.namespace in self.unknown:
            return NotChecked(about, self.unknown[one.namespace])
        is_tenant = any(each.name == one.namespace and each.enabled for each in self.cluster.namespaces)
        where = "" if is_tenant else f"; namespace {one.namespace} does not use Keyhole"
        message = f"Git has this object with references, and the cluster has none that was filled{where}"
        return found(RULE, about, message, pointer="missing", place=_place(one.place)).told_as(Severity.WARNING)


def _alike(one: ClusterObject, about: ObjectName) -> Iterator[Answer]:
    """Yield what becomes of an object whose record says what Git says: it may still be a record that proves nothing."""
    if isinstance(one.proof, NotKnown):
        yield NotChecked(about, f"its record says what Git says, and is not proved: {one.proof.not_known}")
    elif one.unproved:
        yield NotChecked(about, "its record is not proved, so where its values are from is not known")
    elif one.record:
        yield Held(about)


def _differences(one: ClusterObject, of_git: GitObject, about: ObjectName) -> Iterator[Finding]:
    recorded = {each.pointer: each.reference for each in one.fields}
    named = {each.pointer: each for each in of_git.fields if each.pointer}
    whole = {each.reference for each in of_git.fields if not each.pointer}
    if one.group and sorted(recorded.values()) == sorted(each.reference for each in named.values()):
        return  # of a custom resource the file may be in another version, which has the same fields elsewhere
    for pointer, reference in sorted(recorded.items()):
        if not {pointer, ""}.isdisjoint(one.unproved):
            continue  # nothing is known of where its value is from, which records-proved tells
        wanted = named.get(pointer)
        if wanted is None:
            # Whole secrets fill each field from one reference without functions.
            if reference.partition("#")[0] not in whole or " | " in reference or ", " in reference:
                message = f"{pointer} is filled from {reference}, and Git has no reference for it"
                yield found(RULE, about, message, pointer=pointer, place=_place(of_git.place))
        elif wanted.reference != reference:
            message = f"{pointer} is filled from {reference}, and Git has {wanted.reference}"
            yield found(RULE, about, message, pointer=pointer, place=_place(wanted.place))
    for pointer in sorted(named.keys() - recorded.keys()):
        # What the cluster's object asks for and does not have, nothing-unresolved tells.
        if pointer not in one.unfilled:
            message = f"Git has {named[pointer].reference} for {pointer}, and nothing is filled there"
            yield found(RULE, about, message, pointer=pointer, place=_place(named[pointer].place))


def _name(one: GitObject) -> ObjectName:
    return ObjectName(one.group, one.kind, one.namespace, one.name)


def _at(place: InFile) -> str:
    return f"{place.file}:{place.line}"


def _place(place: InFile) -> Place:
    return Place(place.file, place.line, place.column, place.line, place.column)
