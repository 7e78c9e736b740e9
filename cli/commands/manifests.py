"""`keyhole manifests`: what registers the webhook with an API server, for those who install without the chart."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from cli.api_server_files import admission_configuration, output_option, webhook_kubeconfig
from cli.demanded_policies import DEMANDED_POLICIES
from cli.manifest_files import LABEL, SUBDOMAIN, NameType, ca, url_of, write
from cli.parameters import KindsType
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.registration.admission_policy import admission_policy as written_admission_policy
from manifests.registration.api_service import api_service as written_api_service
from manifests.registration.reconciler_policy import ACCOUNT
from manifests.registration.reconciler_policy import reconciler_policy as written_reconciler_policy
from manifests.registration.variables_policies import excluded_variables_policy, variables_policy
from manifests.registration.warning_policies import excluded_policy, look_alike_policy
from manifests.registration.webhook_configuration import (
    DEFAULT_TIMEOUT_SECONDS,
    NAME,
    OWN_NAMESPACE,
    aggregated_webhook_configuration,
)
from manifests.registration.webhook_configuration import webhook_configuration as written_webhook_configuration

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MOST_SECONDS = 30


_kinds = click.option(
    "--kinds",
    type=KindsType(),
    help="The kinds that Keyhole fills beside Secrets: the file that `keyhole serve --kinds` is given.",
)
_own_namespace = click.option(
    "--namespace",
    type=NameType(LABEL),
    default=OWN_NAMESPACE,
    show_default=True,
    help="The namespace in which Keyhole runs. Its own Secrets are left alone, so that it can always be repaired.",
)


_variables = click.option(
    "--variables", is_flag=True, help="Also for variables of workloads, which `keyhole serve --variables` fills."
)


def _named(default: str, what: str) -> Callable[[Any], Any]:
    return click.option(
        "--name", type=NameType(SUBDOMAIN), default=default, show_default=True, help=f"The name of {what}."
    )


@click.group(name="manifests")
def manifests() -> None:
    """Print the manifests that register the webhook with an API server.

    The Helm chart writes the same ones; these commands are for installing without it. Nothing is changed and no server
    is asked: each command prints YAML, for `kubectl apply -f -` or for the API server's machine.
    """


@manifests.command(
    name="webhook-configuration",
    epilog="""\b
Examples:
  keyhole manifests webhook-configuration --url https://HOST:8443/mutate --ca-file certs/ca.crt | kubectl apply -f -
\b
  # For `keyhole serve --caller-auth aggregation`; the API service says how the API server reaches Keyhole:
  keyhole manifests webhook-configuration --aggregation | kubectl apply -f -
""",
)
@click.option("--url", help="Where the API server reaches `keyhole serve`: https://HOST:PORT/mutate.")
@click.option("--ca-file", type=_FILE, help="With --url: the CA of Keyhole's serving certificate (PEM).")
@click.option(
    "--aggregation",
    is_flag=True,
    help="Instead of --url: go through the API server's aggregation layer, and thus through an API service.",
)
@_named(NAME, "the MutatingWebhookConfiguration")
@_own_namespace
@_kinds
@_variables
@click.option(
    "--timeout-seconds",
    type=click.IntRange(1, _MOST_SECONDS),
    default=DEFAULT_TIMEOUT_SECONDS,
    show_default=True,
    help="How long the API server waits for an answer.",
)
@output_option
def webhook_configuration(
    *,
    url: str | None,
    ca_file: Path | None,
    aggregation: bool,
    name: str,
    namespace: str,
    kinds: Kinds | None,
    variables: bool,
    timeout_seconds: int,
    output: Path | None,
) -> None:
    """Print the MutatingWebhookConfiguration: which requests the API server sends to Keyhole, and where.

    It fails closed: while no webhook answers, objects with references cannot be written. All others can.
    """
    usual: Mapping[str, Any] = {
        "name": name,
        "timeout_seconds": timeout_seconds,
        "own_namespace": namespace,
        "kinds": kinds or ONLY_SECRETS,
        "variables": variables,
    }
    if aggregation and url is None and ca_file is None:
        write([aggregated_webhook_configuration(**usual)], output)
    elif url is not None and ca_file is not None and not aggregation:
        write([written_webhook_configuration(url_of(url), ca(ca_file), **usual)], output)
    else:
        raise click.UsageError("give either --url and --ca-file, or --aggregation")


@manifests.command(
    name="api-service",
    epilog="""\b
