"""The root of everything that can go wrong between a reference and its value.

`resolver.references.errors` has what is wrong with references and values, `resolver.vault.errors` what goes wrong where
the resolver meets Vault and Kubernetes.
"""

from typing import ClassVar

from resolver.causes import Cause


class ResolverError(Exception):
    """The root. Every error that is raised has a `cause`. `message` is safe to show: it holds no value and no token."""

    cause: ClassVar[Cause]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TemporaryError(ResolverError):
    """A retry may work in a moment. `retry_after_seconds` is how long the server asked to wait, if it did."""

    def __init__(self, message: str, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class DeadlineExceeded(TemporaryError):
    """There was no time left."""

    cause: ClassVar[Cause] = Cause.DEADLINE_EXCEEDED

    def __init__(self) -> None:
        super().__init__("the time that the API server allows was used up; a retry may work")
