"""`keyhole changes`: what it reads, what it shows, and what it says when it cannot."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from tests.changes import sample


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    return sample.write(tmp_path / "audit.log", sample.story())


def _run(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["changes", *map(str, arguments)], input=stdin)


def _requesters(result: Result) -> list[str]:
    return [each["requester"] for each in json.loads(result.stdout)["changes"]]


def test_a_trail_is_shown_the_newest_first(trail: Path) -> None:
    result = _run(trail, "-n", "shop", "--name", "db")
    assert result.exit_code == 0
    assert result.stdout.count("Secret shop/db") == 4
    assert result.stdout.index("rotated in Vault: v3 → v4") < result.stdout.index("another reference")
    assert result.stderr == ""


def test_filters(trail: Path) -> None:
    assert _requesters(_run(trail, "--requester", "bob@example.com", "-o", "json")) == ["bob@example.com"]
    assert _requesters(_run(trail, "--kind", "ConfigMap", "-o", "json")) == ["bob@example.com"]
    assert _requesters(_run(trail, "--kind", "ConfigMap.example.com", "-o", "json")) == []
    reference = "vault:secret/shop/old-db#password"
    assert len(_requesters(_run(trail, "--reference", reference, "-o", "json"))) == 2
    assert _requesters(_run(trail, "--since", "2026-11-02T08:17Z", "-o", "json")) == [sample.ALICE.username]
    assert _requesters(_run(trail, "--until", "2026-11-02T08:01Z", "-o", "json")) == [sample.FLUX.username]
    assert _requesters(_run(trail, "--since", "1h", "-o", "json")) == []


def test_there_are_more_than_are_shown(trail: Path) -> None:
    result = _run(trail, "--limit", 2, "-o", "json")
    assert len(_requesters(result)) == 2
    assert "--limit" in result.stderr


def test_an_index_is_kept_for_its_owner_and_goes_on(tmp_path: Path, trail: Path) -> None:
    index = tmp_path / "changes.db"
    assert _run(trail, "--index", index).exit_code == 0
    assert stat.S_IMODE(index.stat().st_mode) == 0o600
    trail.unlink()
    assert "Secret shop/db" in _run("--index", index).stdout


def test_without_an_index_nothing_is_left_behind(trail: Path) -> None:
    _run(trail)
    assert list(trail.parent.iterdir()) == [trail]


def test_rotated_files_are_read_with_the_one_that_is_named(tmp_path: Path) -> None:
    lines = list(sample.lines(sample.story()))
    (tmp_path / "audit.log.1").write_bytes(b"".join(lines[:10]))
    os.utime(tmp_path / "audit.log.1", (1, 1))
    (tmp_path / "audit.log").write_bytes(b"".join(lines[10:]))
    (tmp_path / "audit.log.bak").write_bytes(b"something else")
    assert "Flux, Kustomization flux-system/apps" in _run(tmp_path / "audit.log").stdout


def test_standard_input_with_other_text_in_it(trail: Path) -> None:
    result = _run("-", "-o", "json", stdin=b"starting\n" + trail.read_bytes())
    assert sample.ALICE.username in _requesters(result)


def test_forms_into_files(tmp_path: Path, trail: Path) -> None:
    files = {form: tmp_path / f"out.{form}" for form in ("text", "json", "csv", "html")}
    result = _run(trail, *(part for form, file in files.items() for part in ("-o", f"{form}={file}")))
    assert (result.exit_code, result.stdout) == (0, "")
    for file in files.values():
        assert "alice@example.com" in file.read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "give a trail, --logs, --git or --index"),
        (["/nowhere/audit.log"], "/nowhere/audit.log: there is no such file"),
        (["--index", "/nowhere/index.db", "/dev/null"], "/nowhere/index.db"),
        (["--index", "/nowhere/index.db"], "there is no such index"),
        (["/dev/null", "-o", "pdf"], "'pdf' is not one of"),
        (["/dev/null", "--since", "yesterday"], "'yesterday' is neither a time"),
        (["/dev/null", "--since", "2026-11-02", "--until", "2026-11-01"], "--since has to be before --until"),
        (["/dev/null", "--commit", "12"], "'12' is neither the ID of a commit nor its first 7 digits"),
        (["/nowhere/*.log"], "/nowhere/*.log: no file has such a name"),
        (["/dev/null", "--git", "/nowhere"], "/nowhere"),
        (["--logs", "--kubeconfig", "/nowhere/config"], "/nowhere/config"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], told: str) -> None:
    result = _run(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_what_could_be_read_is_shown_beside_what_could_not(trail: Path) -> None:
    result = _run(trail, "/nowhere/audit.log")
    assert result.exit_code == 2
    assert "Secret shop/db" in result.stdout


def test_what_cannot_be_printed_is_said(trail: Path) -> None:
    program = [sys.executable, "-c", "from cli.main import main; main()", "changes", str(trail)]
    root = Path(__file__).resolve().parents[2]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            program, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env={"PYTHONPATH": str(root)}
        )
    assert done.stderr == "Error: standard output: No space left on device\n"
    assert done.returncode == 2


def test_a_file_that_is_no_trail_says_so(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("apples\n" * 10)
    result = _run(file)
    assert "no line of a trail" in result.stderr
    assert result.exit_code == 2


def test_a_folder_without_files_says_so(tmp_path: Path) -> None:
    result = _run(tmp_path)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {tmp_path}: there is no file in this folder; folders in it are not looked into\n"


def test_when_nothing_fits_it_says_what_there_is(trail: Path) -> None:
    misspelt = _run(trail, "-n", "shopp")
    assert misspelt.exit_code == 0
    assert misspelt.stderr == "no change in the namespace shopp; there are some in payments, shop\n"
    assert _run(trail, "-n", "shop", "--name", "dB").stderr.startswith("no change fits; each filter has to be a whole")
    assert _run("-").stderr == "there are no changes\n"
