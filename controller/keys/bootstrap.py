"""The key ring in the Secret: reads it, and makes the first key if none can be used."""

import logging
from collections.abc import Mapping

from controller.keys.store import KeyStore
from kube.secrets import Secret
from manifests.provenance.key_status import STATUS, KeyStatus, parse
from manifests.provenance.keyring import KEY_PREFIX, KeyRing, KeyRingError, NoKeyYet, dump, new_key, sound_keys
from manifests.provenance.keyring import parse as parse_ring

log = logging.getLogger("keyhole.controller")


class KeyBootstrap:
    """Gives the Secret its first key, and a new one if all its keys are lost. Never overwrites a sound key."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._told = ""
        self._known: frozenset[str] = frozenset()  # the keys this process has seen, because a deleted Secret cannot say

    def ring(self, secret: Secret) -> KeyRing | None:
        """Return the ring of the Secret; None if there was none, or if a person has to decide.

        Raises `kube.errors.Conflict` when somebody else was faster, and what `KeyStore.write` raises.
        """
        try:
            ring = parse_ring(secret.data)
        except NoKeyYet:
            status = parse(secret.metadata.annotations.get(STATUS))
            held = self._known.union(status.accepted if status else ())
            if held:
                self._warn_of_loss(f"is empty, and held the keys {', '.join(sorted(held))}")
            self._make(secret, {})
            return None
        except KeyRingError as error:
            if sound_keys(secret.data):
                self._tell_once(error, sound_keys(secret.data))
                return None
            self._warn_of_loss(f"holds no key that could be used ({error})")
            self._make(secret, {name: None for name in secret.data if name.startswith(KEY_PREFIX)})
            return None
        self._told = ""
        self._known = frozenset(ring.accepted)
        return ring

    def _make(self, secret: Secret, broken: Mapping[str, None]) -> None:
        key = new_key()
        ring = KeyRing(key, {key.id: key})
        self._store.write(secret, KeyStatus.of(ring), data={**broken, **dump(ring)})
        self._known = frozenset(ring.accepted)
        log.info("Secret %s: made the key %s. Keep a backup of this Secret.", self._store.name, key.id)

    def _warn_of_loss(self, what: str) -> None:
        log.warning(
            "Secret %s %s. THE KEY OF THE RECORDS IS LOST: none of them can be proved any more, and each value is read "
            "from Vault anew when its object is applied again. If there is a backup of the Secret, restore it now.",
            self._store.name,
            what,
        )

    def _tell_once(self, error: KeyRingError, sound: Mapping[str, object]) -> None:
        told = str(error)
        if told != self._told:
            log.error(
                "Secret %s is damaged and is not touched, because other keys in it are sound (%s): %s. "
                "Restore it from its backup.",
                self._store.name,
                ", ".join(sorted(sound)),
                error,
            )
            self._told = told
