"""Helm, which renders the chart's rules."""

from pathlib import Path

import pytest

from testbed.keyhole.helm import Helm
from testbed.programs.reports import on_standard_error
from testbed.programs.toolbox import Toolbox


@pytest.fixture
def helm(tmp_path: Path) -> Helm:
    """Return helm without a cluster."""
    return Helm(Toolbox(on_standard_error()).path("helm"), tmp_path / "helm")
