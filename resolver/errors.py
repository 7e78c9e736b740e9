"""The root of everything that can go wrong between a reference and its value.

`resolver.references.errors` has what is wrong with references and values, `resolver.vault.errors` what goes wrong where
the resolver meets Vault and Kubernetes.
"""

from typing import ClassVar


class ResolverError(Exception):
    """The root. `cause` is the word that scripts match; `message` is safe to show: no value, no token."""

    cause: ClassVar[str] = "ResolverError"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TemporaryError(ResolverError):
    """It may work in a moment. `retry_after_seconds` is the server's own wish, if it had one."""

    cause: ClassVar[str] = "Temporary"

    def __init__(self, message: str, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class DeadlineExceeded(TemporaryError):
    """There was no time left."""

    cause: ClassVar[str] = "DeadlineExceeded"

    def __init__(self) -> None:
        super().__init__("the time that the API server allows was used up; a retry may work")
