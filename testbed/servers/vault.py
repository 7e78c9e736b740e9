"""The real Vault, or OpenBao in its place, with raft storage and TLS; not `-dev`.

It is initialised with one key share and unsealed through its API.

https://developer.hashicorp.com/vault/docs/configuration, https://openbao.org/docs/configuration
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import hvac
import requests

from testbed.errors import AuthMethodMissing
from testbed.servers import ports
from testbed.servers.go_environment import go_environment
from testbed.servers.log_lines import whole_lines
from testbed.servers.pki import Authority
from testbed.servers.supervision import Server, Supervisor

READY_TIMEOUT_SECONDS = 180.0
REQUEST_TIMEOUT_SECONDS = 60.0
HOST = "127.0.0.1"

# What Vault's health endpoint answers while it serves, though sealed or not initialised.
# https://developer.hashicorp.com/vault/api-docs/system/health
_ACTIVE = 200
_NOT_INITIALISED = 501
_SEALED = 503
_AUDIT_DEVICE = "file"
_VERSION_TIMEOUT_SECONDS = 60.0


class Vault:
    """One Vault, whose raft data outlive `stop`.

    After `start`: `url`, `port`, `root_token` and `server`. KV version 2 stands at `secret/`, version 1 at `legacy/`.
    The audit log (device `file`) hashes values as Vault does by default.
    """

    root_token: str
    server: Server

    def __init__(self, program: Path, plugin: Path | None, directory: Path, supervisor: Supervisor) -> None:
        self._program = program
        self._is_openbao = _is_openbao(program)
        # Vault takes no link out of its folder of plugins.
        self._plugin = plugin.resolve() if plugin else None
        self._directory = directory
        self._supervisor = supervisor
        self._data = directory / "vault"
        pki = directory / "pki"
        pki.mkdir(mode=0o700, exist_ok=True)
        self._authority = Authority(pki, "vault-ca")
        self._certificate = self._authority.issue("vault", "vault", hosts=[HOST, "localhost"])
        self._unseal_key: str | None = None
        self._sockets: Path | None = None
        self.port = 0
        self.audit_log = directory / "vault-audit.log"
        self.log_file = directory / "vault.log"

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"https://{HOST}:{self.port}"

    @property
    def ca_file(self) -> Path:
        """The CA of the listener's certificate."""
        return self._authority.file

    def client(self, token: str | None = None) -> hvac.Client:
        """Return a new client with `token`, by default the root token. Not to be shared between threads."""
        session = requests.Session()
        session.trust_env = False  # neither the environment's proxy nor its CA bundle
        session.verify = str(self.ca_file)  # hvac leaves a session that it is given as it is
        return hvac.Client(
            url=self.url,
            token=self.root_token if token is None else token,
            timeout=REQUEST_TIMEOUT_SECONDS,
            session=session,
        )

    def start(self) -> None:
        """Start, at first on a free port and with initialisation, later on the same port with the same data; unseal.

        Raises ServerFailed.
        """
        if self._unseal_key:
            self._run()
            self.unseal()
            return

        def attempt() -> None:
            self.port = ports.free_port()
            shutil.rmtree(self._data, ignore_errors=True)
            self._run()

        ports.launch(attempt)
        self._initialise()

    def _run(self) -> None:
        self._data.mkdir(mode=0o700, exist_ok=True)
        cluster_port = ports.free_port()
        configuration: dict[str, Any] = {
            "storage": {"raft": {"path": str(self._data), "node_id": "testbed", "performance_multiplier": 1}},
            "listener": {
                "tcp": {
                    "address": f"{HOST}:{self.port}",
                    "cluster_address": f"{HOST}:{cluster_port}",
                    "tls_cert_file": str(self._certificate.certificate),
                    "tls_key_file": str(self._certificate.key),
                }
            },
            "api_addr": self.url,  # plugins reach back through it
            "cluster_addr": f"https://{HOST}:{cluster_port}",
            "disable_mlock": True,  # raft wants it so: its file is mapped into memory
        }
        if self._plugin is not None:
            configuration["plugin_directory"] = str(self._plugin.parent)
        if self._is_openbao:
            # It lets nobody enable an audit device through the API.
            configuration["audit"] = [{"type": _AUDIT_DEVICE, "path": _AUDIT_DEVICE, "options": self._audit_options()}]
        file = self._directory / "vault.json"
        file.write_text(json.dumps(configuration, indent=2))
        arguments = [str(self._program), "server", f"-config={file}", "-log-level=info"]
        # Plugins make a socket in TMPDIR, whose path is limited to 108 bytes and which they leave behind.
        self.discard_sockets()
        self._sockets = Path(tempfile.mkdtemp(prefix="keyhole-vault-"))
        environment = {"HOME": str(self._directory), "TMPDIR": str(self._sockets), **go_environment()}
        self.server = self._supervisor.start("vault", arguments, self.log_file, environment, self._directory)
        serving = {_ACTIVE, _NOT_INITIALISED, _SEALED}
        self.server.wait_until(lambda: self.health() in serving, READY_TIMEOUT_SECONDS)

    def health(self) -> int:
        """Return sys/health's status: 200 active, 429 standby, 501 not initialised, 503 sealed; 0 for no answer."""
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.get(f"{self.url}/v1/sys/health", verify=str(self.ca_file), timeout=2)
            except requests.RequestException:
                return 0
            return answer.status_code

    def _initialise(self) -> None:
        self.root_token = ""
        answer: dict[str, Any] = self.client().sys.initialize(secret_shares=1, secret_threshold=1)
        self.root_token = answer["root_token"]
        self._unseal_key = answer["keys_base64"][0]
        self.unseal()
        client = self.client()
        if not self._is_openbao:
            client.sys.enable_audit_device(device_type=_AUDIT_DEVICE, path=_AUDIT_DEVICE, options=self._audit_options())
        client.sys.enable_secrets_engine("kv", path="legacy", options={"version": "1"})
        client.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
        # A KV v2 mount answers 400 while it upgrades itself, for some tenths of a second.
        self.server.wait_until(lambda: self._status("secret/config") == _ACTIVE, READY_TIMEOUT_SECONDS)

    def _audit_options(self) -> dict[str, str]:
        return {"file_path": str(self.audit_log), "log_raw": "false"}

    def _status(self, path: str) -> int:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(
                f"{self.url}/v1/{path}",
                headers={"X-Vault-Token": self.root_token},
                verify=str(self.ca_file),
                timeout=REQUEST_TIMEOUT_SECONDS,
            )
            return answer.status_code

    def seal(self) -> None:
        """Seal it: every request but health, unseal and the like gets 503 from now on."""
        self.client().sys.seal()
        self.server.wait_until(lambda: self.health() == _SEALED, READY_TIMEOUT_SECONDS)

    def unseal(self) -> None:
        """Unseal it and wait until it is active. Raises ServerFailed."""
        self.client().sys.submit_unseal_key(self._unseal_key)
        self.server.wait_until(lambda: self.health() == _ACTIVE, READY_TIMEOUT_SECONDS)

    def serve_as(self, authority: Authority) -> Authority:
        """Serve with a new certificate, of this authority, to whoever connects from now on; return the one before.

        Connections that are open stay as they are (Vault reads its certificate again on SIGHUP). Raises ServerFailed.
        """
        before, self._authority = self._authority, authority
        renewed = authority.issue("vault", "vault", hosts=[HOST, "localhost"])
        for new, file in ((renewed.key, self._certificate.key), (renewed.certificate, self._certificate.certificate)):
            file.write_bytes(new.read_bytes())
        # To it alone: its plugins do not expect the signal.
        os.kill(self.server.pid, signal.SIGHUP)
        self.server.wait_until(lambda: self.health() == _ACTIVE, READY_TIMEOUT_SECONDS)
        return before

    def stop(self) -> None:
        """Stop the process. The data stay, and `start` brings it back."""
        self.server.stop()
        self.discard_sockets()

    def discard_sockets(self) -> None:
        """Remove what plugins left behind; for when the process is gone."""
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def enable_jwt(self, issuer: str, public_key_pem: str) -> None:
        """Enable the jwt auth method at auth/jwt for tokens of that issuer, signed with that key."""
        client = self.client()
        client.sys.enable_auth_method("jwt")
        client.auth.jwt.configure(jwt_validation_pubkeys=[public_key_pem], bound_issuer=issuer)

    def enable_kubernetes(self, mount: str = "kubernetes") -> None:
        """Enable the kubernetes auth method at a mount, from the external plugin if there is one."""
        client = self.client()
        if self._plugin is None:
            try:
                client.sys.enable_auth_method("kubernetes", path=mount)
            except hvac.exceptions.InvalidRequest:
                raise AuthMethodMissing(self._program, "kubernetes") from None
            return
        with self._plugin.open("rb") as binary:
            digest = hashlib.file_digest(binary, "sha256").hexdigest()
        name = "vault-plugin-auth-kubernetes"
        # hvac has no method for the plugin catalog.
        plugin = {"command": self._plugin.name, "sha256": digest}
        client.adapter.post(f"/v1/sys/plugins/catalog/auth/{name}", json=plugin)
        client.sys.enable_auth_method(name, path=mount)

    def configure_kubernetes(self, api_url: str, ca_pem: bytes, reviewer_token: str) -> None:
        """Tell auth/kubernetes which API server to ask, and as whom."""
        self.client().auth.kubernetes.configure(
            kubernetes_host=api_url,
            kubernetes_ca_cert=ca_pem.decode(),
            token_reviewer_jwt=reviewer_token,
            disable_local_ca_jwt=True,
        )

    def audit_requests(self, lines: Iterable[bytes] | None = None) -> list[dict[str, Any]]:
        """Return the entries of type `request` of the audit log, or of some of its lines, oldest first.

        A half-written last line is left out.
        """
        entries = map(json.loads, whole_lines(self.audit_log) if lines is None else lines)
        return [entry for entry in entries if entry["type"] == "request"]


def _is_openbao(program: Path) -> bool:
    told = subprocess.run(
        [str(program), "version"], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_SECONDS, check=False
    )
    return told.stdout.startswith("OpenBao")
