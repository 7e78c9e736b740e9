"""What the page is made of: the application with its door, and one round of reading."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from changes.access.doors import AccessSettings, bearer_door
from changes.access.loopback import LoopbackDoor
from changes.gathering import gather
from changes.index.index import Index, NoIndex
from changes.page import app
from changes.sources.source import Source

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("keyhole.page")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """What the page shows, and to whom. `access` is None for a page of this machine alone.

    `sources` makes what trails are read from, in the process that reads them. `repositories` are clones by name.
    """

    index: Path
    sources: Callable[[], Sequence[Source]]
    repositories: Mapping[str, Path] = field(default_factory=dict)
    compliance: Path | None = None
    version: str = ""


def make_index(settings: PageSettings) -> None:
    """Make the index if there is none: it is there when the page is asked for. Raises `NoIndex`."""
    Index(settings.index).close()


def application(settings: PageSettings, access: AccessSettings | LoopbackDoor) -> "WSGIApplication":
    """Return the application. To be called after the fork. Raises `KubernetesUnavailable`."""
    make = partial(app.make, settings.index, compliance=settings.compliance, version=settings.version)
    if isinstance(access, LoopbackDoor):
        return access.guarded(make(door=access))
    return make(door=bearer_door(access))


class Round:
    """Reads what is new, and tells of what could not be read: once, until it is something else."""

    def __init__(self, settings: PageSettings) -> None:
        self._settings = settings
        self._sources: Sequence[Source] | None = None
        self._told: Sequence[str] = ()

    def __call__(self) -> None:
        """Read all that is new."""
        if self._sources is None:
            self._sources = self._settings.sources()
        try:
            found = gather(self._settings.index, self._sources, self._settings.repositories)
        except NoIndex as error:
            self._tell([f"the index {self._settings.index} cannot be written: {error.problem}"])
            return
        self._tell([str(each) for each in found.problems])

    def _tell(self, problems: Sequence[str]) -> None:
        for each in problems:
            if each not in self._told:
                log.warning("not read: %s", each)
        self._told = problems
