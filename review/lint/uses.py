"""The references of a tree, one by one: where each stands, and which object takes its value."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from review.findings.finding import Finding, ObjectName
from review.findings.rule import Rule
from review.sources.text import Place

if TYPE_CHECKING:
    # Most trees have files without any reference, and a start must be quick.
    from manifests.fields.scan import Form
    from resolver.references.reference import Reference


@dataclass(frozen=True, slots=True)
class Spot:
    """A field in an object of the tree. `pointer` is its JSON Pointer (RFC 6901) there."""

    object: ObjectName
    place: Place
    pointer: str

    def finding(self, rule: Rule, message: str) -> Finding:
        """Return a finding there."""
        return Finding(rule, self.place, message, self.object, self.pointer, rule.severity)


@dataclass(frozen=True, slots=True)
class Use:
    """One reference of one field. A field with several references has as many uses, all at its spot.

    `reference.field` is empty for a whole secret (`keyhole.dev/from`, `keyhole.dev/env-from`): all fields are taken.
    `wanted_by` is the object that admission fills. It differs from `spot.object` where the one stands within the other,
    as a Secret in a `HelmRelease`.
    """

    spot: Spot
    form: "Form"
    reference: "Reference"
    wanted_by: ObjectName
    is_variable: bool = False
    """Whether it is a variable of a workload, which the namespace has to allow by a label of its own."""
    drifts: bool = False
    """Whether the cluster has something else in a field that Git has too, which Argo CD's own diff shows for ever."""
    fills: str = ""
    """The JSON Pointer of the field that is filled, in the object as the cluster has it; of a variable, in its Secret.

    Empty for a whole secret, and where others make objects of the one that refers.
    """
    secrets: tuple[str, ...] = ()
    """Of a variable: the names of the Secrets that Keyhole makes for the workload, by the workload's name here."""

    @property
    def is_whole(self) -> bool:
        """Whether all fields of the secret are taken."""
        return not self.reference.field

    @property
    def namespace(self) -> str:
        """The namespace as whose identity Vault is asked; empty if no file says it."""
        return self.wanted_by.namespace

    def in_namespace(self, namespace: str) -> "Use":
        """Return the same use by an object in a namespace."""
        return replace(self, wanted_by=replace(self.wanted_by, namespace=namespace)) if namespace else self
