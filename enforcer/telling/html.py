"""A report as a page for people: one file that needs nothing else, and runs and loads nothing.

Its Content-Security-Policy allows the style sheet by its digest, and nothing beside it (W3C, *Content Security Policy
Level 3*). Whatever somebody else has named is text: escaped by Jinja2, without invisible characters, and with its
direction kept to itself.
"""

import base64
import hashlib

from markupsafe import Markup

from enforcer.report import Report
from enforcer.telling.page import markup, words
from enforcer.telling.page.view import view


def render(report: Report, version: str) -> str:
    """Return the page. `version` is that of the program. How long it becomes has a limit, however much was found."""
    style = f"{markup.BASE_STYLE}\n{markup.REPORT_STYLE}"
    environment = markup.environment()
    environment.globals["words"] = words
    page = environment.from_string(markup.REPORT)
    return page.render(
        view=view(report),
        report=report,
        version=version,
        style=Markup(style),  # noqa: S704 - our own file
        policy=policy(style),
    )


def policy(style: str) -> str:
    """Return the policy of a page that has this style sheet in it, and loads nothing."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
