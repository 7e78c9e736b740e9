"""Trails in files: those that are written, and those that a rotation has put aside, compressed ones too."""

import glob
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from changes.index.index import Index, Progress, Taken
from changes.sources.source import NotRead

# What logrotate appends: a number or a date.
_ROTATED: Final = re.compile(r"[.-][0-9][0-9A-Za-z:+-]*(\.gz)?")


class Files:
    """The files that a name or a pattern stands for.

    A name stands for its rotated files as well (`audit.log.1`, `audit.log-20261101.gz`): what was written right before
    a rotation would be missed otherwise. A folder stands for the files in it.
    """

    def __init__(self, pattern: str) -> None:
        self.name = pattern

    def take(self, index: Index, progress: Progress) -> Taken:
        """Read what is new in the files, the oldest one first. Raises `NotRead` and `NoIndex`."""
        taken, found = Taken(), self.found()
        if not found:
            raise NotRead(self.name, self._missing())
        for file in found:
            try:
                taken += index.read_file(file, progress)
            except FileNotFoundError:
                # Rotated meanwhile: it is read under its new name the next time.
                continue
            except OSError as error:
                raise NotRead(str(file), error.strerror or str(error) or type(error).__name__) from None
        if taken.other and not (taken.new or taken.known or any(map(index.knows, found))):
            raise NotRead(self.name, "there is no line of a trail in it")
        return taken

    def found(self) -> Sequence[Path]:
        """Return the files that there are now, the one that was written first before the others."""
        timed: list[tuple[int, Path]] = []
        for file in dict.fromkeys(self._named()):
            with suppress(FileNotFoundError):
                timed.append((file.stat().st_mtime_ns, file))
        return [file for _, file in sorted(timed)]

    def _missing(self) -> str:
        if Path(self.name).is_dir():
            return "there is no file in this folder; folders in it are not looked into"
        return "no file has such a name" if glob.has_magic(self.name) else "there is no such file"

    def _named(self) -> Iterator[Path]:
        named = Path(self.name)
        if named.is_dir():
            yield from (each for each in named.iterdir() if each.is_file())
        elif named.exists() or not glob.has_magic(self.name):
            yield named
            if named.parent.is_dir():
                for each in named.parent.iterdir():
                    rest = each.name.removeprefix(named.name)
                    if rest != each.name and _ROTATED.fullmatch(rest) and each.is_file():
                        yield each
        else:
            yield from (Path(each) for each in glob.glob(self.name, recursive=True) if Path(each).is_file())  # noqa: PTH207 - a pattern may begin at the root
