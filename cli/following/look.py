"""One look at the cluster and at Vault: what `keyhole status` shows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from cli.errors import NotDoneError
from cli.following.own_vault import OwnVault
from cli.following.rows import Row, VaultSide, rows
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.metadata_pages import Oversized
from kube.objects import Metadata, ObjectName
from kube.secrets import Secrets
from manifests.following.standing import Standing, is_ours, standing
from manifests.kinds.secret import SECRET

_TIMEOUT_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at the Secrets of a namespace; "" stands for all. `tell` is given what people should know besides."""

    secrets: Secrets
    vault: OwnVault
    namespace: str
    tell: Callable[[str], None]

    def look(self) -> list[Row]:
        """Return a line for each reference, sorted. Raises `NotDoneError` when Secrets cannot be listed."""
        found = sorted(self._standings(), key=lambda each: (each[0].namespace, each[0].name))
        readings = [reading for _, one in found if one.follows for reading in one.readings if not reading.is_pinned]
        answers = self.vault.ask((reading.reference for reading in readings), self.tell)
        seen = VaultSide(datetime.now(UTC), answers, self.vault.intervals)
        return [row for name, one in found for row in rows(name, one, seen)]

    def _standings(self) -> Iterator[tuple[ObjectName, Standing]]:
        for found in listed(self.secrets, self.namespace):
            if isinstance(found, Oversized):
                self.tell(f"note: {found.name or 'a Secret'} has too much metadata and was not read")
            else:
                yield found.name, standing(SECRET, found.annotations, found.labels)


def listed(secrets: Secrets, namespace: str) -> Iterator[Metadata | Oversized]:
    """Yield the metadata of the Secrets that Keyhole fills or should have filled. Raises `NotDoneError`."""
    try:
        for found in secrets.list_metadata(namespace, "", _TIMEOUT_SECONDS):
            if isinstance(found, Oversized) or (not found.is_going and is_ours(found.annotations, found.labels)):
                yield found
    except KubernetesUnavailable as error:
        raise NotDoneError(str(error)) from None
    except KubernetesError as error:
        where = f"namespace {namespace}" if namespace else "all namespaces; one of them: -n NAMESPACE"
        advice = f". You need `list` on Secrets in {where}" if error.status == HTTPStatus.FORBIDDEN else ""
        raise NotDoneError(f"{error}{advice}") from None
