"""A door for tests in which rights are not the point: it lets everybody in, and tells what they see."""

from collections.abc import Collection
from dataclasses import dataclass

from werkzeug.wrappers import Request


@dataclass(frozen=True)
class Somebody:
    """Sees these namespaces, all of them if None."""

    namespaces: Collection[str] | None = None
    name: str = "alice@example.com"

    def visible(self, namespaces: Collection[str]) -> Collection[str] | None:
        if self.namespaces is None:
            return None
        return [each for each in namespaces if each in self.namespaces]


@dataclass(frozen=True)
class OpenDoor:
    viewer_: Somebody = Somebody()

    def viewer(self, request: Request) -> Somebody:
        return self.viewer_


def seeing(*namespaces: str) -> OpenDoor:
    return OpenDoor(Somebody(namespaces))
