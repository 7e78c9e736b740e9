"""Logs go to stderr, one line each. Of an exception they hold its kind and where it came from, never its text."""

import logging

_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def configure(level: str) -> None:
    """Send the log to stderr. What the libraries below log at debug level holds paths, and no value or token."""
    logging.basicConfig(level=level.upper(), format=_FORMAT)
    # urllib3 warns of each broken connection with the URL; what broke is told by the answer.
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def frames(error: BaseException) -> str:
    """Say where an exception came from, in file names and lines only."""
    places: list[str] = []
    frame = error.__traceback__
    while frame is not None:
        places.append(f"{frame.tb_frame.f_code.co_filename.rpartition('/')[2]}:{frame.tb_lineno}")
        frame = frame.tb_next
    return " > ".join(places)
