"""Lists a namespace's managed objects in bounded memory.

Whoever may write objects may label them, and write 256 KiB of annotations on each: hundreds of them would be as much
memory as the controller has. So only Keyhole's own annotations are kept, and of those only so much a namespace.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from controller.following.unlisted import Unlisted
from controller.managed import Managed
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.metadata_pages import Oversized
from kube.objects_of import resource_of
from kube.tenant_clients import TenantApi
from manifests import annotations
from manifests.kinds.codec import Codec
from manifests.provenance import record

MOST_CHARACTERS: Final = 16 * 1024 * 1024
"""How much of a namespace's annotations is kept. A record has a few hundred characters a field."""
_CALL_SECONDS: Final = 10.0
_KEPT: Final = (annotations.RECORD, annotations.FOLLOW, annotations.PROBLEM, annotations.RESTART)


def managed_objects(
    tenant: TenantApi, kinds: Iterable[Codec], unlisted: Unlisted, go_on: Callable[[], None]
) -> Iterator[Managed]:
    """Yield the managed objects that are not being deleted, with the annotations that the loop needs.

    Those beyond `MOST_CHARACTERS` come without annotations. A kind that cannot be listed, other than Secrets, keeps no
    other one back: `unlisted` is told of it. Raises the errors of `kube`, and what `go_on` raises.
    """
    left = MOST_CHARACTERS
    selector = f"{annotations.MANAGED}=true"
    for codec in kinds:
        if not unlisted.may_list(codec):
            continue
        try:
            objects = tenant.of(resource_of(codec))
            for found in objects.list_metadata(tenant.namespace, selector, _CALL_SECONDS, go_on):
                if isinstance(found, Oversized) or found.is_going:
                    continue
                kept = {name: found.annotations[name] for name in _KEPT if name in found.annotations}
                left -= sum(map(len, kept.values()))
                yield Managed(codec, replace(found, annotations=kept if left >= 0 else {}, labels={}, owners=()))
        except (KubernetesError, KubernetesUnavailable) as error:
            if not codec.is_listed:
                raise
            unlisted.failed(codec, tenant.namespace, error)
        else:
            unlisted.listed(codec, tenant.namespace)


def without_fields(managed: Managed, changes: int) -> Managed:
    """Return the object with a record of which only the counter is left, which is all that restarts need."""
    notes = managed.metadata.annotations
    if annotations.RECORD not in notes:
        return managed
    short = {**notes, annotations.RECORD: record.dump("", {}, changes)}
    return replace(managed, metadata=replace(managed.metadata, annotations=short))
