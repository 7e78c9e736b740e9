"""The root of everything that can go wrong between a reference and its value.

`resolver.references.errors` has the faults of references and values, `resolver.vault.errors` the failures of Vault and
Kubernetes. Two kinds of errors do not belong to this tree. The parsers (paths, escapes, functions, JSON, YAML) raise
ValueErrors, which their callers turn into errors of this tree. And `ConfigurationError` refuses no object: without a
usable connections file, Keyhole does not start.
"""

from typing import ClassVar

from resolver.causes import Cause


class ResolverError(Exception):
    """The root; each error below it has a `cause`. `message` never contains a value or a token, so it may be shown."""

    cause: ClassVar[Cause]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TemporaryError(ResolverError):
    """A retry may work in a moment. `retry_after_seconds` is how long the server asked us to wait, if it did."""

    def __init__(self, message: str, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class DeadlineExceeded(TemporaryError):
    """There was no time left."""

    cause: ClassVar[Cause] = Cause.DEADLINE_EXCEEDED

    def __init__(self) -> None:
        super().__init__("the time that the API server allows for a webhook was used up; a retry may work")
