"""The two of `keyhole manifests` that lie on the API server's machine: how it proves itself to the webhook."""

from pathlib import Path

import click

from cli.manifest_files import AbsolutePathType, write
from manifests.registration.admission_configuration import admission_configuration as written_admission_configuration
from manifests.registration.admission_configuration import certificate_user, token_user
from manifests.registration.admission_configuration import webhook_kubeconfig as written_kubeconfig
from manifests.registration.webhook_configuration import NAME, OWN_NAMESPACE

output_option = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of standard output. A file that is there is replaced.",
)


@click.command(
    name="admission-configuration",
    epilog="""\b
Examples:
  keyhole manifests admission-configuration --kubeconfig-path /etc/kubernetes/webhooks.yaml -o admission.yaml
""",
)
@click.option(
    "--kubeconfig-path",
    type=AbsolutePathType(),
    default="/etc/kubernetes/webhooks.yaml",
    show_default=True,
    help="Where the file that `webhook-kubeconfig` prints lies on the API server's machine.",
)
@output_option
def admission_configuration(*, kubeconfig_path: Path, output: Path | None) -> None:
    """Print the AdmissionConfiguration by which an API server proves itself to webhooks.

    For an API server whose flags are yours: it takes the file as --admission-control-config-file, and reads it when it
    starts. `keyhole manifests webhook-kubeconfig` prints the file that this one names.
    """
    write([written_admission_configuration(kubeconfig_path)], output)


@click.command(
    name="webhook-kubeconfig",
    epilog="""\b
Examples:
  keyhole manifests webhook-kubeconfig --client-certificate /etc/kubernetes/pki/keyhole-client.crt \\
      --client-key /etc/kubernetes/pki/keyhole-client.key -o webhooks.yaml
  keyhole manifests webhook-kubeconfig --host keyhole.example:8443 --token-file /etc/kubernetes/keyhole-token
""",
)
@click.option(
    "--host",
    default=f"{NAME}.{OWN_NAMESPACE}.svc",
    show_default=True,
    help="The webhook: the host of its URL, or SERVICE.NAMESPACE.svc, with :PORT unless that is 443.",
)
@click.option("--client-certificate", type=AbsolutePathType(), help="The API server's client certificate (PEM).")
@click.option("--client-key", type=AbsolutePathType(), help="Its private key (PEM).")
@click.option("--token-file", type=AbsolutePathType(), help="Instead of the two: the file that holds a bearer token.")
@output_option
def webhook_kubeconfig(
    *,
    host: str,
    client_certificate: Path | None,
    client_key: Path | None,
    token_file: Path | None,
    output: Path | None,
) -> None:
    """Print the kubeconfig that says with what an API server proves itself to Keyhole.

    It goes with `admission-configuration`, and with `keyhole serve --caller-auth client-certificate` or `token`. Paths
    are those of the API server's machine; no file is read here.
    """
    if client_certificate is not None and client_key is not None and token_file is None:
        user = certificate_user(client_certificate, client_key)
    elif token_file is not None and client_certificate is None and client_key is None:
        user = token_user(token_file)
    else:
        raise click.UsageError("give either --client-certificate and --client-key, or --token-file")
    write([written_kubeconfig({host: user})], output)
