"""Artifacts as Flux's source-controller makes them: tarballs of manifests, served over HTTP on 127.0.0.1."""

import contextlib
import functools
import gzip
import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Artifact:
    """What a source's `status.artifact` says of a tarball.

    Source: Flux, *Artifacts*, https://fluxcd.io/flux/components/source/api/v1/
    """

    url: str
    path: str
    revision: str
    digest: str
    size: int

    def status(self, last_update_time: str) -> dict[str, Any]:
        """Return the member `artifact` of the status; the time in RFC 3339."""
        return {
            "url": self.url,
            "path": self.path,
            "revision": self.revision,
            "digest": self.digest,
            "size": self.size,
            "lastUpdateTime": last_update_time,
        }


class ArtifactServer:
    """Serves the tarballs that `publish` makes in `directory`, at `url`."""

    def __init__(self, directory: Path, url: str) -> None:
        self._directory = directory
        self.url = url

    def publish(self, files: Mapping[str, str]) -> Artifact:
        """Make a tarball of `files` (text by path) and return where it lies. The same files give the same revision."""
        tarball = _tarball(files)
        digest = hashlib.sha256(tarball).hexdigest()
        path = f"{digest}.tar.gz"
        (self._directory / path).write_bytes(tarball)
        return Artifact(
            url=f"{self.url}/{path}",
            path=path,
            revision=f"main@sha1:{digest[:40]}",
            digest=f"sha256:{digest}",
            size=len(tarball),
        )


def _tarball(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tarball:
        for path, text in sorted(files.items()):
            content = text.encode()
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tarball.addfile(entry, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


@contextlib.contextmanager
def serving_artifacts(directory: Path) -> Iterator[ArtifactServer]:
    """Serve the folder on a free port until the block ends."""
    handler = functools.partial(_Quiet, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="artifacts")
        thread.start()
        try:
            yield ArtifactServer(directory, f"http://127.0.0.1:{server.server_address[1]}")
        finally:
            server.shutdown()
            thread.join()
