"""Reads a file of standards, of which each program takes its own part."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cli.errors import NotDoneError
from review.findings.standards import StandardsError
from review.sources import files
from review.sources.text import NotChecked, NotText, Text, decode

_Part = TypeVar("_Part")


def read_standards(file: Path, parse: Callable[[Text], _Part]) -> _Part:
    """Return what `parse` makes of the file. Raises `NotDoneError` with the place of what is wrong."""
    content = files.read(files.File(file, file.as_posix()))
    if isinstance(content, NotChecked):
        raise NotDoneError(f"--standards: {file}: {content.reason}")
    try:
        return parse(Text(file.as_posix(), decode(content)))
    except NotText as error:
        raise NotDoneError(f"--standards: {file}: {error.reason}") from None
    except StandardsError as error:
        raise NotDoneError(f"--standards: {error}") from None
