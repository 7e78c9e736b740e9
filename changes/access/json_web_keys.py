"""The public keys of an issuer, read when they are needed.

Sources: RFC 7517 (JSON Web Key Set); OpenID Connect Discovery 1.0, 4 (`jwks_uri`).
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import urllib3

JsonWebKey: TypeAlias = Mapping[str, Any]

_MOST_BYTES: Final = 512 * 1024
_MOST_KEYS: Final = 100
_SECONDS: Final = 5.0
_WHOLE_SECONDS: Final = 10.0
_REFRESHED_SECONDS: Final = 600.0
# An issuer that cannot be reached does not lock anybody out at once; a key that it has given up does not work for ever.
_BELIEVED_SECONDS: Final = 3600.0
# Anybody can send tokens with a key that nobody knows. So that is no way to have the issuer asked more often.
_PAUSE_SECONDS: Final = 60.0
_PAUSE_WITHOUT_KEYS_SECONDS: Final = 5.0


class KeysUnreadable(Exception):
    """The issuer's keys cannot be read. `problem` says why, and quotes nothing of an answer."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class JsonWebKeys:
    """The keys that `read` returns, read again each ten minutes, or for an unknown key once a minute at most."""

    def __init__(
        self, read: Callable[[], Sequence[JsonWebKey]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`read` raises `KeysUnreadable`."""
        self._read = read
        self._now = monotonic
        self._lock = threading.Lock()
        self._keys: Sequence[JsonWebKey] | None = None
        self._read_at = self._tried_at = 0.0
        self._problem = ""

    def named(self, kid: str | None) -> Sequence[JsonWebKey]:
        """Return the keys with this name, most often one; without a name, the issuer's only key.

        Raises `KeysUnreadable` if they could not be read for an hour, or never.
        """
        keys = self._believed()
        found = _named(keys or (), kid)
        is_due = keys is None or self._now() - self._read_at > _REFRESHED_SECONDS
        if found and not is_due:
            return found
        # Who has what they need does not wait for somebody who asks already.
        if self._lock.acquire(blocking=not found):
            try:
                self._try(is_unknown=not found and not _named(self._believed() or (), kid))
            finally:
                self._lock.release()
        keys = self._believed()
        if keys is None:
            raise KeysUnreadable(self._problem)
        return _named(keys, kid)

    def _believed(self) -> Sequence[JsonWebKey] | None:
        return self._keys if self._now() - self._read_at < _BELIEVED_SECONDS else None

    def _try(self, *, is_unknown: bool) -> None:
        now, keys = self._now(), self._believed()
        if keys is not None and not is_unknown and now - self._read_at <= _REFRESHED_SECONDS:
            return  # somebody else has just read them
        pause = _PAUSE_SECONDS if keys is not None else _PAUSE_WITHOUT_KEYS_SECONDS
        if self._tried_at and now - self._tried_at < pause:
            return
        self._tried_at = now
        try:
            self._keys, self._read_at = self._read(), self._now()
        except KeysUnreadable as error:
            self._problem = error.problem


def _named(keys: Sequence[JsonWebKey], kid: str | None) -> Sequence[JsonWebKey]:
    if kid is None:
        return keys if len(keys) == 1 else ()
    return [each for each in keys if each.get("kid") == kid]


def keys_of_file(file: Path) -> Sequence[JsonWebKey]:
    """Return the keys of a file with a JSON Web Key Set. Raises `KeysUnreadable`."""
    try:
        with file.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise KeysUnreadable(f"{file} cannot be read: {error.strerror}") from None
    return _keys(content, str(file))


def keys_of_url(url: str, ca_file: Path | None) -> Sequence[JsonWebKey]:
    """Return the keys at a URL with https. Raises `KeysUnreadable`."""
    return _keys(_fetched(url, ca_file), url)


def keys_of_issuer(issuer: str, ca_file: Path | None) -> Sequence[JsonWebKey]:
    """Return the keys to which an issuer's own document leads. Raises `KeysUnreadable`."""
    where = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    document = _object(_fetched(where, ca_file), where)
    if document.get("issuer") != issuer:
        raise KeysUnreadable(f"{where} names another issuer")
    url = document.get("jwks_uri")
    if not isinstance(url, str):
        raise KeysUnreadable(f"{where} names no jwks_uri")
    if not url.startswith("https://"):
        raise KeysUnreadable(f"{where} names a jwks_uri without https")
    return keys_of_url(url, ca_file)


def _keys(content: bytes, where: str) -> Sequence[JsonWebKey]:
    keys = _object(content, where).get("keys")
    if not isinstance(keys, list) or len(keys) > _MOST_KEYS:
        raise KeysUnreadable(f"{where} has no list of at most {_MOST_KEYS} keys")
    # Keys of other kinds, and those for encryption, are none of ours (RFC 7517, 4.2 and 5).
    usable = [each for each in keys if isinstance(each, dict) and each.get("kty") in {"RSA", "EC"}]
    found = [each for each in usable if each.get("use") in {None, "sig"}]
    if not found:
        raise KeysUnreadable(f"{where} has no key for signatures (RSA or EC)")
    return found


def _object(content: bytes, where: str) -> Mapping[str, Any]:
    if len(content) > _MOST_BYTES:
        raise KeysUnreadable(f"{where} has more than {_MOST_BYTES} bytes")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise KeysUnreadable(f"{where} is no JSON") from None
    if not isinstance(found, dict):
        raise KeysUnreadable(f"{where} is no JSON object")
    return found


def _fetched(url: str, ca_file: Path | None) -> bytes:
    """Return what a GET has for an answer, or a little more than may be. It follows no redirect."""
    until = time.monotonic() + _WHOLE_SECONDS
    pieces: list[bytes] = []
    try:
        with urllib3.PoolManager(ca_certs=None if ca_file is None else str(ca_file)) as pool:
            answer = pool.request(
                "GET",
                url,
                timeout=urllib3.Timeout(_SECONDS),
                retries=False,
                redirect=False,
                preload_content=False,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            )
            if answer.status != 200:  # noqa: PLR2004 - that of HTTP
                raise KeysUnreadable(f"{url} answers with status {answer.status}")
            while sum(map(len, pieces)) <= _MOST_BYTES and (piece := answer.read1(_MOST_BYTES, decode_content=False)):
                pieces.append(piece)
                if time.monotonic() > until:
                    raise KeysUnreadable(f"{url} is too slow")
    except (urllib3.exceptions.HTTPError, OSError, ValueError):
        raise KeysUnreadable(f"{url} does not answer") from None
    return b"".join(pieces)
