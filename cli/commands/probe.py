"""`keyhole probe`: check that the API server reaches Keyhole and that Keyhole answers it."""

import time
from pathlib import Path

import click

from cli.errors import NotDoneError
from cli.parameters import ObjectNameType
from kube.objects import ObjectName

_FINDINGS = 1
# The longest that the API server may wait for a webhook.
_CALL_SECONDS = 30.0
_PAUSE_SECONDS = 2.0


@click.command(
    epilog="""\b
Examples:
  keyhole probe default/keyhole-probe --kubeconfig ~/.kube/config
  keyhole probe default/keyhole-probe --wait-seconds 60
"""
)
@click.argument("secret", type=ObjectNameType())
@click.option(
    "--wait-seconds",
    type=click.FloatRange(0, 600),
    default=0.0,
    show_default=True,
    help="How long to keep trying while the answer may still change.",
)
@click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="KUBECONFIG",
    help="The kubeconfig of the API server; KUBECONFIG names it too. Not needed inside a cluster.",
)
@click.pass_context
def probe(ctx: click.Context, secret: ObjectName, wait_seconds: float, kubeconfig: Path | None) -> None:
    """Ask the API server whether Keyhole answers it.

    It applies SECRET, a NAMESPACE/NAME that need not exist, as a dry run with a reference in it. Its namespace must be
    one whose Secrets Keyhole is asked about. Nothing is stored, and Vault is not asked. You need the verbs create and
    patch on that Secret.

    Exit code 0 if Keyhole answered, 1 if not.
    """
    from kube.client import connect
    from kube.errors import KubernetesUnavailable
    from kube.registration.dry_runs import try_secret
    from provisioning.probe import ANNOTATIONS, Verdict, judge

    deadline = time.monotonic() + wait_seconds
    try:
        api = connect(kubeconfig)
    except KubernetesUnavailable as error:
        raise NotDoneError(str(error)) from None
    while True:
        try:
            verdict = judge(try_secret(api, secret, ANNOTATIONS, _CALL_SECONDS))
        except KubernetesUnavailable as error:
            verdict = Verdict(False, str(error), may_pass=True)
        if verdict.answers or not verdict.may_pass or time.monotonic() >= deadline:
            break
        time.sleep(_PAUSE_SECONDS)
    click.echo(verdict.told, err=not verdict.answers)
    if not verdict.answers:
        ctx.exit(_FINDINGS)
