"""Servers that speak what Rocket.Chat, Slack and Teams accept, as strictly as they do, and keep what they were told.

Sources: Rocket.Chat, *Post Message* and `ChatPostMessageSchema` of its packages/rest-typings; Slack, *Sending messages
using incoming webhooks*; Microsoft, *Create incoming webhooks with Workflows for Microsoft Teams*.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

USER_ID: Final = "keyhole-bot-id"
TOKEN: Final = "keyhole-bot-token"
CHANNELS: Final = frozenset({"#keyhole-oncall", "#keyhole-platform", "#secrets-help", "#team-shop"})
_OF_A_MESSAGE: Final = {"channel", "text", "alias", "emoji", "avatar", "attachments", "customFields"}
_ROCKETCHAT: Final = "/api/v1/chat.postMessage"
_SLACK: Final = "/services/"
_TEAMS: Final = "/workflows/"
_CARD: Final = "application/vnd.microsoft.card.adaptive"
# Teams refuses larger ones: Microsoft Teams connector, *Known issues and limitations*.
_TEAMS_BYTES: Final = 28 * 1024
_TICK_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Message:
    """What came: when (seconds since the epoch), to which service, where in it, and its title and text there."""

    at_seconds: float
    service: str
    place: str
    title: str
    text: str
    link: str = ""
    color: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, and a body: an object, which is sent as JSON, or a text."""

    status: int
    body: Mapping[str, Any] | str


@dataclass
class Receivers:
    """The three on one port of 127.0.0.1; a context manager. `refusing` is how many answers to come are that one."""

    messages: list[Message] = field(default_factory=list)
    refused: list[Answer] = field(default_factory=list)
    refusing: list[Answer] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, name="receivers", daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Where they listen, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def told(self, service: str = "rocketchat", place: str | None = None) -> list[Message]:
        """Return what one of them accepted, oldest first."""
        return [each for each in list(self.messages) if each.service == service and place in {None, each.place}]

    def wait(self, wanted: Callable[[Self], bool], seconds: float) -> None:
        """Wait until something is so. Raises AssertionError, which says what came, when the time is over."""
        until = time.monotonic() + seconds
        while not wanted(self):
            assert time.monotonic() < until, f"told: {self.messages}, refused: {self.refused}"
            time.sleep(_TICK_SECONDS)

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return what the service at a path answers, having kept a message that it accepts."""
        if self.refusing:
            answer = self.refusing.pop(0)
        elif path == _ROCKETCHAT:
            answer = self._rocketchat(headers, body)
        elif path.startswith(_SLACK):
            answer = self._slack(path.removeprefix(_SLACK), body)
        else:
            answer = self._teams(path.removeprefix(_TEAMS), body)
        if answer.status >= 400:
            self.refused.append(answer)
        return answer

    def _rocketchat(self, headers: Mapping[str, str], body: bytes) -> Answer:
        if (headers.get("X-User-Id"), headers.get("X-Auth-Token")) != (USER_ID, TOKEN):
            return Answer(401, {"status": "error", "message": "You must be logged in to do this."})
        said = json.loads(body)
        if "channel" not in said or said.keys() - _OF_A_MESSAGE:
            return Answer(400, {"success": False, "errorType": "invalid-params", "error": "must have channel"})
        if said["channel"] not in CHANNELS:
            return Answer(400, {"success": False, "error": "invalid-channel"})
        (attachment,) = said["attachments"]
        self._keep("rocketchat", said["channel"], attachment)
        return Answer(200, {"ts": 1, "channel": said["channel"], "message": {}, "success": True})

    def _slack(self, secret: str, body: bytes) -> Answer:
        said = json.loads(body)
        if not secret.startswith("T0/B0/"):
            return Answer(403, "invalid_token")
        if not said.get("text") and not said.get("attachments"):
            return Answer(400, "no_text")
        (attachment,) = said["attachments"]
        assert attachment["fallback"] == attachment["title"]
        self._keep("slack", secret.removeprefix("T0/B0/"), attachment)
        return Answer(200, "ok")

    def _teams(self, secret: str, body: bytes) -> Answer:
        if len(body) > _TEAMS_BYTES:
            return Answer(413, "Request Entity too large")
        said = json.loads(body)
        cards = [each for each in said.get("attachments") or () if each["contentType"] == _CARD]
        if said.get("type") != "message" or not cards:
            return Answer(400, {"error": {"code": "TriggerInputSchemaMismatch"}})
        title, text = cards[0]["content"]["body"]
        assert (title["type"], text["type"], cards[0]["content"]["type"]) == ("TextBlock", "TextBlock", "AdaptiveCard")
        kept = {"title": title["text"], "text": text["text"], "color": title["color"]}
        self._keep("teams", secret, kept)
        # A workflow only takes it; what becomes of it is not told.
        return Answer(202, "")

    def _keep(self, service: str, place: str, said: Mapping[str, Any]) -> None:
        text, link, color = said["text"], said.get("title_link", ""), said["color"]
        self.messages.append(Message(time.time(), service, place, said["title"], text, link, color))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receivers = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = receivers.answer(self.path, dict(self.headers), body)
                is_text = isinstance(answer.body, str)
                sent = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
                self.send_response(answer.status)
                self.send_header("Content-Type", "text/html" if is_text else "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        return Handler
