"""A real Alertmanager with the example's configuration, whose addresses lead to the test's servers."""

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests

from testbed.servers.ports import free_port
from tests.boards import programs
from tests.boards.alertmanager import receivers

EXAMPLE: Final = programs.ROOT / "examples/alertmanager"
_START_SECONDS: Final = 60.0
_TICK_SECONDS: Final = 0.1


@dataclass(frozen=True)
class Alertmanager:
    """One that runs. `folder` holds its configuration, its secrets, its log and what it remembers."""

    folder: Path
    port: int

    @property
    def address(self) -> str:
        """Return where its API is, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def post(self, *alerts: Mapping[str, Any]) -> None:
        """Tell it alerts, as Prometheus does."""
        requests.post(f"{self.address}/api/v2/alerts", json=alerts, timeout=10).raise_for_status()

    def alerts(self) -> Sequence[Mapping[str, Any]]:
        """Return what it knows."""
        found: Sequence[Mapping[str, Any]] = requests.get(f"{self.address}/api/v2/alerts", timeout=10).json()
        return found


def configured(folder: Path, address: str, shorter: Mapping[str, str] | None = None) -> Path:
    """Write the example into a folder, its secrets and addresses those of servers at one; return the file.

    `shorter` has other times for the example's, by those, where waiting would prove nothing.
    """
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    file = folder / "alertmanager.yml"
    text = file.read_text().replace("https://chat.example.com", address)
    secrets = folder / "secrets"
    secrets.mkdir(exist_ok=True)
    for name in set(re.findall(r"secrets/([\w-]+)", text)):
        service, _, place = name.partition("-")
        path = {"slack": f"services/T0/B0/{place}", "teams": f"workflows/{place}"}.get(service)
        known = {"rocketchat-user-id": receivers.USER_ID, "rocketchat-token": receivers.TOKEN}
        (secrets / name).write_text((known.get(name) or f"{address}/{path}") + "\n")
    for long, short in (shorter or {}).items():
        text, count = re.subn(rf"\b{long}$", short, text, flags=re.MULTILINE)
        assert count, f"the example has no {long}"
    file.write_text(text)
    return file


@contextmanager
def running(folder: Path) -> Iterator[Alertmanager]:
    """Run it with what `configured` wrote, until the end of the block; what it remembers stays in the folder."""
    port = free_port()
    command = [
        programs.program("alertmanager"),
        "--config.file=alertmanager.yml",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--storage.path=storage",
        "--log.level=debug",
    ]
    with (folder / "alertmanager.log").open("a") as log, subprocess.Popen(command, cwd=folder, stderr=log) as process:
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/-/ready", process, folder / "alertmanager.log")
            yield Alertmanager(folder, port)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_START_SECONDS)


def wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until an address answers 200. Raises AssertionError with its log if it does not, or the process is gone."""
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        assert process.poll() is None, log.read_text()[-4000:]
        assert time.monotonic() < until, log.read_text()[-4000:]
        time.sleep(_TICK_SECONDS)
