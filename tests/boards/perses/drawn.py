"""Perses' own components, bundled, in a real Chromium over a Prometheus: what a board looks like."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from charts.boards import perses
from metrics.boards.panel import Board

_HERE: Final = Path(__file__).resolve().parent
_ROOT: Final = _HERE.parents[2]
_BUILD: Final = _ROOT / "build" / "boards"
MODULES: Final = _ROOT / "build" / "boards-programs" / "node_modules"
WIDTH: Final = 1400
_HEIGHT: Final = 4000
"""High enough for all of a board: Perses draws a panel when it comes into sight."""
# A busy machine needs half a minute for thirty panels.
_DRAWN_MILLISECONDS: Final = 180_000
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Keyhole</title><link rel="stylesheet" href="page.css"></head>
<body><div id="root"></div><script src="page.js"></script></body></html>
"""


@dataclass
class Drawn:
    """A browser with the page. `errors` are what pages complained of."""

    browser: Any
    prometheus: str
    duration: str
    errors: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def board(self, board: Board) -> Iterator[Any]:
        """Open a board, wait until everything is drawn, and leave a screenshot in build/boards."""
        given = json.loads(perses.render(board))
        given["spec"] |= {"duration": self.duration, "refreshInterval": "0s"}
        context = self.browser.new_context(viewport={"width": WIDTH, "height": _HEIGHT})
        try:
            page = context.new_page()
            page.set_default_timeout(_DRAWN_MILLISECONDS)
            page.on("pageerror", lambda error: self.errors.append(str(error)))
            page.add_init_script(f"window.given = {json.dumps({'board': given, 'prometheus': self.prometheus})}")
            page.goto((_BUILD / "page.html").as_uri())
            page.get_by_text(board.rows[-1].panels[-1].title).first.wait_for()
            page.wait_for_load_state("networkidle")
            page.wait_for_function("!document.querySelector('[role=progressbar], .MuiSkeleton-root')")
            height = page.evaluate("document.getElementById('root').scrollHeight")
            clip = {"x": 0, "y": 0, "width": WIDTH, "height": min(height, _HEIGHT)}
            page.screenshot(path=_BUILD / f"{board.uid}.png", clip=clip)
            yield page
        finally:
            context.close()


@contextlib.contextmanager
def drawing(prometheus: str, duration: str = "5m") -> Iterator[Drawn]:
    """Bundle the page, and have a browser until the block ends; boards show the last `duration` of a Prometheus."""
    from playwright.sync_api import sync_playwright

    _bundle()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "there is neither chromium nor google-chrome on PATH"
    with sync_playwright() as playwright:
        # Who runs tests as root has no sandbox; the page is our own, and asks Prometheus from a file.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield Drawn(browser, prometheus, duration)
        browser.close()


def _bundle() -> None:
    esbuild = MODULES / ".bin" / "esbuild"
    assert esbuild.exists(), "make test-boards installs the packages of Perses into build/boards-programs"
    _BUILD.mkdir(parents=True, exist_ok=True)
    (_BUILD / "page.html").write_text(_PAGE)
    command = [
        *(str(esbuild), str(_HERE / "page.jsx"), "--bundle", f"--outfile={_BUILD / 'page.js'}", "--jsx=automatic"),
        *("--main-fields=module,main", "--define:global=window", '--define:process.env.NODE_ENV="production"'),
        *("--loader:.woff=dataurl", "--loader:.woff2=dataurl", "--minify", "--log-level=error"),
    ]
    done = subprocess.run(
        command,
        cwd=_ROOT,
        env={"PATH": os.environ["PATH"], "NODE_PATH": str(MODULES)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
