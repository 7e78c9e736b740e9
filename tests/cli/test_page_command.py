"""`keyhole page` on this machine alone: the link that it prints, and which options go together."""

import http.client
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from cli.main import main
from testbed.servers.ports import free_port
from tests.changes.sample import story, write

ROOT = Path(__file__).parents[2]
TLS = ("--tls-cert", __file__, "--tls-key", __file__)
ISSUER = ("--oidc-issuer", "https://issuer.example", "--oidc-client-id", "keyhole")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give --trail or --logs"),
        (("--trail", "a", "--listen", "0.0.0.0:8090"), "for this machine alone: --listen 127.0.0.1:PORT"),
        (("--trail", "a", "--listen", ":8090", "--behind-proxy"), "for this machine alone"),
        (("--trail", "a", *TLS), "--tls-cert is for a page that others reach"),
        (("--trail", "a", "--listen", ":8443", *ISSUER), "tokens would pass in plain text"),
        (("--trail", "a", "--listen", ":8443", "--kubernetes-tokens"), "tokens would pass in plain text"),
        (("--trail", "a", "--listen", ":8443", *ISSUER, *TLS[:2]), "--tls-cert and --tls-key go together"),
        (("--trail", "a", *ISSUER[:2]), "--oidc-issuer needs --oidc-client-id"),
        (("--trail", "a", "--oidc-client-id", "x"), "need --oidc-issuer"),
        (("--trail", "a", "--oidc-issuer", "http://issuer", *ISSUER[2:]), "has to begin with https://"),
        (("--trail", "a", *ISSUER, "--oidc-jwks", "http://issuer/keys"), "--oidc-jwks has to begin with https://"),
        (("--trail", "a", *ISSUER, "--oidc-required-claim", "team"), "is not CLAIM=VALUE"),
        (("--trail", "a", "--git", "deploy=/nowhere"), "there is no such folder"),
        (("--trail", "a", "--git", f"a={ROOT}", "--git", f"a={ROOT}"), "two repositories are called 'a'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: tuple[str, ...], told: str) -> None:
    found = CliRunner().invoke(main, ["page", *arguments])
    assert found.exit_code == 2
    assert told in found.output.replace("\n", " ")


@pytest.mark.parametrize("argument", ["--logs", "--kubernetes-tokens"])
def test_who_is_asked_has_to_be_known(argument: str) -> None:
    found = CliRunner().invoke(main, ["page", "--trail", "a", argument])
    assert found.exit_code == 2
    assert "outside a cluster, give --kubeconfig FILE" in found.output


def test_a_file_that_is_no_index_is_told(tmp_path: Path) -> None:
    file = tmp_path / "index"
    file.write_text("no index")
    found = CliRunner().invoke(main, ["page", "--trail", "a", "--index", str(file)])
    assert found.exit_code == 2
    assert f"{file}: it is no index" in found.output


@pytest.mark.parametrize("option", ["--listen", "--health-listen"])
def test_a_port_that_is_taken_is_told(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        others = () if option == "--listen" else ("--listen", f"127.0.0.1:{free_port()}")
        found = CliRunner().invoke(main, ["page", "--trail", "a", option, address, *others])
    assert found.exit_code == 2
    assert found.output == f"Error: cannot listen on {address}: Address already in use\n"


@pytest.fixture
def page(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    """Return the command at work, the link that it printed, and the folder for its temporary files."""
    trail, temporary = write(tmp_path / "audit.log", story()), tmp_path / "temporary"
    temporary.mkdir()
    command = ["page", "--trail", str(trail), "--listen", f"127.0.0.1:{free_port()}", "--every", "1"]
    with subprocess.Popen(
        [sys.executable, "-m", "cli", *command],
        cwd=ROOT,
        env={"TMPDIR": str(temporary), "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("The page is for this machine alone.")
        yield process, process.stdout.readline().strip(), temporary
        process.kill()


def test_the_link_opens_the_page(page: tuple[subprocess.Popen[str], str, Path]) -> None:
    process, link, temporary = page
    where = urlsplit(link)
    connection = http.client.HTTPConnection(where.netloc, timeout=30)

    def get(path: str, **headers: str) -> tuple[int, str, str]:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Set-Cookie", ""), answer.read().decode()

    assert get("/")[0] == 401
    status, cookie, _ = get(where.path)
    assert status == 200
    session = cookie.partition(";")[0]
    while "shop" not in (shown := get("/", Cookie=session))[2]:
        assert shown[0] == 200
    assert get("/", Cookie=session, Host="evil.example")[0] == 421
    assert get(where.path)[0] == 410
    connection.close()
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert where.path not in log
    assert list(temporary.iterdir()) == []
