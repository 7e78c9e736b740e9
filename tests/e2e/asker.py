"""Somebody whose rights are asked of the real API server, and tried."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
import yaml

from testbed import Testbed
from testbed.servers.pki import write_private


def rule(group: str, resource: str, verbs: str, *names: str) -> str:
    """Return a rule as `Asker.rules` gives it."""
    rule: dict[str, Any] = {"apiGroups": [group], "resources": [resource], "verbs": verbs.split()}
    return json.dumps({**rule, **({"resourceNames": list(names)} if names else {})}, sort_keys=True)


class Asker:
    """Somebody who asks the API server, by certificate or by token."""

    def __init__(self, bed: Testbed, **proof: Any) -> None:
        self._bed = bed
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(bed.kubernetes.ca_file)
        self._session.cert = proof.get("cert")
        if "token" in proof:
            self._session.headers["Authorization"] = f"Bearer {proof['token']}"

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> requests.Response:
        """Send one request; a PATCH is a JSON merge patch (RFC 7386)."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        data = None if body is None else json.dumps(body)
        url = self._bed.kubernetes.url + path
        return self._session.request(method, url, data=data, headers={"Content-Type": kind}, timeout=30)

    def rules(self, namespace: str) -> set[str]:
        """Return what the API server says that it may do in a namespace."""
        path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}
        status = self.ask("POST", path, {**review, "spec": {"namespace": namespace}}).json()["status"]
        assert not status["incomplete"]
        return {json.dumps(rule, sort_keys=True) for rule in status["resourceRules"] + status["nonResourceRules"]}

    def mint(self, namespace: str, account: str, *audiences: str) -> requests.Response:
        """Ask for a token of a ServiceAccount; without an audience it is the API server's own."""
        wish = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        return self.ask("POST", path, {**wish, "spec": {"audiences": list(audiences), "expirationSeconds": 600}})

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


def asker_by_kubeconfig(bed: Testbed, kubeconfig: Path, folder: Path) -> Asker:
    """Return who a kubeconfig is; `folder` takes its certificate and key."""
    user = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]
    folder.mkdir()
    files = [
        write_private(folder / part, base64.b64decode(user[f"client-{part}-data"])) for part in ("certificate", "key")
    ]
    return Asker(bed, cert=(str(files[0]), str(files[1])))
