"""What reached Vault and the API server, counted in their own audit logs."""

import datetime as dt
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

from testbed import Testbed
from testbed.servers.log_lines import NewLines

_LOG_SECONDS = 120.0
_CALL = "mutation.webhook.admission.k8s.io/"
_REVOCATION = "update auth/token/revoke-self"


class Traffic:
    """Counts from the moment it is made. What the tests ask with the root token does not count."""

    def __init__(self, bed: Testbed) -> None:
        self._bed = bed
        self._vault_lines = NewLines(bed.vault.audit_log)
        self._began_at = dt.datetime.now(dt.UTC)
        self._kubernetes_lines = NewLines(bed.kubernetes.audit_log)

    def vault_requests(self) -> list[str]:
        """Return operation and path of each request that Keyhole sent to Vault.

        Tokens that are given back are left out: that happens beside admissions, whenever they were idle for long.
        """
        return [request for request in self._told() if request != _REVOCATION]

    def revocations(self) -> int:
        """Return how many tokens Keyhole gave back."""
        return list(self._told()).count(_REVOCATION)

    def reads(self) -> list[str]:
        """Return the paths that Keyhole read, detection of mounts left out."""
        told = (request.partition(" ") for request in self.vault_requests())
        return [path for operation, _, path in told if operation == "read" and not path.startswith("sys/")]

    def logins(self) -> list[str]:
        """Return the paths of the logins."""
        return [path for _, _, path in (told.partition(" ") for told in self.vault_requests()) if "/login" in path]

    def token_requests(self) -> int:
        """Return how many ServiceAccount tokens the API server was asked for."""
        return sum(
            entry.get("objectRef", {}).get("subresource") == "token" and entry["verb"] == "create"
            for entry in self.kubernetes_entries()
        )

    def access_reviews(self) -> int:
        """Return how often the API server was asked what somebody may do."""
        return sum(
            entry.get("objectRef", {}).get("resource") == "subjectaccessreviews" for entry in self.kubernetes_entries()
        )

    def questions(self, namespace: str, webhook: str = "keyhole.dev") -> int:
        """Return how often the API server asked webhooks whose name ends so about objects of a namespace.

        It notes each call of a mutating webhook as an annotation of the request's entry
        (https://kubernetes.io/docs/reference/labels-annotations-taints/audit-annotations/).
        """
        return sum(
            key.startswith(_CALL) and json.loads(text)["webhook"].endswith(webhook)
            for entry in self.kubernetes_entries()
            if entry.get("objectRef", {}).get("namespace") == namespace
            for key, text in entry.get("annotations", {}).items()
        )

    def wait_for_answer(self, verb: str, resource: str, code: int) -> None:
        """Wait until the API server has answered such a request with this code."""
        deadline = time.monotonic() + _LOG_SECONDS
        while not any(
            (entry["verb"], entry.get("objectRef", {}).get("resource"), entry.get("responseStatus", {}).get("code"))
            == (verb, resource, code)
            for entry in self.kubernetes_entries()
        ):
            assert time.monotonic() < deadline, f"no {verb} of {resource} was answered with {code}"
            time.sleep(0.1)

    def _told(self) -> Iterator[str]:
        return (f"{entry['request']['operation']} {entry['request']['path']}" for entry in self.vault_entries())

    def vault_entries(self) -> Iterator[dict[str, Any]]:
        """Give the entries of requests to Vault since the beginning."""
        for entry in self._bed.vault.audit_requests(self._vault_lines.read()):
            # Setting up and looking around, as opposed to what Keyhole does.
            if entry.get("auth", {}).get("display_name") != "root":
                yield entry

    def kubernetes_entries(self) -> Iterator[dict[str, Any]]:
        """Give the entries of requests that came since the beginning: that of an earlier one may be logged late."""
        for entry in map(json.loads, self._kubernetes_news()):
            if dt.datetime.fromisoformat(entry["requestReceivedTimestamp"]) >= self._began_at:
                yield entry

    def _kubernetes_news(self) -> list[bytes]:
        """Return what was logged, once a request that is sent now stands there: entries may come after answers."""
        name = f"marker-{uuid.uuid4()}"
        self._bed.kubernetes.request("GET", f"/api/v1/namespaces/{name}")
        marker = name.encode()
        deadline = time.monotonic() + _LOG_SECONDS
        while True:
            news = self._kubernetes_lines.read()
            if any(marker in line for line in news):
                return news
            assert time.monotonic() < deadline, "the API server's audit log does not grow"
            time.sleep(0.02)
