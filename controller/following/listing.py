"""Lists a namespace's managed Secrets in bounded memory.

Whoever may write Secrets may label them, and write 256 KiB of annotations on each: hundreds of them would be as much
memory as the controller has. So only Keyhole's own annotations are kept, and of those only so much a namespace.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from kube.metadata_pages import Oversized
from kube.objects import Metadata
from kube.tenant_clients import TenantApi
from manifests import annotations
from manifests.provenance import record

MOST_CHARACTERS: Final = 16 * 1024 * 1024
"""How much of a namespace's annotations is kept. A record has a few hundred characters a field."""
_CALL_SECONDS: Final = 10.0
_KEPT: Final = (annotations.RECORD, annotations.FOLLOW, annotations.PROBLEM, annotations.RESTART)


def managed_secrets(tenant: TenantApi, go_on: Callable[[], None]) -> Iterator[Metadata]:
    """Yield the metadata of the managed Secrets that are not being deleted, with the annotations that the loop needs.

    Those beyond `MOST_CHARACTERS` come without annotations. Raises the errors of `kube`, and what `go_on` raises.
    """
    left = MOST_CHARACTERS
    selector = f"{annotations.MANAGED}=true"
    for found in tenant.secrets.list_metadata(tenant.namespace, selector, _CALL_SECONDS, go_on):
        if isinstance(found, Oversized) or found.is_going:
            continue
        kept = {name: found.annotations[name] for name in _KEPT if name in found.annotations}
        left -= sum(map(len, kept.values()))
        yield replace(found, annotations=kept if left >= 0 else {}, labels={}, owners=())


def without_fields(metadata: Metadata, changes: int) -> Metadata:
    """Return the metadata with a record of which only the counter is left, which is all that restarts need."""
    if annotations.RECORD not in metadata.annotations:
        return metadata
    notes = {**metadata.annotations, annotations.RECORD: record.dump("", {}, changes)}
    return replace(metadata, annotations=notes)
