"""The real kube-apiserver on 127.0.0.1."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import requests
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter

from testbed.servers import ports
from testbed.servers.go_environment import go_environment
from testbed.servers.log_lines import whole_lines
from testbed.servers.pki import Authority, KeyFiles, key_pem, public_key_pem, write_private
from testbed.servers.supervision import Server, Supervisor

READY_TIMEOUT_SECONDS = 180.0
# Longer than the API server waits for a webhook, so that its answer comes and not a broken-off request.
REQUEST_TIMEOUT_SECONDS = 60.0
_CONNECTIONS = 16
FRONT_PROXY_NAME = "front-proxy-client"

# Secrets, tokens and, because references resolve into them too, ConfigMaps stay out of the log's bodies.
_AUDIT_POLICY: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {
            "level": "Metadata",
            "resources": [
                {"group": "", "resources": ["secrets", "configmaps", "serviceaccounts/token"]},
                # The custom resources that the tests have filled.
                {"group": "example.org"},
                {"group": "authentication.k8s.io", "resources": ["tokenreviews"]},
            ],
        },
        {"level": "RequestResponse"},
    ],
}


class Kubernetes:
    """One API server with RBAC, audit log, aggregation layer and ServiceAccount tokens.

    Before `start`: `issuer`, `service_account_public_key` and the files of the CAs. After it: `url`, `port`, and
    `kubeconfig` of an administrator (group system:masters). Kubeconfigs hold keys and have mode 0600.
    """

    issuer = "https://kubernetes.default.svc.cluster.local"
    host = "127.0.0.1"
    port: int
    kubeconfig: Path
    server: Server

    def __init__(
        self,
        program: Path,
        directory: Path,
        supervisor: Supervisor,
        *,
        admission_configuration: Path | None = None,
        audit_rules: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._audit_policy = {**_AUDIT_POLICY, "rules": [*audit_rules, *_AUDIT_POLICY["rules"]]}
        self._program = program
        self._directory = directory
        self._supervisor = supervisor
        self._admission_configuration = admission_configuration
        self._pki = directory / "pki"
        self._pki.mkdir(mode=0o700, exist_ok=True)
        self.authority = Authority(self._pki, "kubernetes-ca")
        self._front_proxy = Authority(self._pki, "front-proxy-ca")
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.service_account_public_key = public_key_pem(key).decode()
        write_private(self._pki / "service-accounts.pub", public_key_pem(key))
        self._service_account_key = write_private(self._pki / "service-accounts.key", key_pem(key))
        self.audit_log = directory / "kubernetes-audit.log"
        self.log_file = directory / "kube-apiserver.log"
        self._session = requests.Session()
        self._session.trust_env = False  # REQUESTS_CA_BUNDLE would override `verify`
        self._session.verify = str(self.ca_file)
        # A connection beyond those is closed after its answer.
        self._session.mount("https://", HTTPAdapter(pool_maxsize=_CONNECTIONS))

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"https://{self.host}:{self.port}"

    @property
    def ca_file(self) -> Path:
        """The CA of the serving certificate and of client certificates."""
        return self.authority.file

    @property
    def ca_pem(self) -> bytes:
        """The same in PEM."""
        return self.authority.pem

    @property
    def front_proxy_ca_file(self) -> Path:
        """The CA of the certificate with which the API server reaches aggregated API servers."""
        return self._front_proxy.file

    def start(self, etcd_url: str) -> None:
        """Start on a free port and wait until namespaces and RBAC stand. Raises ServerFailed."""
        self._admin = self.authority.issue("admin", "testbed-admin", organizations=["system:masters"])
        self._session.cert = (str(self._admin.certificate), str(self._admin.key))
        serving = self.authority.issue(
            "kube-apiserver",
            "kube-apiserver",
            hosts=["127.0.0.1", "localhost", "kubernetes.default.svc", "kubernetes.default", "kubernetes"],
        )
        proxy = self._front_proxy.issue(FRONT_PROXY_NAME, FRONT_PROXY_NAME)
        policy = self._directory / "audit-policy.yaml"
        policy.write_text(yaml.safe_dump(self._audit_policy))
        self._flags = self._arguments(etcd_url, serving, proxy, policy)

        def attempt() -> None:
            self.port = ports.free_port()
            self._launch()

        ports.launch(attempt)
        self.kubeconfig = self._write_kubeconfig("admin", self._admin)

    def restart(self) -> None:
        """End it, start it again where it was, and wait until it is ready. Raises ServerFailed."""
        self.server.stop()
        self._launch()

    def _launch(self) -> None:
        self.server = self._supervisor.start(
            "kube-apiserver",
            [*self._flags, f"--secure-port={self.port}"],
            self.log_file,
            {"HOME": str(self._directory), **go_environment()},
            self._directory,
        )
        self.server.wait_until(self._ready, READY_TIMEOUT_SECONDS)

    def _arguments(self, etcd_url: str, serving: KeyFiles, proxy: KeyFiles, policy: Path) -> list[str]:
        flags = {
            "etcd-servers": etcd_url,
            "bind-address": self.host,
            "tls-cert-file": serving.certificate,
            "tls-private-key-file": serving.key,
            "client-ca-file": self.ca_file,
            "authorization-mode": "Node,RBAC",
            "service-cluster-ip-range": "10.0.0.0/24",
            # The reconciler would publish this server as an endpoint, and refuses a loopback address.
            "endpoint-reconciler-type": "none",
            "service-account-issuer": self.issuer,
            "service-account-key-file": self._pki / "service-accounts.pub",
            "service-account-signing-key-file": self._service_account_key,
            "api-audiences": self.issuer,
            "audit-policy-file": policy,
            "audit-log-path": self.audit_log,
            "audit-log-maxsize": 4096,  # MB; a rotated log would hide events from the tests that search it
            # No --enable-aggregator-routing: with it a Service of type ExternalName, the way to an aggregated
            # API server on loopback, is refused.
            "requestheader-client-ca-file": self.front_proxy_ca_file,
            "requestheader-allowed-names": FRONT_PROXY_NAME,
            "requestheader-username-headers": "X-Remote-User",
            "requestheader-group-headers": "X-Remote-Group",
            "requestheader-extra-headers-prefix": "X-Remote-Extra-",
            "proxy-client-cert-file": proxy.certificate,
            "proxy-client-key-file": proxy.key,
            "profiling": "false",
        }
        if self._admission_configuration:
            flags["admission-control-config-file"] = self._admission_configuration
        return [str(self._program), *(f"--{name}={setting}" for name, setting in flags.items())]

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
        content_type: str = "application/json",
    ) -> requests.Response:
        """Send one request as the administrator. Any status is returned; connection errors are raised.

        Usable from several threads, which share some connections.
        """
        return self._session.request(
            method, self.url + path, json=body, headers={"Content-Type": content_type}, timeout=timeout_seconds
        )

    def close(self) -> None:
        """Close the connections to it; for when nobody asks any more."""
        self._session.close()

    def audit_entries(self) -> list[dict[str, Any]]:
        """Return the audit log's entries, oldest first; a half-written last line is left out.

        An entry may come after the answer that it tells of.
        """
        return [json.loads(line) for line in whole_lines(self.audit_log)]

    def _ready(self) -> bool:
        # /readyz alone is not enough: namespaces and the front-proxy ConfigMap are written a moment later.
        wanted = (
            "/readyz",
            "/api/v1/namespaces/default",
            "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication",
        )
        try:
            return all(self.request("GET", path).ok for path in wanted)
        except requests.RequestException:
            return False

    def kubeconfig_for(self, user: str, groups: Sequence[str] = ()) -> Path:
        """Return a kubeconfig with a client certificate of that user and those groups.

        A user's name has at most 64 characters (X.509's limit for a common name), else ValueError.
        """
        digest = hashlib.sha256("\n".join((user, *groups)).encode()).hexdigest()[:16]
        path = self._directory / f"kubeconfig-{digest}"
        if path.exists():
            return path
        files = self.authority.issue(f"user-{digest}", user, organizations=groups)
        return self._write_kubeconfig(digest, files)

    def _write_kubeconfig(self, name: str, files: KeyFiles) -> Path:
        def encoded(content: bytes) -> str:
            return base64.b64encode(content).decode()

        cluster = {"server": self.url, "certificate-authority-data": encoded(self.ca_pem)}
        user = {
            "client-certificate-data": encoded(files.certificate.read_bytes()),
            "client-key-data": encoded(files.key.read_bytes()),
        }
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "testbed", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": name}}],
            "current-context": "testbed",
        }
        return write_private(self._directory / f"kubeconfig-{name}", yaml.safe_dump(document).encode())
