"""The rules that the Dockerfile keeps, read from it."""

import json
import re
import tomllib
from pathlib import PurePosixPath

import pytest

from cli.version import VERSION
from tests.image.dockerfile import ROOT, Stage, ignore_patterns, is_ignored, labels_and_environment, stages

TEXT = (ROOT / "Dockerfile").read_text()
STAGES = stages(TEXT)
BUILD, LAST = STAGES
PATTERNS = ignore_patterns((ROOT / ".dockerignore").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = [pattern.removesuffix("*") for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]


@pytest.mark.parametrize("stage", STAGES, ids=["build", "last"])
def test_the_base_is_pinned_by_digest_and_the_same_in_both_stages(stage: Stage) -> None:
    assert re.fullmatch(r"docker\.io/library/python:3\.13\.\d+-slim-\w+@sha256:[0-9a-f]{64}", stage.base)
    assert stage.base == LAST.base


def test_the_user_is_a_number_other_than_root_and_no_instruction_after_it_needs_more() -> None:
    (user,) = LAST.values("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    after = [name for name, _ in LAST.steps[LAST.steps.index(("USER", user)) + 1 :]]
    assert not {"RUN", "COPY", "ADD"} & set(after)


@pytest.mark.parametrize("stage", STAGES, ids=["build", "last"])
def test_no_command_goes_through_a_shell(stage: Stage) -> None:
    for name in ("RUN", "ENTRYPOINT", "CMD"):
        for value in stage.values(name):
            assert isinstance(json.loads(value), list)
    assert stage.values("ADD") == []
    assert stage.values("SHELL") == []


def test_what_is_installed_is_checked_by_hash_and_never_compiled() -> None:
    installs = [command for command in map(json.loads, BUILD.values("RUN")) if "install" in command]
    assert [command[:3] for command in installs] == [["python", "-m", "pip"]]
    assert {"--require-hashes", "--only-binary=:all:", "--no-cache-dir"} <= set(installs[0])
    assert installs[0][-2:] == ["-r", "requirements.txt"]


def test_the_last_stage_installs_nothing_and_takes_pip_away() -> None:
    commands = [json.loads(value) for value in LAST.values("RUN")]
    assert any(command[2:4] == ["pip", "uninstall"] and command[-1] == "pip" for command in commands)
    assert ["rm", "-rf", "/usr/local/lib/python3.13/ensurepip"] in commands
    assert not any({"install", "apt-get", "apt", "curl"} & set(command) for command in commands)


def test_every_source_is_there_and_not_ignored() -> None:
    for copy in (copy for stage in STAGES for copy in stage.copies if copy.stage is None):
        for source in copy.sources:
            assert (ROOT / source).exists(), source
            assert not is_ignored(PurePosixPath(source), PATTERNS), source


def test_every_room_of_the_project_is_copied_and_nothing_else() -> None:
    copied = {source.rstrip("/") for copy in BUILD.copies for source in copy.sources}
    assert copied == {"requirements.txt", *ROOMS}
    allowed = {line.removeprefix("!") for line in PATTERNS if line.startswith("!")}
    assert allowed == {"requirements.txt", "LICENSE", *ROOMS}


@pytest.mark.parametrize(
    "path",
    [
        *(".git/config", ".venv/bin/python", "tests/conftest.py", "testbed/servers/pki.py", "demo/x", "bench/soak.py"),
        *("certs.key", "cli/__pycache__/main.pyc", "webhook/__pycache__", "build/sbom.json", "requirements-dev.txt"),
    ],
)
def test_what_is_no_part_of_the_image_stays_outside_of_the_context(path: str) -> None:
    assert is_ignored(PurePosixPath(path), PATTERNS)


def test_every_stage_that_is_copied_from_is_there() -> None:
    names = [stage.name for stage in STAGES]
    assert {copy.stage for copy in LAST.copies if copy.stage} <= set(names[:-1]) - {None}


def test_the_labels_tell_what_it_is() -> None:
    labels, _ = labels_and_environment(TEXT)
    told = {name.removeprefix("org.opencontainers.image."): value for name, value in labels.items()}
    project = PROJECT["project"]
    assert told == {
        "title": project["name"],
        "description": project["description"],
        "version": VERSION,
        "licenses": project["license"],
        "base.name": LAST.base.partition("@")[0],
    }


def test_it_starts_keyhole_by_its_name_and_stops_by_sigterm() -> None:
    _, environment = labels_and_environment(TEXT)
    assert json.loads(LAST.values("ENTRYPOINT")[0]) == ["keyhole"]
    assert LAST.values("STOPSIGNAL") == ["SIGTERM"]
    first = environment["PATH"].split(":")[0]
    launchers = [copy for copy in LAST.copies if copy.target == f"{first}/keyhole"]
    assert [copy.mode for copy in launchers] == ["0755"]


def test_no_secret_and_no_argument_of_the_build_stands_in_it() -> None:
    for stage in STAGES:
        assert stage.values("ARG") == []
    assert not re.search(r"(?i)password|token|secret=|_key=", TEXT)
