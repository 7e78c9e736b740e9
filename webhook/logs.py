"""Logs go to stderr, one line each."""

import logging

_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def configure(level: str) -> None:
    """Send the log to stderr. What the libraries below log at debug level holds paths, and no value or token."""
    logging.basicConfig(level=level.upper(), format=_FORMAT)
    # urllib3 warns of each broken connection with the URL; what broke is told by the answer.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
