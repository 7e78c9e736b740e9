"""`keyhole migrate` as it is called: diffs that other programs apply, files that are written, and what is refused."""

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.commands.review.migrate import migrate as command
from cli.main import main
from review.languages.all import LANGUAGES

CANARY = "canary-71be"
SECRET = f"""\
apiVersion: v1
kind: Secret
metadata:
  name: app  # the app
stringData:
  password: <path:secret/data/app#password>
  other: {CANARY}
"""
AFTER = SECRET.replace("  password: <path:secret/data/app#password>\n", "").replace(
    "stringData", "  annotations:\n    data.keyhole.dev/password: vault:secret/data/app#password\nstringData"
)
FINDINGS, NOT_DONE = 1, 2


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a work tree with one file in it, all committed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "a.yaml").write_text(SECRET)
    git("init")
    commit()
    return tmp_path


def git(*words: str) -> str:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *identity, *words], check=True, capture_output=True, text=True)
    return done.stdout


def commit() -> None:
    git("add", "--all")
    git("commit", "-m", "x")


def keyhole(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["migrate", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_git_applies_the_diff(tree: Path) -> None:
    (tree / "app" / "crlf.yaml").write_bytes(SECRET.replace("\n", "\r\n").encode())
    (tree / "app" / "open.yaml").write_text(SECRET + "  last: <path:secret/data/app#last>")
    commit()
    result = keyhole()
    assert result.exit_code == FINDINGS, result.output
    (tree / "a.diff").write_bytes(result.stdout_bytes)
    git("apply", "a.diff")
    assert (tree / "app" / "a.yaml").read_text() == AFTER
    assert (tree / "app" / "crlf.yaml").read_bytes() == AFTER.replace("\n", "\r\n").encode()
    assert keyhole().exit_code == 0


def test_it_writes_and_a_second_time_has_nothing_to_do(tree: Path) -> None:
    result = keyhole("app", "--write")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "1 reference of 1 object in 1 of 1 file; 0 notes\n"
    assert (tree / "app" / "a.yaml").read_text() == AFTER
    commit()
    assert keyhole("app", "--write").exit_code == 0
    assert git("status", "--porcelain") == ""


def test_a_work_tree_with_changes_is_left_alone(tree: Path) -> None:
    (tree / "app" / "new.yaml").write_text("a: 1\n")
    result = keyhole("--write")
    assert (result.exit_code, "not committed" in result.stderr) == (NOT_DONE, True)
    assert (tree / "app" / "a.yaml").read_text() == SECRET
    assert keyhole("--write", "--force").exit_code == 0
    assert (tree / "app" / "a.yaml").read_text() == AFTER


def test_what_nothing_would_bring_back_is_left_alone(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "a.yaml"
    elsewhere.write_text(SECRET)
    result = keyhole(str(elsewhere), "--write")
    assert (result.exit_code, "--force" in result.stderr) == (NOT_DONE, True)
    assert elsewhere.read_text() == SECRET


def test_so_is_what_git_ignores_and_somebody_names(tree: Path) -> None:
    (tree / ".git" / "info" / "exclude").write_text("/local\n")
    (tree / "local").mkdir()
    (tree / "local" / "a.yaml").write_text(SECRET)
    for name in ("local", "local/a.yaml"):
        result = keyhole(name, "--write")
        assert (result.exit_code, "Git ignores it" in result.stderr) == (NOT_DONE, True)
    assert (tree / "local" / "a.yaml").read_text() == SECRET


def test_the_report_has_no_line_of_any_file(tree: Path) -> None:
    (tree / "app" / "b.yaml").write_text(
        f"kind: Secret\napiVersion: v1\ndata: {{a: <path:x#{CANARY}>}}\n---\na: [{CANARY}"
    )
    (tree / "app" / "c.yaml").write_bytes(b"\xff\xfe\xff")
    result = keyhole("-o", "json")
    report = json.loads(result.stdout)
    assert report["converted"] == [
        {"file": "app/a.yaml", "line": 1, "object": "Secret app", "language": "avp", "references": 1}
    ]
    assert [note["pointer"] for note in report["notes"]] == ["/data/a"]
    assert [each["file"] for each in report["unchecked"]] == ["app/b.yaml", "app/c.yaml"]
    assert CANARY not in result.output
    assert CANARY not in keyhole().stderr


def test_one_language_alone_is_converted(tree: Path) -> None:
    (tree / "app" / "v.yaml").write_text("password: ref+vault://secret/app#/password\n")
    result = keyhole("--from", "vals", "--diff")
    assert "+password: vault:secret/app#password" in result.stdout
    assert "a.yaml" not in result.stdout


def test_two_vaults_are_two_connections(tree: Path) -> None:
    one, two = (f"ref+vault://s/a?address=https://{name}.example#/k" for name in ("one", "two"))
    (tree / "v.yaml").write_text(f"a: {one}\nb: {two}\n")
    (tree / "w.yaml").write_text(f"a: {two}\n")
    result = keyhole("--from", "vals")
    assert (result.exit_code, "--map https://two.example=NAME" in result.stderr) == (NOT_DONE, True)
    result = keyhole("--from", "vals", "--map", "https://two.example=eu", "v.yaml", "w.yaml")
    assert "+b: vault+eu:s/a#k" in result.stdout
    assert "address: https://two.example" in result.stderr


@pytest.mark.parametrize("words", [("--map", "x"), ("--map", "=x"), ("--write", "--diff"), ("nowhere",)])
def test_what_is_said_wrongly_is_refused(words: tuple[str, ...]) -> None:
    assert keyhole(*words).exit_code == NOT_DONE


def test_every_language_can_be_named() -> None:
    (option,) = (each for each in command.params if each.name == "language")
    assert option.to_info_dict()["type"]["choices"] == ("auto", *(language.NAME for language in LANGUAGES))


def test_its_subcommands_are_no_files() -> None:
    assert keyhole("secrets", "--help").output.startswith("Usage: main migrate secrets [OPTIONS]")
