"""Names of images of containers, as manifests write them and nodes report them.

Sources: OCI Image Format, *Content Descriptors*; the grammar of references in github.com/distribution/reference, which
every runtime uses; Kubernetes, `ContainerStatus.imageID`.
"""

import re
from dataclasses import dataclass
from typing import Final

# OCI Image Format, *Content Descriptors*, digests.
_DIGEST: Final = re.compile(r"\S+@(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})")
_IMAGE: Final = re.compile(
    r"(?P<name>[A-Za-z0-9\[][A-Za-z0-9._:/\[\]-]*?)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>[a-z0-9]+:[0-9a-f]{32,}))?"
)
_DOCKER: Final = "docker.io"
_LIBRARY: Final = "library"
LATEST: Final = "latest"


@dataclass(frozen=True, slots=True)
class Image:
    """A reference to an image. `name` is complete, with the registry (`docker.io/library/nginx` for `nginx`).

    `tag` and `digest` are empty if the reference has none.
    """

    name: str
    tag: str = ""
    digest: str = ""

    @property
    def tagged(self) -> str:
        """The name with the tag that a runtime would take: `latest` if none is given."""
        return f"{self.name}:{self.tag or LATEST}"


def parsed(text: str) -> Image | None:
    """Read a reference to an image; None if it is none that a runtime could pull."""
    found = _IMAGE.fullmatch(text)
    if found is None:
        return None
    first, slash, rest = found["name"].partition("/")
    # The first part is a registry if it looks like a host (distribution/reference, `splitDockerDomain`).
    is_registry = bool(slash) and (any(each in first for each in ".:") or first == "localhost" or not first.islower())
    name = found["name"] if is_registry else f"{_DOCKER}/{found['name'] if slash else f'{_LIBRARY}/{first}'}"
    if is_registry and first in {"index.docker.io", _DOCKER}:
        name = f"{_DOCKER}/{rest if '/' in rest else f'{_LIBRARY}/{rest}'}"
    return Image(name, found["tag"] or "", found["digest"] or "")


def has_digest(text: str) -> bool:
    """Whether a reference says which content is meant, so that it is the same tomorrow."""
    return _DIGEST.fullmatch(text) is not None


def digest_of(image_id: str) -> str:
    """Return the digest in what a node says of a running image (`ContainerStatus.imageID`); empty if it has none.

    A runtime may say which files it unpacked, by a digest of its own without a name in front. That is no version in a
    registry, and says nothing about a tag.
    """
    return image_id.rpartition("@")[2] if has_digest(image_id) else ""
