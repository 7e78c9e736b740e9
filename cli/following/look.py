"""One look at the cluster and at Vault: what `keyhole status` shows."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from cli.errors import NotDoneError
from cli.following.made_for import made_for
from cli.following.own_vault import OwnVault
from cli.following.rows import Row, VaultSide, rows
from controller.managed import Managed
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.metadata_pages import Oversized
from kube.objects_of import ObjectsOf
from manifests.annotations import GENERATED
from manifests.following.standing import is_ours, standing
from manifests.kinds.codec import Codec
from manifests.kinds.secret import SECRET

_TIMEOUT_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at the objects of some kinds in a namespace; "" stands for all. `tell` is given what people should know.

    `objects_of` returns the objects of a kind.
    """

    objects_of: Callable[[Codec], ObjectsOf]
    kinds: Iterable[Codec]
    vault: OwnVault
    namespace: str
    tell: Callable[[str], None]

    def look(self) -> list[Row]:
        """Return a line for each reference, sorted. Raises `NotDoneError` when Secrets cannot be listed."""
        found = sorted(listed(self.objects_of, self.kinds, self.namespace, self.tell), key=_order)
        standings = [(each, standing(each.codec, each.metadata.annotations, each.metadata.labels)) for each in found]
        readings = [reading for _, one in standings if one.follows for reading in one.readings if not reading.is_pinned]
        answers = self.vault.ask((reading.reference for reading in readings), self.tell)
        seen = VaultSide(datetime.now(UTC), answers, self.vault.intervals)
        return [row for each, one in standings for row in rows(each.name, one, seen, each.codec, _made_for(each))]


def listed(
    objects_of: Callable[[Codec], ObjectsOf], kinds: Iterable[Codec], namespace: str, tell: Callable[[str], None]
) -> Iterator[Managed]:
    """Yield the objects that Keyhole fills or should have filled, without their content. Raises `NotDoneError`.

    `tell` is told of those that cannot be read. A kind other than Secrets that cannot be listed is left out.
    """
    for codec in kinds:
        try:
            for found in objects_of(codec).list_metadata(namespace, "", _TIMEOUT_SECONDS):
                if isinstance(found, Oversized):
                    tell(f"note: {found.name or f'a {codec.kind}'} has too much metadata and was not read")
                elif not found.is_going and is_ours(found.annotations, found.labels):
                    yield Managed(codec, found)
        except KubernetesUnavailable as error:
            raise NotDoneError(str(error)) from None
        except KubernetesError as error:
            where = f"namespace {namespace}" if namespace else "all namespaces; one of them: -n NAMESPACE"
            advice = f". You need `list` on {codec.resource} in {where}" if error.status == HTTPStatus.FORBIDDEN else ""
            if not codec.is_listed:
                raise NotDoneError(f"{error}{advice}") from None
            tell(f"note: {error}{advice}")


def _order(managed: Managed) -> tuple[str, str, str]:
    return managed.name.namespace, managed.name.name, managed.codec.kind


def _made_for(managed: Managed) -> str:
    is_generated = managed.codec is SECRET and managed.metadata.labels.get(GENERATED) == "true"
    return made_for(managed.metadata.owners) if is_generated else ""
