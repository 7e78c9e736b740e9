"""Artifacts as Flux fetches them."""

import hashlib
import io
import tarfile
from pathlib import Path

import requests

from testbed.gitops.artifacts import serving_artifacts


def test_an_artifact_holds_the_files_and_is_served_under_its_digest(tmp_path: Path) -> None:
    with serving_artifacts(tmp_path) as artifacts:
        artifact = artifacts.publish({"a/b.yaml": "text\n", "c.yaml": "ü"})
        with requests.Session() as session:
            session.trust_env = False
            content = session.get(artifact.url, timeout=10).content
    assert artifact.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert artifact.size == len(content)
    with tarfile.open(fileobj=io.BytesIO(content)) as tarball:
        found = {entry.name: tarball.extractfile(entry).read().decode() for entry in tarball}  # type: ignore[union-attr]
    assert found == {"a/b.yaml": "text\n", "c.yaml": "ü"}


def test_the_revision_follows_the_content(tmp_path: Path) -> None:
    with serving_artifacts(tmp_path) as artifacts:
        first, again, other = (artifacts.publish({"a": text}) for text in ("1", "1", "2"))
    assert first == again
    assert first.revision != other.revision
    status = first.status("2026-01-01T00:00:00Z")
    assert (status["revision"], status["lastUpdateTime"]) == (first.revision, "2026-01-01T00:00:00Z")
