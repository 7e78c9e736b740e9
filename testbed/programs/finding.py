"""Which program comes from where: an explicit path, a folder, KUBEBUILDER_ASSETS, PATH, or a build of a pinned module.

The programs themselves stand in `catalogue`.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.errors import FolderMissing, ProgramUnfit
from testbed.programs.reports import Report
from testbed.programs.versions import Version

VERSION_TIMEOUT_SECONDS = 20.0
FOLDER = "KEYHOLE_TESTBED_BIN"
"""The variable that names a folder with ready-made programs."""
BUILT = "built"
"""The source of a program that was built here."""

Fits = Callable[[Version, Version], bool]


@dataclass(frozen=True)
class Program:
    """One program of the testbed.

    `module` is the folder below modules/ that builds `package`; without one the program cannot be built here, and
    `install` says where it comes from. `ask` are the arguments that make it print its version; without them a program
    is never taken from PATH. `fits` takes a found version and the API server's in use, and `wanted` says the same in
    words. `in_assets` marks what a KUBEBUILDER_ASSETS folder holds.
    """

    name: str
    version: Version
    module: str
    package: str
    fits: Fits
    wanted: str
    ask: tuple[str, ...] = ("--version",)
    build_flags: tuple[str, ...] = ("-ldflags", "-s -w")
    in_assets: bool = False
    install: str = ""

    @property
    def variable(self) -> str:
        """The environment variable that names this program's file."""
        return "KEYHOLE_TESTBED_" + self.name.upper().replace("-", "_")


@dataclass(frozen=True)
class Found:
    """A program on disk: `version` is None when nobody asked (an explicit path is trusted as it is)."""

    path: Path
    version: Version | None
    source: str


def ask_version(path: Path, arguments: tuple[str, ...], timeout_seconds: float) -> Version | None:
    """Run the program and return the first version it prints; None when it fails, hangs or prints none."""
    try:
        answer = subprocess.run(
            [str(path), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return Version.first_in(answer.stdout)


def find(
    program: Program,
    server: Version,
    environment: Mapping[str, str],
    report: Report,
    timeout_seconds: float = VERSION_TIMEOUT_SECONDS,
) -> Found | None:
    """Return a ready-made program that fits, or None when it must be built.

    `server` is the version of the API server in use. One that is there and does not fit is passed over and `report`
    is told so in one line. Raises ProgramUnfit when the program's own variable names something that cannot be run, and
    FolderMissing when the one of the folder names none.
    """
    explicit = environment.get(program.variable)
    if explicit:
        path = Path(explicit).expanduser()
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise ProgramUnfit(program.name, explicit, program.variable)
        return Found(path.absolute(), None, program.variable)
    folder = environment.get(FOLDER)
    if folder and not Path(folder).is_dir():
        raise FolderMissing(folder, FOLDER)
    if not program.ask:
        # Whoever put it into the folder knows which one it is.
        chosen = shutil.which(program.name, path=folder) if folder else None
        return None if chosen is None else Found(Path(chosen).absolute(), None, FOLDER)
    assets = environment.get("KUBEBUILDER_ASSETS") if program.in_assets else None
    for source, folders in ((FOLDER, folder), ("KUBEBUILDER_ASSETS", assets), ("PATH", environment.get("PATH"))):
        candidate = shutil.which(program.name, path=folders) if folders else None
        if candidate is None:
            continue
        version = ask_version(Path(candidate), program.ask, timeout_seconds)
        if version is not None and program.fits(version, server):
            return Found(Path(candidate).absolute(), version, source)
        is_what = f"is {version}" if version else "does not say its version"
        report.say(f"passing over {candidate}: it {is_what}, wanted is {program.wanted}")
    return None
