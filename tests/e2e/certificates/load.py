"""Real admissions one after another, and handshakes that trust what the API server is told to trust."""

import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from testbed import Testbed
from testbed.keyhole.installation import SERVICE_HOST, Webhook
from tests.e2e.objects import filled

_CLIENTS = 3
_HANDSHAKE_SECONDS = 60.0
# `make uptime` asks without a pause, which takes all processors for as long as a test waits for something else.
_BETWEEN_ADMISSIONS_SECONDS = 0.0 if os.environ.get("KEYHOLE_CERTIFICATE_ROTATIONS") else 0.15
_BETWEEN_HANDSHAKES_SECONDS = 0.1


class Load:
    """Counts what was done and what failed; of failures, the first is kept."""

    def __init__(self) -> None:
        self.admissions = 0
        self.handshakes = 0
        self.failures: list[str] = []
        self.served: set[str] = set()
        self.stopping = threading.Event()
        self._lock = threading.Lock()

    def figures(self) -> str:
        """Return what was counted, for the log."""
        failed, served = len(self.failures), len(self.served)
        return f"{self.admissions} admissions, {self.handshakes} handshakes, {served} served, {failed} failed"

    def note(self, kind: str, failure: str = "", served: str = "") -> None:
        with self._lock:
            setattr(self, kind, getattr(self, kind) + 1)
            if failure:
                self.failures.append(failure)
            if served:
                self.served.add(served)


@contextlib.contextmanager
def loaded(
    bed: Testbed, webhook: Webhook, bundle: Callable[[], bytes], namespace: str, reference: str
) -> Iterator[Load]:
    """Create Secrets with a reference, through the API server, and shake hands under `bundle`, until the block ends."""
    load = Load()
    threads = [
        threading.Thread(target=_admit, args=(bed, load, namespace, reference, number)) for number in range(_CLIENTS)
    ]
    threads.append(threading.Thread(target=_shake_hands, args=(webhook, load, bundle)))
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stopping.set()
        for thread in threads:
            thread.join()


def served_certificate(webhook: Webhook, bundle: bytes) -> str:
    """Return the fingerprint of what is served to somebody who trusts `bundle`; raises OSError when that fails."""
    context = ssl.create_default_context(cadata=bundle.decode() or None)
    where = urlsplit(webhook.url)
    address = (str(where.hostname), where.port or 443)
    with (
        socket.create_connection(address, _HANDSHAKE_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=SERVICE_HOST) as stream,
    ):
        der = stream.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der).fingerprint(hashes.SHA256()).hex()


def admitted(bed: Testbed, namespace: str, reference: str) -> bool:
    """Return whether a Secret with a reference is filled now."""
    path = f"/api/v1/namespaces/{namespace}/secrets"
    answer = bed.kubernetes.request("POST", path, filled(f"one-{time.monotonic_ns()}", password=reference))
    return answer.ok and "password" in answer.json().get("data", {})


def _admit(bed: Testbed, load: Load, namespace: str, reference: str, client: int) -> None:
    pki = bed.directory / "pki"
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(bed.kubernetes.ca_file)
        session.cert = (str(pki / "admin.crt"), str(pki / "admin.key"))
        path = f"{bed.kubernetes.url}/api/v1/namespaces/{namespace}/secrets"
        number = 0
        while not load.stopping.wait(_BETWEEN_ADMISSIONS_SECONDS):
            number += 1
            name = f"load-{time.monotonic_ns()}-{client}-{number}"
            answer = session.post(path, json=filled(name, password=reference), timeout=60)
            is_filled = answer.ok and "password" in answer.json().get("data", {})
            load.note("admissions", "" if is_filled else f"{answer.status_code}: {answer.text[:300]}")


def _shake_hands(webhook: Webhook, load: Load, bundle: Callable[[], bytes]) -> None:
    while not load.stopping.wait(_BETWEEN_HANDSHAKES_SECONDS):
        trusted = bundle()
        try:
            load.note("handshakes", served=served_certificate(webhook, trusted))
        except OSError as error:
            # Whoever was held up for so long that the bundle was replaced meanwhile shows nothing.
            if bundle() == trusted:
                load.note("handshakes", f"handshake: {type(error).__name__} {error}")
