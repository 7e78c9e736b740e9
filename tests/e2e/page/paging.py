"""`keyhole page` as a process, and somebody who asks it."""

import http.client
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from testbed.servers.ports import free_port
from tests.changes.serving.waiting import until

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Answered:
    """An answer, without what two answers at different moments may differ in."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def whole(self) -> bytes:
        return b"".join(f"{name}: {text}\r\n".encode() for name, text in self.headers.items()) + self.body


@dataclass(frozen=True)
class Page:
    """A page that is served."""

    port: int
    log: Path

    def get(
        self, target: str, token: str = "", method: str = "GET", headers: Sequence[tuple[str, str]] = ()
    ) -> Answered:
        """Ask for a target exactly as it is written."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, text in (*([("Authorization", f"Bearer {token}")] if token else []), *headers):
            connection.putheader(name, text)
        connection.endheaders()
        answer = connection.getresponse()
        told = {name: text for name, text in answer.getheaders() if name not in {"Date", "Content-Length"}}
        found = Answered(answer.status, told, _timeless(answer.read()))
        connection.close()
        return found


# When the trails were read, and how long ago.
_TODAY = datetime.now(UTC).strftime("%Y-%m-%d")
_READ = re.compile(
    rb"<time datetime=\"" + _TODAY.encode() + rb"T[^\"]*\">[^<]*</time>|" + _TODAY.encode() + rb"T[0-9:.]*Z"
)


def _timeless(body: bytes) -> bytes:
    return _READ.sub(b"(a time of today)", body)


@contextmanager
def paging(folder: Path, kubeconfig: Path, *arguments: str) -> Iterator[Page]:
    """Serve a page with these arguments for those who show a token."""
    folder.mkdir()
    log, port, health = folder / "log", free_port(), free_port()
    with log.open("wb") as file:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "cli", "page", "--kubeconfig", str(kubeconfig), "--every", "3600"),
                *("--listen", f"127.0.0.1:{port}", "--health-listen", f"127.0.0.1:{health}"),
                *("--index", str(folder / "index.sqlite"), *arguments),
            ],
            cwd=ROOT,
            stderr=file,
        )
    try:
        until(lambda: process.poll() is None and _is_ready(health))
        yield Page(port, log)
    finally:
        process.terminate()
        process.wait(60)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
