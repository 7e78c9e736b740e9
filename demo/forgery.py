"""Somebody who reaches Keyhole's port and asks for a value as if they were the API server."""

import base64
import binascii
import json
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from demo.cluster import NAMESPACE
from testbed.keyhole.installation import Webhook
from testbed.servers.kubernetes import Kubernetes
from testbed.servers.pki import KeyFiles

FIELD = "secret/shop/database#password"
REFERENCE = f"vault:{FIELD}"
API_SERVER = "system:apiserver"
_TIMEOUT_SECONDS = 20


def review() -> dict[str, Any]:
    """Return an AdmissionReview that nobody admits anything with: the answer's patch would hold the value."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "forged",
            "namespace": NAMESPACE,
            "annotations": {"data.keyhole.dev/password": REFERENCE},
        },
    }
    request = {
        "uid": str(uuid.uuid4()),
        "kind": {"group": "", "version": "v1", "kind": "Secret"},
        "namespace": NAMESPACE,
        "name": "forged",
        "operation": "CREATE",
        "userInfo": {"username": "admin", "groups": ["system:masters"]},
        "dryRun": False,
        "object": manifest,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


@dataclass(frozen=True)
class Answer:
    """What came back. `status` is None when the connection was ended before there was one."""

    status: int | None
    text: str

    @property
    def told(self) -> str:
        """The outcome, without a word of the answer."""
        return "no answer: the connection is ended" if self.status is None else f"HTTP {self.status}"


def ask(webhook: Webhook, shown: KeyFiles | None = None) -> Answer:
    """POST a review to Keyhole itself, claiming to speak for the API server, with a client certificate or without."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.post(
                webhook.url,
                json=review(),
                headers={"X-Remote-User": API_SERVER},
                params={"timeout": "10s"},
                verify=str(webhook.ca_file),
                cert=(str(shown.certificate), str(shown.key)) if shown else None,
                timeout=_TIMEOUT_SECONDS,
            )
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            return Answer(None, "")
    return Answer(answer.status_code, readable(answer.text))


def ask_through(api_server: Kubernetes, webhook: Webhook) -> Answer:
    """POST a review, as the cluster's administrator, where the API server passes requests on to Keyhole."""
    answer = api_server.request("POST", urlsplit(webhook.url).path, review())
    return Answer(answer.status_code, readable(answer.text))


def readable(text: str) -> str:
    """Return the text, and behind it the patch of an admission answer, which is in base64."""
    try:
        patch = base64.b64decode(json.loads(text)["response"]["patch"], validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error):
        return text
    return f"{text}\n{patch.decode(errors='replace')}"
