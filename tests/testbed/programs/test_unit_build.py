"""Building once: the key, the lock, the failure. `go` here is a shell script that writes what it was told."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.errors import BuildFailed, GoMissing
from testbed.programs.build import MODULES, Builder, cache_folder, cache_key, go_environment
from testbed.programs.catalogue import ALL
from testbed.programs.reports import SilentReport

ROOT = Path(__file__).parents[3]
HELM = ALL["helm"]

# Notes each build, takes its time, and writes the file after -o.
FAKE_GO = """#!/bin/sh
if [ "$1" = version ]; then echo 'go version go1.26.8 linux/amd64'; exit 0; fi
echo "$@" >> "$NOTES"
env > "$NOTES.environment"
sleep 0.5
while [ "$1" != -o ]; do shift; done
echo '#!/bin/sh' > "$2"; chmod +x "$2"
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    go = tmp_path / "go-bin" / "go"
    go.parent.mkdir()
    go.write_text(FAKE_GO)
    go.chmod(0o755)
    return {
        "PATH": f"{go.parent}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "NOTES": str(tmp_path / "notes"),
        "GOFLAGS": "-mod=mod",
        "GOEXPERIMENT": "something",
    }


def test_a_program_is_built_once_and_then_taken_from_the_cache(environment: dict[str, str], tmp_path: Path) -> None:
    first = Builder(environment, SilentReport()).ensure(HELM)
    second = Builder(environment, SilentReport()).ensure(HELM)
    assert first == second
    assert first.path.is_relative_to(tmp_path / "cache" / "keyhole-testbed")
    assert os.access(first.path, os.X_OK)
    (built,) = (tmp_path / "notes").read_text().splitlines()
    assert built.startswith("build -mod=readonly -trimpath -ldflags -s -w -o ")
    assert built.endswith(" helm.sh/helm/v3/cmd/helm")


def test_nothing_unfinished_is_left_beside_the_program(environment: dict[str, str]) -> None:
    path = Builder(environment, SilentReport()).ensure(HELM).path
    assert sorted(entry.name for entry in path.parent.parent.iterdir()) == ["bin", "build.log"]
    assert [entry.name for entry in path.parent.iterdir()] == ["helm"]


def test_two_processes_that_want_the_same_program_build_it_once(environment: dict[str, str], tmp_path: Path) -> None:
    code = (
        "import os; from testbed.programs.build import Builder; from testbed.programs.catalogue import ALL;"
        "from testbed.programs.reports import PlainReport;"
        "print(Builder(os.environ, PlainReport()).ensure(ALL['helm']).path)"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    answers = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert len({path for path, _ in answers}) == 1
    assert len((tmp_path / "notes").read_text().splitlines()) == 1


def test_the_environment_of_a_build_is_the_user_s_less_what_changes_the_result(environment: dict[str, str]) -> None:
    given = go_environment({**environment, "GOPROXY": "https://proxy.example", "CGO_ENABLED": "1"})
    assert given["GOPROXY"] == "https://proxy.example"
    assert (given["CGO_ENABLED"], given["GOWORK"], given["GOFLAGS"]) == ("0", "off", "-buildvcs=false")
    assert "GOEXPERIMENT" not in given


def test_a_failed_build_shows_the_end_of_its_log_and_what_to_do(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "go-bin" / "go").write_text(
        "#!/bin/sh\n[ $1 = version ] && echo go version go1.26.8 && exit\necho 'missing go.sum entry' >&2\nexit 1\n"
    )
    with pytest.raises(BuildFailed, match=r"missing go\.sum entry") as caught:
        Builder(environment, SilentReport()).ensure(HELM)
    assert caught.value.log_file.read_text() == "missing go.sum entry\n"
    assert str(caught.value.log_file) in str(caught.value)
    assert "KEYHOLE_TESTBED_HELM" in str(caught.value)
    assert not Builder(environment, SilentReport()).target(HELM).exists()


def test_without_go_the_message_says_which_go_and_which_way_around_it(environment: dict[str, str]) -> None:
    with pytest.raises(GoMissing, match=r"Install Go 1\.26\.0 .*KEYHOLE_TESTBED_HELM"):
        Builder({**environment, "PATH": ""}, SilentReport()).ensure(HELM)


def test_the_key_depends_on_everything_that_decides_about_the_result(tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    (modules / "helm").mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        (modules / "helm" / name).write_bytes((MODULES / "helm" / name).read_bytes())
    key = cache_key(HELM, "go version go1.26.8", modules)
    assert key == cache_key(HELM, "go version go1.26.8")
    others = [
        cache_key(HELM, "go version go1.26.9", modules),
        cache_key(replace(HELM, package="helm.sh/helm/v3/cmd/other"), "go version go1.26.8", modules),
        cache_key(replace(HELM, build_flags=("-tags", "x")), "go version go1.26.8", modules),
    ]
    for name in ("go.mod", "go.sum"):
        with (modules / "helm" / name).open("a") as file:
            file.write("\n")
        others.append(cache_key(HELM, "go version go1.26.8", modules))
    assert len({key, *others}) == 6


def test_the_cache_folder_follows_xdg_and_defaults_to_the_home_folder() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/elsewhere"}) == Path("/elsewhere/keyhole-testbed")
    assert cache_folder({}) == Path.home() / ".cache" / "keyhole-testbed"
