"""An administrator who sets up tenants by what `keyhole tenant` prints, and somebody who asks the API server."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hvac
import requests
import yaml

from testbed import Testbed
from testbed.keyhole.connections import AUDIENCE
from tests.cli.tenant_cases import run
from tests.e2e.canary import Canary
from tests.e2e.objects import Manifest
from tests.e2e.places import Places


class Tenancy:
    """An administrator who sets up tenants by what the command prints, and who writes their secrets."""

    def __init__(self, bed: Testbed, places: Places, canary: Canary, folder: Path) -> None:
        self.bed = bed
        self._places = places
        self._canary = canary
        self._folder = folder

    def plant(self, path: str, mount: str = "secret") -> str:
        """Write a secret with a new value in the field `password`, and return the value."""
        kv, value = self.bed.vault.client().secrets.kv, self._canary.value()
        if mount == "legacy":
            kv.v1.create_or_update_secret(path, {"password": value}, mount_point=mount)
        else:
            kv.v2.create_or_update_secret(path, {"password": value}, mount_point=mount)
        return value

    def printed(self, namespace: str, *arguments: str, manifests: tuple[Manifest, ...] = ()) -> str:
        """Return what `keyhole tenant` prints."""
        text = yaml.safe_dump_all(manifests) if manifests else None
        result = run(namespace, *arguments, *(["-f", "-"] if text else []), standard_input=text)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    def set_up(self, namespace: str, *arguments: str, manifests: tuple[Manifest, ...] = ()) -> None:
        """Run the script that `keyhole tenant --vault` prints."""
        self.shell(self.printed(namespace, "--vault", *self.program, *arguments, manifests=manifests))

    @property
    def program(self) -> tuple[str, str]:
        """Which command writes policies: OpenBao's where the testbed was given it in Vault's place."""
        return "--program", self.bed.program("vault").name

    def shell(self, script: str) -> None:
        """Run a script with the real kubectl and vault, as an administrator of both."""
        programs = [str(self.bed.program(name).parent) for name in ("kubectl", "vault")]
        environment = {
            "PATH": os.pathsep.join([*programs, "/usr/bin", "/bin"]),
            "HOME": str(self._folder),
            "KUBECONFIG": str(self.bed.kubernetes.kubeconfig),
            "VAULT_ADDR": self.bed.vault.url,
            "VAULT_CACERT": str(self.bed.vault.ca_file),
            "VAULT_TOKEN": self.bed.vault.root_token,
        }
        done = subprocess.run(
            ["sh"], input=script, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        self._places.note("the script of keyhole tenant", done.stdout + done.stderr)
        assert done.returncode == 0, done.stderr

    def log_in(self, namespace: str, role: str, *, account: str = "keyhole", method: str = "jwt") -> hvac.Client:
        """Return a client with the Vault token of an account of the namespace."""
        token = self.bed.kubectl(
            *("create", "token", account, "-n", namespace, "--audience", AUDIENCE, "--duration", "600s")
        ).stdout.strip()
        client = self.bed.vault.client(token="")
        answer = client.adapter.login(f"/v1/auth/{method}/login", json={"role": role, "jwt": token})
        return self.bed.vault.client(answer["auth"]["client_token"])


class Subject:
    """Somebody who asks the API server with a token."""

    def __init__(self, bed: Testbed, namespace: str, account: str) -> None:
        self._bed = bed
        # The API server's own audience: what such a token is worth in Kubernetes is what is asked here.
        self._token = bed.kubectl("create", "token", account, "-n", namespace).stdout.strip()

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "json") -> int:
        """Return the status of a request."""
        return self._send(method, path, body, kind).status_code

    def rules(self, namespace: str) -> list[str]:
        """Return what the API server says that it may do in a namespace."""
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}
        path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
        answer = self._send("POST", path, {**review, "spec": {"namespace": namespace}}, "json")
        status = answer.json()["status"]
        assert not status["incomplete"]
        return sorted(json.dumps(rule, sort_keys=True) for rule in status["resourceRules"] + status["nonResourceRules"])

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, kind: str) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                self._bed.kubernetes.url + path,
                data=None if body is None else json.dumps(body),
                headers={"Authorization": f"Bearer {self._token}", "Content-Type": f"application/{kind}"},
                verify=str(self._bed.kubernetes.ca_file),
                timeout=30,
            )


def service_account(namespace: str, name: str) -> Manifest:
    """Return a ServiceAccount."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
