"""The namespaces that use Keyhole, and their objects: metadata, records and who wrote what. No content."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from enforcer.facts.base import Facts, NotKnown


class FilledField(Facts):
    """A field that the record says came from Vault.

    `pointer` is its JSON Pointer. `reference` has its references as `manifests.following.followed.told` writes them.
    `versions` has the version that each path had then, by `CONNECTION:PATH`; None is KV v1, which keeps none. `pinned`
    has those of these names whose references all name a version, so that a newer one changes nothing.
    """

    pointer: str
    reference: str
    versions: dict[str, int | None]
    pinned: tuple[str, ...] = ()


class Writer(Facts):
    """Who wrote keys of an object, as `metadata.managedFields` says. `keys` are those of its `data`."""

    manager: str
    operation: str
    subresource: str = ""
    time: datetime | None = None
    keys: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()


class ClusterObject(Facts):
    """An object of a kind that Keyhole fills. `type` is that of a Secret, empty for other kinds.

    `record` says whether it has a record at all; `proof` whether the record was proved by an empty dry run. `unfilled`
    are references in its annotations that no entry of the record answers, by the pointer of their field. `wants` are
    all the references that its annotations have, by that pointer. `writers` are None where managedFields were stripped.
    """

    group: str
    kind: str
    namespace: str
    name: str
    uid: str
    type: str = ""
    record: bool = False
    proof: Literal["proved", "changed", "no record"] | NotKnown = "no record"
    fields: tuple[FilledField, ...] = ()
    wants: dict[str, str] = Field(default_factory=dict)
    unfilled: tuple[str, ...] = ()
    writers: tuple[Writer, ...] | None = None
    admitted: datetime | None = None


class Namespace(Facts):
    """A namespace with the label `keyhole.dev/enabled=true`, or with objects that refer to Vault without it."""

    name: str
    enabled: bool
    variables: bool
    objects: tuple[ClusterObject, ...] | NotKnown
    labels: dict[str, str] = Field(default_factory=dict)


class ClusterFacts(Facts):
    """What the API server has."""

    namespaces: tuple[Namespace, ...]
