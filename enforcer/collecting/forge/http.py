"""Questions to the API of a forge over HTTP: each bounded in time and size, and none to another host.

Certificates are checked against the system's authorities, or those of `SSL_CERT_FILE`. A proxy is taken from the usual
variables of the environment. Nothing of an answer but its JSON is looked at, and no error quotes it.
"""

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
import urllib3.exceptions

from enforcer.collecting.run import Run
from resolver.references.value import SecretValue

CALL_SECONDS: Final = 10.0
MOST_BYTES: Final = 4 * 1024 * 1024
MOST_PAGES: Final = 20
_A_PAGE: Final = 100
_PIECE_BYTES: Final = 64 * 1024
_ATTEMPTS: Final = 3
_REDIRECTS: Final = 3
_LONGEST_PAUSE_SECONDS: Final = 30.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_REDIRECTING: Final = frozenset(
    {
        *(HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND),
        *(HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT),
    }
)


class Unanswered(Exception):
    """The forge did not answer a question. `reason` says why, and quotes nothing that it sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ForgeAnswer:
    """An answer: its status, and the JSON in it, None if there is none."""

    status: int
    document: Any = None


@dataclass(frozen=True, slots=True)
class _Raw:
    status: int
    headers: Mapping[str, str]
    body: bytes


class ForgeHttp:
    """The API of one forge. `token_header` makes the header that shows the token."""

    def __init__(
        self, address: str, token: SecretValue | None, token_header: Callable[[str], Mapping[str, str]], run: Run
    ) -> None:
        """Connect to nothing yet. Raises `Unanswered` for an address that must not be asked."""
        self._address = address.rstrip("/")
        self._origin = scheme, host, _ = _origin_of(self._address)
        if scheme not in {"http", "https"} or not host or any(each in self._address for each in "@?#"):
            raise Unanswered("its address is no URL that an API can have")
        if scheme == "http" and host not in _LOOPBACK:
            raise Unanswered("its address is without TLS, which would show the token")
        self._token = token
        self._token_header = token_header
        self._run = run
        self._pool = _pool(scheme, host)

    def ask(self, path: str) -> ForgeAnswer:
        """Return the answer to a GET, whatever its status but 429 and 5xx, which are tried again.

        Raises `Unanswered`, and `Stopped` when the run has to end.
        """
        for attempt in range(_ATTEMPTS):
            self._run.go_on()
            raw = self._follow(f"{self._address}{path}")
            pause = _pause_seconds(raw, attempt)
            if pause is None:
                return ForgeAnswer(raw.status, _parsed(raw))
            if pause > _LONGEST_PAUSE_SECONDS or attempt == _ATTEMPTS - 1:
                break
            self._run.wait(pause)
        if raw.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unanswered(f"it failed (status {raw.status})")
        raise Unanswered(f"it was asked too often, and wants a pause (status {raw.status})")

    def pages(self, path: str) -> Iterator[ForgeAnswer]:
        """Yield the pages of a list, a hundred entries each, until one is not full. Raises as `ask`.

        A list that does not end after `MOST_PAGES` is one that nobody could have written.
        """
        for page in range(1, MOST_PAGES + 1):
            answer = self.ask(f"{path}{'&' if '?' in path else '?'}per_page={_A_PAGE}&page={page}")
            yield answer
            if not isinstance(answer.document, list) or len(answer.document) < _A_PAGE:
                return
        raise Unanswered("it sent a list without an end")

    def _follow(self, url: str) -> _Raw:
        for _ in range(_REDIRECTS + 1):
            raw = self._bounded(url)
            target = raw.headers.get("location")
            if raw.status not in _REDIRECTING or not target:
                return raw
            with contextlib.suppress(ValueError):
                target = urljoin(url, target)
            url = target
            if _origin_of(url) != self._origin:
                raise Unanswered("it sent us to another host, which was not asked")
        raise Unanswered("it sent us in a circle")

    def _bounded(self, url: str) -> _Raw:
        """Ask once, in a thread: names, handshakes and headers have no limit together that a library would keep."""
        outcome: list[_Raw | str] = []
        thread = threading.Thread(target=lambda: outcome.append(self._once(url)), name="forge", daemon=True)
        thread.start()
        thread.join(CALL_SECONDS)
        if not outcome:
            raise Unanswered(f"it did not answer within {CALL_SECONDS:.0f} s")
        if isinstance(outcome[0], str):
            raise Unanswered(outcome[0])
        return outcome[0]

    def _once(self, url: str) -> _Raw | str:
        """Ask once, and return the answer, or why there is none."""
        headers = {"Accept": "application/json", "User-Agent": "keyhole"}
        if self._token is not None:
            headers.update(self._token_header(self._token.reveal_text()))
        try:
            response = self._pool.request(
                "GET", url, headers=headers, timeout=CALL_SECONDS, retries=False, redirect=False, preload_content=False
            )
            with contextlib.closing(response):
                return _read(response)
        except urllib3.exceptions.SSLError:
            return "its certificate could not be checked"
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            return "it did not answer"


def _pool(scheme: str, host: str) -> urllib3.PoolManager:
    context = ssl.create_default_context() if scheme == "https" else None
    proxy = getproxies().get(scheme)
    if proxy and host not in _LOOPBACK and not proxy_bypass(host):
        return urllib3.ProxyManager(proxy, ssl_context=context)
    return urllib3.PoolManager(ssl_context=context)


def _read(response: urllib3.BaseHTTPResponse) -> _Raw | str:
    until = time.monotonic() + CALL_SECONDS
    pieces: list[bytes] = []
    left = MOST_BYTES
    while piece := response.read1(_PIECE_BYTES, decode_content=True):
        left -= len(piece)
        if left < 0:
            return f"it sent more than {MOST_BYTES // 2**20} MiB"
        if time.monotonic() > until:
            return f"it did not answer within {CALL_SECONDS:.0f} s"
        pieces.append(piece)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return _Raw(response.status, headers, b"".join(pieces))


def _parsed(raw: _Raw) -> Any:
    """Return the document in an answer. Raises `Unanswered` for a success without one."""
    try:
        return json.loads(raw.body)
    except (ValueError, RecursionError):
        document = None
    if raw.status == HTTPStatus.OK:
        raise Unanswered("it sent something else than JSON")
    return document


def _pause_seconds(raw: _Raw, attempt: int) -> float | None:
    """Return how long to wait before the same is asked again; None if the answer is one.

    GitHub also says 403 when a limit is reached, and how many requests are left (its *Rate limits for the REST API*).
    """
    told = raw.headers.get("retry-after", "")
    is_limited = raw.status == HTTPStatus.TOO_MANY_REQUESTS or (
        raw.status == HTTPStatus.FORBIDDEN and (bool(told) or raw.headers.get("x-ratelimit-remaining") == "0")
    )
    if not is_limited and raw.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    if told.isdecimal():
        return float(told[:6])
    # Without a word of the server: what is used up comes back with the hour.
    return _LONGEST_PAUSE_SECONDS * 2 if is_limited and raw.status == HTTPStatus.FORBIDDEN else float(2**attempt)


def _origin_of(url: str) -> tuple[str, str | None, int | None]:
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port
    return "", None, None
