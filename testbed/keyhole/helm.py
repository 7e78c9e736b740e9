"""helm, with a home of its own, so that nothing of the user's own counts."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testbed.programs import pins
from testbed.servers.go_environment import go_environment

_TIMEOUT_SECONDS = 180.0


@dataclass(frozen=True)
class Helm:
    """The program, the folder in which it keeps its caches, and, for what needs a cluster, a kubeconfig."""

    program: Path
    home: Path
    kubeconfig: Path | None = None

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run helm. With `check` a failure raises subprocess.CalledProcessError, whose notes hold what helm said."""
        environment = {"HOME": str(self.home), "PATH": os.environ.get("PATH", os.defpath), **go_environment()}
        if self.kubeconfig is not None:
            environment["KUBECONFIG"] = str(self.kubeconfig)
        done = subprocess.run(
            [str(self.program), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        if check and done.returncode:
            error = subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
            error.add_note(done.stderr.strip())
            raise error
        return done

    def template(
        self, chart: Path, *values: str, release: str = "keyhole", namespace: str = "keyhole"
    ) -> Sequence[Mapping[str, Any]]:
        """Return the objects of a chart; `values` are helm's arguments that set some. No cluster is asked."""
        # A helm that was built from its module believes in an old Kubernetes.
        version = ("--kube-version", str(pins.KUBERNETES))
        done = self.run("template", release, str(chart), "--namespace", namespace, *version, *values)
        return [document for document in yaml.safe_load_all(done.stdout) if document]
