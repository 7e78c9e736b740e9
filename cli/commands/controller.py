"""`keyhole controller`: the only process that writes to the cluster."""

import logging
import signal
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from certs.issue import LONGEST_LIFETIME
from cli.controlling.certificates import certificate_settings
from cli.controlling.variables import variables_options
from cli.errors import NotDoneError
from cli.parameters import AddressType, DurationType, ObjectNameType, kinds_option, kubeconfig_option, log_options
from cli.version import VERSION
from controller.following.settings import PATCHES_PER_SECOND, VAULT_REQUESTS_PER_SECOND
from kube.objects import ObjectName
from manifests.provenance.key_status import SETTLE_SECONDS

if TYPE_CHECKING:
    from controller.process import ControllerSettings
    from controller.variables.settings import VariablesSettings
    from manifests.kinds.known import Kinds
    from webhook.server.settings import Address

log = logging.getLogger("keyhole.controller")

_BUG = 70  # EX_SOFTWARE of sysexits.h
# A shorter one would expire before every webhook has read it.
_LIFETIME = DurationType(timedelta(seconds=10), LONGEST_LIFETIME)


@click.command(
    epilog="""\b
Examples:
  keyhole controller --record-key keyhole/keyhole-record-key --lease keyhole/keyhole-controller
  keyhole controller --record-key keyhole/keyhole-record-key --lease keyhole/keyhole-controller \\
      --kubeconfig ~/.kube/config --log-level debug
  keyhole controller --record-key keyhole/keyhole-record-key --lease keyhole/keyhole-controller \\
      --certificate-authority keyhole/keyhole-ca --serving-certificate keyhole/keyhole-serving-certificate \\
      --serving-host keyhole.keyhole.svc --api-service v1alpha1.admission.keyhole.dev
  keyhole controller --record-key keyhole/keyhole-record-key --lease keyhole/keyhole-controller \\
      --connections connections.yaml
""",
)
@click.option(
    "--record-key",
    type=ObjectNameType(),
    required=True,
    help="The Secret with the record keys. It is created if it does not exist.",
)
@click.option(
    "--lease",
    type=ObjectNameType(),
    required=True,
    help="The Lease that decides which of several controllers leads. It is created if it does not exist.",
)
@click.option(
    "--settle-seconds",
    type=click.FloatRange(0, 3600),
    default=30.0,
    show_default=True,
    help="How long it takes until every webhook serves a changed certificate and every API server trusts a changed "
    "authority. Webhooks read the certificate's Secret every 2 s.",
)
@click.option(
    "--record-key-settle-seconds",
    type=click.FloatRange(0, 7200),
    default=SETTLE_SECONDS,
    show_default=True,
    help="How long a rotation of the record key waits before each step, so that every webhook has read the change or "
    "stopped trusting what it read before. Must be longer than the webhook's --record-key-believed-seconds.",
)
@click.option(
    "--serving-certificate",
    type=ObjectNameType(),
    help="Issue and renew the webhook's certificate in this Secret. It is created if it does not exist.",
)
@click.option(
    "--certificate-authority",
    type=ObjectNameType(),
    help="With --serving-certificate: the Secret for the authority and its key. The webhook must not read it.",
)
@click.option(
    "--serving-host",
    "serving_hosts",
    multiple=True,
    help="With --serving-certificate: a name or address at which the API server calls the webhook. May be repeated.",
)
@click.option("--api-service", help="With --serving-certificate: the APIService whose caBundle is kept up to date.")
@click.option(
    "--webhook-configuration",
    help="With --serving-certificate: the MutatingWebhookConfiguration that must trust a new authority before it "
    "signs. It is read and never written.",
)
@click.option(
    "--certificate-lifetime",
    type=_LIFETIME,
    default="2160h",
    show_default=True,
    help="How long a certificate is valid. It is renewed after two thirds of that.",
)
@click.option(
    "--ca-lifetime",
    type=_LIFETIME,
    default="87600h",
    show_default=True,
    help="How long an authority is valid. It is replaced after two thirds of that.",
)
@click.option(
    "--connections",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Follow Vault, by the webhook's connections file. A connection's followIntervalSeconds says how often it is "
    "asked.",
)
@click.option(
    "--restarts/--no-restarts",
    default=True,
    show_default=True,
    help="With --connections: restart the workloads that ask for it when a Secret of theirs has changed.",
)
@click.option(
    "--vault-requests-per-second",
    type=click.FloatRange(1, 1000),
    default=VAULT_REQUESTS_PER_SECOND,
    show_default=True,
    help="With --connections: the most requests to the Vault of one connection.",
)
@click.option(
    "--patches-per-second",
    type=click.FloatRange(1, 1000),
    default=PATCHES_PER_SECOND,
    show_default=True,
    help="With --connections: the most objects that are refreshed. The webhook reads Vault once for each.",
)
@variables_options
@kinds_option
@kubeconfig_option
@click.option(
    "--health-listen",
    type=AddressType(),
    default="0.0.0.0:8080",
    show_default=True,
    help="Where /livez, /readyz and /metrics are served, over plain HTTP.",
)
@log_options
def controller(  # noqa: PLR0917 - click passes one for each option
    record_key: ObjectName,
    lease: ObjectName,
    settle_seconds: float,
    record_key_settle_seconds: float,
    serving_certificate: ObjectName | None,
    certificate_authority: ObjectName | None,
    serving_hosts: tuple[str, ...],
    api_service: str | None,
    webhook_configuration: str | None,
    certificate_lifetime: timedelta,
    ca_lifetime: timedelta,
    connections: Path | None,
    restarts: bool,  # noqa: FBT001 - click passes it by name
    vault_requests_per_second: float,
    patches_per_second: float,
    variables: "VariablesSettings | None",
    kinds: "Kinds | None",
    kubeconfig: Path | None,
    health_listen: "Address",
    log_level: str,
    log_format: str,
) -> None:
    """Make and rotate the record key; follow Vault, make Secrets for variables and issue certificates if asked to.

    It runs until SIGTERM. Several may run at once; one of them leads. Each step with a key or a certificate is
    written down in its Secret before it is taken, so that another controller can carry on from there.
    """
    from certs.renewal import CertificateRequest
    from controller.following.settings import FollowSettings
    from controller.process import ControllerSettings
    from manifests.kinds.known import ONLY_SECRETS
    from runtime.log_lines import LogFormat
    from runtime.logs import configure

    configure(log_level, LogFormat(log_format))
    request = CertificateRequest(serving_hosts, certificate_lifetime, ca_lifetime)
    certificates = certificate_settings(
        certificate_authority, serving_certificate, request, api_service, webhook_configuration
    )
    following = None
    if connections is not None:
        following = FollowSettings(connections, vault_requests_per_second, patches_per_second, restarts=restarts)
    settings = ControllerSettings(
        record_key,
        lease,
        record_key_settle_seconds,
        settle_seconds,
        kubeconfig,
        certificates,
        following,
        variables,
        kinds or ONLY_SECRETS,
    )
    _run(settings, health_listen)