Examples:
  keyhole manifests api-service --ca-file certs/ca.crt | kubectl apply -f -
  keyhole manifests api-service --namespace platform --service secrets --port 8443 --ca-file ca.crt -o api-service.yaml
""",
)
@_own_namespace
@click.option("--service", type=NameType(LABEL), default=NAME, show_default=True, help="Keyhole's Service there.")
@click.option("--port", type=click.IntRange(1, 65535), default=443, show_default=True, help="The Service's port.")
@click.option(
    "--ca-file",
    type=_FILE,
    required=True,
    help="The CA (PEM) of Keyhole's serving certificate, which is for SERVICE.NAMESPACE.svc.",
)
@output_option
def api_service(*, namespace: str, service: str, port: int, ca_file: Path, output: Path | None) -> None:
    """Print the APIService by which the API server's aggregation layer reaches Keyhole.

    It goes with `webhook-configuration --aggregation` and with `keyhole serve --caller-auth aggregation`. While
    Keyhole does not answer, the APIService is unavailable, and the API server cannot finish deleting namespaces.
    """
    write([written_api_service(namespace, service, port, ca(ca_file))], output)


@manifests.command(
    name="admission-policy",
    epilog="""\b
Examples:
  keyhole manifests admission-policy | kubectl apply -f -
""",
)
@_named(NAME, "the policy and of its binding")
@_own_namespace
@_kinds
@_variables
@output_option
def admission_policy(*, name: str, namespace: str, kinds: Kinds | None, variables: bool, output: Path | None) -> None:
    """Print the ValidatingAdmissionPolicy that refuses objects with references about which Keyhole was not asked.

    It backs up the webhook: without it, references are stored unresolved when somebody removes the webhook's
    registration, or when another webhook adds a reference later.
    """
    policies = written_admission_policy(name=name, own_namespace=namespace, kinds=kinds or ONLY_SECRETS)
    of_workloads = variables_policy(name=f"{name}-variables", own_namespace=namespace) if variables else ()
    write([*policies, *of_workloads], output)


@manifests.command(
    name="warning-policies",
    epilog="""\b
Examples:
  keyhole manifests warning-policies | kubectl apply -f -
""",
)
@_own_namespace
@_kinds
@_variables
@output_option
def warning_policies(*, namespace: str, kinds: Kinds | None, variables: bool, output: Path | None) -> None:
    """Print ValidatingAdmissionPolicies that refuse nothing and warn of references that Keyhole never reads.

    One covers the namespaces that Keyhole leaves alone, one values that only look like references. With --variables a
    third covers the workloads in the first one's namespaces.
    """
    usual: Mapping[str, Any] = {"own_namespace": namespace, "kinds": kinds or ONLY_SECRETS}
    of_workloads = excluded_variables_policy(own_namespace=namespace) if variables else ()
    write([*excluded_policy(**usual), *look_alike_policy(**usual), *of_workloads], output)


@manifests.command(
    name="reconciler-policy",
    epilog="""\b
Examples:
  keyhole manifests reconciler-policy | kubectl apply -f -
""",
)
@_named(ACCOUNT, "the policy and of its binding")
@_kinds
@output_option
def reconciler_policy(*, name: str, kinds: Kinds | None, output: Path | None) -> None:
    """Print the ValidatingAdmissionPolicies that keep `keyhole-reconciler` to what Keyhole changes.

    They go with `keyhole tenant --restarts`, `--kinds` and `--variables`, which let that account patch the workloads of
    a namespace and objects of the listed kinds, and make Secrets: of a workload, Keyhole's own annotations; of an
    object of a listed kind, those and the fields that the list allows; of Secrets, those behind variables. One set is
    enough for all namespaces.
    """
    write(written_reconciler_policy(name=name, kinds=kinds or ONLY_SECRETS), output)


for command in (*DEMANDED_POLICIES, admission_configuration):
    manifests.add_command(command)
manifests.add_command(webhook_kubeconfig)
