"""The AlertmanagerConfig, by the definition of prometheus-operator on the real API server."""

from typing import Final

import pytest

from testbed import Testbed
from testbed.gitops.definitions import define
from testbed.programs.module_folders import ModuleFolder
from tests.boards.alertmanager.running import EXAMPLE

pytestmark = [pytest.mark.boards, pytest.mark.servers]

_DEFINITIONS: Final = ModuleFolder(
    "prometheus-definitions",
    "github.com/prometheus-operator/prometheus-operator",
    "example/prometheus-operator-crd",
)


def test_the_api_server_takes_the_example_and_knows_each_member(bed: Testbed) -> None:
    define(bed, [_DEFINITIONS], {"AlertmanagerConfig"})
    bed.kubectl("create", "namespace", "monitoring")
    file = str(EXAMPLE / "alertmanagerconfig.yaml")
    bed.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", file)
