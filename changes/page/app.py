"""The page as a Flask application: who asks, what they may see, and a view in the form that they want.

Every address answers GET and HEAD alone. What somebody may not see and what is not there have one answer. Nothing is
run, framed, kept or passed on. Sources for that: W3C *Content Security Policy Level 3*; OWASP *HTTP Headers Cheat
Sheet*.
"""

import logging
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from changes.access.viewer import Door, NotKnownNow, NotLetIn
from changes.page import compliance_views, views
from changes.page.answering import Answering
from changes.page.asked import FILTERS, MOST_QUERY_BYTES, BadQuery, asked
from changes.page.database import NotReadNow, Reading
from changes.page.reports import Reports
from changes.page.sight import NotThere, Sight
from changes.page.view import Asking, ViewOf
from runtime.logs import frames

log = logging.getLogger("keyhole.page")

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
"""`X-Frame-Options` repeats `frame-ancestors` for browsers that do not know it."""
_RETRY_SECONDS: Final = "10"
_NOT_THERE: Final = "There is nothing here, or nothing that you may see."
_VIEWS: Final[tuple[tuple[str, ViewOf, tuple[str, ...], tuple[str, ...]], ...]] = (
    ("/", views.changes, FILTERS, ()),
    ("/object/<namespace>/<kind>/<path:name>", views.of_object, (), ("group",)),
    ("/namespace/<namespace>", views.of_namespace, (), ()),
    ("/commit/<path:repository>/<commit>", views.of_commit, (), ()),
    ("/person", views.of_person, (), ("name",)),
    ("/compliance", compliance_views.compliance, (), ()),
    ("/standards", compliance_views.standards, (), ()),
)
"""Each address with its view, the filters that it takes, and its other parameters."""


def make(database_file: Path, door: Door, compliance: Path | None, version: str) -> Flask:
    """Return the application.

    `database_file` is the index, which another process writes. `door` knows who asks. `compliance` is the last JSON
    report of `keyhole enforce`, None if there is none. `version` is that of the program.
    """
    app = Flask("keyhole.page", static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False
    reading, reports, answering = Reading(database_file), Reports(compliance), Answering(version)

    def serve(rule: str, view: ViewOf, filters: tuple[str, ...], others: tuple[str, ...]) -> None:
        def handle(**parts: str) -> Response:
            viewer = door.viewer(request)
            if len(request.query_string) > MOST_QUERY_BYTES:
                raise BadQuery(f"the query is longer than {MOST_QUERY_BYTES} bytes")
            wanted = asked(request.args.items(multi=True), filters, others)
            with reading.database() as database:
                asking = Asking(Sight(viewer, database), wanted, parts, reports, datetime.now(UTC))
                return answering.view(view(asking), asking)

        app.add_url_rule(rule, rule, handle, methods=["GET"], provide_automatic_options=False)

    for each in _VIEWS:
        serve(*each)

    @app.get("/style.css", provide_automatic_options=False)
    def style() -> Response:
        return answering.style()

    @app.before_request
    def lead_nowhere() -> None:
        # Werkzeug would send an empty path to one on the host that the request names.
        if isinstance(request.routing_exception, RequestRedirect):
            raise NotThere

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    _answer_errors(app, answering)
    return app


def _answer_errors(app: Flask, answering: Answering) -> None:
    @app.errorhandler(NotThere)
    @app.errorhandler(HTTPStatus.NOT_FOUND)
    def not_there(_error: Exception) -> Response:
        return answering.problem(HTTPStatus.NOT_FOUND, _NOT_THERE)

    @app.errorhandler(BadQuery)
    def bad_query(error: BadQuery) -> Response:
        return answering.problem(HTTPStatus.BAD_REQUEST, f"This address is not understood: {error.problem}.")

    @app.errorhandler(NotLetIn)
    def not_let_in(error: NotLetIn) -> Response:
        answer = answering.problem(HTTPStatus(error.status), error.message)
        if error.status == HTTPStatus.UNAUTHORIZED:
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    @app.errorhandler(NotKnownNow)
    def not_known(error: NotKnownNow) -> Response:
        return _later(answering.problem(HTTPStatus.SERVICE_UNAVAILABLE, error.message))

    @app.errorhandler(NotReadNow)
    def not_read(error: NotReadNow) -> Response:
        return _later(answering.problem(HTTPStatus.SERVICE_UNAVAILABLE, error.problem))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        answer = answering.problem(status, f"{status.phrase}.")
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            answer.headers["Allow"] = "GET, HEAD"
        return answer

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        # Neither the message nor the address: both may hold what others have written.
        rule = request.url_rule.rule if request.url_rule is not None else "no view"
        log.error("bug: %s at %s, in %s", type(error).__name__, frames(error), rule)
        return answering.problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here. The log says where.")


def _later(answer: Response) -> Response:
    answer.headers["Retry-After"] = _RETRY_SECONDS
    return answer
