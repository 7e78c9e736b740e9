"""The Dockerfile as stages of instructions, what its context holds, and its stages built in folders, without an engine.

A stage's root is a folder, and `python` is that of a clean virtual environment. What comes of the dependencies alone is
kept in the testbed's cache, as an engine keeps layers. What else an engine adds (users, the base image's own files) is
not there.
"""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from itertools import takewhile
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from dockerfile_parse import DockerfileParser

from testbed.programs.build import cache_folder

ROOT = Path(__file__).resolve().parent.parent.parent
_BUILD_SECONDS = 600


@dataclass(frozen=True)
class Copy:
    """A COPY: what is copied where, and from which stage (None: the context)."""

    sources: Sequence[str]
    target: str
    stage: str | None
    mode: str | None


@dataclass(frozen=True)
class Stage:
    """One stage; `steps` are its instructions and their values, in order."""

    base: str
    name: str | None
    steps: list[tuple[str, str]] = field(default_factory=list)

    def values(self, instruction: str) -> list[str]:
        """Return the values of an instruction, in order."""
        return [value for name, value in self.steps if name == instruction]

    @property
    def copies(self) -> list[Copy]:
        """What is copied."""
        return [copy_of(value) for value in self.values("COPY")]


def stages(text: str) -> list[Stage]:
    """Return the stages of a Dockerfile."""
    found: list[Stage] = []
    with TemporaryDirectory() as folder:
        parser = DockerfileParser(folder)
        parser.content = text
        for part in parser.structure:
            if part["instruction"] == "FROM":
                base, _, name = part["value"].partition(" AS ")
                found.append(Stage(base, name or None))
            elif part["instruction"] != "COMMENT":
                found[-1].steps.append((part["instruction"], part["value"]))
    return found


def labels_and_environment(text: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return LABEL and ENV of the last stage."""
    with TemporaryDirectory() as folder:
        parser = DockerfileParser(folder)
        parser.content = text
        return dict(parser.labels), dict(parser.envs)


def copy_of(value: str) -> Copy:
    """Parse the value of a COPY."""
    words = value.split()
    flags = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
    *sources, target = (word for word in words if not word.startswith("--"))
    return Copy(sources, target, flags.get("from"), flags.get("chmod"))


def is_ignored(path: PurePosixPath, patterns: Sequence[str]) -> bool:
    """Say whether a path of the context is left out: the last pattern that matches it or a folder above decides.

    Source: Docker, *Build context*, .dockerignore files.
    """
    ignored = False
    for line in patterns:
        pattern, exception = line.removeprefix("!"), line.startswith("!")
        above = [path, *path.parents[:-1]]
        if any(_matches(part, pattern) for part in above):
            ignored = not exception
    return ignored


def _matches(path: PurePosixPath, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch(path.name, pattern.removeprefix("**/"))
    # A star does not match a slash there.
    return len(path.parts) == len(PurePosixPath(pattern).parts) and fnmatch(str(path), pattern)


def ignore_patterns(text: str) -> list[str]:
    """Return the lines of a .dockerignore that count."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


@dataclass(frozen=True)
class Image:
    """The last stage, built in a folder: `root` stands for /."""

    root: Path
    environment: Mapping[str, str]
    entrypoint: Sequence[str]

    def within(self, text: str) -> str:
        """Return absolute paths of the image, alone or joined by colons, as paths of this machine."""
        own = f"{self.root}/opt/"
        return ":".join(part.replace("/opt/", own, 1) if part.startswith("/opt/") else part for part in text.split(":"))


def build(folder: Path, file: str = "Dockerfile") -> Image:
    """Carry out a Dockerfile below `folder`; raises subprocess.CalledProcessError with what a command wrote."""
    text = (ROOT / file).read_text()
    patterns = ignore_patterns((ROOT / ".dockerignore").read_text())
    plain = _only_python(folder)
    roots: dict[str | None, Path] = {}
    last = Path()
    for number, stage in enumerate(stages(text)):
        last = roots[stage.name] = folder / f"stage-{number}"
        lowest = _of_dependencies(stage)
        if any(name == "RUN" for name, _ in lowest):
            _layer(replace(stage, steps=lowest), last, folder)
        else:
            last.mkdir()
            lowest = []
        _carry_out(stage, last, roots, plain / "python", patterns, len(lowest))
    _, environment = labels_and_environment(text)
    entrypoint = json.loads(stages(text)[-1].values("ENTRYPOINT")[-1])
    image = Image(last, {}, entrypoint)
    mapped = {name: image.within(value) for name, value in environment.items()}
    mapped["PATH"] = f"{mapped['PATH'].split(':', 1)[0]}:{plain}"
    return Image(last, mapped, entrypoint)


def _only_python(folder: Path) -> Path:
    """Return a folder whose only program is Python, without any package: what /usr/local/bin is in the base image."""
    plain = folder / "plain"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", plain], check=True, timeout=_BUILD_SECONDS)
    return plain / "bin"


def _of_dependencies(stage: Stage) -> list[tuple[str, str]]:
    """Return the first steps of a stage, up to where it takes a folder of the tree or of another stage."""

    def takes_more(step: tuple[str, str]) -> bool:
        if step[0] != "COPY":
            return False
        copied = copy_of(step[1])
        return copied.stage is not None or any((ROOT / source).is_dir() for source in copied.sources)

    return list(takewhile(lambda step: not takes_more(step), stage.steps))


def _layer(lowest: Stage, root: Path, folder: Path) -> None:
    """Make `root` what these steps make of it, once for the same steps, files and Python on this machine."""
    files = [(ROOT / source).read_bytes() for copy in lowest.copies for source in copy.sources]
    known = (sys.version, str(lowest.steps), *files)
    layer = cache_folder(os.environ) / "layers" / hashlib.sha256(repr(known).encode()).hexdigest()[:16]
    if not layer.is_dir():
        python = folder / "python"
        subprocess.run([sys.executable, "-m", "venv", python], check=True, timeout=_BUILD_SECONDS)
        layer.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=layer.parent) as made:
            _carry_out(lowest, Path(made, "root"), {}, python / "bin" / "python", [])
            with contextlib.suppress(OSError):  # another run may have been quicker
                Path(made, "root").rename(layer)
    shutil.copytree(layer, root)


