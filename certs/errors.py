"""What can go wrong with certificates. No message contains any part of a key."""

from pathlib import Path


class CertsError(Exception):
    """The root of the errors that this package raises on purpose."""


class InvalidNameError(CertsError):
    """A name that no certificate may have. `name` is the text as given, `reason` says why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name!r} {reason}")
        self.name = name
        self.reason = reason


class InvalidLifetimeError(CertsError):
    """A lifetime or start that would make a certificate unusable."""


class UnfitError(CertsError):
    """A part that cannot be used, or not together with the others.

    `part` is its name (`ca.crt`, `ca.key`, `tls.crt`, `tls.key`), `reason` says what is wrong, `directory`
    is where it lies when it came from a file.
    """

    def __init__(self, part: str, reason: str, directory: Path | None = None) -> None:
        super().__init__(f"{directory / part if directory else part}: {reason}")
        self.part = part
        self.reason = reason
        self.directory = directory


class StoreError(CertsError):
    """Files could not be written. `path` is the file or folder in question."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class AlreadyThereError(StoreError):
    """A file already exists, and overwriting was not allowed."""
