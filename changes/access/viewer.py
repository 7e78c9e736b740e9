"""Who asks, and what they may see. The page knows nothing more of access than this."""

from collections.abc import Collection
from typing import Protocol

from werkzeug.wrappers import Request


class Viewer(Protocol):
    """Somebody who is known."""

    @property
    def name(self) -> str:
        """As the API server would call them."""
        ...

    def visible(self, namespaces: Collection[str]) -> Collection[str] | None:
        """Return which of these namespaces they may see; None for all, those that nobody named included.

        Raises `NotKnownNow` if nobody can say.
        """
        ...


class NotLetIn(Exception):
    """A request is not answered. `status` is that of HTTP; `message` quotes nothing of the request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class NotKnownNow(Exception):
    """The API server does not say what somebody may see. `message` quotes nothing of its answer."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Door(Protocol):
    """Knows who asks."""

    def viewer(self, request: Request) -> Viewer:
        """Return who sent a request. Raises `NotLetIn`."""
        ...
