"""Changes as one HTML file to send around: what the page shows of them, without links. It runs and loads nothing.

The command line uses this without Flask.
"""

from datetime import UTC, datetime

from markupsafe import Markup

from changes.page import templating
from changes.page.cards import days
from changes.wanted import Page
from enforcer.telling.html import policy


def render(page: Page, version: str, now: datetime | None = None) -> str:
    """Return the changes as a page, which says that it was written `now`; at present if that is None."""
    environment = templating.environment(version, templating.unlinked)
    style = templating.style()
    return environment.get_template("export.html.jinja").render(
        # Ours, and no word of anybody else is in it.
        style=Markup(style),  # noqa: S704
        version=version,
        policy=policy(style),
        made=now or datetime.now(UTC),
        days=days(page.changes, None),
        count=len(page.changes),
        more=page.next is not None,
    )
