"""The images of workloads and of pods. Nothing else of their content leaves this module: no variable, no command.

Source: Kubernetes API reference, *Workload resources* (`PodSpec`, `ContainerStatus`). The API server sends no part of
an object but its metadata, so whole objects arrive, page by page in bounded memory, and only names are taken of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from kube.documents import Document, entries, part, text
from kube.metadata_pages import Oversized, PageForm, pages
from kube.objects import Metadata, ObjectName, Owner
from kube.objects_of import ObjectsOf, Resource

PODS: Final = Resource("", "v1", "Pod", "pods")
_WHOLE: Final = {"Accept": "application/json"}
_SPECS: Final = ("initContainers", "containers", "ephemeralContainers")
_STATUSES: Final = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
_RUNNING: Final = "Running"
# What is longer is no image that anybody can pull: names have 255 characters at most, and digests 136.
_LONGEST: Final = 512


@dataclass(frozen=True, slots=True)
class FoundContainer:
    """A container: its name, the image that its manifest names, and `image_id`, what the node says that it runs."""

    name: str
    image: str
    image_id: str = ""


@dataclass(frozen=True, slots=True)
class FoundImages:
    """A pod, or an object that has a pod template. `owner` is what made it.

    `note` is the annotation of its pods that was asked for. `is_running` is of a pod that has begun and not ended.
    """

    name: ObjectName
    owner: Owner | None
    note: str
    containers: tuple[FoundContainer, ...]
    is_running: bool = False


Paced = Callable[[Callable[[], bytes]], bytes]


def images(
    objects: ObjectsOf, template: str, note: str, timeout_seconds: float, paced: Paced
) -> Iterator[FoundImages | Oversized]:
    """Yield the images of all objects of a resource, in all namespaces.

    `template` is the JSON Pointer of their pod template, empty for pods, and `note` the name of an annotation there.
    `paced` is called with each request for a page, and may send it again. Raises what `ObjectsOf` raises.
    """
    resource = objects.resource
    where = tuple(template.split("/")[1:])

    def page(limit: int, position: str | None) -> Any:
        return objects.page("", limit, position, timeout_seconds, _WHOLE)

    def read(found: Document) -> Iterator[FoundImages]:
        return (_images(one, where, note) for one in entries(found, "items"))

    return pages(f"listing {resource.plural}", page, PageForm(f"{resource.kind}List", "items"), read, paced=paced)


def _images(found: Document, where: tuple[str, ...], note: str) -> FoundImages:
    metadata, pod, status = Metadata.of(found), part(found, *where), part(found, "status")
    ids = {text(one, "name"): text(one, "imageID") for name in _STATUSES for one in entries(status, name)}
    containers = tuple(
        FoundContainer(text(one, "name"), text(one, "image")[:_LONGEST], ids.get(text(one, "name"), "")[:_LONGEST])
        for name in _SPECS
        for one in entries(part(pod, "spec"), name)
    )
    owner = next((one for one in metadata.owners if one.is_controller), None)
    is_running = text(status, "phase") == _RUNNING
    return FoundImages(metadata.name, owner, text(part(pod, "metadata", "annotations"), note), containers, is_running)
