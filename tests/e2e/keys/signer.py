"""What stands in for the webhook until it keeps records: it signs a record anew when it is asked to refresh it."""

import base64
import contextlib
import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certs.files import write
from certs.issue import issue_ca, issue_serving
from testbed import Testbed
from testbed.keyhole.objects import apply, delete

if TYPE_CHECKING:
    from tests.e2e.keys.conftest import KeySecret

_NAME = "signer"


class SigningWebhook:
    """`deaf` are the Secrets whose request it takes off without signing, `refused` those that it refuses."""

    def __init__(self, key: "KeySecret") -> None:
        self.key = key
        self.deaf: set[str] = set()
        self.refused: set[str] = set()
        self.users: set[str] = set()
        self.asked: list[str] = []

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the response to an AdmissionReview's request."""
        metadata = request["object"]["metadata"]
        annotations, name = metadata.get("annotations") or {}, metadata["name"]
        response: dict[str, Any] = {"uid": request["uid"], "allowed": name not in self.refused}
        if "keyhole.dev/refresh" not in annotations:
            return {**response, "allowed": True}
        self.users.add(request["userInfo"]["username"])
        self.asked.append(name)
        if name in self.refused:
            return {**response, "status": {"code": 503, "message": "not now"}}
        patch = [{"op": "remove", "path": "/metadata/annotations/keyhole.dev~1refresh"}]
        if name not in self.deaf:
            record = {**json.loads(annotations["keyhole.dev/record"]), "key": self.key.ring().signing.id}
            patch.append(
                {"op": "replace", "path": "/metadata/annotations/keyhole.dev~1record", "value": json.dumps(record)}
            )
        return {**response, "patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}


@contextlib.contextmanager
def signing_webhook(bed: Testbed, directory: Path, key: "KeySecret") -> Iterator[SigningWebhook]:
    """Serve and register it for managed Secrets until the block ends."""
    webhook = SigningWebhook(key)
    ca = issue_ca()
    files = write(directory, ca, issue_serving(ca, ["127.0.0.1"]))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.certificate, files.key)

    class Handler(_Handler):
        signer = webhook

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    configuration = _configuration(f"https://127.0.0.1:{server.server_address[1]}/", ca.certificate_pem)
    apply(bed, configuration)
    try:
        yield webhook
    finally:
        delete(bed, configuration)
        server.shutdown()
        server.server_close()
        thread.join()


def _configuration(url: str, ca_pem: bytes) -> dict[str, Any]:
    webhook = {
        "name": "signer.example.com",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": url, "caBundle": base64.b64encode(ca_pem).decode()},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["secrets"]}],
        "objectSelector": {"matchLabels": {"keyhole.dev/managed": "true"}},
        "sideEffects": "None",
        # The API server goes on asking for a moment once it is gone, which nobody should have to wait for.
        "failurePolicy": "Ignore",
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": _NAME},
        "webhooks": [webhook],
    }


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    signer: SigningWebhook

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        response = self.signer.answer(review["request"])
        body = json.dumps({**review, "request": None, "response": response}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Be quiet."""
