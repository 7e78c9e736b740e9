"""One index of each kind for all tests of the page: they only read it."""

from pathlib import Path

import pytest

from enforcer.telling import json_report
from tests.changes.page import trails
from tests.enforcer.telling import sample


@pytest.fixture(scope="package")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ordinary")
    return trails.index(folder, trails.ordinary(), trails.repository(folder / "deploy.git").folder)


@pytest.fixture(scope="package")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trails.index(tmp_path_factory.mktemp("hostile"), trails.hostile())


@pytest.fixture(scope="package")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.json"
    file.write_text(json_report.render(sample.ordinary(), "1.2.3"), encoding="utf-8")
    return file
