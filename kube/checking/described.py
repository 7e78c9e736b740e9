"""Objects without their content, and what else can be known of them: types of Secrets, and who wrote what.

Sources: Kubernetes, *API Concepts*: "Metadata only", and "Receiving resources as Tables". A Table of Secrets has the
type and the number of keys beside each object's metadata, so one list tells all of it, and no data is sent. Of a custom
resource only metadata is asked for: columns of its Table are what its definition says, and may show any field.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from kube.checking.managers import Manager, managers_of, moment
from kube.documents import Document, entries, part, text
from kube.errors import KubernetesUnavailable
from kube.metadata_pages import ACCEPT, METADATA, TABLE, Oversized, pages
from kube.objects import Metadata
from kube.objects_of import ObjectsOf

_AS_TABLE: Final = {"Accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}
_SECRETS: Final = ("", "secrets")
# Field managers are many small names: once read, a page takes a dozen times as much memory. Several are read at a time.
_MOST_BYTES: Final = 1024 * 1024
# Columns of a Table of Secrets. Source: Kubernetes, pkg/printers/internalversion (`addSecret…`), shown by kubectl.
_TYPE: Final = "Type"
_NUMBER: Final = "Data"


@dataclass(frozen=True, slots=True)
class Described:
    """An object without its content. `managers` is None if nobody is said to have written it.

    `created` is when it was made; None if that cannot be read.

    `type` and `keys`, the number of its keys, are of a Secret; empty and None for other kinds.
    """

    metadata: Metadata
    managers: tuple[Manager, ...] | None
    type: str = ""
    keys: int | None = None
    created: datetime | None = None


def described(
    objects: ObjectsOf, namespace: str, timeout_seconds: float, paced: Callable[[Callable[[], bytes]], bytes]
) -> Iterator[Described | Oversized]:
    """Yield all objects of a resource in a namespace, page by page.

    `paced` is called with each request for a page, and returns what that returns; it may send it again. What it raises
    ends the list. Raises what `ObjectsOf` raises.
    """
    resource = objects.resource
    is_secrets = (resource.group, resource.plural) == _SECRETS
    form, headers = (TABLE, _AS_TABLE) if is_secrets else (METADATA, ACCEPT)

    def page(limit: int, position: str | None) -> Any:
        return objects.page(namespace, limit, position, timeout_seconds, headers)

    read = _read_rows if is_secrets else _read_items
    return pages(f"listing {resource.plural} in {namespace}", page, form, read, paced=paced, most_bytes=_MOST_BYTES)


def _read_items(page: Document) -> Iterator[Described]:
    return map(_described, entries(page, METADATA.items))


def _described(found: Document) -> Described:
    metadata = part(found, "metadata")
    return Described(Metadata.of(found), managers_of(metadata), created=moment(text(metadata, "creationTimestamp")))


def _read_rows(page: Document) -> Iterator[Described]:
    columns = {text(column, "name"): number for number, column in enumerate(entries(page, "columnDefinitions"))}
    if not columns.keys() >= {_TYPE, _NUMBER}:
        raise KubernetesUnavailable("sent a table of Secrets without their types")
    return map(partial(_row, columns), entries(page, TABLE.items))


def _row(columns: Mapping[str, int], row: Document) -> Described:
    cells = row.get("cells")
    try:
        kind, keys = cells[columns[_TYPE]], cells[columns[_NUMBER]]  # type: ignore[index]
    except (TypeError, IndexError):
        kind, keys = None, None
    if not isinstance(kind, str) or not isinstance(keys, int):
        raise KubernetesUnavailable("sent a table of Secrets that cannot be read")
    metadata_of, found = part(row, "object", "metadata"), part(row, "object")
    created = moment(text(metadata_of, "creationTimestamp"))
    return Described(Metadata.of(found), managers_of(metadata_of), kind, keys, created)
