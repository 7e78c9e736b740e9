"""Folders of published Go modules: the custom resource definitions and roles that Flux and Argo CD ship."""

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resolver.references import yamltext
from testbed.errors import FetchFailed
from testbed.programs.build import MODULES, cache_folder, go_environment, locked
from testbed.programs.reports import Report, SilentReport

_TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True)
class ModuleFolder:
    """The folder `folder` of the Go module `path`, in the version that modules/MODULE/go.mod requires."""

    module: str
    path: str
    folder: str

    def cache_key(self, modules: Path = MODULES) -> str:
        """Return the hash of all that decides about the files."""
        digest = hashlib.sha256()
        files = [(modules / self.module / name).read_bytes() for name in ("go.mod", "go.sum")]
        for part in (*files, self.path.encode(), self.folder.encode()):
            # The length keeps neighbouring parts from running into each other.
            digest.update(len(part).to_bytes(8, "big") + part)
        return f"{self.module}-files-{digest.hexdigest()[:16]}"

    def manifests(self, environment: Mapping[str, str], report: Report | None = None) -> list[dict[str, Any]]:
        """Return the Kubernetes objects of the folder's YAML files, by file name. Raises FetchFailed."""
        files = sorted(self.fetch(environment, report or SilentReport()).glob("*.yaml"))
        # PyYAML's own loader takes "=", which is a text in definitions, for something else, and takes minutes for them.
        documents = [document for file in files for document in yamltext.parse(file.read_bytes())]
        return [document for document in documents if document and document["kind"] != "Kustomization"]

    def fetch(self, environment: Mapping[str, str], report: Report) -> Path:
        """Return a copy of the folder in the user's cache, made first where needed. Raises FetchFailed."""
        cache = cache_folder(environment)
        target = cache / self.cache_key()
        if not target.exists():
            # Not the lock of the builds, which may be held for many minutes.
            with locked(cache / "fetch.lock", report):
                if not target.exists():  # somebody else may have made it while we waited
                    self._copy(target, go_environment(environment))
        return target

    def _copy(self, target: Path, environment: Mapping[str, str]) -> None:
        go = shutil.which("go", path=environment.get("PATH"))
        if go is None:
            raise FetchFailed(self.path, "there is no `go` on PATH")
        with tempfile.TemporaryDirectory(prefix="unfinished-", dir=target.parent) as scratch:
            module = Path(scratch) / "module"
            shutil.copytree(MODULES / self.module, module)
            done = subprocess.run(
                [go, "mod", "download", "-json", self.path],
                cwd=module,
                env=dict(environment),
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
            if done.returncode:
                raise FetchFailed(self.path, (done.stdout + done.stderr).strip())
            files = Path(scratch) / "files"
            # Go's module cache is read-only, and a copy of that could not be removed again.
            shutil.copytree(Path(json.loads(done.stdout)["Dir"]) / self.folder, files, copy_function=shutil.copyfile)
            files.chmod(0o755)
            files.rename(target)