def _run(settings: "ControllerSettings", health_listen: "Address") -> None:
    from controller.meters import ControllerMeters
    from controller.process import Controller
    from controller.telling.meters import FollowMeters
    from controller.variables.meters import VariablesMeters
    from kube.errors import KubernetesUnavailable
    from metrics.meters import CONTENT_TYPE, Exposition, Meters
    from resolver.connections.model import ConfigurationError
    from runtime.health_listener import HealthListener, listening
    from runtime.health_pages import Pages
    from runtime.logs import frames

    meters = Meters.alone()
    try:
        process = Controller(settings, ControllerMeters(meters, VERSION), FollowMeters(meters), VariablesMeters(meters))
        metrics = Exposition(meters, process.tell).text
        pages = Pages(lambda: process.is_alive, lambda: process.is_ready, metrics, CONTENT_TYPE)
        listener = HealthListener(listening(health_listen.host, health_listen.port), pages)
    except (ConfigurationError, KubernetesUnavailable) as error:
        raise NotDoneError(str(error)) from None
    except OSError as error:
        raise NotDoneError(f"cannot listen on {health_listen}: {error.strerror}") from None
    listener.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stop())
    try:
        process.run()
    except Exception as error:  # noqa: BLE001 - a traceback's text could hold anything
        log.critical("bug: %s at %s", type(error).__name__, frames(error))
        raise SystemExit(_BUG) from None
    finally:
        listener.close()
