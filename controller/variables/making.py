"""Brings about one generated Secret: makes it, gives it owners, puts it right.

| the Secret                        | what happens                                        |
|-----------------------------------|-----------------------------------------------------|
| is not there                      | it is made, with its owners                         |
| is there, without Keyhole's label | it is somebody else's: told, and never adopted      |
| asks for something else           | its annotations are put right                       |
| lacks an owner                    | the owner is added                                  |
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from controller.variables.need import corrections, reference
from controller.variables.owner_lookup import OwnerLookup
from kube.errors import Conflict
from kube.objects import Metadata
from kube.tenant_clients import TenantApi
from kube.variables.generated_secrets import GeneratedSecrets
from manifests.annotations import GENERATED
from manifests.variables.generated import GeneratedSecret
from manifests.variables.owners import OwnerReference, PodFacts, merged

_CALL_SECONDS: Final = 10.0
_MOST_CONFLICTS: Final = 3

Key = tuple[str, str]


class Ending(StrEnum):
    """What was done."""

    MADE = "made"
    OWNED = "owned"
    """It has further owners."""
    RESTORED = "restored"
    """Somebody had edited its annotations."""
    UNCHANGED = "unchanged"
    FOREIGN = "foreign"
    """There is another Secret of that name."""
    OWNERLESS = "ownerless"
    """What owns the pods is gone or going, so the pods go too."""


@dataclass(frozen=True, slots=True)
class Made:
    """What was done, the Secret as it is now, and the keys of the pods whose owner owns it."""

    ending: Ending
    secret: Metadata | None
    keys: Sequence[Key]


class Making:
    """Makes Secrets for tenants. Threads may share it."""

    def __init__(self, lookup: OwnerLookup) -> None:
        self._lookup = lookup

    def bring_about(
        self,
        tenant: TenantApi,
        wanted: GeneratedSecret,
        pods: Collection[PodFacts],
        go_on: Callable[[], None],
        *,
        is_expected: bool,
    ) -> Made:
        """Make the Secret be as it should be for these pods.

        `is_expected` says that it is probably there, so that it is read before it is made. Raises the errors of `kube`,
        `kube.variables.generated_secrets.Refused`, and what `go_on` raises before each change.
        """
        secrets = GeneratedSecrets(tenant, GENERATED)
        owners = self._lookup.owners(tenant, pods)
        for _ in range(_MOST_CONFLICTS):
            present = secrets.read(wanted.name, _CALL_SECONDS) if is_expected else None
            go_on()
            try:
                return _step(secrets, wanted, present, owners)
            except Conflict:
                # It is there after all, or somebody else was faster.
                is_expected = True
        raise Conflict(f"making Secret {tenant.namespace}/{wanted.name}", 409)


def _step(
    secrets: GeneratedSecrets, wanted: GeneratedSecret, present: Metadata | None, owners: dict[Key, OwnerReference]
) -> Made:
    if present is None:
        first = merged((), owners.values())
        if first is None:
            return Made(Ending.OWNERLESS, None, ())
        documents = [each.document() for each in first]
        return Made(Ending.MADE, secrets.make(wanted.name, wanted.annotations, documents, _CALL_SECONDS), list(owners))
    if present.labels.get(GENERATED) != "true":
        return Made(Ending.FOREIGN, present, ())
    if present.is_going:
        # It is gone in a moment, and then made anew.
        raise Conflict(f"changing Secret {present.name}", 409)
    corrected = corrections(present.annotations, wanted.annotations)
    further = _further(present, owners)
    if not corrected and not further:
        return Made(Ending.UNCHANGED, present, list(owners))
    changed = secrets.change(present, corrected, [each.document() for each in further], _CALL_SECONDS)
    return Made(Ending.RESTORED if corrected else Ending.OWNED, changed, list(owners))


def _further(present: Metadata, owners: dict[Key, OwnerReference]) -> Sequence[OwnerReference]:
    before = [reference(each) for each in present.owners]
    uids = {each.uid for each in before}
    return [each for each in merged(before, owners.values()) or () if each.uid not in uids]
