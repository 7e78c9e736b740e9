"""The keys of the records, as a worker knows them: it follows the Secret that holds them.

A poll, not a watch: a `get` by name every few seconds is next to nothing for the API server, needs no right but that,
and has none of a watch's states (broken off unnoticed, expired, to be listed anew). A rotation waits until no worker
believes what it read before (`manifests.provenance.key_status`).
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
    """The ring that was read last, as long as it is believed. What is broken changes nothing until then."""

    def __init__(
        self,
        name: ObjectName,
        read: Callable[[float], Mapping[str, bytes]],
        believed_seconds: float = BELIEVED_SECONDS,
    ) -> None:
        """`read` returns the Secret's data within a limit in seconds; it may raise the errors of `kube`.

        A ring that cannot be read again for `believed_seconds` counts for nothing: by then a rotation may have taken
        its keys away, so nothing may be signed or proved under them. `current` then returns None, as it does before the
        ring could be read for the first time.
        """
        self._name = name
        self._read = read
        what = What(
            f"Secret {name}",
            f"the keys that were read before stay for {believed_seconds:.0f} s from the last time it could be read",
            "no object can be admitted until then",
        )
        # Of three reads two may fail.
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
        """When the ring was read last, in seconds since 1970; None before the first time."""
        return self._poller.last_read_at

    def _ring(self) -> KeyRing:
        try:
            return parse(self._read(_CALL_SECONDS))
        except (KubernetesError, KubernetesUnavailable, KeyRingError) as error:
            raise Unreadable(_why(self._name, error)) from None


def _tell(ring: KeyRing) -> None:
    log.info("records are signed under the key %s, accepted: %s", ring.signing.id, ", ".join(ring.accepted))


def _why(name: ObjectName, error: Exception) -> str:
    status = error.status if isinstance(error, KubernetesError) else None
    if status == HTTPStatus.FORBIDDEN:
        return f"{error}: the webhook's ServiceAccount needs `get` on it, by a Role in {name.namespace} with its name"
    if status == HTTPStatus.NOT_FOUND:
        return f"{error}: there is no Secret {name}; `keyhole controller` makes it"
    if isinstance(error, NoKeyYet):
        return f"Secret {name} is empty: waiting for `keyhole controller` to make the key"
    return f"Secret {name}: {error}" if isinstance(error, KeyRingError) else str(error)
