"""`keyhole audit verify`: what it prints and with which code it ends."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from audit.key import AuditKey
from audit.line import Event, sign
from audit.torn import Piece, telling
from cli.commands import audit as audit_command
from cli.commands.audit import audit
from tests.audit.audits import chain_lines, head_of

NOT_DONE = 2
SECRET, OTHER_SECRET = b"the first key, which is not random", b"another key: the quick brown fox jumps"
LINES = chain_lines(1, 5, AuditKey.of(SECRET), ends=True)


def run(*arguments: str | Path, stdin: bytes = b"") -> Result:
    result = CliRunner().invoke(audit, ["verify", *map(str, arguments)], input=io.BytesIO(stdin))
    # Anything but an exit is a traceback for the user.
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "the first key" not in result.output
    return result


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return key_file(tmp_path, "audit.key", SECRET)


def key_file(folder: Path, name: str, secret: bytes, mode: int = 0o600) -> Path:
    path = folder / name
    path.write_bytes(secret)
    path.chmod(mode)
    return path


def log(folder: Path, lines: Sequence[bytes], name: str = "audit.log") -> Path:
    path = folder / name
    path.write_bytes(b"".join(lines))
    return path


def test_a_trail_that_is_intact_is_told_with_its_heads(tmp_path: Path, key: Path) -> None:
    other = chain_lines(2, 2, AuditKey.of(SECRET))
    result = run(log(tmp_path, [*LINES, *other]), "--key", key)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"chain {1:032x}: lines 0 to 4, ended",
        f"  head {head_of(LINES)}",
        f"chain {2:032x}: lines 0 to 1, not ended",
        f"  head {head_of(other)}",
        "7 lines in 2 chains, intact",
    ]


def test_findings_are_told_with_file_and_line(tmp_path: Path, key: Path) -> None:
    path = log(tmp_path, [LINES[0], LINES[1].replace(b'"n":1', b'"n":2'), b"\x1b[31m\n", *LINES[2:]])
    result = run(path, "--key", key)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:3] == [
        f"finding: {path}:2: Changed: was changed or forged: its MAC is wrong (chain {1:032x})",
        f"finding: {path}:3: NotALine: is no line of a trail",
        f"finding: {path}:4: Missing: line 1 is missing before this one (chain {1:032x})",
    ]
    assert result.stdout.splitlines()[-1] == "4 lines in 1 chains, findings: 3"
    assert "\x1b" not in result.stdout


def test_programs_get_one_json_object(tmp_path: Path, key: Path) -> None:
    path = log(tmp_path, [*LINES[:2], *LINES[3:]])
    result = run(path, "--key", key, "-o", "json")
    assert result.exit_code == 1
    told: dict[str, Any] = json.loads(result.stdout)
    assert told == {
        "intact": False,
        "lines": 4,
        "chains": [
            {
                "chain": f"{1:032x}",
                "first": 0,
                "last": 4,
                "lines": 4,
                "ended": True,
                "keys": [AuditKey.of(SECRET).id],
                "head": str(head_of(LINES)),
            }
        ],
        "findings": [
            {
                "file": str(path),
                "line": 3,
                "chain": f"{1:032x}",
                "problem": "Missing",
                "message": "line 2 is missing before this one",
            }
        ],
        "findings_total": 1,
        "notes": [],
        "notes_total": 0,
    }


def test_a_line_that_was_never_finished_is_a_note(tmp_path: Path, key: Path) -> None:
    lines = chain_lines(1, 2, AuditKey.of(SECRET))
    piece = b'{"chain":"0123'
    after, head = sign(AuditKey.of(SECRET), Event.ADMISSION, head_of(lines), telling(b"{}", [Piece.of(piece)]))
    path = log(tmp_path, [*lines, piece + b"\n", after])
    result = run(path, "--key", key)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"note: {path}:3: Torn: was never finished, as line 2 of the chain says (chain {1:032x})",
        f"chain {1:032x}: lines 0 to 2, not ended",
        f"  head {head}",
        "3 lines in 1 chains, intact",
    ]
    told = json.loads(run(path, "--key", key, "-o", "json").stdout)
    assert (told["intact"], told["findings"], told["notes_total"]) == (True, [], 1)
    assert [(note["line"], note["problem"]) for note in told["notes"]] == [(3, "Torn")]


def test_the_head_that_was_printed_finds_a_tail_that_is_cut_later(tmp_path: Path, key: Path) -> None:
    path = log(tmp_path, LINES)
    told = json.loads(run(path, "--key", key, "-o", "json").stdout)
    head = told["chains"][0]["head"]
    assert run(path, "--key", key, "--head", head).exit_code == 0
    log(tmp_path, LINES[:-1])
    assert run(path, "--key", key).exit_code == 0
    result = run(path, "--key", key, "--head", head)
    assert result.exit_code == 1
    assert f"finding: TailMissing: line 4, of the head {head}, is missing; the last one is 3" in result.stdout


@pytest.mark.parametrize("arguments", [(), ("-",)], ids=["no file", "a dash"])
def test_standard_input_is_read(key: Path, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, "--key", key, stdin=b"".join(LINES) + b"x\n")
    assert result.exit_code == 1
    assert "finding: standard input:6: NotALine" in result.stdout


def test_the_files_of_a_rotated_log_are_one_trail_in_their_order(tmp_path: Path, key: Path) -> None:
    old, new = log(tmp_path, LINES[:2], "audit.log.1"), log(tmp_path, LINES[2:])
    assert run(old, new, "--key", key).exit_code == 0
    wrong = run(new, old, "--key", key)
    assert wrong.exit_code == 1
    assert f"{old}:1: OutOfOrder" in wrong.stdout
    assert run(new, "--key", key).exit_code == 1
    assert run(new, "--key", key, "--after", str(head_of(LINES, 1))).exit_code == 0


def test_keys_that_were_rotated_are_given_together(tmp_path: Path, key: Path) -> None:
    path = log(tmp_path, [*LINES, *chain_lines(2, 3, AuditKey.of(OTHER_SECRET))])
    other = key_file(tmp_path, "other.key", OTHER_SECRET)
    assert run(path, "--key", key, "--key", other).exit_code == 0
    result = run(path, "--key", key)
    assert result.exit_code == 1
    assert "UnknownKey" in result.stdout


def test_a_trail_among_other_output_is_picked_out(key: Path) -> None:
    stdin = b"INFO starting\n" + b"".join(b"2026-08-01T00:00:00Z " + line for line in LINES)
    assert run("--key", key, stdin=stdin).exit_code == 1
    assert run("--key", key, "--mixed", stdin=stdin).exit_code == 0


def test_an_empty_file_is_no_success(tmp_path: Path, key: Path) -> None:
    result = run(log(tmp_path, []), "--key", key)
    assert result.exit_code == 1
    assert "finding: Nothing: there is not a single sound line of a trail" in result.stdout


def test_thousands_of_findings_are_counted(key: Path) -> None:
    result = run("--key", key, stdin=b"x\n" * 1500 + b"".join(LINES))
    assert result.exit_code == 1
    assert "and 500 more findings" in result.stdout
    assert result.stdout.splitlines()[-1] == "5 lines in 1 chains, findings: 1500"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(("audit.log",), "Missing option '--key'", id="no key"),
        pytest.param(("missing.log", "--key", "audit.key"), "does not exist", id="no such file"),
        pytest.param(("audit.log", "--key", "missing.key"), "does not exist", id="no such key"),
        pytest.param(("audit.log", "--key", "open.key"), "others may read or write it", id="a key for all to read"),
        pytest.param(("audit.log", "--key", "short.key"), "must have 32 to 4096 bytes", id="a short key"),
        pytest.param(("audit.log", "--key", "audit.key", "--head", "x"), "CHAIN:SEQUENCE:MAC", id="no head"),
        pytest.param((".", "--key", "audit.key"), "is a directory", id="a folder"),
    ],
)
def test_what_cannot_be_used_is_told_with_another_code(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], problem: str
) -> None:
    log(tmp_path, LINES)
    key_file(tmp_path, "open.key", SECRET, 0o644)
    key_file(tmp_path, "short.key", SECRET[:31])
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == NOT_DONE
    assert problem in " ".join(result.stderr.split())
    assert result.stdout == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_long_reading_shows_its_progress_on_a_terminal(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch, is_terminal: bool
) -> None:
    monkeypatch.setattr(audit_command, "_PROGRESS_FROM_BYTES", 100)
    monkeypatch.setattr(audit_command, "_PROGRESS_STEP_BYTES", 100)
    screen = Terminal() if is_terminal else io.StringIO()
    path = log(tmp_path, LINES)
    # click's runner has streams of its own, so this calls what the command calls.
    monkeypatch.setattr("sys.stderr", screen)
    with audit_command._progress([path]) as advance:
        advance(path.stat().st_size)
    assert ("verifying" in screen.getvalue()) == is_terminal
    assert ("100%" in screen.getvalue()) == is_terminal


def test_a_short_reading_shows_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with audit_command._progress([log(tmp_path, LINES)]) as advance:
        advance(1)
    assert screen.getvalue() == ""


def test_the_help_has_examples_on_lines_of_their_own() -> None:
    lines = [line.strip() for line in run("--help").stdout.splitlines()]
    assert "Examples:" in lines
    assert "keyhole audit verify /var/log/keyhole/audit.log --key audit.key" in lines
    assert "kubectl logs -n keyhole POD | keyhole audit verify - --key audit.key --mixed" in lines