def _carry_out(  # noqa: PLR0917
    stage: Stage, root: Path, roots: Mapping[str | None, Path], python: Path, patterns: Sequence[str], done: int = 0
) -> None:
    """Carry out the steps of a stage, but for the first so many, which are done but for the folder that they end in."""
    directory = PurePosixPath("/")
    for number, (instruction, value) in enumerate(stage.steps):
        if instruction == "WORKDIR":
            directory /= value
            _inside(root, directory).mkdir(parents=True, exist_ok=True)
        elif number < done:
            continue
        elif instruction == "COPY":
            _copy(copy_of(value), root, directory, roots, patterns)
        elif instruction == "RUN":
            _run(json.loads(value), root, directory, python)


def _inside(root: Path, path: PurePosixPath) -> Path:
    return root / str(path).lstrip("/")


def _copy(
    copy: Copy, root: Path, directory: PurePosixPath, roots: Mapping[str | None, Path], patterns: Sequence[str]
) -> None:
    target = _inside(root, directory / copy.target)
    for source in copy.sources:
        found = _inside(roots[copy.stage], PurePosixPath(source)) if copy.stage else ROOT / source
        if found.is_dir():
            leave_out = None if copy.stage else _Ignore(patterns)
            shutil.copytree(found, target, dirs_exist_ok=True, ignore=leave_out)
            continue
        file = target / found.name if copy.target.endswith("/") else target
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(found, file)
        if copy.mode:
            file.chmod(int(copy.mode, 8))


@dataclass(frozen=True)
class _Ignore:
    patterns: Sequence[str]

    def __call__(self, folder: str, names: list[str]) -> set[str]:
        """Return the names that the context leaves out (shutil.copytree's hook)."""
        within = PurePosixPath(Path(folder).relative_to(ROOT))
        return {name for name in names if is_ignored(within / name, self.patterns)}


def _run(command: Sequence[str], root: Path, directory: PurePosixPath, python: Path) -> None:
    """Run a command of a stage. What only takes away of the base image has nothing to do here."""
    if command[0] == "rm" or "uninstall" in command:
        return
    assert command[0] == "python", command
    arguments = [part.replace("/opt/", f"{root}/opt/", 1) for part in command[1:]]
    subprocess.run([python, *arguments], cwd=_inside(root, directory), check=True, timeout=_BUILD_SECONDS)
