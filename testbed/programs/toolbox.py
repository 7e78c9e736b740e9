"""All programs of one testbed: each found or built at most once."""

import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed.errors import ProgramMissing
from testbed.programs import pins
from testbed.programs.build import Builder, cache_folder
from testbed.programs.catalogue import ALL
from testbed.programs.finding import FOLDER, Found, find
from testbed.programs.reports import OnceReport, Report, SilentReport
from testbed.programs.versions import Version


class Toolbox:
    """Finds and builds on demand. Usable from several threads.

    `environment` decides (KEYHOLE_TESTBED_*, KUBEBUILDER_ASSETS, PATH, XDG_CACHE_HOME); by default the process's own.
    """

    def __init__(self, report: Report, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(os.environ if environment is None else environment)
        # What is passed over is passed over at every start: it is told once, and only where somebody hears it.
        told = cache_folder(self._environment) / "told"
        self._passing_over = report if isinstance(report, SilentReport) else OnceReport(report, told)
        self._builder = Builder(self._environment, report)
        self._found: dict[str, Found] = {}
        self._lock = threading.RLock()

    def ensure(self, names: Sequence[str]) -> dict[str, Found]:
        """Return the named programs, building those that are missing.

        Raises KeyError for an unknown name, and ProgramMissing before anything is built.
        """
        with self._lock:
            missing = []
            # The API server first: others must fit its version.
            for name in sorted(names, key=lambda name: name != "kube-apiserver"):
                if name not in self._found:
                    ready = find(ALL[name], self._server_version(), self._environment, self._passing_over)
                    if ready is None:
                        if not ALL[name].module:
                            raise ProgramMissing(name, ALL[name].wanted, ALL[name].install, ALL[name].variable)
                        missing.append(name)
                    else:
                        self._found[name] = ready
            for position, name in enumerate(missing, 1):
                self._found[name] = self._builder.ensure(ALL[name], f"{position} of {len(missing)}")
            return {name: self._found[name] for name in names}

    def path(self, name: str) -> Path:
        """Return one program's path, building it first where needed."""
        return self.ensure([name])[name].path

    def is_given(self, name: str) -> bool:
        """Whether somebody gave a ready-made program: by its own variable, or in the folder of `FOLDER`."""
        folder = self._environment.get(FOLDER)
        return bool(self._environment.get(ALL[name].variable) or (folder and shutil.which(name, path=folder)))

    def versions(self) -> dict[str, Version | None]:
        """Return the versions of the programs that `ensure` returned so far; None where nobody asked."""
        with self._lock:
            return {name: found.version for name, found in self._found.items()}

    def _server_version(self) -> Version:
        server = self._found.get("kube-apiserver")
        return (server and server.version) or pins.KUBERNETES
