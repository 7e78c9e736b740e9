"""The command as a program of this checkout, for scripts that call `keyhole`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def install(folder: Path) -> None:
    """Put `keyhole` into a folder, which is made."""
    folder.mkdir(parents=True)
    command = folder / "keyhole"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -P -m cli "$@"\n')
    command.chmod(0o755)
