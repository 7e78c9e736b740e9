"""Builds a program once from its pinned Go module into the user's cache folder."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from testbed.errors import BuildFailed, GoMissing
from testbed.programs import pins
from testbed.programs.finding import BUILT, Found, Program
from testbed.programs.reports import Report
from testbed.servers.supervision import Supervisor, log_tail

MODULES = Path(__file__).with_name("modules")
# A cold build of the API server on two slow cores takes minutes; an hour means that something hangs.
BUILD_TIMEOUT_SECONDS = 3600.0
_COMMON_FLAGS = ("-mod=readonly", "-trimpath")


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return `$XDG_CACHE_HOME/keyhole-testbed`, by default below ~/.cache."""
    base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base).expanduser().absolute() / "keyhole-testbed"


def cache_key(program: Program, go_version: str, modules: Path = MODULES) -> str:
    """Return the hash of all that decides about the result: module files, package, flags, toolchain."""
    digest = hashlib.sha256()
    module = modules / program.module
    files = [(module / name).read_bytes() for name in ("go.mod", "go.sum")]
    texts = (program.package, *_COMMON_FLAGS, *program.build_flags, go_version)
    for part in (*files, *(text.encode() for text in texts)):
        # The length keeps neighbouring parts from running into each other.
        digest.update(len(part).to_bytes(8, "big") + part)
    return f"{program.name}-{program.version}-{digest.hexdigest()[:16]}"


def go_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a build: the user's own, less what would change the result."""
    fixed = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-buildvcs=false"}
    return {**{name: text for name, text in environment.items() if name != "GOEXPERIMENT"}, **fixed}


@contextlib.contextmanager
def locked(path: Path, report: Report) -> Iterator[None]:
    """Hold an exclusive lock on the file; say so when somebody else holds it. The lock dies with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report.say("waiting for another build of the testbed's programs to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Builder:
    """Builds what is asked of it into one cache folder, and returns what lies there already."""

    def __init__(self, environment: Mapping[str, str], report: Report) -> None:
        self._environment = go_environment(environment)
        self._cache = cache_folder(environment)
        self._report = report
        self._go: tuple[str, str] | None = None

    def _go_for(self, program: Program) -> tuple[str, str]:
        """Return the path of `go` and what `go version` prints. Raises GoMissing."""
        if self._go is None:
            go = shutil.which("go", path=self._environment.get("PATH"))
            if go is None:
                raise GoMissing(program.name, str(pins.GO), program.variable)
            answer = subprocess.run(
                [go, "version"],
                env=self._environment,
                cwd=MODULES.parent,  # outside the modules, or a `go` line would pull in a toolchain just for this
                capture_output=True,
                text=True,
                check=True,
            )
            self._go = go, answer.stdout.strip()
        return self._go

    def target(self, program: Program) -> Path:
        """Return where the built program lies or will lie."""
        _, version = self._go_for(program)
        return self._cache / cache_key(program, version) / "bin" / program.name

    def ensure(self, program: Program, position: str = "") -> Found:
        """Return the built program, building it first where needed; one build at a time for each cache folder.

        `position` ("2 of 5") stands in the progress line. Raises GoMissing and BuildFailed.
        """
        target = self.target(program)
        if not target.exists():
            with locked(self._cache / "build.lock", self._report):
                if not target.exists():  # somebody else may have built it while we waited
                    title = f"building {program.name} {program.version}{position and f' ({position})'}"
                    with self._report.step(title):
                        self._build(program, target)
        # Vault resolves links before it compares a plugin's place with its plugin directory.
        return Found(target.resolve(), program.version, BUILT)

    def _build(self, program: Program, target: Path) -> None:
        folder = target.parent.parent
        folder.mkdir(parents=True, exist_ok=True)
        log_file = folder / "build.log"
        log_file.unlink(missing_ok=True)
        for left_over in folder.glob("unfinished-*"):  # of a build that was killed; we hold the lock
            shutil.rmtree(left_over, ignore_errors=True)
        go, _ = self._go_for(program)
        with tempfile.TemporaryDirectory(prefix="unfinished-", dir=folder) as scratch:
            module = Path(scratch) / "module"
            shutil.copytree(MODULES / program.module, module)
            output = Path(scratch) / program.name
            arguments = [go, "build", *_COMMON_FLAGS, *program.build_flags, "-o", str(output), program.package]
            if self._run(arguments, module, log_file) != 0 or not output.exists():
                raise BuildFailed(program.name, log_file, log_tail(log_file), str(pins.GO), program.variable)
            target.parent.mkdir(exist_ok=True)
            os.replace(output, target)  # noqa: PTH105 - the rename that makes a half-written program impossible

    def _run(self, arguments: list[str], directory: Path, log_file: Path) -> int:
        # Under a guardian, so that a killed caller leaves no compiler behind that works on without the lock.
        with contextlib.closing(Supervisor()) as supervisor:
            compiler = supervisor.start("go build", arguments, log_file, self._environment, directory)
            return compiler.wait(BUILD_TIMEOUT_SECONDS)
