"""Whatever happens to the owner or to a server: nothing is left running, and the failure is told."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from testbed import Options, Testbed
from testbed.errors import ServerFailed
from tests.testbed.processes import eventually, living_in_groups

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")

ROOT = Path(__file__).parents[2]
OWNER = """
import json, sys, time
from pathlib import Path
from testbed import Options, Testbed
bed = Testbed(Options(directory=Path(sys.argv[1])))
bed.start()
print(json.dumps([server.pid for server in bed.servers()]), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGKILL, id="a killed owner leaves nothing running"),
        pytest.param(signal.SIGINT, id="an interrupted owner leaves nothing running"),
    ],
)
def test_after_the_owner_s_end(number: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as owner:
        assert owner.stdout is not None
        groups = json.loads(owner.stdout.readline())
        # The servers, and Vault's plugin in Vault's group.
        assert len(living_in_groups(groups)) > len(groups) == 3
        owner.send_signal(number)
        owner.wait(120)
    assert eventually(lambda: not living_in_groups(groups))
    assert (tmp_path / "kube-apiserver.log").stat().st_size > 0


def test_a_killed_guardian_takes_the_servers_with_it_and_stop_says_so(tmp_path: Path) -> None:
    bed = Testbed(Options(directory=tmp_path))
    bed.start()
    groups = [server.pid for server in bed.servers()]
    os.kill(bed.guardian_pid, signal.SIGKILL)
    # The servers themselves at once; Vault's plugin, which is no child of the guardian's, when the owner stops.
    assert eventually(lambda: set(groups).isdisjoint(living_in_groups(groups)))
    with pytest.raises(Exception, match="guardian process is gone"):
        bed.stop()
    assert eventually(lambda: not living_in_groups(groups))


def test_an_etcd_that_does_not_start_is_reported_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "etcd"
    broken.write_text("#!/bin/sh\necho 'panic: no space left on device'\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("KEYHOLE_TESTBED_ETCD", str(broken))
    with pytest.raises(ServerFailed, match="no space left on device") as caught:
        Testbed(Options(directory=tmp_path / "bed")).start()
    assert caught.value.server == "etcd"
    assert caught.value.reason == "died (exit code 3)"
    assert str(tmp_path / "bed" / "etcd.log") in str(caught.value)
    assert caught.value.__notes__ == [f"the testbed's logs are in {tmp_path / 'bed'}"]


def test_an_etcd_that_crashes_later_is_reported_with_its_log_when_the_testbed_stops(tmp_path: Path) -> None:
    bed = Testbed(Options(directory=tmp_path))
    bed.start()
    groups = [server.pid for server in bed.servers()]
    etcd = next(server for server in bed.servers() if server.name == "etcd")
    os.kill(etcd.pid, signal.SIGKILL)
    with pytest.raises(ServerFailed, match=r"etcd died \(SIGKILL\)") as caught:
        bed.stop()
    # On a slow machine etcd's last lines complain of that.
    assert (tmp_path / "etcd.log").read_text().splitlines()[-1] in str(caught.value)
    assert eventually(lambda: not living_in_groups(groups))


def test_a_second_testbed_has_its_own_addresses_and_data_and_takes_its_directory_with_it(testbed: Testbed) -> None:
    with Testbed(Options(controller_manager=True, name="second")) as second:
        assert "second" in second.directory.name
        assert {second.kubernetes.port, second.vault.port}.isdisjoint({testbed.kubernetes.port, testbed.vault.port})
        testbed.kubectl("create", "configmap", "only-in-the-first", "-n", "default")
        seen = second.kubectl("get", "configmap", "only-in-the-first", "-n", "default", check=False)
        assert "NotFound" in seen.stderr
        # Only the controller manager finishes the deletion of a namespace, and makes its default ServiceAccount.
        second.kubectl("create", "namespace", "short-lived")
        second.kubectl("wait", "--for=create", "serviceaccount/default", "-n", "short-lived", "--timeout=120s")
        second.kubectl("delete", "namespace", "short-lived", "--wait", "--timeout=180s")
        assert "short-lived" not in second.kubectl("get", "namespaces").stdout
    assert not second.directory.exists()
