"""Tells of an exception that a bug raised, so that it can be found and nothing that it quotes gets out."""

from pathlib import Path
from traceback import walk_tb


def told(error: Exception) -> str:
    """Return the class of an exception, and where it was raised: `KeyError in enforcer/facts/x.py, line 12`.

    Its text is left out: it may quote what somebody else wrote.
    """
    frames = list(walk_tb(error.__traceback__))
    if not frames:
        return type(error).__name__
    frame, line = frames[-1]
    file = Path(*Path(frame.f_code.co_filename).parts[-3:])
    return f"{type(error).__name__} in {file.as_posix()}, line {line}"
