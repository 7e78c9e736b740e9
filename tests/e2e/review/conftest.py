"""A Vault alone: reviews ask no API server. All tests of this folder share it."""

import contextlib
from collections.abc import Iterator

import pytest

from testbed.programs.reports import SilentReport
from testbed.programs.toolbox import Toolbox
from testbed.servers.supervision import Supervisor
from testbed.servers.vault import Vault
from tests.e2e.canary import Canary
from tests.e2e.places import Places

SERVER, PLUGIN = "vault", "vault-plugin-auth-kubernetes"


@pytest.fixture(scope="package")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """Return a Vault that is active, with `secret/` (KV v2) and `legacy/` (KV v1)."""
    toolbox = Toolbox(SilentReport())
    toolbox.ensure((SERVER, PLUGIN))
    with contextlib.closing(Supervisor()) as supervisor:
        directory = tmp_path_factory.mktemp("review").resolve()
        vault = Vault(toolbox.path(SERVER), toolbox.path(PLUGIN), directory, supervisor)
        vault.start()
        yield vault
        vault.stop()


@pytest.fixture(scope="package")
def places(canary: Canary, vault: Vault) -> Places:
    """Return what is searched for the canary: Vault's logs, and what a test notes."""
    places = Places(canary)
    for file in (vault.audit_log, vault.log_file):
        places.watch(file)
    return places
