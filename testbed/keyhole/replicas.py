"""Replicas of the webhook behind a balancer, replaced one after the other as a Deployment replaces them."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from certs.files import CertificateFiles
from testbed.errors import TestbedError
from testbed.keyhole.installation import Webhook, serving_certificate
from testbed.servers.balancer import Backend, Balancer
from testbed.servers.ports import free_port

_KNOWN_SECONDS = 120.0
_POLL_SECONDS = 0.05

# Starts a replica in a folder, with a certificate, and stops it at the end of the block.
Serve = Callable[[Path, CertificateFiles], AbstractContextManager[Webhook]]


@dataclass(frozen=True, slots=True)
class Replica:
    """One webhook, as the balancer knows it. `stack` stops it."""

    webhook: Webhook
    backend: Backend
    stack: contextlib.ExitStack


class Replicas:
    """Some webhooks with one certificate behind one balancer; `front` is where the API server asks.

    A termination is Kubernetes': the balancer is told of it, after `pre_stop_seconds` the process gets SIGTERM, and its
    replacement starts at once.
    """

    def __init__(
        self, directory: Path, serve: Serve, *, size: int = 2, lag_seconds: float = 2.0, pre_stop_seconds: float = 0.0
    ) -> None:
        """Start them in folders below `directory`, which is made, and wait until the balancer knows of all."""
        self._directory = directory
        self._serve = serve
        self._pre_stop_seconds = pre_stop_seconds
        self._numbers = count()
        self._replicas: list[Replica] = []
        directory.mkdir()
        self._certificate = serving_certificate(directory / "certs")
        self.balancer = Balancer(free_port(), lag_seconds=lag_seconds)
        try:
            for _ in range(size):
                self._start()
            self._wait_until_known()
        except BaseException:
            self.close()
            raise

    @property
    def front(self) -> Webhook:
        """One of them under the balancer's address."""
        webhook = self._replicas[0].webhook
        url = urlsplit(webhook.url)
        return replace(webhook, url=url._replace(netloc=f"127.0.0.1:{self.balancer.port}").geturl())

    @property
    def webhooks(self) -> Sequence[Webhook]:
        """Those that run."""
        return [replica.webhook for replica in self._replicas]

    def roll(self) -> None:
        """Replace each; the next goes when its predecessor's replacement is known to be ready.

        Raises ServerFailed when one does not end, TestbedError when one ends in another way than it should.
        """
        for old in list(self._replicas):
            self._replicas.remove(old)
            self.balancer.remove(old.backend)
            time.sleep(self._pre_stop_seconds)
            os.kill(old.webhook.server.pid, signal.SIGTERM)
            self._start()
            self._wait_until_known()
            code = old.webhook.server.wait(_KNOWN_SECONDS)
            old.stack.close()
            if code:
                raise TestbedError(f"a replica that was told to end ended with {code}; its log: {old.webhook.log_file}")

    def stop(self) -> None:
        """End all of them, and leave the balancer with nobody."""
        for replica in self._replicas:
            self.balancer.remove(replica.backend)
            replica.stack.close()
        self._replicas.clear()

    def start(self, size: int = 2) -> None:
        """Start so many again, and return at once."""
        for _ in range(size):
            self._start()

    def close(self) -> None:
        """End everything."""
        self.stop()
        self.balancer.close()

    def _start(self) -> None:
        directory = self._directory / f"replica-{next(self._numbers)}"
        directory.mkdir()
        with contextlib.ExitStack() as stack:
            webhook = stack.enter_context(self._serve(directory, self._certificate))
            backend = Backend(_port(webhook.url), _port(webhook.health_url))
            self.balancer.add(backend)
            self._replicas.append(Replica(webhook, backend, stack.pop_all()))

    def _wait_until_known(self) -> None:
        deadline = time.monotonic() + _KNOWN_SECONDS
        while not all(replica.backend.is_ready for replica in self._replicas):
            if time.monotonic() > deadline:
                raise TestbedError(f"{_KNOWN_SECONDS:.0f} s after it started, a replica is not known to be ready")
            time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def replicated(
    directory: Path, serve: Serve, *, size: int = 2, lag_seconds: float = 2.0, pre_stop_seconds: float = 0.0
) -> Iterator[Replicas]:
    """Run replicas until the block ends; arguments as for `Replicas`."""
    replicas = Replicas(directory, serve, size=size, lag_seconds=lag_seconds, pre_stop_seconds=pre_stop_seconds)
    with contextlib.closing(replicas):
        yield replicas


def _port(url: str) -> int:
    port = urlsplit(url).port
    if port is None:
        raise TestbedError(f"{url} names no port")
    return port
