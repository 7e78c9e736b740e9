"""`python -m release.plugin FOLDER`: keyhole as a plugin of kubectl, for krew.

Writes an archive for this platform, and a manifest that lists it and the archives for other platforms that lie in the
folder already. The archive holds one file that runs with Python of the minor version that made it, and nothing else of
the machine. Sources: krew, *Plugin manifest* and *Naming guide*; pex, `--venv` and `--sh-boot`.
"""

import gzip
import hashlib
import io
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
import yaml

from cli.version import VERSION

ROOT: Final = Path(__file__).resolve().parents[1]
PROGRAM: Final = "kubectl-keyhole"
_ENTRY: Final = "cli.kubectl:plugin"
_ARCHIVE: Final = re.compile(rf"{PROGRAM}-(?P<os>[a-z]+)-(?P<arch>[a-z0-9]+)\.tar\.gz")
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_SECONDS: Final = 1800
_READABLE, _EXECUTABLE = 0o644, 0o755


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--url",
    default="https://example.com/keyhole",
    show_default=True,
    help="Where the archives will be, without their names.",
)
def main(folder: Path, url: str) -> None:
    """Write the archive for this platform and the manifest into FOLDER.

    \b
    Example:
      python -m release.plugin build/plugin
      cd build/plugin
      kubectl krew install --manifest=keyhole.yaml --archive=kubectl-keyhole-linux-amd64.tar.gz
    """  # noqa: D301 - click reads the character itself
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        program = _program(Path(made))
        (folder / archive_name()).write_bytes(archive(program.read_bytes(), (ROOT / "LICENSE").read_bytes()))
    archives = sorted(file for file in folder.iterdir() if _ARCHIVE.fullmatch(file.name))
    text = yaml.safe_dump(manifest(archives, url), sort_keys=False, width=110)
    (folder / "keyhole.yaml").write_text(text, encoding="utf-8")
    for file in [*archives, folder / "keyhole.yaml"]:
        click.echo(file)


def archive_name() -> str:
    """Return what the archive for this platform is called, in the words of Go."""
    machine = platform.machine()
    return f"{PROGRAM}-{sys.platform}-{_ARCHITECTURES.get(machine, machine)}.tar.gz"


def archive(program: bytes, licence: bytes) -> bytes:
    """Return an archive of the program and its licence; the same content gives the same bytes."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, content, mode in ((PROGRAM, program, _EXECUTABLE), ("LICENSE", licence, _READABLE)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(written.getvalue(), mtime=0)


def manifest(archives: Sequence[Path], url: str) -> Mapping[str, Any]:
    """Return krew's manifest for archives, whose names say for which platform each is."""
    platforms = []
    for file in archives:
        found = _ARCHIVE.fullmatch(file.name)
        if found is None:
            raise ValueError(f"{file.name} is no archive of the plugin")
        platforms.append(
            {
                "selector": {"matchLabels": {"os": found["os"], "arch": found["arch"]}},
                "uri": f"{url}/{file.name}",
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                "bin": PROGRAM,
                "files": [{"from": name, "to": "."} for name in (PROGRAM, "LICENSE")],
            }
        )
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "keyhole"},
        "spec": {
            "version": f"v{VERSION}",
            "homepage": url,
            "shortDescription": "Secrets from Vault: checks, state and refreshes",
            "description": (
                "Keyhole puts values from HashiCorp Vault into Kubernetes objects when they are applied.\n"
                "This plugin checks manifests, shows which version of each secret the cluster has, and\n"
                "has objects take the newest values.\n"
            ),
            "caveats": f"Needs Python {_python()} on the search path.\n",
            "platforms": platforms,
        },
    }


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _program(folder: Path) -> Path:
    """Make the program below a folder. Raises subprocess.CalledProcessError; pex has written why."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    sources = folder / "sources"
    for pattern in project["tool"]["setuptools"]["packages"]["find"]["include"]:
        room = pattern.removesuffix("*")
        shutil.copytree(ROOT / room, sources / room, ignore=shutil.ignore_patterns("__pycache__"))
    program = folder / PROGRAM
    options = [
        *("--requirement", str(ROOT / "requirements-review.txt"), "--sources-directory", str(sources)),
        *("--entry-point", _ENTRY, "--interpreter-constraint", f"CPython=={_python()}.*"),
        # With a virtual environment that the first run makes, later ones start as quickly as an installation.
        *("--venv", "prepend", "--sh-boot", "--output-file", str(program)),
    ]
    subprocess.run([sys.executable, "-m", "pex", *options], check=True, timeout=_SECONDS)  # noqa: S603 - our own
    return program


if __name__ == "__main__":
    main()
