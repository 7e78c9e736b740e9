"""`keyhole serve`: the admission webhook."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from cli.commands.serve_options import ServeOptions
from cli.errors import NotDoneError
from cli.parameters import AddressType, ObjectNameType, kinds_option, kubeconfig_option, log_options
from manifests.provenance.key_status import BELIEVED_SECONDS

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    epilog="""\b
Examples:
  keyhole certs issue ./certs --service keyhole --namespace keyhole
  keyhole serve --connections connections.yaml --record-key keyhole/keyhole-record-key \\
      --tls-cert certs/tls.crt --tls-key certs/tls.key --caller-auth none --kubeconfig ~/.kube/config
  keyhole serve --connections connections.yaml --record-key keyhole/keyhole-record-key \\
      --tls-cert certs/tls.crt --tls-key certs/tls.key \\
      --caller-auth client-certificate --caller-ca apiserver-ca.crt --caller-name kube-apiserver
  keyhole serve --connections connections.yaml --record-key keyhole/keyhole-record-key \\
      --tls-secret keyhole/keyhole-serving-certificate --caller-auth aggregation
""",
)
@click.option(
    "--connections", type=_FILE, required=True, help="The Vault connections (YAML); docs/configuration.md has its keys."
)
@kinds_option
@click.option(
    "--record-key",
    type=ObjectNameType(),
    required=True,
    help="The Secret with the record keys, which `keyhole controller` makes and rotates.",
)
@click.option(
    "--record-key-believed-seconds",
    type=click.FloatRange(5, 3600),
    default=BELIEVED_SECONDS,
    show_default=True,
    help="How long the keys are trusted once the Secret can no longer be read. After that, no object with references "
    "is admitted. Must be shorter than the controller's --record-key-settle-seconds.",
)
@click.option("--tls-cert", type=_FILE, help="The serving certificate (PEM), with its chain.")
@click.option("--tls-key", type=_FILE, help="Its private key (PEM).")
@click.option(
    "--tls-secret",
    type=ObjectNameType(),
    help="Instead of the two files: the Secret with tls.crt and tls.key. It may be created and replaced while the "
    "server runs.",
)
@click.option(
    "--caller-auth",
    type=click.Choice(["aggregation", "client-certificate", "token", "none"]),
    required=True,
    help="How a caller proves that it is the API server: it comes through its own aggregation layer, or shows a client "
    "certificate or a token that you gave it. With 'none', anyone who reaches the port can read the secrets of every "
    "namespace that opted in: for development only.",
)
@click.option("--caller-ca", type=_FILE, help="client-certificate: the CA of the API server's certificate (PEM).")
@click.option(
    "--caller-name",
    "caller_names",
    multiple=True,
    help="client-certificate: the common name, DNS name or URI in it. May be repeated.",
)
@click.option(
    "--caller-token-file",
    "caller_token_files",
    type=_FILE,
    multiple=True,
    help="token: a file with a token. May be repeated, so that a token can be replaced.",
)
@click.option(
    "--listen",
    type=AddressType(),
    default="0.0.0.0:8443",
    show_default=True,
    help="Where admissions are served, over TLS.",
)
@click.option(
    "--health-listen",
    type=AddressType(),
    default="0.0.0.0:8080",
    show_default=True,
    help="Where /livez, /readyz and /metrics are served, over plain HTTP.",
)
@click.option(
    "--audit-key",
    type=_FILE,
    help="Write an audit trail that is chained with the key in this file (at least 32 bytes, mode 0600 or 0440).",
)
@click.option(
    "--audit-log",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --audit-key: the file to append to. Without this, the trail goes to standard output.",
)
@kubeconfig_option
@click.option(
    "--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="How many worker processes to run."
)
@click.option(
    "--max-running",
    type=click.IntRange(2, 1000),
    default=64,
    show_default=True,
    help="How many admissions each worker works on at once; most wait for Vault. One namespace alone gets half.",
)
@click.option(
    "--max-waiting",
    type=click.IntRange(2, 10_000),
    default=256,
    show_default=True,
    help="How many admissions may wait for their turn in each worker. Any more are answered 429. One namespace "
    "alone gets half.",
)
@click.option(
    "--variables",
    is_flag=True,
    help="Also fill variables of workloads, in namespaces with the label keyhole.dev/variables=true. Needs the "
    "registration and the controller with the same option.",
)
@click.option(
    "--applier",
    "appliers",
    metavar="USERNAME",
    multiple=True,
    help="Who is to apply objects with references, such as system:serviceaccount:flux-system:kustomize-controller; a "
    "'*' at the end stands for anything. Metrics count changes by anybody else apart. May be repeated.",
)
@click.option(
    "--applier-group", "applier_groups", metavar="GROUP", multiple=True, help="The same for the members of a group."
)
@click.option(
    "--drain-seconds",
    type=click.FloatRange(0, 60),
    default=3.0,
    show_default=True,
    help="How long a stopping server keeps answering, so that load balancers notice.",
)
@click.option(
    "--grace-seconds",
    type=click.FloatRange(1, 300),
    default=30.0,
    show_default=True,
    help="How long admissions that are still in flight may take after that.",
)
@log_options
def serve(log_level: str, log_format: str, **given: Any) -> None:
    """Serve admissions until SIGTERM."""
    # Before anything that opens sockets is imported. Whatever is imported earlier would block a whole worker.
    from gevent import monkey

    monkey.patch_all()
    from audit.errors import AuditError
    from kube.errors import KubernetesUnavailable
    from metrics.folder import MetricsFolderError
    from resolver.connections.model import ConfigurationError
    from runtime.log_lines import LogFormat
    from runtime.logs import configure
    from webhook.assembly import build, check_start
    from webhook.callerauth.caller import ProofUnreadable
    from webhook.server.server import Server
    from webhook.server.serving_certificate import CertificateError

    configure(log_level, LogFormat(log_format))
    options = ServeOptions(**given)
    settings = options.server_settings(log_level)
    service = options.service_settings()
    try:
        # Workers connect and read for themselves. Here we find out, and say, what cannot be used.
        foundation = check_start(service)
        in_worker = partial(build, service, foundation)
        server = Server(settings, in_worker, foundation.refresh, foundation.follow)
    except (
        *(ConfigurationError, CertificateError, KubernetesUnavailable),
        *(ProofUnreadable, AuditError, MetricsFolderError),
    ) as error:
        raise NotDoneError(str(error)) from None
    except OSError as error:
        raise NotDoneError(f"cannot listen on {options.health_listen}: {error.strerror}") from None
    server.run()
