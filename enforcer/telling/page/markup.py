"""What pages share: their style sheet, the settings of their templates, and how somebody else's text stands in HTML.

The command line starts without this, because it needs Jinja2.
"""

import functools
from pathlib import Path
from typing import Any, Final

from jinja2 import BaseLoader, Environment, StrictUndefined
from markupsafe import Markup, escape

from enforcer.telling.page import words

_MOST_REMEMBERED: Final = 4096
_FOLDER: Final = Path(__file__).parent
REPORT: Final = (_FOLDER / "page.html.jinja").read_text(encoding="utf-8")
"""The template of the compliance report."""
BASE_STYLE: Final = (_FOLDER / "base.css").read_text(encoding="utf-8").strip()
"""Colours, type, cards and paper, for every page."""
REPORT_STYLE: Final = (_FOLDER / "page.css").read_text(encoding="utf-8").strip()
"""What the compliance report has beside `BASE_STYLE`."""


def environment(loader: BaseLoader | None = None, **settings: Any) -> Environment:
    """Return an environment that escapes everything, knows no undefined name, and has the filter `told`."""
    made = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=loader, **settings
    )
    made.filters["told"] = told
    return made


@functools.lru_cache(_MOST_REMEMBERED, typed=True)
def told(text: object) -> Markup:
    """Return a text that cannot turn what stands around it (HTML, the bdi element); what is in backticks is code.

    Characters that a reader cannot see become escapes, and a long text is cut. Texts that come again are remembered:
    a page has the same names many times.
    """
    shown = words.told(str(text))
    parts = shown.split("`")
    if len(parts) % 2 == 0:
        parts = [shown]
    if len(parts) == 1:
        return Markup(f"<bdi>{escape(shown)}</bdi>")  # noqa: S704 - escaped
    marked = (
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )
    return Markup("<bdi>{}</bdi>").format(Markup("").join(marked))
