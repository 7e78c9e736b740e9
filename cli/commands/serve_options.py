"""The options of `keyhole serve`, and the settings that they make.

Nothing of the server is imported before it is needed: gevent has to patch the standard library first.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.version import VERSION
from kube.objects import ObjectName

if TYPE_CHECKING:
    from manifests.kinds.known import Kinds
    from webhook.callerauth.modes import CallerSettings
    from webhook.server.serving_certificate import CertificateFiles
    from webhook.server.settings import Address, ServerSettings
    from webhook.service_settings import ServiceSettings

log = logging.getLogger("keyhole.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """The options of `keyhole serve` but for the log's, as click passes them."""

    connections: Path
    kinds: "Kinds | None"
    record_key: ObjectName
    record_key_believed_seconds: float
    tls_cert: Path | None
    tls_key: Path | None
    tls_secret: ObjectName | None
    caller_auth: str
    caller_ca: Path | None
    caller_names: tuple[str, ...]
    caller_token_files: tuple[Path, ...]
    listen: "Address"
    health_listen: "Address"
    audit_key: Path | None
    audit_log: Path | None
    kubeconfig: Path | None
    workers: int
    max_running: int
    max_waiting: int
    variables: bool
    appliers: tuple[str, ...]
    applier_groups: tuple[str, ...]
    drain_seconds: float
    grace_seconds: float

    def server_settings(self, log_level: str) -> "ServerSettings":
        """Return how the server listens and stops. Call this only after the standard library has been patched."""
        from webhook.server.settings import ServerSettings

        return ServerSettings(
            listen=self.listen,
            health_listen=self.health_listen,
            workers=self.workers,
            drain_seconds=self.drain_seconds,
            grace_seconds=self.grace_seconds,
            log_level=log_level,
        )

    def service_settings(self) -> "ServiceSettings":
        """Return what is served; raises `click.UsageError` for options that do not go together.

        Call this only after the standard library has been patched.
        """
        from manifests.kinds.known import ONLY_SECRETS
        from webhook.service_settings import Audit, ServiceSettings

        certificate = _certificate(self.tls_cert, self.tls_key, self.tls_secret)
        caller = _caller_settings(self.caller_auth, self.caller_ca, self.caller_names, self.caller_token_files)
        if self.audit_log is not None and self.audit_key is None:
            raise click.UsageError("--audit-log needs --audit-key")
        return ServiceSettings(
            self.connections,
            caller,
            self.record_key,
            certificate,
            self.kubeconfig,
            Audit(self.audit_log, self.audit_key) if self.audit_key else None,
            record_key_believed_seconds=self.record_key_believed_seconds,
            most_running=self.max_running,
            most_waiting=self.max_waiting,
            version=VERSION,
            variables=self.variables,
            kinds=self.kinds or ONLY_SECRETS,
            appliers=self.appliers,
            applier_groups=self.applier_groups,
        )


def _certificate(
    certificate: Path | None, key: Path | None, secret: ObjectName | None
) -> "CertificateFiles | ObjectName":
    """Return where the certificate is. Call this only after the standard library has been patched."""
    from webhook.server.serving_certificate import CertificateFiles

    if certificate is not None and key is not None and secret is None:
        return CertificateFiles(certificate, key)
    if certificate is None and key is None and secret is not None:
        return secret
    raise click.UsageError("give either --tls-cert and --tls-key, or --tls-secret")


def _caller_settings(
    mode: str, ca_file: Path | None, names: tuple[str, ...], token_files: tuple[Path, ...]
) -> "CallerSettings":
    """Return how callers prove themselves, and warn if they need not.

    Call this only after the standard library has been patched.
    """
    from webhook.callerauth.modes import CallerMode, CallerSettings, CallerSettingsError

    try:
        caller = CallerSettings(CallerMode(mode), ca_file, frozenset(names), token_files)
    except CallerSettingsError as error:
        raise click.UsageError(str(error)) from None
    if caller.mode is CallerMode.NONE:
        log.warning("--caller-auth=none: anyone who reaches this port can read secrets")
    return caller
