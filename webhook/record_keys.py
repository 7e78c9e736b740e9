"""The keys of the records, as a worker knows them: it follows the Secret that holds them.

A poll, not a watch: a `get` by name every few seconds is next to nothing for the API server, needs no right but that,
and has none of a watch's states (broken off unnoticed, expired, to be listed anew). A rotation waits for the polls.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus

from kube.errors import KubernetesError, KubernetesUnavailable
from kube.objects import ObjectName
from manifests.keyring import KeyRing, KeyRingError, NoKeyYet, parse
from webhook.logs import frames

log = logging.getLogger("keyhole.server")

READ_EVERY_SECONDS = 5.0
_CALL_SECONDS = 5.0


class RecordKeys:
    """The ring that was read last. What cannot be read, or is broken, changes nothing: the last good ring stays."""

    def __init__(self, name: ObjectName, read: Callable[[float], Mapping[str, bytes]]) -> None:
        """`read` returns the Secret's data within a limit in seconds; it may raise the errors of `kube`."""
        self._name = name
        self._read = read
        self._ring: KeyRing | None = None
        self._failure = ""
        self._stopping = threading.Event()

    def current(self) -> KeyRing | None:
        """Return the ring; None while none could be read yet."""
        return self._ring

    def start(self) -> None:
        """Read now, then every few seconds in the background."""
        self.follow()
        threading.Thread(target=self._run, name="record-keys", daemon=True).start()

    def close(self) -> None:
        """End; may be called when nothing was started."""
        self._stopping.set()

    def follow(self) -> None:
        """Read once. What is new is logged, what fails once until it is another failure; never any content."""
        try:
            ring = parse(self._read(_CALL_SECONDS))
        except (KubernetesError, KubernetesUnavailable, KeyRingError) as error:
            self._tell(_why(self._name, error))
            return
        if self._failure:
            log.info("Secret %s can be read again", self._name)
            self._failure = ""
        if ring != self._ring:
            self._ring = ring
            log.info("records are signed under the key %s, accepted: %s", ring.signing.id, ", ".join(ring.accepted))

    def _run(self) -> None:
        while not self._stopping.wait(READ_EVERY_SECONDS):
            try:
                self.follow()
            except Exception as error:  # noqa: BLE001 - the edge of a thread: a bug must not end the following
                log.error("bug in the record keys: %s at %s", type(error).__name__, frames(error))  # noqa: TRY400

    def _tell(self, failure: str) -> None:
        if failure != self._failure:
            kept = "the keys that were read before stay" if self._ring else "no object can be admitted until then"
            log.warning("%s; %s", failure, kept)
            self._failure = failure


def _why(name: ObjectName, error: Exception) -> str:
    status = error.status if isinstance(error, KubernetesError) else None
    if status == HTTPStatus.FORBIDDEN:
        return f"{error}: the webhook's ServiceAccount needs `get` on it, by a Role in {name.namespace} with its name"
    if status == HTTPStatus.NOT_FOUND:
        return f"{error}: there is no Secret {name}; `keyhole controller` makes it"
    if isinstance(error, NoKeyYet):
        return f"Secret {name} is empty: waiting for `keyhole controller` to make the key"
    return f"Secret {name}: {error}" if isinstance(error, KeyRingError) else str(error)
