"""Somebody who asks the webhook and is not the API server."""

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests

from testbed.keyhole.installation import Webhook
from testbed.servers.pki import KeyFiles
from tests.e2e.objects import encoded, filled

_TIMEOUT_SECONDS = 20
DEAD = "dead"


@dataclass(frozen=True)
class Forgery:
    """An AdmissionReview that nobody admits anything with: it asks for the value of a reference, as a patch."""

    namespace: str
    reference: str
    value: str = field(repr=False)

    def body(self) -> bytes:
        """Return the bytes to send, with a uid of their own."""
        request = {
            "uid": str(uuid.uuid4()),
            "kind": {"group": "", "version": "v1", "kind": "Secret"},
            "namespace": self.namespace,
            "name": "forged",
            "operation": "CREATE",
            "userInfo": {"username": "admin", "groups": ["system:masters"]},
            "dryRun": False,
            "object": filled("forged", password=self.reference),
        }
        review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
        return json.dumps(review).encode()

    def is_answered_by(self, text: bytes) -> bool:
        """Whether an answer holds the value."""
        try:
            patch = base64.b64decode(json.loads(text)["response"]["patch"])
        except (ValueError, KeyError, TypeError):
            return False
        return {"op": "add", "path": "/data/password", "value": encoded(self.value)} in json.loads(patch)


class Intruder:
    """Sends the forgery to a webhook, with whatever it has got."""

    def __init__(self, webhook: Webhook, forgery: Forgery) -> None:
        self.webhook = webhook
        self.forgery = forgery

    def ask(
        self,
        *,
        certificate: KeyFiles | None = None,
        headers: Mapping[str, str] | None = None,
        tls: bool = True,
        path: str | None = None,
        session: requests.Session | None = None,
    ) -> str:
        """Return "value", another answer's HTTP status as text, or "dead" when the connection died of it."""
        url = urlsplit(self.webhook.url)
        target = url._replace(scheme="https" if tls else "http", path=path or url.path, query="timeout=10s")
        with requests.Session() as own:
            asking = session or own
            asking.trust_env = False
            try:
                answer = asking.post(
                    target.geturl(),
                    data=self.forgery.body(),
                    headers={"Content-Type": "application/json", **(headers or {})},
                    verify=str(self.webhook.ca_file),
                    cert=(str(certificate.certificate), str(certificate.key)) if certificate else None,
                    timeout=_TIMEOUT_SECONDS,
                )
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                return DEAD
        return "value" if self.forgery.is_answered_by(answer.content) else str(answer.status_code)
