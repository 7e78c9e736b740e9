"""The record keys that a worker uses. It polls the Secret that holds them.

Polling beats watching here: a `get` by name every few seconds costs the API server next to nothing, needs no other
right, and has none of a watch's states (broken off unnoticed, expired, to be listed again). A rotation waits until no
worker believes what it read before (`manifests.provenance.key_status`).
"""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from kube.errors import KubernetesError, KubernetesUnavailable
from kube.objects import ObjectName
from manifests.provenance.key_status import BELIEVED_SECONDS
from manifests.provenance.keyring import KeyRing, KeyRingError, NoKeyYet, parse
from runtime.poller import Poller, Unreadable, What

log = logging.getLogger("keyhole.server")

READ_EVERY_SECONDS: Final = 5.0
_CALL_SECONDS: Final = 5.0


class RecordKeys:
    """The key ring that was last read, while it is believed. A broken Secret changes nothing until then."""

    def __init__(
        self,
        name: ObjectName,
        read: Callable[[float], Mapping[str, bytes]],
        believed_seconds: float = BELIEVED_SECONDS,
    ) -> None:
        """`read` returns the Secret's data within a limit in seconds; it may raise the errors of `kube`.

        A ring that could not be read again for `believed_seconds` is no longer used: a rotation may have removed its
        keys by then, so nothing may be signed or proved with them. `current` returns None from then on, as it does
        before the first read.
        """
        self._name = name
        self._read = read
        what = What(
            f"Secret {name}",
            f"the keys that were read before stay in use for {believed_seconds:.0f} s after the last successful read",
            "no object with references is admitted until then",
        )
        # Two reads in three may fail.
        every_seconds = min(READ_EVERY_SECONDS, believed_seconds / 3)
        poller = Poller(self._ring, every_seconds, believed_seconds, what, log=log, on_new=_tell)
        self._poller = poller
        self.start = poller.start
        self.close = poller.close
        self.follow = poller.look
        self.current = poller.current
        self.is_known = poller.is_known

    @property
    def last_read_at(self) -> float | None:
        """When the ring was last read, in seconds since 1970; None before the first read."""
        return self._poller.last_read_at

    def _ring(self) -> KeyRing:
        try:
            return parse(self._read(_CALL_SECONDS))
        except (KubernetesError, KubernetesUnavailable, KeyRingError) as error:
            raise Unreadable(_why(self._name, error)) from None


def _tell(ring: KeyRing) -> None:
    log.info("records are signed with the key %s; accepted keys: %s", ring.signing.id, ", ".join(ring.accepted))


def _why(name: ObjectName, error: Exception) -> str:
    status = error.status if isinstance(error, KubernetesError) else None
    if status == HTTPStatus.FORBIDDEN:
        return f"{error}: the webhook's ServiceAccount needs `get` on it, by a Role in {name.namespace} with its name"
    if status == HTTPStatus.NOT_FOUND:
        return f"{error}: there is no Secret {name}; `keyhole controller` creates it"
    if isinstance(error, NoKeyYet):
        return f"Secret {name} is empty: waiting for `keyhole controller` to create the key"
    return f"Secret {name}: {error}" if isinstance(error, KeyRingError) else str(error)
