"""A page of a few words, served as the real one is: `python -m tests.changes.serving.tiny PORT HEALTH FOLDER`.

It tells in files of the folder what happens: `reading` has the numbers of the processes that read, a line for each
round. `/waits` answers when there is a file `go`, and `/breaks` raises.
"""

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from changes.serving.server import PageServer
from changes.serving.settings import Listener, ServingSettings
from runtime.logs import configure

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def build(folder: Path) -> "WSGIApplication":
    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/waits":
            (folder / "waits").touch()
            while not (folder / "go").exists():
                time.sleep(0.05)
        if path == "/breaks":
            raise ValueError("CANARY of a bug")
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
        return [b"ok\n"]

    return answer


def main(port: str, health: str, folder: str, certificate: str = "", key: str = "") -> None:
    here = Path(folder)

    def read() -> None:
        with (here / "reading").open("a") as file:
            file.write(f"{os.getpid()}\n")
        raise ValueError("CANARY of a round")

    configure("info")
    settings = ServingSettings(
        listen=Listener("127.0.0.1", int(port)),
        health_listen=Listener("127.0.0.1", int(health)),
        certificate=Path(certificate) if certificate else None,
        key=Path(key) if key else None,
        every_seconds=0.1,
    )
    PageServer(settings, lambda: build(here), read, _tell).run()


def _tell() -> None:
    sys.stdout.write("listening\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
