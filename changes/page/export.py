"""Changes as one HTML file to send around: what the page shows of them, without links. It runs and loads nothing.

The command line uses this without Flask.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jinja2 import FileSystemLoader
from markupsafe import Markup

from changes.page import when
from changes.page.cards import days
from changes.wanted import Page
from enforcer.telling.page import markup, words

_FOLDER: Final = Path(__file__).parent / "templates"
_STYLE: Final = Path(__file__).with_name("page.css")


def render(page: Page, version: str, now: datetime | None = None) -> str:
    """Return the changes as a page. `now` is when that is, for words such as "3 hours ago"; the present if None."""
    environment = markup.environment(FileSystemLoader(_FOLDER))
    environment.globals.update(link=_link, when=when, words=words)
    style = "\n".join((markup.BASE_STYLE, markup.REPORT_STYLE, _STYLE.read_text(encoding="utf-8").strip()))
    made = now or datetime.now(UTC)
    return environment.get_template("export.html.jinja").render(
        # Ours, and no word of anybody else is in it.
        style=Markup(style),  # noqa: S704
        version=version,
        now=made,
        days=days(page.changes, made),
        count=len(page.changes),
        more=page.next is not None,
    )


def _link(text: str, _address: str) -> Markup:
    """Return a text alone: nothing answers at the addresses of the page."""
    return markup.told(text)
