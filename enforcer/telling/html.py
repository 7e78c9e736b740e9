"""A report as a page for people: one file that needs nothing else, and runs and loads nothing.

Its Content-Security-Policy allows the style sheet by its digest, and nothing beside it (W3C, *Content Security Policy
Level 3*). Whatever somebody else has named is text: escaped by Jinja2, without invisible characters, and with its
direction kept to itself.
"""

import base64
import hashlib
from pathlib import Path
from typing import Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from enforcer.report import Report
from enforcer.telling.page import words
from enforcer.telling.page.view import view

_FOLDER: Final = Path(__file__).parent / "page"


def render(report: Report, version: str) -> str:
    """Return the page. `version` is that of the program. How long it becomes has a limit, however much was found."""
    style = (_FOLDER / "page.css").read_text(encoding="utf-8").strip()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["told"] = _told
    environment.globals["words"] = words
    page = environment.from_string((_FOLDER / "page.html.jinja").read_text(encoding="utf-8"))
    return page.render(
        view=view(report),
        report=report,
        version=version,
        style=Markup(style),  # noqa: S704 - our own file
        policy=_policy(style),
    )


def _told(text: object) -> Markup:
    """Return a text that cannot turn what stands around it (HTML, the bdi element); what is in backticks is code."""
    parts = words.told(str(text)).split("`")
    if len(parts) % 2 == 0:
        parts = ["`".join(parts)]
    marked = (
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )
    return Markup("<bdi>{}</bdi>").format(Markup("").join(marked))


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
