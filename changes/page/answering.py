"""A view as an answer: HTML from templates that were compiled once, JSON, or CSV."""

import csv
import io
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import msgspec
from flask import Response, request

from changes.page import links, templating
from changes.page.asked import Form
from changes.page.view import Asking, View
from changes.telling import csv_form, json_form
from changes.wanted import Page

_TYPES: Final = {
    Form.HTML: "text/html; charset=utf-8",
    Form.JSON: "application/json",
    Form.CSV: "text/csv; charset=utf-8; header=present",
}
_FILE: Final = "keyhole-changes"


class Answering:
    """Makes answers. Used by several threads."""

    def __init__(self, version: str) -> None:
        environment = templating.environment(version, templating.linked)
        self._templates = {
            name.removesuffix(".html.jinja"): environment.get_template(name) for name in environment.list_templates()
        }
        self._version = version
        self._style = templating.style().encode()

    def view(self, view: View, asking: Asking) -> Response:
        """Return the answer to a request that was let in."""
        form = asking.asked.form
        match form:
            case Form.HTML:
                text = self._html(view, asking)
            case Form.JSON:
                text = _json(view, self._version)
            case Form.CSV:
                text = _csv(view, self._version)
        answer = Response(text, content_type=_TYPES[form])
        if form is not Form.HTML:
            answer.headers["Content-Disposition"] = f'attachment; filename="{_FILE}.{form}"'
        return answer

    def problem(self, status: HTTPStatus, sentence: str) -> Response:
        """Return what says why there is no view, in the form that was asked for."""
        form = request.args.get("format", "")
        if form == Form.JSON:
            text = msgspec.json.encode({"status": int(status), "error": sentence}).decode() + "\n"
            return Response(text, status, content_type=_TYPES[Form.JSON])
        if form == Form.CSV:
            return Response(sentence + "\n", status, content_type="text/plain; charset=utf-8")
        text = self._templates["problem"].render(
            status=status, sentence=sentence, view_name="problem", title=status.phrase, viewer="", exports=()
        )
        return Response(text, status, content_type=_TYPES[Form.HTML])

    def style(self) -> Response:
        """Return the style sheet."""
        return Response(self._style, content_type="text/css; charset=utf-8")

    def _html(self, view: View, asking: Asking) -> str:
        asked = asking.asked
        here = request.path
        given = {**asked.filters, **(asked.others or {})}
        behind = {"behind": str(asked.behind)} if asked.behind else {}
        more = dict(view.more)
        if isinstance(view.told, Page):
            older = {**given, "behind": str(view.told.next)} if view.told.next else {}
            more["next"] = _address(here, older) if older else ""
            more["newest"] = _address(here, given)
        exports = [
            (form.upper(), _address(here, {**given, **behind, "format": form})) for form in (Form.JSON, Form.CSV)
        ]
        return self._templates[view.template].render(
            view_name=view.template,
            title=view.title,
            viewer=asking.sight.viewer.name,
            asked=asked,
            now=asking.now,
            exports=exports,
            **more,
        )


def _address(path: str, parameters: Mapping[str, str]) -> str:
    """Return an address on this page. A path that begins with two slashes would lead elsewhere."""
    return links.query("/" + quote(path.lstrip("/")), parameters)


def _json(view: View, version: str) -> str:
    if isinstance(view.told, Page):
        return json_form.render(view.told, version)
    return msgspec.json.format(msgspec.json.encode(view.told.document), indent=1).decode() + "\n"


def _csv(view: View, version: str) -> str:
    if isinstance(view.told, Page):
        return csv_form.render(view.told, version)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([csv_form.defused(cell) for cell in row] for row in view.told.rows)
    return text.getvalue()
