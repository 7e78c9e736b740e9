"""`keyhole serve` in which each connection leaves a list of the modules that served it: `python -m tests.e2e.tracing`.

    python -m tests.e2e.tracing FILE serve ARGUMENTS

For each connection a line of JSON is added to FILE: `modules`, each once, in the order of first entry, and `entries`,
each call from one of Keyhole's files into another one: the file, the function, and the files that are under way at that
moment. Pollers and the health listener do not count.
"""

import json
import os
import sys
from collections.abc import Callable
from inspect import CO_GENERATOR
from pathlib import Path
from types import FrameType
from typing import Any

from gevent import monkey

monkey.patch_all()

import gevent  # noqa: E402 - nothing may be imported before the library is patched
from gunicorn.workers.base import Worker  # noqa: E402

from cli.main import main  # noqa: E402

_ROOT = f"{Path(__file__).resolve().parents[2]}/"
_ROOMS = frozenset({"audit", "certs", "cli", "kube", "manifests", "metrics", "resolver", "runtime", "webhook"})
# Whatever an admission has others do is done below one of these: its connection, a helper that reads, the event loop.
_CONNECTION = ("worker.py", "handle")
_HELPERS = ("fair_read_pool.py",)
_EVENT_LOOP = "gevent/hub.py"


class Recorder:
    """Notes the calls between Keyhole's files while a connection is served. One connection at a time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection: FrameType | None = None
        self._entries: list[tuple[str, str, list[str]]] = []
        self._modules: dict[str, None] = {}
        self._generators: set[FrameType] = set()

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """Note a call (`sys.setprofile`)."""
        if event == "return":
            if frame is self._connection:
                self._write()
            return
        if event != "call":
            return
        module = _module(frame)
        if module is None:
            return
        if self._connection is None and _is_connection(frame):
            self._connection, self._entries, self._modules = frame, [], {}
            self._generators = set()
        if self._connection is not None and _is_served(frame) and not self._is_resumed(frame):
            self._modules.setdefault(module)
            under_way = _under_way(frame)
            if not under_way or under_way[0] != module:
                self._entries.append((module, frame.f_code.co_name, under_way))

    def _is_resumed(self, frame: FrameType) -> bool:
        """Whether a generator goes on: a context manager's end is part of the return."""
        if not frame.f_code.co_flags & CO_GENERATOR:
            return False
        if frame in self._generators:
            return True
        self._generators.add(frame)
        return False

    def _write(self) -> None:
        self._connection = None
        with self._file.open("a") as file:
            file.write(json.dumps({"modules": list(self._modules), "entries": self._entries}) + "\n")


def _module(frame: FrameType) -> str | None:
    """Return the file of a frame, if it is one of Keyhole's, as it stands in the tree."""
    name = frame.f_code.co_filename
    if not name.startswith(_ROOT):
        return None
    name = name.removeprefix(_ROOT)
    return name if name.partition("/")[0] in _ROOMS else None


def _under_way(frame: FrameType) -> list[str]:
    """Return the files of Keyhole that a call goes through, the caller's first."""
    files: list[str] = []
    back = frame.f_back
    while back is not None:
        module = _module(back)
        if module is not None:
            files.append(module)
        back = back.f_back
    return files


def _is_connection(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return (os.path.basename(name), frame.f_code.co_name) == _CONNECTION and name.startswith(_ROOT)  # noqa: PTH119 - a hot path


def _is_served(frame: FrameType | None) -> bool:
    while frame is not None:
        if _is_connection(frame) or frame.f_code.co_filename.endswith((*_HELPERS, _EVENT_LOOP)):
            return True
        frame = frame.f_back
    return False


def _follow(recorder: Recorder) -> None:
    """Record in this worker, from here on and in every greenlet that is made from here on."""
    load: Callable[[Worker], Any] = Worker.load_wsgi

    def load_wsgi(worker: Worker) -> None:
        sys.setprofile(recorder)
        # Greenlets begin with the setting of the event loop's own.
        gevent.get_hub().loop.run_callback(sys.setprofile, recorder)
        gevent.sleep(0.01)
        load(worker)

    Worker.load_wsgi = load_wsgi


if __name__ == "__main__":
    _follow(Recorder(Path(sys.argv.pop(1))))
    main()
