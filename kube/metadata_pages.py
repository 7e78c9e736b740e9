"""The metadata of many objects, read page by page in bounded memory.

Source: Kubernetes, *API Concepts*: "Metadata only" and "Retrieving large results sets in chunks".

Labels and annotations are their owner's to fill, up to 256 KiB for each object. So a page is bounded in bytes and not
only in number: one that is too large is asked for again with fewer objects.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from kube.client import beginning, call
from kube.documents import Document, entries, parsed, part, text
from kube.errors import KubernetesUnavailable
from kube.objects import Metadata

ACCEPT: Final = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
"""The headers of a request for a page."""

MOST_OBJECTS: Final = 200
MOST_BYTES: Final = 4 * 1024 * 1024
_HEAD_BYTES: Final = 1024
_NAME: Final = re.compile(rb'"metadata":\{"name":"([-.a-z0-9]{1,253})"')
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PageForm:
    """How a page is written: its `kind`, and the member that has the objects.

    In the order in which Go writes them, the metadata of the list comes before that, and an object's name first.
    """

    kind: str
    items: str


METADATA: Final = PageForm("PartialObjectMetadataList", "items")
TABLE: Final = PageForm("Table", "rows")
"""Kubernetes, *API Concepts*, "Receiving resources as Tables": cells beside the metadata of each object."""


@dataclass(frozen=True, slots=True)
class Oversized:
    """An object whose metadata has more than `MOST_BYTES` and was not read. `name` is "" if it is unknown."""

    name: str


def objects(
    purpose: str, ask: Callable[[int, str | None], Any], shows: Callable[[str], None] = lambda _version: None
) -> Iterator[Metadata | Oversized]:
    """Yield the metadata of all objects, in the server's order.

    `ask` requests one page, with `_preload_content=False` and `ACCEPT`: at most so many objects, from a `continue`
    token on. `shows` is told which state of the cluster the page shows, as its `resourceVersion`; all pages show the
    same. Raises what `kube.client.call` raises, and `KubernetesUnavailable` when an answer cannot be read.
    """

    def read(page: Document) -> Iterator[Metadata]:
        shows(text(part(page, "metadata"), "resourceVersion"))
        return map(Metadata.of, entries(page, METADATA.items))

    return pages(purpose, ask, METADATA, read)


def _at_once(request: Callable[[], bytes]) -> bytes:
    return request()


def pages(
    purpose: str,
    ask: Callable[[int, str | None], Any],
    form: PageForm,
    read: Callable[[Document], Iterator[_T]],
    *,
    paced: Callable[[Callable[[], bytes]], bytes] = _at_once,
    most_bytes: int = MOST_BYTES,
) -> Iterator[_T | Oversized]:
    """Yield what `read` finds in each page, as `objects` does with the metadata. `ask` requests pages of that form.

    `paced` is called with the request for each page, which raises as `objects` does. It may wait before it sends the
    request, and send it again. A page has `most_bytes` at most.
    """
    limit = MOST_OBJECTS
    position: str | None = None
    while position != "":
        content = paced(lambda: call(purpose, lambda: beginning(ask(limit, position), most_bytes + 1)))  # noqa: B023 - called at once
        if len(content) <= most_bytes:
            page = parsed(content)
            # Anything else, such as a proxy's page, must not be taken for an empty list.
            if page.get("kind") != form.kind:
                raise KubernetesUnavailable("sent something else than a list of metadata")
            yield from read(page)
            position = text(part(page, "metadata"), "continue")
            # The next page is probably about as large.
            limit = max(1, min(MOST_OBJECTS, limit * most_bytes // (2 * len(content))))
        elif limit > 1:
            # About as many again would be too large again.
            limit = max(1, min(limit, len(_NAME.findall(content))) // 2)
        else:
            found, position = _passed_over(content, form)
            yield found


def _passed_over(content: bytes, form: PageForm) -> tuple[Oversized, str]:
    """Return what the beginning of a page says about its only object, and where the next page begins."""
    begun = f'"{form.items}":['.encode()
    head, found, rest = content.partition(begun)
    if not found:
        raise KubernetesUnavailable("sent a list that cannot be read")
    name = _NAME.search(rest[:_HEAD_BYTES])
    position = text(part(parsed(head + begun + b"]}"), "metadata"), "continue")
    return Oversized(name[1].decode() if name else ""), position
