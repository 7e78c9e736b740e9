"""Pages in a real browser, for tests with the marker `looks`: `make test-looks` brings the programs.

Screenshots are left in build/looks.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BUILD = Path(__file__).resolve().parents[1] / "build"
MODULES = BUILD / "looks-programs" / "node_modules"
AXE = MODULES / "axe-core" / "axe.min.js"
VNU = MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
WIDTHS = (380, 768, 1400)
SCHEMES = ("light", "dark")
OPEN_ALL = "document.querySelectorAll('details').forEach(each => { each.open = true })"
_OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@contextmanager
def chromium() -> Iterator[Any]:
    """Give a browser."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "there is neither chromium nor google-chrome on PATH"
    with sync_playwright() as playwright:
        # Who runs tests as root has no sandbox; the pages are our own.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Opened:
    """A page in the browser, and what it asked for and said."""

    def __init__(self, browser: Any, address: str, width: int = 1400, scheme: str = "light") -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.heard: list[str] = []
        self.page.on("request", lambda request: self.heard.append(request.url))
        self.page.on("console", lambda message: self.heard.append(message.text))
        self.page.on("dialog", lambda dialog: self.heard.append(dialog.message))
        self.address = address
        self.page.goto(self.address)

    def screenshot(self, name: str, *, is_whole: bool) -> None:
        """Leave a picture of it in build/looks."""
        (BUILD / "looks").mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=BUILD / "looks" / f"{name}.png", full_page=is_whole)

    def check(self) -> None:
        """Check that it fits its width, closed and opened, and that axe-core finds nothing."""
        for _ in range(2):
            assert self.page.evaluate(_OVERFLOW) == 0
            self.page.evaluate(OPEN_ALL)
        violations, passes = self.axe()
        assert violations == []
        assert passes > 10, "axe looked at nothing"

    def axe(self) -> tuple[list[tuple[str, list[str]]], int]:
        """Return which rules are broken and where, and how many are not."""
        # The page's own policy lets no script in.
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run()")
        broken = [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found["violations"]]
        return broken, len(found["passes"])


def nu_html_checker(files: Sequence[Path]) -> list[Any]:
    """Return what the Nu HTML checker says of files."""
    command = ("java", "-jar", str(VNU), "--format", "json", "--stdout", *map(str, files))
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    messages: list[Any] = json.loads(done.stdout)["messages"]
    assert (done.returncode == 0) == (messages == []), done.stderr
    return messages
