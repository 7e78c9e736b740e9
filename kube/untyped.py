"""Requests whose answers are read without the kubernetes package's own models, in bounded memory."""

from collections.abc import Callable
from typing import Any, Final

from kube.client import call
from kube.documents import Document, parsed
from kube.errors import KubernetesUnavailable

# Far more than one object can have: etcd takes 1.5 MiB, of which JSON makes six times as much at the worst.
MOST_BYTES: Final = 16 * 1024 * 1024
_PIECE_BYTES: Final = 64 * 1024


def ask(purpose: str, request: Callable[[], Any]) -> Document:
    """Send a request that is made with `_preload_content=False`, and return the document of the answer.

    Raises what `kube.client.call` raises, and `KubernetesUnavailable` when the answer is no JSON object or has more
    than `MOST_BYTES`.
    """
    content = call(purpose, lambda: beginning(request(), MOST_BYTES + 1))
    if len(content) > MOST_BYTES:
        raise KubernetesUnavailable(f"sent more than {MOST_BYTES} bytes")
    return parsed(content)


def beginning(response: Any, most_bytes: int) -> bytes:
    """Return the first bytes of an urllib3 response, and close its connection if there are more."""
    pieces: list[bytes] = []
    left = most_bytes
    while left > 0:
        piece: bytes = response.read(min(left, _PIECE_BYTES))
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        left -= len(piece)
    response.close()
    return b"".join(pieces)
