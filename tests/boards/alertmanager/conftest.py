"""What the tests share: the servers that are told, and an Alertmanager with the example's configuration."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.boards.alertmanager.receivers import Receivers
from tests.boards.alertmanager.running import Alertmanager, configured, running

# Waiting half a minute would prove nothing more.
SHORTER: Final = {
    "group_wait: 30s": "group_wait: 1s",
    "group_wait: 10s": "group_wait: 1s",
    "group_wait: 5s": "group_wait: 1s",
    "group_interval: 5m": "group_interval: 2s",
    "group_interval: 1m": "group_interval: 2s",
}


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    with Receivers() as receivers:
        yield receivers


@pytest.fixture
def folder(tmp_path: Path, receivers: Receivers) -> Path:
    """Return a folder with the example's configuration, its times shorter."""
    configured(tmp_path, receivers.address, SHORTER)
    return tmp_path


@pytest.fixture
def alertmanager(folder: Path) -> Iterator[Alertmanager]:
    with running(folder) as alertmanager:
        yield alertmanager
