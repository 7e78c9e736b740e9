"""What the tests of the charts share: helm, and their places."""

from pathlib import Path

import pytest

from testbed.keyhole.helm import Helm
from testbed.programs.reports import on_standard_error
from testbed.programs.toolbox import Toolbox


@pytest.fixture(scope="session")
def toolbox(request: pytest.FixtureRequest) -> Toolbox:
    """Return what finds programs, and builds them; that may take minutes, so its progress is shown."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    toolbox = Toolbox(on_standard_error())
    if capture is None:
        toolbox.ensure(["helm", "helm-docs"])
    else:
        with capture.global_and_fixture_disabled():
            toolbox.ensure(["helm", "helm-docs"])
    return toolbox


@pytest.fixture(scope="session")
def helm(toolbox: Toolbox, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Return helm without a cluster."""
    return Helm(toolbox.path("helm"), tmp_path_factory.mktemp("helm"))


@pytest.fixture
def values_file(tmp_path: Path) -> Path:
    """Return the path of a file for values."""
    return tmp_path / "values.yaml"
