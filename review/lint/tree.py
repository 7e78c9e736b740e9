"""What only all files together tell: which namespaces use Keyhole, who applies them, who shares a path."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from manifests.annotations import DOMAIN, VARIABLES
from review.findings.finding import Finding, ObjectName
from review.findings.rule import Severity
from review.lint.argocd import ArgoCd
from review.lint.catalogue import NO_TENANT, PLAINTEXT, SHARED_PATH
from review.lint.flux import Flux
from review.lint.objects import Manifest, named
from review.lint.origins.placing import Placing
from review.lint.uses import Spot, Use

_TRUE: Final = ("true", True)
_ENABLED: Final = f"{DOMAIN}/enabled"


@dataclass(slots=True)
class Tree:
    """Collects facts of manifests, one after another, and judges them in the end."""

    namespaces: dict[str, bool] = field(default_factory=dict)
    """Namespaces with a manifest, and whether they opted in."""
    labels: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """The labels of those namespaces. Values may be of any type, as files have them."""
    argocd: ArgoCd = field(default_factory=ArgoCd)
    flux: Flux = field(default_factory=Flux)
    placing: Placing = field(default_factory=Placing)
    uses: list[Use] = field(default_factory=list)
    """Every reference of the tree that can be read."""
    unread: int = 0
    """How many places could not be read, when the judges are asked."""
    _with_references: set[ObjectName] = field(default_factory=set)

    def see(self, manifest: Manifest) -> None:
        """Take note of what an object says about the tree."""
        self.argocd.see(manifest)
        self.placing.see(manifest)
        self.flux.see(manifest)
        name = manifest.name
        if name.kind == "Namespace" and not name.group:
            self.labels[name.name] = {**self.labels.get(name.name, {}), **manifest.part("metadata", "labels")}
            enabled = manifest.part("metadata", "labels").get(_ENABLED) in _TRUE
            self.namespaces[name.name] = enabled or self.namespaces.get(name.name, False)

    def refers(self, uses: Sequence[Use]) -> None:
        """Take note of the references of an object."""
        self.uses += uses
        self._with_references.update(name for use in uses for name in (use.wanted_by, use.spot.object))

    def settle(self) -> None:
        """Give references without a namespace those that the tree puts their files into."""
        settled: list[Use] = []
        for use in self.uses:
            places = self.placing.namespaces_of(use.spot.place.file) if not use.namespace else ()
            settled += [use.in_namespace(each) for each in sorted(places)] if places else [use]
        self.uses = settled
        self._with_references.update(use.wanted_by for use in settled)

    def judged(self, findings: list[Finding]) -> Iterator[Finding]:
        """Yield findings with the severity that they have in this tree, and what is wrong with the tree itself."""
        for finding in findings:
            is_worse = finding.rule is PLAINTEXT and self._uses_keyhole(finding)
            yield finding.told_as(Severity.ERROR) if is_worse else finding
        yield from self._without_label()
        yield from self.argocd.findings(self.uses)
        yield from self._shared()

    def _uses_keyhole(self, finding: Finding) -> bool:
        name = finding.object
        places = [name.namespace] if name.namespace else self.placing.namespaces_of(finding.place.file)
        return any(self.namespaces.get(each, False) for each in places) or name in self._with_references

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
