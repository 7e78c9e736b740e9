"""What only all files together tell: which namespaces use Keyhole, who applies them, who shares a path."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from manifests.annotations import DOMAIN, VARIABLES
from review.findings.finding import Finding, ObjectName
from review.findings.rule import Severity
from review.lint.catalogue import DRIFTS, NO_TENANT, PLAINTEXT, SHARED_PATH
from review.lint.objects import Manifest, named
from review.lint.uses import Spot, Use

_TRUE: Final = ("true", True)
_ENABLED: Final = f"{DOMAIN}/enabled"
_IN_PLACE: Final = "in place"  # manifests.fields.scan.Form, which most runs need not import
_DRIFTS: Final = "a reference stands in place of the value, and Argo CD shows this object as OutOfSync for ever"


@dataclass(slots=True)
class Tree:
    """Collects facts of manifests, one after another, and judges them in the end."""

    namespaces: dict[str, bool] = field(default_factory=dict)
    """Namespaces with a manifest, and whether they opted in."""
    labels: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """The labels of those namespaces. Values may be of any type, as files have them."""
    has_argocd: bool = False
    uses: list[Use] = field(default_factory=list)
    """Every reference of the tree that can be read."""
    unread: int = 0
    """How many places could not be read, when the judges are asked."""
    _with_references: set[ObjectName] = field(default_factory=set)

    def see(self, manifest: Manifest) -> None:
        """Take note of what an object says about the tree."""
        name = manifest.name
        if name.kind == "Namespace" and not name.group:
            self.labels[name.name] = {**self.labels.get(name.name, {}), **manifest.part("metadata", "labels")}
            enabled = manifest.part("metadata", "labels").get(_ENABLED) in _TRUE
            self.namespaces[name.name] = enabled or self.namespaces.get(name.name, False)
        elif name.group == "argoproj.io" and name.kind in {"Application", "ApplicationSet"}:
            self.has_argocd = True

    def refers(self, uses: Sequence[Use]) -> None:
        """Take note of the references of an object."""
        self.uses += uses
        self._with_references.update(use.wanted_by for use in uses)

    def judged(self, findings: list[Finding]) -> Iterator[Finding]:
        """Yield findings with the severity that they have in this tree, and what is wrong with the tree itself."""
        for finding in findings:
            is_worse = finding.rule is PLAINTEXT and self._uses_keyhole(finding.object)
            yield finding.told_as(Severity.ERROR) if is_worse else finding
        yield from self._without_label()
        if self.has_argocd:
            yield from self._drifting()
        yield from self._shared()

    def _uses_keyhole(self, name: ObjectName) -> bool:
        return self.namespaces.get(name.namespace, False) or name in self._with_references

    def _without_label(self) -> Iterator[Finding]:
        told: set[tuple[ObjectName, str]] = set()
        for use in self.uses:
            enabled = self.namespaces.get(use.namespace)
            if enabled is None:
                continue
            label = "" if enabled else _ENABLED
            if enabled and use.is_variable and self.labels[use.namespace].get(VARIABLES) not in _TRUE:
                label = VARIABLES
            if label and (use.wanted_by, label) not in told:
                told.add((use.wanted_by, label))
                message = f'namespace {use.namespace} has a manifest here, which lacks the label {label}: "true"'
                yield use.spot.finding(NO_TENANT, message)

    def _drifting(self) -> Iterator[Finding]:
        """Yield each field once that has references in place, in the order of the files."""
        # What a chart makes of its values, nobody knows here.
        in_place = (use for use in self.uses if use.form == _IN_PLACE and (use.is_variable or _is_secret(use)))
        for spot in dict.fromkeys(use.spot for use in in_place):
            yield spot.finding(DRIFTS, _DRIFTS)

    def _shared(self) -> Iterator[Finding]:
        paths: dict[tuple[str, str], dict[str, Spot]] = {}
        for use in self.uses:
            if use.namespace:
                users = paths.setdefault((use.reference.connection, use.reference.path), {})
                users.setdefault(use.namespace, use.spot)
        for (connection, path), users in paths.items():
            if len(users) > 1:
                others = ", ".join(sorted(users))
                message = f"{named(connection)}:{named(path)} is read in {len(users)} namespaces: {named(others)}"
                yield users[min(users)].finding(SHARED_PATH, message)


def _is_secret(use: Use) -> bool:
    return (use.wanted_by.group, use.wanted_by.kind) == ("", "Secret")
