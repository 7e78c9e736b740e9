"""`keyhole render` and `keyhole exec` as they are called, as far as no Vault is needed."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main

CANARY = "canary-53fd"
FINDINGS, NOT_DONE, NOT_RUN, NOT_FOUND = 1, 2, 126, 127
ROOT = Path(__file__).resolve().parents[2]
# Nobody listens there.
NOWHERE = {"VAULT_ADDR": "http://127.0.0.1:9", "VAULT_TOKEN": "t"}
NO_VAULT = dict.fromkeys(("VAULT_ADDR", "VAULT_TOKEN", "VAULT_CACERT", "VAULT_NAMESPACE"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keyhole(*arguments: str, standard_input: str = "", variables: dict[str, str] | None = None) -> Result:
    runner = CliRunner(env={**NO_VAULT, "HOME": "nowhere", **(variables or {})})
    result = runner.invoke(main, arguments, input=standard_input)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert CANARY not in result.output
    return result


def started(*arguments: str, **options: int) -> subprocess.Popen[bytes]:
    """Start the command as a process of its own."""
    command = [sys.executable, "-m", "cli", *arguments]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "nowhere", "OWN": "1"}
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(command, env={**environment, "VAULT_TOKEN": CANARY}, **streams)  # type: ignore[call-overload,no-any-return]


def git(*words: str) -> None:
    subprocess.run(["git", "-c", "init.defaultBranch=main", *words], check=True, capture_output=True)


class TestRender:
    def test_what_has_no_reference_is_written_as_it_is_and_no_vault_is_needed(self, folder: Path) -> None:
        content = b"\xef\xbb\xbfa: 1 # x\r\nb:   |\r\n  y"
        (folder / "a.yaml").write_bytes(content)
        done = keyhole("render", "a.yaml")
        assert (done.stdout_bytes, done.stderr) == (content, "a.yaml: no references in it\n")
        assert keyhole("render", "-", "--format", "text", standard_input="x").stdout == "x"

    @pytest.mark.parametrize(
        ("name", "text", "told"),
        [
            pytest.param("a.yml", "a: vault:x\nb: ((vault:y))\n", "a.yml:1:4: MalformedReference: ", id="malformed"),
            pytest.param("a.yml", f"a: [{CANARY}", "a.yml:1:16: not YAML", id="no YAML"),
            pytest.param(".env.local", f"A='{CANARY}", ".env.local:1:3: a quote", id="no file of variables"),
            pytest.param("a.json", f'{{"a": {CANARY}}}', "a.json:1:7: not JSON", id="no JSON"),
        ],
    )
    def test_what_cannot_be_rendered_is_a_finding(self, folder: Path, name: str, text: str, told: str) -> None:
        (folder / name).write_text(text)
        done = keyhole("render", name)
        assert (done.exit_code, done.stdout) == (FINDINGS, "")
        assert done.stderr.startswith(told)

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            pytest.param([], "give either FILE or --vars-file", id="nothing"),
            pytest.param(["a.yaml", "--vars-file", "a.yaml"], "give either FILE or --vars-file", id="both"),
            pytest.param(["a.conf"], "give --format yaml|json", id="a name that says nothing"),
            pytest.param(["-"], "give --format yaml|json", id="standard input says nothing"),
            pytest.param(["a.yaml"], "has no address: set VAULT_ADDR", id="no Vault"),
            pytest.param(["a.yaml", "--tenant", "shop"], "--tenant needs --connections", id="a tenant alone"),
            pytest.param(["a.yaml", "--role", "r"], "only with --login: --role", id="a role alone"),
            pytest.param(["a.yaml", "--login", "jwt"], "--login needs --role and --jwt-env", id="a login alone"),
            pytest.param(["utf16.yaml"], "it is UTF-16; only UTF-8 is written", id="UTF-16"),
            pytest.param(["latin.yaml"], "latin.yaml:1:4: it is not UTF-8", id="Latin-1"),
            pytest.param(["a.yaml", "-o", "missing/x"], "missing/x cannot be written", id="a folder that is missing"),
        ],
    )
    def test_what_is_wrong_with_the_call_ends_with_exit_code_2(
        self, folder: Path, arguments: list[str], told: str
    ) -> None:
        text = "a: 1" if "-o" in arguments else "a: vault:secret/a#b"
        (folder / "a.yaml").write_text(text)
        (folder / "a.conf").write_text("a")
        (folder / "utf16.yaml").write_bytes("a: 1".encode("utf-16"))
        (folder / "latin.yaml").write_bytes("a: ü".encode("latin-1"))
        done = keyhole("render", *arguments)
        assert (done.exit_code, done.stdout) == (NOT_DONE, "")
        assert told in done.stderr

    def test_a_jwt_that_is_not_there_is_told_by_the_name_of_its_variable(self, folder: Path) -> None:
        (folder / "a.yaml").write_text("a: vault:secret/a#b")
        options = ("--login", "jwt", "--role", "r", "--jwt-env", "CI_TOKEN")
        done = keyhole("render", "a.yaml", *options, variables=NOWHERE)
        assert done.exit_code == NOT_DONE
        assert "the variable CI_TOKEN is empty or not set" in done.stderr

    def test_credentials_go_to_one_vault_only(self, folder: Path) -> None:
        auth = "auth: {method: jwt, role: r}"
        (folder / "c.yaml").write_text(
            f"connections:\n  default: {{address: 'http://127.0.0.1:9', {auth}}}\n"
            f"  eu: {{address: 'http://127.0.0.1:10', {auth}}}\n"
        )
        (folder / "a.yaml").write_text("a: vault+eu:secret/a#b")
        done = keyhole("render", "a.yaml", "--connections", "c.yaml", variables={"VAULT_TOKEN": "t"})
        assert (done.exit_code, "VAULT_ADDR must say whose the token is" in done.stderr) == (NOT_DONE, True)
        done = keyhole("render", "a.yaml", "--connections", "c.yaml", variables=NOWHERE)
        assert (done.exit_code, "eu leads to another Vault than VAULT_ADDR" in done.stderr) == (NOT_DONE, True)

    def test_a_vault_that_is_away_is_a_finding_and_nothing_is_written(self, folder: Path) -> None:
        (folder / "a.yaml").write_text("a: vault:secret/a#b")
        done = keyhole("render", "a.yaml", "-o", "out.yaml", variables=NOWHERE)
        assert (done.exit_code, done.stderr.startswith("VaultUnavailable: ")) == (FINDINGS, True)
        assert sorted(path.name for path in folder.iterdir()) == ["a.yaml"]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            pytest.param("- a\n", "one map from names to values", id="a list"),
            pytest.param("a: 1\n---\nb: 1\n", "one map from names to values", id="two documents"),
            pytest.param("a b: 1\n", "vars.yml:1:1: no name of a variable", id="a name that no variable has"),
        ],
    )
    def test_a_file_of_variables_is_one(self, folder: Path, text: str, told: str) -> None:
        (folder / "vars.yml").write_text(text)
        done = keyhole("render", "--vars-file", "vars.yml")
        assert (done.exit_code, told in done.stderr) == (FINDINGS, True)

    def test_a_file_of_variables_needs_no_suffix(self, folder: Path) -> None:
        (folder / "vars").write_text("db-password: x\na/b.c: {d: 1}\n")
        assert keyhole("render", "--vars-file", "vars").stdout == "db-password: x\na/b.c: {d: 1}\n"


class TestWhereItGoes:
    def test_the_file_is_its_owner_s_alone_even_if_it_was_not(self, folder: Path) -> None:
        (folder / "a.yaml").write_text("a: 1")
        out = folder / "out.yaml"
        out.write_text("before")
        out.chmod(0o644)
        assert keyhole("render", "a.yaml", "-o", "out.yaml").exit_code == 0
        assert (out.read_text(), out.stat().st_mode & 0o777) == ("a: 1", 0o600)

    def test_git_must_ignore_it(self, folder: Path) -> None:
        git("init")
        (folder / "a.yaml").write_text("a: 1")
        (folder / ".gitignore").write_text("build/\ntracked.yaml\n")
        (folder / "tracked.yaml").write_text("before")
        git("add", "-f", "tracked.yaml")
        (folder / "build").mkdir()
        (folder / "link.yaml").symlink_to("new.yaml")
        for name in ("new.yaml", "tracked.yaml", "link.yaml"):
            done = keyhole("render", "a.yaml", "-o", name)
            assert (done.exit_code, f"{name}: Git has this file, or would take it" in done.stderr) == (NOT_DONE, True)
        assert (folder / "tracked.yaml").read_text() == "before"
        assert not (folder / "new.yaml").exists()
        assert keyhole("render", "a.yaml", "-o", "build/out.yaml").exit_code == 0
        assert (folder / "build" / "out.yaml").read_text() == "a: 1"

    def test_a_repository_that_git_cannot_read_takes_nothing(self, folder: Path) -> None:
        (folder / "a.yaml").write_text("a: 1")
        (folder / ".git").mkdir()
        done = keyhole("render", "a.yaml", "-o", "out.yaml")
        assert (done.exit_code, "nobody can say whether Git would take" in done.stderr) == (NOT_DONE, True)

    def test_standard_output_may_not_be_a_file_of_git_either(self, folder: Path) -> None:
        git("init")
        (folder / "a.yaml").write_text("a: 1")
        with (folder / "out.yaml").open("wb") as out:
            done = started("render", "a.yaml", stdout=out.fileno())
            _, told = done.communicate(timeout=60)
        assert (done.returncode, (folder / "out.yaml").read_bytes()) == (NOT_DONE, b"")
        assert b"standard output: Git has this file" in told

    def test_a_device_is_no_file(self, folder: Path) -> None:
        (folder / "a.yaml").write_text("a: 1")
        done = keyhole("render", "a.yaml", "-o", "/dev/null")
        assert (done.exit_code, "is no regular file" in done.stderr) == (NOT_DONE, True)

    def test_a_terminal_is_refused_unless_the_values_are_to_be_seen(self, folder: Path) -> None:
        (folder / "a.yaml").write_text("a: 1")
        for options, code in (((), NOT_DONE), (("--reveal",), 0)):
            primary, terminal = pty.openpty()
            done = started("render", "a.yaml", *options, stdout=terminal)
            _, told = done.communicate(timeout=60)
            os.close(terminal)
            assert (done.returncode, b"standard output is a terminal" in told) == (code, code == NOT_DONE)
            os.close(primary)


class TestExec:
    def test_the_program_takes_the_place_of_the_command(self, folder: Path) -> None:
        (folder / "app.env").write_text("A='x y'\nB=1\nOWN=2\n")
        program = (
            "import os, signal, sys\n"
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(42))\n"
            "told = [os.environ.get(name) for name in ('A', 'B', 'OWN', 'VAULT_TOKEN')]\n"
            "print(os.getpid(), told, flush=True)\n"
            "signal.pause()\n"
        )
        done = started("exec", "--env-file", "app.env", "--", sys.executable, "-c", program, "--help")
        assert done.stdout is not None
        assert done.stdout.readline().decode() == f"{done.pid} ['x y', '1', '2', None]\n"
        done.send_signal(signal.SIGTERM)
        assert done.wait(60) == 42
        done.communicate()

    def test_a_program_ends_at_a_closed_pipe_as_it_would_without_the_command(self) -> None:
        ignored = "grep SigIgn /proc/self/status"
        with started("exec", "--", "sh", "-c", ignored) as done:
            told, _ = done.communicate(timeout=60)
        mask = int(told.split()[1], 16)
        assert not mask & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1))

    @pytest.mark.parametrize(
        ("command", "code"),
        [
            pytest.param(["sh", "-c", "exit 7"], 7, id="its own"),
            pytest.param(["no-such-program"], NOT_FOUND, id="no such program"),
            pytest.param(["/"], NOT_RUN, id="none that can be run"),
        ],
    )
    def test_the_exit_code(self, command: list[str], code: int) -> None:
        with started("exec", *command) as done:
            done.communicate(timeout=60)
        assert done.returncode == code

    def test_a_value_is_utf_8_whatever_the_locale_says(self, folder: Path) -> None:
        (folder / "app.env").write_text("A=é日\nÄ=x\n")
        ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "cli", "exec", "--env-file", "app.env", "env"]
        told = subprocess.run(
            command, env={**ascii_only, "PATH": os.environ["PATH"]}, check=True, capture_output=True, timeout=60
        ).stdout
        assert {"A=é日".encode(), "Ä=x".encode()} <= set(told.splitlines())

    def test_a_variable_that_the_system_has_no_room_for_is_told_without_it(self, folder: Path) -> None:
        (folder / "app.env").write_text(f"A={CANARY * 100_000}\n")
        with started("exec", "--env-file", "app.env", "true") as done:
            _, told = done.communicate(timeout=60)
        assert (done.returncode, told) == (NOT_RUN, b"true: cannot be run: Argument list too long\n")

    @pytest.mark.parametrize(
        ("arguments", "code", "told"),
        [
            pytest.param(["--env", CANARY, "true"], NOT_DONE, "it is not NAME=REFERENCE", id="no name"),
            pytest.param(["--env", f"A={CANARY}", "true"], NOT_DONE, "A: no reference in it", id="a value"),
            pytest.param(["--env", "A=vault:x", "true"], FINDINGS, "--env A:1:1: MalformedReference", id="malformed"),
            pytest.param(["--env-file", "a.env", "true"], FINDINGS, "a.env:1:3: a variable ($…)", id="a variable"),
            pytest.param(["--env-file", "b.env", "true"], FINDINGS, "write ((vault:…)) instead", id="braces"),
            pytest.param(["--evn", "x", "true"], NOT_DONE, "No such option", id="an option that is none"),
            pytest.param([], NOT_DONE, "Missing argument", id="no program"),
            pytest.param(["--env", "A=vault:secret/a#b", "true"], NOT_DONE, "set VAULT_ADDR", id="no Vault"),
        ],
    )
    def test_nothing_is_run_when_something_is_wrong(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, told: str
    ) -> None:
        (folder / "a.env").write_text(f"A=${CANARY.partition('-')[0].upper()}x\n")
        (folder / "b.env").write_text("A=${vault:secret/a#b}\n")
        monkeypatch.setattr(os, "execvpe", lambda *_: pytest.fail("it was run"))
        done = keyhole("exec", *arguments)
        assert done.exit_code == code
        assert told in done.stderr
