"""The certificates that `keyhole controller` is to keep, as its options say."""

from typing import TYPE_CHECKING

import click

from kube.objects import ObjectName

if TYPE_CHECKING:
    from certs.renewal import CertificateRequest
    from controller.certificates.duty import CertificateSettings


def certificate_settings(
    authority: ObjectName | None,
    serving: ObjectName | None,
    request: "CertificateRequest",
    api_service: str | None,
    webhook_configuration: str | None,
) -> "CertificateSettings | None":
    """Return what the options about certificates come to; None without any of them. Raises `click.UsageError`."""
    from certs.errors import InvalidNameError
    from certs.names import alternative_names
    from controller.certificates.duty import CertificateSettings

    if authority is None and serving is None and not request.hosts and not api_service and not webhook_configuration:
        return None
    if authority is None or serving is None or not request.hosts:
        raise click.UsageError(
            "certificates need --serving-certificate, --certificate-authority and at least one --serving-host"
        )
    if authority == serving:
        raise click.UsageError(
            "--certificate-authority must be another Secret than --serving-certificate: it holds the key"
        )
    if not api_service and not webhook_configuration:
        raise click.UsageError(
            "certificates need --api-service or --webhook-configuration: a new authority signs once it is trusted"
        )
    if request.ca_lifetime < request.certificate_lifetime:
        raise click.UsageError("--ca-lifetime is shorter than --certificate-lifetime")
    try:
        alternative_names(request.hosts)
    except InvalidNameError as error:
        raise click.UsageError(f"--serving-host: {error}") from None
    return CertificateSettings(authority, serving, request, api_service or None, webhook_configuration or None)
