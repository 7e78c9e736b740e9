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

    `record` says whether it has a record at all; `proof` whether a dry run that changes no field proved it, and
    `unproved` are the pointers of the entries that it did not prove. `wants` are all the references that its
    annotations have, by the pointer of their field; the whole secrets that it takes stand under an empty one, and a
    field that is rendered from another key has that key behind `key:`. `unfilled` are the pointers of those that no
    entry of the record is about. `malformed` are names of annotations that cannot be read, `unknown` those of Keyhole's
    domain that mean nothing to it.

    `writers` are None where managedFields were stripped, and have Keyhole's own annotations only. `keys` is how many
    keys a Secret has, whoever wrote them; None for other kinds. `created` is when the object was made, `admitted` when
    its record was written last, as far as that is known.
    """

    group: str
    kind: str
    namespace: str
    name: str
    uid: str
    type: str = ""
    record: bool = False
    proof: Literal["proved", "changed", "no record"] | NotKnown = "no record"
    unproved: tuple[str, ...] = ()
    fields: tuple[FilledField, ...] = ()
    wants: dict[str, str] = Field(default_factory=dict)
    unfilled: tuple[str, ...] = ()
    malformed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    keys: int | None = None
    writers: tuple[Writer, ...] | None = None
    created: datetime | None = None
    admitted: datetime | None = None


class Unread(Facts):
    """Objects of which nothing is known, and why. Without a name they are all objects of that kind.

    Nothing may be concluded from their absence in `Namespace.objects`.
    """

    group: str
    kind: str
    name: str = ""
    not_known: str


class Namespace(Facts):
    """A namespace with the label `keyhole.dev/enabled=true`, which is `enabled`.

    One without it is there if it has objects that refer to Vault, and then with these only; or if it may have some and
    could not be looked at. That is so of namespaces that still have the tenant's bundle; into others the Enforcer has
    no right to look.
    """

    name: str
    enabled: bool
    variables: bool
    objects: tuple[ClusterObject, ...] | NotKnown
    unread: tuple[Unread, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)


class ClusterFacts(Facts):
    """What the API server has."""

    namespaces: tuple[Namespace, ...]
