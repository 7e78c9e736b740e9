"""The archive and the manifest that krew takes."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from cli.version import VERSION
from release.plugin import PROGRAM, archive, archive_name, manifest

URL = "https://example.com/keyhole"


def test_the_archive_is_reproducible_and_its_program_can_be_run() -> None:
    made = archive(b"#!/bin/sh\n", b"the licence")
    assert made == archive(b"#!/bin/sh\n", b"the licence")
    with tarfile.open(fileobj=io.BytesIO(made)) as tar:
        assert {(entry.name, entry.mode, entry.mtime) for entry in tar} == {(PROGRAM, 0o755, 0), ("LICENSE", 0o644, 0)}


def test_the_manifest_has_a_platform_for_each_archive(tmp_path: Path) -> None:
    files = [tmp_path / f"{PROGRAM}-{each}.tar.gz" for each in ("darwin-arm64", "linux-amd64")]
    for file in files:
        file.write_bytes(file.name.encode())
    spec = manifest(files, URL)["spec"]
    assert spec["version"] == f"v{VERSION}"
    assert [each["selector"]["matchLabels"] for each in spec["platforms"]] == [
        {"os": "darwin", "arch": "arm64"},
        {"os": "linux", "arch": "amd64"},
    ]
    for file, each in zip(files, spec["platforms"], strict=True):
        assert each["uri"] == f"{URL}/{file.name}"
        assert each["sha256"] == hashlib.sha256(file.name.encode()).hexdigest()
        assert each["bin"] in [one["from"] for one in each["files"]]


def test_another_file_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no archive"):
        manifest([tmp_path / "keyhole.yaml"], URL)


def test_this_machine_is_named_as_go_names_it() -> None:
    assert archive_name().startswith(f"{PROGRAM}-")
    assert "x86_64" not in archive_name()
