"""The options of `keyhole page`, and the settings that they make."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from changes.access.doors import AccessSettings
    from changes.access.tokens import IssuerSettings
    from changes.serving.settings import Listener, ServingSettings
    from webhook.server.settings import Address

_HTTPS = "https://"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessOptions:
    """The options about whom the page knows, as click passes them."""

    oidc_issuer: str | None
    oidc_client_id: str | None
    oidc_jwks: str | None
    oidc_ca_file: Path | None
    oidc_username_claim: str
    oidc_username_prefix: str
    oidc_groups_claim: str
    oidc_groups_prefix: str
    oidc_required_claims: tuple[str, ...]
    kubernetes_tokens: bool
    kubernetes_audience: str
    kubeconfig: Path | None

    def settings(self) -> "AccessSettings | None":
        """Return whose tokens are accepted; None if nobody's are: for this machine alone. Raises `UsageError`."""
        from changes.access.doors import AccessSettings

        issuer = self._issuer()
        if issuer is None and not self.kubernetes_tokens:
            return None
        return AccessSettings(
            issuer=issuer,
            kubernetes_tokens=self.kubernetes_tokens,
            audience=self.kubernetes_audience,
            kubeconfig=self.kubeconfig,
        )

    def _issuer(self) -> "IssuerSettings | None":
        from changes.access.tokens import IssuerSettings

        if self.oidc_issuer is None:
            if self.oidc_client_id or self.oidc_jwks or self.oidc_ca_file or self.oidc_required_claims:
                raise click.UsageError("the options --oidc-… need --oidc-issuer")
            return None
        if not self.oidc_client_id:
            raise click.UsageError("--oidc-issuer needs --oidc-client-id: for whom the tokens are")
        jwks = self.oidc_jwks or ""
        if not jwks and not self.oidc_issuer.startswith(_HTTPS):
            raise click.UsageError("--oidc-issuer has to begin with https://, or give its keys: --oidc-jwks FILE")
        if "://" in jwks and not jwks.startswith(_HTTPS):
            raise click.UsageError("--oidc-jwks has to begin with https://, or be a file")
        return IssuerSettings(
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id,
            jwks=jwks,
            ca_file=self.oidc_ca_file,
            username_claim=self.oidc_username_claim,
            username_prefix=self.oidc_username_prefix,
            groups_claim=self.oidc_groups_claim,
            groups_prefix=self.oidc_groups_prefix,
            required_claims=dict(map(_claim, self.oidc_required_claims)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingOptions:
    """The options about where the page is served, as click passes them."""

    listen: "Address"
    health_listen: "Address | None"
    tls_cert: Path | None
    tls_key: Path | None
    behind_proxy: bool
    every: float

    def settings(self, log_level: str, *, for_this_machine: bool) -> "ServingSettings":
        """Return how the page is served; raises `UsageError` for options that do not go together."""
        from changes.serving.settings import ServingSettings

        listen = _listener(self.listen)
        if (self.tls_cert is None) != (self.tls_key is None):
            raise click.UsageError("--tls-cert and --tls-key go together")
        if for_this_machine and not listen.is_loopback:
            told = "without --oidc-issuer and --kubernetes-tokens the page is for this machine alone"
            raise click.UsageError(f"{told}: --listen 127.0.0.1:PORT")
        if for_this_machine and self.tls_cert is not None:
            raise click.UsageError("--tls-cert is for a page that others reach: with --oidc-issuer")
        if not (listen.is_loopback or self.tls_cert or self.behind_proxy):
            told = "tokens would pass in plain text: give --tls-cert and --tls-key"
            raise click.UsageError(f"{told}, or --behind-proxy if a proxy beside the page has TLS")
        return ServingSettings(
            listen=listen,
            health_listen=None if self.health_listen is None else _listener(self.health_listen),
            certificate=self.tls_cert,
            key=self.tls_key,
            every_seconds=self.every,
            log_level=log_level,
        )


def named_repositories(given: Sequence[str]) -> dict[str, Path]:
    """Return the repositories of `--git [NAME=]PATH`, by their names. Raises `UsageError`."""
    found: dict[str, Path] = {}
    for each in given:
        name, separator, path = each.partition("=")
        folder = Path(path if separator else each)
        name = name if separator else folder.resolve().name
        if not name or not folder.is_dir():
            raise click.UsageError(f"--git {each!r}: there is no such folder, or it has no name: NAME=PATH")
        if name in found:
            raise click.UsageError(f"--git: two repositories are called {name!r}")
        found[name] = folder
    return found


def _listener(address: "Address") -> "Listener":
    from changes.serving.settings import Listener

    return Listener(address.host, address.port)


def _claim(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator):
        raise click.UsageError(f"--oidc-required-claim {text!r} is not CLAIM=VALUE")
    return name, value
