"""`python -m demo`, as a person runs it: what it shows, what it ends with, and that nothing is left of it."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.values import HIDDEN, MARK
from tests.resolver.canary import forms
from tests.testbed.processes import eventually

ROOT = Path(__file__).resolve().parents[2]
# Generous: the servers may have to be built first.
TIMEOUT_SECONDS = 1800
VALUE = re.compile(rf"{MARK}[0-9a-f]{{16}}")
# How the DER form of a certificate and of a PKCS #8 key on P-256 begins, in base64: the header alone is no key.
PEM_BODIES = ("MIIB", "MIGHAgEA")

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Make a folder with a short name, for sockets in it, that no other process mentions."""
    with tempfile.TemporaryDirectory(prefix="kd-") as name:
        yield Path(name).resolve()


def environment(scratch: Path, **more: str) -> dict[str, str]:
    unwanted = {"SHOW", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"}
    kept = {name: text for name, text in os.environ.items() if name not in unwanted}
    return {**kept, "TMPDIR": str(scratch), "PYTHONPATH": str(ROOT), **more}


def run(scratch: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return _run(["-m", "demo"], scratch, **more)


def played(scratch: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run a demo that a few lines have changed."""
    return _run(["-c", program], scratch)


def _run(arguments: list[str], scratch: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(scratch, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def processes_of(scratch: Path) -> list[int]:
    """Return the processes that run and whose command line or environment names the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(scratch) in told:
            found.append(int(process.name))
    return found


def nothing_runs_any_more(scratch: Path) -> bool:
    """Wait until no process names the folder: Vault's plugin is killed, and nobody's child that is waited for."""
    return eventually(lambda: not processes_of(scratch))


def files_in(scratch: Path) -> list[Path]:
    """Return what is left in the folder; the socket of Vault's plugin, which holds nothing, does not count."""
    return [path for path in scratch.iterdir() if not path.is_socket()]


def test_the_demo_shows_references_and_masks_values(scratch: Path) -> None:
    done = run(scratch)
    assert done.returncode == 0, done.stdout + done.stderr
    written = done.stdout + done.stderr
    assert [form for form in forms(MARK.encode()) if form in written.encode()] == []
    assert [body for body in PEM_BODIES if body in written] == []
    assert "\x1b" not in written
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert f"postgres://shop:{HIDDEN}@db.shop/shop" in done.stdout
    assert "data.keyhole.dev/url:" in done.stdout
    assert "WRONG" not in done.stdout
    for answer in (
        "MalformedReference",
        "column 39",
        "there is no secret at this path",
        "the secret has no such field",
    ):
        assert answer in done.stdout
    assert nothing_runs_any_more(scratch)
    assert files_in(scratch) == []


@pytest.mark.nightly
def test_with_show_the_demo_shows_the_values(scratch: Path) -> None:
    done = run(scratch, SHOW="1")
    assert done.returncode == 0, done.stdout + done.stderr
    # The database's password and the payments' token; others are broken into lines.
    assert len(set(VALUE.findall(done.stdout))) >= 2
    assert [body for body in PEM_BODIES if body not in done.stdout] == []
    assert HIDDEN not in done.stdout
    assert nothing_runs_any_more(scratch)


# Two things are wrong. Keyhole's answer is right, and the demo expects another password: so would it look if the answer
# were wrong. And whoever asks has the API server's own certificate: so would it look if Keyhole answered anybody.
WRONG = """
import dataclasses
from demo import forgery, story, values
from testbed.servers.pki import KeyFiles
def made_up():
    made = values.made_up()
    return dataclasses.replace(made, expected={**made.expected, ("database", "password"): values.Expected(("other",))})
story.made_up = made_up
ask = forgery.ask
def certified(webhook, shown=None):
    pki = webhook.directory.parent / "testbed" / "pki"
    return ask(webhook, KeyFiles(pki / "front-proxy-client.crt", pki / "front-proxy-client.key"))
forgery.ask = certified
forgery.ask_through = lambda api_server, webhook: certified(webhook)
from demo.command_line import main
main()
"""


def test_another_value_and_an_answer_for_anybody_make_the_demo_fail_and_no_value_is_shown(scratch: Path) -> None:
    done = played(scratch, WRONG)
    assert done.returncode == 1
    assert re.search(r"\b5 of \d+ claims do not hold", done.stderr)
    unbroken = " ".join(done.stderr.split())
    for claim in (
        "-o 'jsonpath={.data.password}' | base64 -d: not what Vault holds",
        "Without the API server's certificate the connection ends in the handshake. (found: a POST to Keyhole, without",
        "Whomever the API server passes on is refused.",
        "None of them gets a value. (found: secret/shop/database#password)",
        "Vault was not asked for them.",
    ):
        assert claim in unbroken
    assert f"the logs are in {scratch}/keyhole-demo-" in done.stderr
    assert MARK not in done.stdout + done.stderr
    assert nothing_runs_any_more(scratch)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="Ctrl-C"),
        pytest.param(signal.SIGTERM, 128 + signal.SIGTERM, id="a polite kill", marks=pytest.mark.nightly),
    ],
)
def test_a_demo_that_is_stopped_halfway_leaves_nothing(
    number: signal.Signals, code: int, scratch: Path, tmp_path: Path
) -> None:
    told = tmp_path / "stderr"
    with (
        told.open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", "demo"],
            cwd=ROOT,
            env=environment(scratch),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as demo,
    ):
        assert demo.stdout is not None
        for line in demo.stdout:
            if "A dry run" in line:
                break
        # The demo, the guardian, three servers, Vault's plugin, and Keyhole with its workers.
        assert len(processes_of(scratch)) >= 9, told.read_text()
        demo.send_signal(number)
        shown = demo.stdout.read()
        assert demo.wait(300) == code, shown + told.read_text()
    assert nothing_runs_any_more(scratch)
    assert files_in(scratch) == []
