"""What only all files together tell: which namespaces use Keyhole, who applies them, who shares a path."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from manifests.annotations import DOMAIN
from review.findings.finding import Finding, ObjectName
from review.findings.rule import Rule, Severity
from review.lint.catalogue import DRIFTS, NO_TENANT, PLAINTEXT, SHARED_PATH
from review.lint.objects import Manifest, named
from review.sources.text import Place

_ENABLED: Final = f"{DOMAIN}/enabled"
_DRIFTS: Final = "a reference stands in place of the value, and Argo CD shows this object as OutOfSync for ever"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an object's first reference stands."""

    object: ObjectName
    place: Place
    pointer: str

    def finding(self, rule: Rule, message: str) -> Finding:
        """Return a finding there."""
        return Finding(rule, self.place, message, self.object, self.pointer, rule.severity)


@dataclass(slots=True)
class Tree:
    """Collects facts of manifests, one after another, and judges them in the end."""

    namespaces: dict[str, bool] = field(default_factory=dict)
    """Namespaces with a manifest, and whether they opted in."""
    has_argocd: bool = False
    _with_references: set[ObjectName] = field(default_factory=set)
    _first: list[Spot] = field(default_factory=list)
    _in_place: list[Spot] = field(default_factory=list)
    _paths: dict[tuple[str, str], dict[str, Spot]] = field(default_factory=dict)

    def see(self, manifest: Manifest) -> None:
        """Take note of what an object says about the tree."""
        name = manifest.name
        if name.kind == "Namespace" and not name.group:
            enabled = manifest.part("metadata", "labels").get(_ENABLED) in ("true", True)
            self.namespaces[name.name] = enabled or self.namespaces.get(name.name, False)
        elif name.group == "argoproj.io" and name.kind in {"Application", "ApplicationSet"}:
            self.has_argocd = True

    def refers(self, spot: Spot, paths: Iterable[tuple[str, str]], *, in_place: bool) -> None:
        """Take note that an object has references: where the first one stands, and to which paths they lead."""
        self._with_references.add(spot.object)
        self._first.append(spot)
        if in_place:
            self._in_place.append(spot)
        namespace = spot.object.namespace
        for path in paths if namespace else ():
            self._paths.setdefault(path, {}).setdefault(namespace, spot)

    def judged(self, findings: list[Finding]) -> Iterator[Finding]:
        """Yield findings with the severity that they have in this tree, and what is wrong with the tree itself."""
        for finding in findings:
            is_worse = finding.rule is PLAINTEXT and self._uses_keyhole(finding.object)
            yield finding.told_as(Severity.ERROR) if is_worse else finding
        yield from self._without_label()
        if self.has_argocd:
            yield from (spot.finding(DRIFTS, _DRIFTS) for spot in self._in_place)
        yield from self._shared()

    def _uses_keyhole(self, name: ObjectName) -> bool:
        return self.namespaces.get(name.namespace, False) or name in self._with_references

    def _without_label(self) -> Iterator[Finding]:
        for spot in self._first:
            namespace = spot.object.namespace
            if self.namespaces.get(namespace) is False:
                message = f'namespace {namespace} has a manifest here, which lacks the label {_ENABLED}: "true"'
                yield spot.finding(NO_TENANT, message)

    def _shared(self) -> Iterator[Finding]:
        for (connection, path), users in self._paths.items():
            if len(users) > 1:
                others = ", ".join(sorted(users))
                message = f"{named(connection)}:{named(path)} is read in {len(users)} namespaces: {named(others)}"
                yield users[min(users)].finding(SHARED_PATH, message)
