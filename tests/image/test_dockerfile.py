"""The rules that the two Dockerfiles keep, read from them."""

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import PurePosixPath

import pytest

from cli.version import VERSION
from tests.image.dockerfile import ROOT, Stage, ignore_patterns, is_ignored, labels_and_environment, stages

PATTERNS = ignore_patterns((ROOT / ".dockerignore").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = [pattern.removesuffix("*") for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]
# What each image holds, and what it is called.
SERVER, REVIEW = "Dockerfile", "Dockerfile.review"
REQUIREMENTS = {SERVER: "requirements.txt", REVIEW: "requirements-review.txt"}
TITLES = {SERVER: PROJECT["project"]["name"], REVIEW: f"{PROJECT['project']['name']}-review"}


@dataclass(frozen=True)
class File:
    """One of the files, with its two stages."""

    name: str

    @property
    def text(self) -> str:
        return (ROOT / self.name).read_text()

    @property
    def stages(self) -> list[Stage]:
        return stages(self.text)

    @property
    def build(self) -> Stage:
        return self.stages[0]

    @property
    def last(self) -> Stage:
        return self.stages[-1]


@pytest.fixture(params=REQUIREMENTS)
def file(request: pytest.FixtureRequest) -> File:
    return File(request.param)


def test_the_base_is_pinned_by_digest_and_the_same_in_all_stages(file: File) -> None:
    for stage in file.stages:
        assert re.fullmatch(r"docker\.io/library/python:3\.13\.\d+-slim-\w+@sha256:[0-9a-f]{64}", stage.base)
        assert stage.base == File(SERVER).last.base


def test_the_user_is_a_number_other_than_root_and_no_instruction_after_it_needs_more(file: File) -> None:
    (user,) = file.last.values("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    after = [name for name, _ in file.last.steps[file.last.steps.index(("USER", user)) + 1 :]]
    assert not {"RUN", "COPY", "ADD"} & set(after)


def test_no_command_goes_through_a_shell(file: File) -> None:
    for stage in file.stages:
        for name in ("RUN", "ENTRYPOINT", "CMD"):
            assert all(isinstance(json.loads(value), list) for value in stage.values(name))
        assert stage.values("ADD") == []
        assert stage.values("SHELL") == []


def test_what_is_installed_is_checked_by_hash_and_never_compiled(file: File) -> None:
    installs = [command for command in map(json.loads, file.build.values("RUN")) if "install" in command]
    assert [command[:3] for command in installs] == [["python", "-m", "pip"]]
    assert {"--require-hashes", "--only-binary=:all:", "--no-cache-dir"} <= set(installs[0])
    assert installs[0][-2:] == ["-r", REQUIREMENTS[file.name]]


def test_the_last_stage_installs_nothing_and_takes_pip_away(file: File) -> None:
    commands = [json.loads(value) for value in file.last.values("RUN")]
    assert any(command[2:4] == ["pip", "uninstall"] and command[-1] == "pip" for command in commands)
    assert ["rm", "-rf", "/usr/local/lib/python3.13/ensurepip"] in commands
    assert not any({"install", "apt-get", "apt", "curl"} & set(command) for command in commands)


def test_every_source_is_there_and_not_ignored(file: File) -> None:
    for copy in (copy for stage in file.stages for copy in stage.copies if copy.stage is None):
        for source in copy.sources:
            assert (ROOT / source).exists(), source
            assert not is_ignored(PurePosixPath(source), PATTERNS), source


def test_every_room_of_the_project_is_copied_and_nothing_else(file: File) -> None:
    copied = {source.rstrip("/") for copy in file.build.copies for source in copy.sources}
    assert copied == {REQUIREMENTS[file.name], *ROOMS}
    allowed = {line.removeprefix("!") for line in PATTERNS if line.startswith("!")}
    assert allowed == {*REQUIREMENTS.values(), "LICENSE", *ROOMS}


@pytest.mark.parametrize(
    "path",
    [
        *(".git/config", ".venv/bin/python", "tests/conftest.py", "testbed/servers/pki.py", "demo/x", "bench/soak.py"),
        *("certs.key", "cli/__pycache__/main.pyc", "webhook/__pycache__", "build/sbom.json", "requirements-dev.txt"),
    ],
)
def test_what_is_no_part_of_the_image_stays_outside_of_the_context(path: str) -> None:
    assert is_ignored(PurePosixPath(path), PATTERNS)


def test_every_stage_that_is_copied_from_is_there(file: File) -> None:
    names = [stage.name for stage in file.stages]
    assert {copy.stage for copy in file.last.copies if copy.stage} <= set(names[:-1]) - {None}


def test_the_labels_tell_what_it_is(file: File) -> None:
    labels, _ = labels_and_environment(file.text)
    told = {name.removeprefix("org.opencontainers.image."): value for name, value in labels.items()}
    project = PROJECT["project"]
    description = project["description"] if file.name == SERVER else told["description"]
    assert told == {
        "title": TITLES[file.name],
        "description": description,
        "version": VERSION,
        "licenses": project["license"],
        "base.name": file.last.base.partition("@")[0],
    }


def test_it_starts_keyhole_by_its_name_and_stops_by_sigterm(file: File) -> None:
    _, environment = labels_and_environment(file.text)
    assert json.loads(file.last.values("ENTRYPOINT")[0]) == ["keyhole"]
    assert file.last.values("STOPSIGNAL") == ["SIGTERM"]
    first = environment["PATH"].split(":")[0]
    launchers = [copy for copy in file.last.copies if copy.target == f"{first}/keyhole"]
    assert [copy.mode for copy in launchers] == ["0755"]


def test_no_secret_and_no_argument_of_the_build_stands_in_it(file: File) -> None:
    for stage in file.stages:
        assert stage.values("ARG") == []
    assert not re.search(r"(?i)password|token|secret=|_key=", file.text)


def test_the_image_for_review_holds_no_server_and_nothing_in_another_version() -> None:
    pin = re.compile(r"^([a-z0-9.-]+==\S+)", re.MULTILINE)
    pinned = {name: set(pin.findall((ROOT / name).read_text())) for name in REQUIREMENTS.values()}
    assert pinned[REQUIREMENTS[REVIEW]] < pinned[REQUIREMENTS[SERVER]]
    names = {pin.partition("==")[0] for pin in pinned[REQUIREMENTS[REVIEW]]}
    assert {"click", "hvac", "kubernetes"} <= names
    assert not {"gevent", "gunicorn", "flask", "werkzeug", "jsonpatch"} & names
