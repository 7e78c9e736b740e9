"""The HTTP edge: AdmissionReview bodies in and out, as a Flask application.

As the API server expects, every answer goes out as HTTP 200 with its status code inside. Other HTTP codes are used
only if the request's uid could not be read.
"""

import logging
import re
from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from resolver.causes import Cause
from resolver.deadline import Deadline
from runtime.logs import frames
from webhook.callerauth.caller import ON_PROOF
from webhook.http.admission_review import ReviewError, answered, render
from webhook.http.body_budget import SMALL_BYTES, BodyBudget, Head
from webhook.model import Admits, Answer
from webhook.scheduling.fair_shares import Memory
from webhook.scheduling.gate import OverloadedError, overloaded

log = logging.getLogger("keyhole.admission")

MUTATE_PATH = "/mutate"
MAX_BODY_BYTES = 8 * 1024 * 1024
DEFAULT_TIMEOUT_SECONDS = 10.0
_MOST_TIMEOUT_SECONDS = 30.0
# How long the answer may take on its way back: half a second, or a tenth of a short timeout.
_MARGIN_SECONDS = 0.5
_MARGIN_PART = 0.1
# The API server sends `timeoutSeconds` as a Go duration of minutes and seconds.
_DURATION = re.compile(r"(?:(\d{1,2})m)?(?:(\d{1,3}(?:\.\d+)?)s)?")


def create_app(
    admission: Admits,
    mutate_path: str = MUTATE_PATH,
    body_budget: BodyBudget | None = None,
    on_refused: Callable[[Cause], None] = lambda _cause: None,
) -> Flask:
    """Return the WSGI application that answers POSTs of AdmissionReviews at `mutate_path`.

    `body_budget` is the memory for large bodies. `on_refused` is called with the cause of each refusal that was made
    before the request came to an admission.
    """
    app = Flask("keyhole", static_folder=None)
    # A body of unknown length is cut off at this limit silently. One byte more shows that there was more.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1

    large = body_budget or BodyBudget(Memory())

    @app.post(mutate_path)
    def mutate() -> Response:
        deadline = deadline_of(request.args.get("timeout", ""))
        size_bytes = MAX_BODY_BYTES if request.content_length is None else request.content_length
        if size_bytes <= SMALL_BYTES:
            return answer(deadline, _read())
        begin = _read(SMALL_BYTES)
        head = Head.of(begin or b"")
        namespace = head.namespace if head else ""
        try:
            with large.hold(namespace, size_bytes):
                rest = _read()
                large.await_turn(namespace, deadline)
                return answer(deadline, None if begin is None or rest is None else begin + rest)
        except OverloadedError as error:
            on_refused(Cause.OVERLOADED)
            if head is None:
                return _plain(HTTPStatus.TOO_MANY_REQUESTS, str(error))
            return _review(render(head.uid, overloaded("a large object", error)))

    def answer(deadline: Deadline, body: bytes | None) -> Response:
        # In mode `none`, a complete request is all that a connection can show. In the other modes it has proved itself.
        request.environ.get(ON_PROOF, _nothing)()
        try:
            return _answered(admission, deadline, body)
        except ReviewError as error:
            on_refused(Cause.MALFORMED_REVIEW)
            if error.uid is None:
                return _plain(HTTPStatus.BAD_REQUEST, error.problem)
            cause = Cause.MALFORMED_REVIEW
            answer = Answer(False, cause.status, f"{cause}: {error.problem}", cause)
            return _review(render(error.uid, answer))

    _answer_errors(app, on_refused)
    return app


def _answer_errors(app: Flask, on_refused: Callable[[Cause], None]) -> None:
    """Answer errors of HTTP and bugs outside of an admission, in plain text."""

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        return _plain(HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR), error.name)

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        # Flask would log the traceback, whose text may quote the body.
        log.error("bug outside of an admission: %s at %s", type(error).__name__, frames(error))
        on_refused(Cause.INTERNAL_ERROR)
        return _plain(HTTPStatus.INTERNAL_SERVER_ERROR, "a bug in Keyhole; its log has it")


def _answered(admission: Admits, deadline: Deadline, body: bytes | None) -> Response:
    """Answer the body that was read; None if it could not be. Raises `ReviewError`."""
    if body is None:
        return _plain(HTTPStatus.BAD_REQUEST, "the body could not be read")
    if len(body) > MAX_BODY_BYTES:
        return _plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {MAX_BODY_BYTES} bytes")
    return _review(answered(body, partial(admission.answer, deadline=deadline)))


def _read(most_bytes: int = -1) -> bytes | None:
    """Return that much of the request's body, or all that is left, up to one byte above the limit.

    Returns None if the body cannot be read.
    """
    try:
        return request.stream.read(most_bytes)
    except HTTPException:
        raise
    except Exception as error:  # noqa: BLE001 - the server's own errors of a broken body; their texts quote it
        log.info("a body that cannot be read: %s", type(error).__name__)
        return None


def deadline_of(timeout: str) -> Deadline:
    """Return the moment by which to answer: the `timeout` that the API server sends, less a margin."""
    match = _DURATION.fullmatch(timeout)
    minutes, seconds = match.groups() if match else (None, None)
    total = int(minutes or 0) * 60 + float(seconds or 0)
    total = min(total or DEFAULT_TIMEOUT_SECONDS, _MOST_TIMEOUT_SECONDS)
    return Deadline.after(total - min(_MARGIN_SECONDS, total * _MARGIN_PART))


def _nothing() -> None:
    return


def _review(review: bytes) -> Response:
    return Response(review, HTTPStatus.OK, content_type="application/json")


def _plain(status: HTTPStatus, problem: str) -> Response:
    return Response(f"{problem}\n", status, content_type="text/plain; charset=utf-8")
