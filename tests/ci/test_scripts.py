"""The scripts in the action and in the component, run as their runners run them."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from tests.ci.command import install
from tests.ci.test_definitions import ACTION, component

PLAIN = "apiVersion: v1\nkind: Secret\nmetadata: {name: NAME}\nstringData: {x: 'https://u:pass-77ab@h'}\n"
# What would do harm if a script took it for a part of itself.
HOSTILE = "a b/$(touch pwned)/`touch pwned`;'*"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    for name in ("one", "two three", HOSTILE, "vendor"):
        (folder / name).mkdir(parents=True)
        (folder / name / "x.yaml").write_text(PLAIN.replace("NAME", name.split("/")[0].replace(" ", "-")))
    return folder


def environment(folder: Path, **variables: str) -> dict[str, str]:
    return {
        "PATH": f"{folder.parent / 'bin'}:/usr/bin:/bin",
        "HOME": str(folder),
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        **variables,
    }


def action(
    tree: Path, of_github: Mapping[str, str] = MappingProxyType({}), /, **given: str
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run the step that lints, with inputs; return what it did, and where its reports are."""
    content = yaml.safe_load(ACTION.read_text())
    (step,) = [step for step in content["runs"]["steps"] if step.get("id") == "lint"]
    inputs = {name: one["default"] for name, one in content["inputs"].items()} | given
    variables = {}
    for name, value in step["env"].items():
        asked = value.removeprefix("${{ inputs.").removesuffix(" }}")
        variables[name] = inputs[asked]
    temporary = tree.parent / "runner"
    install(temporary / "keyhole" / "bin")
    files = {"RUNNER_TEMP": temporary, "GITHUB_OUTPUT": temporary / "output", "GITHUB_STEP_SUMMARY": temporary / "md"}
    for file in ("output", "md"):
        (temporary / file).touch()
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=tree,
        env=environment(tree, **variables, **of_github, **{name: str(file) for name, file in files.items()}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done, temporary


def job(tree: Path, shell: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run the job of the component, with inputs."""
    spec, jobs = component()
    inputs = {name: one.get("default", "an-image") for name, one in spec["spec"]["inputs"].items()}
    inputs |= {name.replace("_", "-"): value for name, value in given.items()}
    lint: dict[str, Any] = jobs["keyhole-lint"]
    variables = {}
    for name, value in lint["variables"].items():
        variables[name] = inputs[value.removeprefix("$[[ inputs.").removesuffix(" ]]")]
    (script,) = lint["script"]
    if not (tree.parent / "bin").exists():
        install(tree.parent / "bin")
    command = [shell, *(["-o", "pipefail"] if shell == "bash" else []), "-ec", script]
    return subprocess.run(
        command,
        cwd=tree,
        env=environment(tree, **variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def found_in(sarif: Path) -> set[str]:
    results = json.loads(sarif.read_text())["runs"][0]["results"]
    return {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].partition("/")[0] for one in results}


def test_the_action_reports_in_every_way_and_fails(tree: Path) -> None:
    done, temporary = action(tree)
    assert done.returncode == 1, done.stderr
    assert done.stdout.count("::error ") == 4
    assert (temporary / "output").read_text() == f"sarif={temporary}/keyhole/keyhole.sarif\n"
    assert found_in(temporary / "keyhole" / "keyhole.sarif") >= {"one", "two%20three", "vendor"}
    summary = (temporary / "md").read_text()
    assert summary.count("KH304") >= 4
    assert "pass-77ab" not in summary + done.stdout + done.stderr


def test_the_actions_inputs_arrive_as_they_were_written(tree: Path) -> None:
    done, _ = action(tree, paths=f"one\n\ntwo three\n{HOSTILE}\nvendor\n", exclude="vendor\nx?.yaml\n")
    assert done.returncode == 1, done.stderr
    assert done.stdout.count("::error ") == 4  # a pattern is relative to the folder that was given
    assert not list(tree.rglob("pwned"))
    done, _ = action_again(tree, paths=".", exclude="vendor\n[ot]*", **{"fail-on": "never"})
    assert (done.returncode, done.stdout.count("::error ")) == (0, 1)


def action_again(tree: Path, **given: str) -> tuple[subprocess.CompletedProcess[str], Path]:
    shutil.rmtree(tree.parent / "runner")
    return action(tree, **given)


def test_an_action_that_cannot_lint_fails_and_sends_nothing(tree: Path) -> None:
    done, temporary = action(tree, baseline="gone.json")
    assert done.returncode == 2
    assert (temporary / "output").read_text() == ""


def test_vault_is_asked_only_with_its_address_and_a_fork_has_no_identity(tree: Path) -> None:
    note = "annotations: {data.keyhole.dev/a: 'vault:secret/a#b'}"
    (tree / "one" / "y.yaml").write_text(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: y, namespace: y, {note}}}\n")
    for done in (action(tree, vault="https://127.0.0.1:9")[0], job(tree, "sh", vault="https://127.0.0.1:9")):
        assert done.returncode == 1, done.stderr
        assert "KEYHOLE_JWT" in done.stdout + done.stderr
        assert "not checked" in done.stdout


@pytest.fixture
def github() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Serve what issues JWTs to a job: its address, and the paths that were asked for with what was sent."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"value": "aaa.bbb.ccc"}')

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/?a=b", asked
        server.shutdown()
        thread.join()


def test_no_file_of_the_repository_runs_and_no_argument_shows_the_token_for_an_identity(
    tree: Path, github: tuple[str, list[tuple[str, str]]]
) -> None:
    address, asked = github
    note = "annotations: {data.keyhole.dev/a: 'vault:secret/a#b'}"
    (tree / "y.yaml").write_text(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: y, namespace: y, {note}}}\n")
    for name in ("json", "encodings", "sitecustomize", "re"):
        (tree / f"{name}.py").write_text("open('pwned', 'w')\n")
    seen = tree.parent / "seen"
    (tree.parent / "bin").mkdir()
    (tree.parent / "bin" / "curl").write_text(f'#!/bin/sh\necho "$@" >> {seen}\nexec /usr/bin/curl "$@"\n')
    (tree.parent / "bin" / "curl").chmod(0o755)
    of_github = {"ACTIONS_ID_TOKEN_REQUEST_URL": address, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "token-8f1c"}
    done, _ = action(tree, of_github, vault="https://127.0.0.1:9")
    assert done.returncode == 1, done.stderr
    assert "Vault at https://127.0.0.1:9" in done.stdout
    assert asked == [("/?a=b&audience=keyhole-review", "bearer token-8f1c")]
    assert not list(tree.rglob("pwned"))
    assert "token-8f1c" not in seen.read_text() + done.stdout + done.stderr


def test_python_looks_for_no_module_where_the_repository_is() -> None:
    scripts = "".join(step.get("run", "") for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"])
    calls = re.findall(r"(?:python3|/python\"|%s\") (-\S+)", scripts)
    assert len(calls) == 4
    assert set(calls) <= {"-I", "-P"}


def test_what_is_to_be_sent_is_sent_although_the_step_before_failed() -> None:
    steps = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
    (send,) = [step for step in steps if "upload-sarif" in step.get("uses", "")]
    assert send["if"].startswith("${{ always() && ")


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_component_reports_and_fails(tree: Path, shell: str) -> None:
    done = job(tree, shell, paths=f"one\ntwo three\n{HOSTILE}")
    assert done.returncode == 1, done.stderr
    assert done.stdout.count("error KH304") == 3
    reports = component()[1]["keyhole-lint"]["artifacts"]["reports"]
    assert len(json.loads((tree / reports["codequality"]).read_text())) == 3
    assert (tree / reports["junit"]).read_text().count("<failure") == 3
    assert not list(tree.rglob("pwned"))
    sound = job(tree, shell, paths=".", exclude="*", fail_on="note")
    assert (sound.returncode, sound.stdout) == (0, "0 objects in 0 files: no findings\n")


def test_no_input_is_written_into_a_script() -> None:
    for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
    (script,) = component()[1]["keyhole-lint"]["script"]
    assert "$[[" not in script
