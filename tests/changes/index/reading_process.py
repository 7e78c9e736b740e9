"""Reads a file into an index in small batches, and tells of each: a process to be killed. INDEX FILE [MOST_BYTES]."""

import resource
import signal
import sys
from pathlib import Path

from changes.index import index as module
from changes.index.index import Index, NoIndex

module.BATCH_LINES = 100  # type: ignore[misc]


def _tell(size: int) -> None:
    sys.stdout.write(f"{size}\n")
    sys.stdout.flush()


def main(file: str, trail: str, most_bytes: str = "") -> None:
    if most_bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(most_bytes), int(most_bytes)))
    try:
        index = Index(Path(file))
        index.read_file(Path(trail), _tell)
        index.settle()
    except NoIndex as error:
        sys.exit(error.problem)


main(*sys.argv[1:])
