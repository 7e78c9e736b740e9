"""Describes an exception that nobody expected: its kind and where it came from, but never its text."""

from typing import Final

# For an endless recursion, the beginning and the end are enough.
_MOST_FRAMES: Final = 40


def frames(error: BaseException) -> str:
    """Return the frames that an exception passed through, as file names and line numbers. Its text may quote values."""
    places: list[str] = []
    frame = error.__traceback__
    while frame is not None:
        places.append(f"{frame.tb_frame.f_code.co_filename.rpartition('/')[2]}:{frame.tb_lineno}")
        frame = frame.tb_next
    if len(places) > _MOST_FRAMES:
        half = _MOST_FRAMES // 2
        places[half:-half] = [f"({len(places) - _MOST_FRAMES} more)"]
    return " > ".join(places)


def described(error: BaseException) -> str:
    """Return the kind of a bug and its frames, for a log line or a status."""
    return f"{type(error).__name__} at {frames(error)}"
