"""The templates of the page, and the style sheet that belongs to them. Without Flask: the export needs none."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from changes.page import links, when
from enforcer.telling.page import markup, words

_HERE: Final = Path(__file__).parent


def style() -> str:
    """Return the style sheet of every view."""
    own = (_HERE / "page.css").read_text(encoding="utf-8").strip()
    return f"{markup.BASE_STYLE}\n{markup.REPORT_STYLE}\n{own}"


def environment(version: str, link: Callable[[str, str], Markup]) -> Environment:
    """Return the environment of the templates. `link` makes of a text and an address what stands on the page."""
    made = markup.environment(FileSystemLoader(_HERE / "templates"), auto_reload=False)
    made.globals.update(link=link, links=links, when=when, words=words, version=version)
    return made


def linked(text: str, address: str) -> Markup:
    """Return somebody else's text as a link; as text alone if there is no address."""
    shown = markup.told(text)
    return Markup(f'<a href="{escape(address)}">{shown}</a>') if address else shown  # noqa: S704 - escaped


def unlinked(text: str, _address: str) -> Markup:
    """Return somebody else's text."""
    return markup.told(text)
