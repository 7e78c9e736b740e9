"""Clients that hold a connection and do not get on with it."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from testbed.keyhole.installation import Webhook
from testbed.servers.pki import KeyFiles

# As many as both workers of a webhook have places at work by default, and ten.
MORE_THAN_PLACES = 2 * 64 + 10
_OPENERS = 20
_SECONDS = 30.0

Stall = Callable[[Webhook, KeyFiles | None], socket.socket]
"""Opens a connection, with a certificate where one is demanded, and goes no further."""


def address(webhook: Webhook) -> tuple[str, int]:
    """Return host and port of the admission listener."""
    url = urlsplit(webhook.url)
    return str(url.hostname), int(url.port or 443)


def silent(webhook: Webhook, _certificate: KeyFiles | None = None) -> socket.socket:
    """Begin no handshake."""
    return socket.create_connection(address(webhook), timeout=_SECONDS)


def half_handshake(webhook: Webhook, _certificate: KeyFiles | None = None) -> socket.socket:
    """Send half a ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context(cafile=webhook.ca_file).wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    client = silent(webhook)
    client.sendall(outgoing.read()[:100])
    return client


def sends(begin: bytes) -> Stall:
    """Return what shakes hands, sends this and no more. `PATH` becomes the admission path."""

    def stall(webhook: Webhook, certificate: KeyFiles | None = None) -> socket.socket:
        context = ssl.create_default_context(cafile=webhook.ca_file)
        if certificate is not None:
            context.load_cert_chain(certificate.certificate, certificate.key)
        client = context.wrap_socket(silent(webhook), server_hostname="127.0.0.1")
        client.sendall(begin.replace(b"PATH", urlsplit(webhook.url).path.encode()))
        return client

    return stall


def idle(webhook: Webhook, certificate: KeyFiles | None = None) -> socket.socket:
    """Wait after an answer, on a connection that is kept."""
    client = sends(b"GET /nothing HTTP/1.1\r\nHost: keyhole\r\n\r\n")(webhook, certificate)
    client.recv(65_536)
    return client


_HEAD = (
    b"POST PATH?timeout=10s HTTP/1.1\r\nHost: keyhole\r\nX-Remote-User: system:apiserver\r\nContent-Length: 99\r\n\r\n"
)
STALLS: Sequence[Any] = [
    pytest.param(silent, id="connections without a handshake"),
    pytest.param(half_handshake, id="handshakes that stop half-way"),
    pytest.param(sends(b""), id="connections without a request"),
    pytest.param(sends(_HEAD[:30]), id="heads that stop half-way"),
    pytest.param(sends(_HEAD + b"{"), id="bodies that stop half-way"),
    pytest.param(idle, id="connections that are idle after an answer"),
]
ALL_STALLS: list[Stall] = [each.values[0] for each in STALLS]


@contextlib.contextmanager
def stalled(stalls: Sequence[Stall], webhook: Webhook, certificate: KeyFiles | None = None) -> Iterator[None]:
    """Have one client for each of these stall while the block runs."""
    with contextlib.ExitStack() as clients, ThreadPoolExecutor(_OPENERS) as pool:
        for client in pool.map(lambda stall: stall(webhook, certificate), stalls):
            clients.enter_context(client)
        yield
