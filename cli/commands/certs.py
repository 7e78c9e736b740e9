"""`keyhole certs`: issue and inspect the certificates that a webhook serves with."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from certs.bundle import CA_CERTIFICATE, CERTIFICATE, Facts, facts, findings
from certs.errors import AlreadyThereError, CertsError, UnfitError
from certs.files import CertificateFiles, load, write
from certs.issue import CA_LIFETIME, LONGEST_LIFETIME, SERVING_LIFETIME, issue_ca, issue_serving
from certs.names import service_names
from cli.errors import NotDoneError, tell

_DAYS = click.IntRange(1, LONGEST_LIFETIME.days)

# "\b" on a line of its own keeps click from joining the lines below it.
_ISSUE_EXAMPLES = """\b
Examples:
  keyhole certs issue ./certs --name localhost --name 127.0.0.1
  keyhole certs issue ./certs --service keyhole --namespace keyhole --days 90
"""
_SHOW_EXAMPLES = """\b
Examples:
  keyhole certs show ./certs
  keyhole certs show ./certs -o json
"""

_output = click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines for people, or one JSON object.",
)


@click.group(name="certs")
def certs() -> None:
    """Issue and inspect the certificates that a webhook serves with."""


@certs.command(epilog=_ISSUE_EXAMPLES)
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--name", "names", multiple=True, help="A host name or IP address. May be repeated.")
@click.option("--service", help="A Kubernetes Service, all of whose names are added.")
@click.option("--namespace", default="keyhole", show_default=True, help="The namespace of --service.")
@click.option(
    "--days", type=_DAYS, default=SERVING_LIFETIME.days, show_default=True, help="How long the certificate is valid."
)
@click.option(
    "--ca-days", type=_DAYS, default=CA_LIFETIME.days, show_default=True, help="How long the authority is valid."
)
@click.option("--overwrite", is_flag=True, help="Replace files that are already there, keys included.")
@_output
def issue(
    directory: Path,
    *,
    names: tuple[str, ...],
    service: str | None,
    namespace: str,
    days: int,
    ca_days: int,
    overwrite: bool,
    output: str,
) -> None:
    """Issue a new authority and a serving certificate into DIRECTORY.

    It writes four files that only their owner can read: ca.crt (for the webhook configuration's caBundle), ca.key,
    tls.crt and tls.key. Whoever has ca.key can pose as the webhook, so store it elsewhere or delete it.
    """
    try:
        all_names = [*names, *(() if service is None else service_names(service, namespace))]
        if not all_names:
            raise click.UsageError("at least one --name, or a --service, is needed")
        now = datetime.now(UTC)
        ca = issue_ca(lifetime=timedelta(days=ca_days), now=now)
        serving = issue_serving(ca, all_names, timedelta(days=days), now)
        files = write(directory, ca, serving, overwrite=overwrite)
        told = facts(CERTIFICATE, serving.certificate_pem)[0]
    except AlreadyThereError as error:
        raise NotDoneError(f"{error}; --overwrite replaces it") from error
    except CertsError as error:
        raise NotDoneError(str(error)) from error
    _tell_issued(files, told, output)


@certs.command(epilog=_SHOW_EXAMPLES)
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_output
def show(directory: Path, output: str) -> None:
    """Show the certificates in DIRECTORY, and whether a webhook can serve with them.

    It shows names, issuer, expiry and fingerprint, and never a key. The exit code is 1 if something is wrong: a file is
    missing or damaged, a key or an authority does not belong to the certificate, or a certificate has expired.
    """
    certificates: list[Facts] = []
    problems: Sequence[UnfitError]
    try:
        bundle = load(directory)
        problems = findings(bundle, datetime.now(UTC))
        certificates += facts(CA_CERTIFICATE, bundle.ca_certificate_pem)
        certificates += facts(CERTIFICATE, bundle.serving.certificate_pem)
    except UnfitError as error:
        problems = [error]
    if output == "json":
        _tell_json(certificates, problems)
    else:
        _tell_text(certificates, problems)
    if problems:
        raise SystemExit(1)


def _tell_issued(files: CertificateFiles, told: Facts, output: str) -> None:
    paths = [str(path) for path in (files.ca_certificate, files.ca_key, files.certificate, files.key)]
    if output == "json":
        click.echo(json.dumps({"files": paths, "certificate": _as_json(told)}, indent=2))
        return
    for path in paths:
        tell(f"wrote {path}")
    tell(f"valid until {told.not_after.isoformat()} for {', '.join(told.names)}")


def _tell_json(certificates: Sequence[Facts], problems: Sequence[UnfitError]) -> None:
    document = {
        "certificates": [_as_json(certificate) for certificate in certificates],
        "findings": [{"file": problem.part, "reason": problem.reason} for problem in problems],
    }
    click.echo(json.dumps(document, indent=2))


def _tell_text(certificates: Sequence[Facts], problems: Sequence[UnfitError]) -> None:
    for certificate in certificates:
        tell(certificate.part)
        for title, text in (
            ("subject", certificate.subject),
            ("issuer", certificate.issuer),
            ("names", ", ".join(certificate.names) or "none"),
            ("valid from", certificate.not_before.isoformat()),
            ("valid until", certificate.not_after.isoformat()),
            ("SHA-256", certificate.fingerprint_sha256),
        ):
            tell(f"  {title:<11} {text}")
    for problem in problems:
        tell(f"finding: {problem.part}: {problem.reason}")


def _as_json(certificate: Facts) -> dict[str, str | list[str]]:
    return {
        "file": certificate.part,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "names": list(certificate.names),
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "fingerprint_sha256": certificate.fingerprint_sha256,
    }
