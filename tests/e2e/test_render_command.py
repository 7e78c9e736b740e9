"""`keyhole render` and `keyhole exec` against the real Vault, with a token of one's own and with a job's login."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from testbed import Testbed
from testbed.keyhole.connections import AUDIENCE, write_connections
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

_ROOT = Path(__file__).resolve().parents[2]
# What no shell, no format and no reader takes as it is.
_TAIL = "'\"\\ $x #: {{ }} ((y))\n--- \té"
_JOB = ("--login", "jwt", "--role", "keyhole-{namespace}", "--jwt-env", "CI_JWT")

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def folder(places: Places, tmp_path: Path) -> Iterator[Path]:
    """Return a folder that is home, current folder and the place of temporary files; no value may stay in it."""
    yield tmp_path
    for file in tmp_path.rglob("*"):
        if file.is_file() and file.name != "rendered":
            places.note(file.name, file.read_bytes())


@pytest.fixture
def own(testbed: Testbed, tenant: str) -> Mapping[str, str]:
    """Return the settings of the `vault` command, with a token that may read what the tenant may."""
    made = testbed.vault.client().auth.token.create(policies=[f"keyhole-{tenant}"], ttl="10m")
    address = {"VAULT_ADDR": testbed.vault.url, "VAULT_CACERT": str(testbed.vault.ca_file)}
    return {**address, "VAULT_TOKEN": made["auth"]["client_token"]}


@pytest.fixture
def job(testbed: Testbed, tenant: str) -> Mapping[str, str]:
    """Return the variable with a JWT that Vault trusts."""
    path = f"/api/v1/namespaces/{tenant}/serviceaccounts/keyhole/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": [AUDIENCE]}}
    answer = testbed.kubernetes.request("POST", path, body)
    answer.raise_for_status()
    return {"CI_JWT": answer.json()["status"]["token"]}


@pytest.fixture
def start(folder: Path) -> Start:
    """Return what starts the command, as a process of its own."""

    def start(*arguments: str, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        own = {"HOME": str(folder), "TMPDIR": str(folder), **variables}
        command = [sys.executable, "-m", "cli", *arguments]
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start


def test_a_file_has_its_values_and_nothing_else_has(
    start: Start, own: Mapping[str, str], plant: Planter, places: Places, folder: Path
) -> None:
    nasty = plant.value(_TAIL)
    plant.write("render", {"password": nasty, "port": 5432})
    (folder / "vars.yml").write_text(
        "# of the app\ndb-password: vault:secret/e2e/render#password   # in Vault\n"
        "db-port: vault:secret/e2e/render#port | int\nurl: |\n  x ((vault:secret/e2e/render#password))\n  y\n"
    )
    options = ("--vars-file", "vars.yml", "-o", "rendered", "--summary-json", "used.json")
    done = start("render", *options, variables=own)
    stdout, stderr = done.communicate(timeout=120)
    places.note("keyhole render: stderr", stderr)
    assert (done.returncode, stdout) == (0, b"")
    text = (folder / "rendered").read_text()
    assert yaml.safe_load(text) == {"db-password": nasty, "db-port": 5432, "url": f"x {nasty}\ny\n"}
    assert text.startswith("# of the app\n")
    assert "   # in Vault\n" in text
    assert (folder / "rendered").stat().st_mode & 0o777 == 0o600
    version = stderr.decode().splitlines()[0].rpartition(" ")[2]
    assert stderr.decode().splitlines() == [
        f"vault:secret/e2e/render#password: version {version}",
        f"vault:secret/e2e/render#port | int: version {version}",
    ]
    used = json.loads((folder / "used.json").read_text())["references"]
    assert [(each["reference"], each["version"]) for each in used] == [
        ("vault:secret/e2e/render#password", int(version)),
        ("vault:secret/e2e/render#port | int", int(version)),
    ]
    assert sorted(path.name for path in folder.iterdir()) == ["rendered", "used.json", "vars.yml"]


def test_a_job_logs_in_once_reads_each_path_once_and_gives_its_token_back(  # noqa: PLR0917 - pytest passes one for each fixture
    start: Start, job: Mapping[str, str], plant: Planter, places: Places, folder: Path, testbed: Testbed, tenant: str
) -> None:
    first, second = plant.secret("job-one", "a", "b"), plant.secret("job-two", "c")
    write_connections(testbed, folder / "connections.yaml", allow=["secret/{namespace}/*"])
    references = [f"vault:secret/e2e/job-{path}#{name}" for path, name in (("one", "a"), ("one", "b"), ("two", "c"))]
    (folder / "app.json").write_text(json.dumps({"x": references}))
    traffic = Traffic(testbed)
    options = (*_JOB, "--connections", "connections.yaml", "--tenant", tenant, "-o", "rendered")
    done = start("render", "app.json", *options, variables=job)
    _, stderr = done.communicate(timeout=120)
    places.note("keyhole render: stderr", stderr)
    assert done.returncode == 0, stderr
    assert json.loads((folder / "rendered").read_text()) == {"x": [first["a"], first["b"], second["c"]]}
    told = traffic.vault_requests()
    assert told[0] == "update auth/jwt/login"
    assert sorted(told[1:]) == ["read secret/data/e2e/job-one", "read secret/data/e2e/job-two"]
    assert traffic.revocations() == 1


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        pytest.param("vault:secret/e2e/nothing#p", "SecretNotFound: ", id="no secret"),
        pytest.param("vault:secret/other/app#p", "PathNotAllowed: ", id="a path of another namespace"),
        pytest.param("vault+nowhere:secret/e2e/a#p", "UnknownConnection: ", id="no connection"),
        pytest.param("vault:secret/e2e/binary#b | base64decode", "the value is not UTF-8 text", id="no text"),
        pytest.param("vault:secret/e2e/nul#n", "the value holds a NUL character", id="NUL"),
    ],
)
def test_without_all_values_nothing_is_written(  # noqa: PLR0917 - pytest passes one for each fixture
    start: Start,
    job: Mapping[str, str],
    plant: Planter,
    places: Places,
    folder: Path,
    testbed: Testbed,
    tenant: str,
    reference: str,
    told: str,
) -> None:
    plant.secret("render-sound")
    plant.write("binary", {"b": "/wA="})
    plant.write("nul", {"n": plant.value("\0")})
    write_connections(testbed, folder / "connections.yaml", allow=["secret/{namespace}/*"])
    (folder / "a.env").write_text(f"A=vault:secret/e2e/render-sound#password\nB={reference}\n")
    options = (*_JOB, "--connections", "connections.yaml", "--tenant", tenant)
    done = start("render", "a.env", *options, "-o", "rendered", variables=job)
    stdout, stderr = done.communicate(timeout=120)
    places.note("keyhole render: output", stdout + stderr)
    assert (done.returncode, stdout) == (1, b"")
    assert told in stderr.decode()
    assert sorted(path.name for path in folder.iterdir()) == ["a.env", "connections.yaml"]


def test_a_program_has_values_in_its_environment_and_nowhere_else(
    start: Start, own: Mapping[str, str], plant: Planter, places: Places, folder: Path
) -> None:
    nasty, other = plant.value(_TAIL), plant.secret("exec-other")["password"]
    plant.write("exec", {"password": nasty})
    (folder / "app.env").write_text("export A=vault:secret/e2e/exec#password  # why\nB='x y'\nC=overridden\n")
    program = (
        "import os, signal, sys; signal.signal(signal.SIGINT, lambda *_: sys.exit(42)); "
        "print('ready', flush=True); signal.pause()"
    )
    argument = "C=<((vault:secret/e2e/exec-other#password))>"
    done = start(
        *("exec", "--env-file", "app.env", "--env", argument, "--", sys.executable, "-c", program), variables=own
    )
    assert done.stdout is not None
    assert done.stdout.readline() == b"ready\n"
    process = Path(f"/proc/{done.pid}")
    pairs = (pair.partition(b"=") for pair in (process / "environ").read_bytes().split(b"\0") if pair)
    variables = {name.decode(): text.decode() for name, _, text in pairs}
    assert {name: variables.get(name) for name in ("A", "B", "C")} == {"A": nasty, "B": "x y", "C": f"<{other}>"}
    assert "VAULT_TOKEN" not in variables
    places.note("the arguments", (process / "cmdline").read_bytes())
    done.send_signal(signal.SIGINT)
    stdout, stderr = done.communicate(timeout=60)
    places.note("keyhole exec: output", stdout + stderr)
    assert done.returncode == 42
    assert stderr.decode().startswith("vault:secret/e2e/exec#password: version ")
    assert [path.name for path in folder.iterdir()] == ["app.env"]
