"""`keyhole migrate secrets` and `keyhole migrate values` as they are called."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main

CANARY = "canary-58cd"
SECRET = f"""\
# of the shop
apiVersion: v1
kind: Secret
metadata: {{name: db, namespace: shop}}
stringData:
  password: {CANARY}
"""
DONE, LEFT_OUT, NOT_DONE = 0, 1, 2


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "db.yaml").write_text(SECRET)
    return tmp_path


def secrets(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["migrate", "secrets", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert CANARY not in result.output
    return result


def test_the_script_has_no_value_in_it() -> None:
    result = secrets(".")
    assert result.exit_code == DONE
    assert "keyhole migrate values --key password db.yaml shop/db |" in result.stdout
    assert result.stderr == "1 Secret, 0 left out\n"


def test_without_secrets_there_is_no_script(folder: Path) -> None:
    (folder / "db.yaml").write_text("a: b\n")
    result = secrets(".")
    assert (result.exit_code, result.stdout, result.stderr) == (DONE, "", "0 Secrets, 0 left out\n")


@pytest.mark.parametrize("form", ["yaml", "flow", "json"])
def test_a_diff_hides_the_values(folder: Path, form: str) -> None:
    value = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"}}
    one_line = json.dumps({**value, "stringData": {"password": CANARY, "enabled": "true"}})
    text = {"yaml": SECRET, "flow": one_line.replace('"', ""), "json": one_line}[form]
    (folder / "db.yaml").write_text(text)
    result = secrets("--diff", ".")
    assert result.exit_code == DONE, result.stderr
    assert "(hidden)" in result.stdout
    assert (folder / "db.yaml").read_text() == text


def test_the_manifests_are_written(folder: Path) -> None:
    assert secrets("--write", "--force", ".").exit_code == DONE
    text = (folder / "db.yaml").read_text()
    assert text.startswith("# of the shop\n")
    assert CANARY not in text
    assert "vault:secret/shop/db#password" in text
    again = secrets("--write", "--force", ".")
    assert (again.exit_code, (folder / "db.yaml").read_text()) == (DONE, text)


def test_values_that_nothing_would_bring_back_are_left_alone(folder: Path) -> None:
    result = secrets("--write", ".")
    assert (result.exit_code, "--force" in result.stderr) == (NOT_DONE, True)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    result = secrets("--write", "db.yaml")
    assert (result.exit_code, "not committed" in result.stderr) == (NOT_DONE, True)
    (folder / ".git" / "info" / "exclude").write_text("*\n")
    result = secrets("--write", "db.yaml")
    assert (result.exit_code, "Git ignores it" in result.stderr) == (NOT_DONE, True)
    assert (folder / "db.yaml").read_text() == SECRET


def test_what_is_left_out_is_told_with_its_place(folder: Path) -> None:
    (folder / "twin.yaml").write_text(SECRET)
    (folder / "broken.yaml").write_text("a: [\n")
    (folder / "kustomization.yaml").write_text(f"secretGenerator: [{{name: a, literals: [b={CANARY}]}}]\n")
    (folder / "no-namespace.yaml").write_text(SECRET.replace(", namespace: shop", ""))
    result = secrets(".")
    assert result.exit_code == LEFT_OUT
    assert "broken.yaml:2:1: not checked" in result.stderr
    assert "kustomization.yaml:1:40: the literal b holds a value: left out, kustomize makes a Secret" in result.stderr
    assert "no-namespace.yaml:4:1: Secret db /metadata: left out, has no namespace; say --namespace" in result.stderr
    assert "twin.yaml:2:1: Secret shop/db: left out, would have the path of the Secret in db.yaml" in result.stderr
    assert result.stderr.endswith("1 Secret, 4 left out\n")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nothing",),
        (".", "--diff", "--write"),
        (".", "--connection", "A B"),
        (".", "--path", "{team}/{name}"),
    ],
)
def test_usage(arguments: tuple[str, ...]) -> None:
    assert secrets(*arguments).exit_code == NOT_DONE


@pytest.mark.parametrize(
    "options", [("--mount", "sys"), ("--path", "../{name}"), ("--path", "-{name}"), ("--mount", "")]
)
def test_no_path_that_a_reference_could_not_have(options: tuple[str, ...]) -> None:
    result = secrets(".", *options)
    assert (result.exit_code, result.stdout) == (LEFT_OUT, "")


def values(*arguments: str, standard_input: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli", "migrate", "values", *arguments]
    return subprocess.run(command, input=standard_input, capture_output=True, text=True, check=False, timeout=60)


def test_values_come_from_a_file_or_from_the_pipe() -> None:
    for source, given in (("db.yaml", ""), ("-", SECRET)):
        done = values("--key", "password", source, "shop/db", standard_input=given)
        assert (done.returncode, json.loads(done.stdout), done.stderr) == (DONE, {"password": CANARY}, "")


def test_an_error_shows_no_value() -> None:
    done = values("--key", "passwort", "db.yaml", "shop/db")
    assert (done.returncode, done.stdout) == (NOT_DONE, "")
    assert done.stderr == "Error: db.yaml: the Secret has no key passwort\n"


def test_values_are_not_for_a_terminal() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "cli", "migrate", "values", "--key", "password", "db.yaml", "shop/db"]
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == NOT_DONE
    assert "not for a terminal" in done.stderr
