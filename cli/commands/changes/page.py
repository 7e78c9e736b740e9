"""`keyhole page`: what changed, as a page."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.commands.changes.page_options import AccessOptions, ServingOptions, named_repositories
from cli.errors import NotDoneError
from cli.parameters import AddressType, kubeconfig_option, log_options
from cli.version import VERSION

if TYPE_CHECKING:
    from changes.access.doors import AccessSettings
    from changes.access.loopback import LoopbackDoor
    from changes.serving.service import PageSettings
    from changes.serving.settings import Listener, ServingSettings
    from changes.sources.source import Source

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_ACCESS = tuple(AccessOptions.__dataclass_fields__)
_SERVING = tuple(ServingOptions.__dataclass_fields__)


@click.command(
    epilog="""\b
Examples:
  keyhole page --trail audit.log --git deploy=../deploy
  keyhole page --logs --kubeconfig ~/.kube/config
  keyhole page --trail '/var/log/keyhole/*.log' --index /data/changes.sqlite --listen 0.0.0.0:8443 \\
      --tls-cert tls.crt --tls-key tls.key --oidc-issuer https://login.example.com --oidc-client-id keyhole \\
      --oidc-username-claim email --oidc-groups-claim groups
""",
)
@click.option("--trail", "trails", multiple=True, help="A file, folder or pattern of audit trails. May be repeated.")
@click.option("--logs", is_flag=True, help="Read the logs of the webhook's pods, as far back as they go.")
@click.option("--keyhole-namespace", default="keyhole", show_default=True, help="With --logs: where those pods are.")
@click.option("--git", multiple=True, metavar="[NAME=]PATH", help="A clone of a repository. May be repeated.")
@click.option(
    "--index",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file in which what was read is kept. Without it, all is read again at each start.",
)
@click.option(
    "--compliance",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The JSON report of `keyhole enforce`, which may come later and change.",
)
@click.option(
    "--every",
    type=click.FloatRange(1, 3600),
    default=30.0,
    show_default=True,
    help="After how many seconds to look for what is new.",
)
@click.option(
    "--listen", type=AddressType(), default="127.0.0.1:8090", show_default=True, help="Where the page is served."
)
@click.option(
    "--health-listen", type=AddressType(), help="Where /livez and /readyz are served, over plain HTTP. Off by default."
)
@click.option("--tls-cert", type=_FILE, help="The serving certificate (PEM), with its chain. It is read again.")
@click.option("--tls-key", type=_FILE, help="Its private key (PEM).")
@click.option(
    "--behind-proxy", is_flag=True, help="Serve plain HTTP to others: a proxy beside the page has TLS, or a mesh."
)
@click.option("--oidc-issuer", metavar="URL", help="Accept tokens of this issuer, as the API server's own flag does.")
@click.option("--oidc-client-id", metavar="NAME", help="For whom the tokens have to be: their audience.")
@click.option(
    "--oidc-jwks", metavar="FILE|URL", help="Where the issuer's keys are. Without it, its discovery document says so."
)
@click.option("--oidc-ca-file", type=_FILE, help="The authority of the issuer's certificate (PEM).")
@click.option("--oidc-username-claim", default="sub", show_default=True, help="The claim with the user's name.")
@click.option(
    "--oidc-username-prefix",
    default="",
    help="What precedes the name, as in RBAC. By default the issuer and '#', unless the claim is 'email'; '-' is for "
    "none.",
)
@click.option("--oidc-groups-claim", default="", help="The claim with the user's groups.")
@click.option("--oidc-groups-prefix", default="", help="What precedes a group, as in RBAC.")
@click.option(
    "--oidc-required-claim",
    "oidc_required_claims",
    multiple=True,
    metavar="CLAIM=VALUE",
    help="A claim that a token must have. May be repeated.",
)
@click.option(
    "--kubernetes-tokens", is_flag=True, help="Accept tokens that the API server accepts, of ServiceAccounts."
)
@click.option(
    "--kubernetes-audience",
    default="keyhole-page",
    show_default=True,
    help="For whom such a token has to be: kubectl create token --audience.",
)
@kubeconfig_option
@log_options
def page(
    *,
    trails: tuple[str, ...],
    logs: bool,
    keyhole_namespace: str,
    git: tuple[str, ...],
    index: Path | None,
    compliance: Path | None,
    log_level: str,
    log_format: str,
    **given: Any,
) -> None:
    """Show what changed, who did it and which commit says so, as a page for a browser.

    Without --oidc-issuer and --kubernetes-tokens it is for this machine alone: it prints a link that works once.
    Otherwise everybody sees the namespaces in which the API server lets them get changes.keyhole.dev.
    """
    from changes.access.loopback import LoopbackDoor
    from changes.serving.service import PageSettings
    from runtime.log_lines import LogFormat
    from runtime.logs import configure

    configure(log_level, LogFormat(log_format))
    access = AccessOptions(**{name: given[name] for name in _ACCESS}).settings()
    options = ServingOptions(**{name: given[name] for name in _SERVING})
    serving = options.settings(log_level, for_this_machine=access is None)
    if not (trails or logs):
        raise click.UsageError("there is nothing to show: give --trail or --logs")
    repositories = named_repositories(git)
    if logs or access is not None:
        _check(given["kubeconfig"])
    with _index(index) as file:
        settings = PageSettings(
            index=file,
            sources=partial(_sources, trails, keyhole_namespace if logs else None, given["kubeconfig"]),
            repositories=repositories,
            compliance=compliance,
            version=VERSION,
        )
        _serve(settings, access or LoopbackDoor(), serving)


def _serve(settings: "PageSettings", access: "AccessSettings | LoopbackDoor", serving: "ServingSettings") -> None:
    from changes.access.loopback import LoopbackDoor
    from changes.index.index import NoIndex
    from changes.serving.server import PageServer
    from changes.serving.service import Round, application, make_index

    def tell() -> None:
        if isinstance(access, LoopbackDoor):
            click.echo("The page is for this machine alone. Open this link in a browser; it works once:")
            click.echo(access.link(serving.listen.host, serving.listen.port))

    _check_free(serving.listen)
    try:
        make_index(settings)
        server = PageServer(serving, partial(application, settings, access), Round(settings), tell)
    except NoIndex as error:
        raise NotDoneError(f"{settings.index}: {error.problem}") from None
    except OSError as error:
        raise NotDoneError(_no_listening(serving.health_listen, error)) from None
    server.run()


def _check_free(listen: "Listener") -> None:
    """Raise `NotDoneError` if the page cannot listen there: gunicorn tries for five seconds, and tells only a log."""
    from runtime.health_listener import listening

    try:
        listening(listen.host, listen.port).close()
    except OSError as error:
        raise NotDoneError(_no_listening(listen, error)) from None


def _no_listening(listen: "Listener | None", error: OSError) -> str:
    # What create_server adds to the error's own words repeats the address.
    return f"cannot listen on {listen}: {os.strerror(error.errno) if error.errno else error}"


def _check(kubeconfig: Path | None) -> None:
    from kube.client import check
    from kube.errors import KubernetesUnavailable

    try:
        check(kubeconfig)
    except KubernetesUnavailable as error:
        raise NotDoneError(str(error)) from None


def _sources(trails: Sequence[str], namespace: str | None, kubeconfig: Path | None) -> "Sequence[Source]":
    from changes.sources.files import Files
    from changes.sources.logs import PodLogs
    from kube.client import connect

    files = [Files(each) for each in trails]
    return files if namespace is None else [*files, PodLogs(connect(kubeconfig), namespace)]


@contextmanager
def _index(file: Path | None) -> Iterator[Path]:
    """Provide the file, or one that is there as long as this process: those that it forks leave it alone."""
    if file is not None:
        yield file
        return
    folder, owner = Path(tempfile.mkdtemp(prefix="keyhole-page-")), os.getpid()
    try:
        yield folder / "changes.sqlite"
    finally:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)
