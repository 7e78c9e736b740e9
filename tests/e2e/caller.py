"""Asking a webhook directly, as the API server does."""

import base64
import contextlib
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import requests

from testbed.keyhole.installation import Webhook
from tests.e2e.objects import Manifest
from tests.e2e.places import Places


@dataclass(frozen=True)
class Reply:
    """What the webhook answered."""

    http_status: int
    content_type: str
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body."""
        return self.body.decode()

    @property
    def response(self) -> dict[str, Any]:
        """The AdmissionReview's response, its patch left out of what pytest shows."""
        review: dict[str, Any] = json.loads(self.body)
        assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
        response: dict[str, Any] = review["response"]
        return response

    @property
    def allowed(self) -> bool:
        """Whether the request was allowed."""
        return bool(self.response["allowed"])

    @property
    def code(self) -> int:
        """The status code of a refusal."""
        return int(self.response["status"]["code"])

    @property
    def message(self) -> str:
        """The message of a refusal."""
        return str(self.response["status"]["message"])

    @property
    def retry_after_seconds(self) -> int | None:
        """What a refusal tells about a retry."""
        seconds: int | None = self.response["status"].get("details", {}).get("retryAfterSeconds")
        return seconds

    @property
    def patch(self) -> list[dict[str, Any]]:
        """The JSON Patch, empty when there is none."""
        patch: list[dict[str, Any]] = json.loads(base64.b64decode(self.response.get("patch", "W10=")))
        return patch


class Caller:
    """Sends requests to one webhook and notes every answer, less the patch of one that allows."""

    def __init__(self, webhook: Webhook, places: Places, namespace: str) -> None:
        self.webhook = webhook
        self._places = places
        self._namespace = namespace

    def admit(
        self, manifest: Manifest, *, timeout_seconds: float = 10, late_seconds: float = 0, **changes: Any
    ) -> Reply:
        """Ask about an object and be answered within `timeout_seconds`, which are told to the webhook as well.

        Reading fails `late_seconds` after that moment; in the API server, it fails at once. A crowd on a busy machine
        may see answers that come late. `changes` are members of the request.
        """
        review, query = self.review(manifest, **changes), f"?timeout={timeout_seconds}s"
        return self.send_review(review, query=query, timeout_seconds=timeout_seconds + late_seconds)

    def send_review(self, review: Mapping[str, Any], **how: Any) -> Reply:
        """Send an AdmissionReview; `how` as for `send`."""
        return self.send(json.dumps(review).encode(), **how)

    @contextlib.contextmanager
    def in_flight(self, manifest: Manifest, **changes: Any) -> Iterator[Future[Reply]]:
        """Ask about an object while the block runs; the reply is awaited at its end."""
        with ThreadPoolExecutor(1) as pool:
            reply = pool.submit(self.admit, manifest, **changes)
            yield reply
            reply.result()

    def review(self, manifest: Manifest, **changes: Any) -> dict[str, Any]:
        """Return an AdmissionReview that asks about an object."""
        request = {
            "uid": str(uuid.uuid4()),
            "kind": {"group": "", "version": "v1", "kind": "Secret"},
            "namespace": self._namespace,
            "name": manifest["metadata"].get("name", ""),
            "operation": "CREATE",
            # Who may read every Secret, as the API server's administrators may.
            "userInfo": {"username": "admin", "groups": ["system:masters", "system:authenticated"]},
            "dryRun": False,
            "object": manifest,
            **changes,
        }
        return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}

    def send(
        self,
        body: bytes | Iterable[bytes] | None,
        *,
        query: str = "?timeout=10s",
        method: str = "POST",
        path: str = "/mutate",
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 30,
    ) -> Reply:
        """Send anything at all over a connection of its own."""
        origin = self.webhook.url.removesuffix("/mutate")
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                method,
                origin + path + query,
                data=body,
                headers={"Content-Type": "application/json", **(headers or {})},
                verify=str(self.webhook.ca_file),
                timeout=timeout_seconds,
            )
        reply = Reply(answer.status_code, answer.headers.get("Content-Type", ""), answer.content)
        self.note(reply)
        return reply

    def note(self, reply: Reply) -> None:
        """Have an answer searched for canaries."""
        self._places.note("the webhook's answer", _without_patch(reply.body))


def _without_patch(body: bytes) -> bytes:
    try:
        review = json.loads(body)
        if review["response"]["allowed"]:
            review["response"].pop("patch", None)
    except (ValueError, KeyError, TypeError):
        return body
    return json.dumps(review).encode()
