"""Folders of Go modules: fetched once, copied, and a failure that says why. `go` here is a shell script."""

import os
from pathlib import Path

import pytest

from testbed.errors import FetchFailed
from testbed.programs.build import MODULES
from testbed.programs.module_folders import ModuleFolder
from testbed.programs.reports import SilentReport

FOLDER = ModuleFolder("flux", "example.com/published", "config")
DOCUMENTS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: first}
---
---
apiVersion: v1
kind: ConfigMap
metadata: {name: second}
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment whose `go` says that the module lies in tmp_path/published, read-only as Go leaves it."""
    published = tmp_path / "published" / "config"
    published.mkdir(parents=True)
    (published / "b.yaml").write_text(DOCUMENTS)
    (published / "a.yaml").write_text("kind: Kustomization\n")
    (published / "README.md").write_text("no manifest\n")
    for path in (*published.iterdir(), published):
        path.chmod(0o555 if path.is_dir() else 0o444)
    go = tmp_path / "go-bin" / "go"
    go.parent.mkdir()
    go.write_text(
        '#!/bin/sh\necho "$@" >> "$NOTES"\ntest -f go.mod -a -f go.sum || exit 9\n'
        f'echo \'{{"Dir": "{tmp_path}/published"}}\'\n'
    )
    go.chmod(0o755)
    return {
        "PATH": f"{go.parent}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "NOTES": str(tmp_path / "notes"),
    }


def test_the_objects_of_its_yaml_files_and_no_kustomization(environment: dict[str, str]) -> None:
    names = [manifest["metadata"]["name"] for manifest in FOLDER.manifests(environment)]
    assert names == ["first", "second"]


def test_it_is_fetched_once_and_can_be_removed(environment: dict[str, str], tmp_path: Path) -> None:
    first = FOLDER.fetch(environment, SilentReport())
    assert FOLDER.fetch(environment, SilentReport()) == first
    assert (tmp_path / "notes").read_text() == "mod download -json example.com/published\n"
    assert first.parent == tmp_path / "cache" / "keyhole-testbed"
    assert all(os.access(path, os.W_OK) for path in (first, *first.iterdir()))
    assert not list(first.parent.glob("unfinished-*"))


def test_a_failure_tells_what_go_said(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "go-bin" / "go").write_text("#!/bin/sh\necho 'missing go.sum entry' >&2\nexit 1\n")
    with pytest.raises(FetchFailed, match=r"example\.com/published failed: missing go\.sum entry"):
        FOLDER.manifests(environment)


def test_without_go_the_message_says_so(environment: dict[str, str]) -> None:
    with pytest.raises(FetchFailed, match="there is no `go` on PATH"):
        FOLDER.manifests({**environment, "PATH": ""})


def test_the_key_depends_on_everything_that_decides_about_the_files(tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    (modules / "flux").mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        (modules / "flux" / name).write_bytes((MODULES / "flux" / name).read_bytes())
    keys = [
        FOLDER.cache_key(modules),
        ModuleFolder("flux", "example.com/other", "config").cache_key(modules),
        ModuleFolder("flux", "example.com/published", "other").cache_key(modules),
    ]
    assert keys[0] == FOLDER.cache_key()
    for name in ("go.mod", "go.sum"):
        with (modules / "flux" / name).open("a") as file:
            file.write("\n")
        keys.append(FOLDER.cache_key(modules))
    assert len(set(keys)) == 5
