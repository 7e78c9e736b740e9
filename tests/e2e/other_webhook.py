"""A mutating webhook of somebody else's, asked after Keyhole: it adds a label, or a reference too."""

import base64
import contextlib
import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from certs.files import write
from certs.issue import issue_ca, issue_serving
from testbed import Testbed
from testbed.keyhole.objects import apply, delete
from tests.e2e.processes import eventually

LABEL = "example.com/added"
# Objects with this label are the only ones that it is asked about.
ASKED = "example.com/asked"
# An annotation KEY=REFERENCE: the webhook adds the annotation of Keyhole's that says so.
REFERS = "example.com/refers"
_NAME = "zz-after-keyhole"


@contextlib.contextmanager
def labelling_webhook(bed: Testbed, directory: Path) -> Iterator[None]:
    """Serve and register it until the block ends."""
    ca = issue_ca()
    files = write(directory, ca, issue_serving(ca, ["127.0.0.1"]))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.certificate, files.key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    configuration = _configuration(f"https://127.0.0.1:{server.server_address[1]}/", ca.certificate_pem)
    apply(bed, configuration)
    try:
        eventually(lambda: _is_asked(bed), "the other webhook is asked")
        yield
    finally:
        delete(bed, configuration)
        server.shutdown()
        server.server_close()
        thread.join()


def _is_asked(bed: Testbed) -> bool:
    probe = {"metadata": {"name": "other-webhook-probe", "labels": {ASKED: "yes"}}}
    answer = bed.kubernetes.request("POST", "/api/v1/namespaces/default/secrets?dryRun=All", probe)
    return answer.ok and LABEL in answer.json()["metadata"]["labels"]


def _configuration(url: str, ca_pem: bytes) -> dict[str, Any]:
    webhook = {
        "name": "labels.example.com",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": url, "caBundle": base64.b64encode(ca_pem).decode()},
        "rules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"]}
        ],
        "objectSelector": {"matchLabels": {ASKED: "yes"}},
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


def _patch(metadata: dict[str, Any]) -> list[dict[str, str]]:
    added = {f"/metadata/labels/{LABEL.replace('/', '~1')}": "yes"} if LABEL not in metadata["labels"] else {}
    notes = metadata.get("annotations", {})
    key, _, reference = notes.get(REFERS, "").partition("=")
    if key and f"data.keyhole.dev/{key}" not in notes:
        added[f"/metadata/annotations/data.keyhole.dev~1{key}"] = reference
    return [{"op": "add", "path": path, "value": value} for path, value in added.items()]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        response: dict[str, Any] = {"uid": review["request"]["uid"], "allowed": True}
        patch = _patch(review["request"]["object"]["metadata"])
        if patch:
            encoded = base64.b64encode(json.dumps(patch).encode()).decode()
            response |= {"patchType": "JSONPatch", "patch": encoded}
        body = json.dumps({**review, "request": None, "response": response}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Be quiet."""
