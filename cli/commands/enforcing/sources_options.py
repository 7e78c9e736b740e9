"""The options that say what the Enforcer looks at. `keyhole enforce` and `keyhole inventory` share them."""

import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from cli.parameters import kinds_option
from manifests.registration.webhook_configuration import NAME, OWN_NAMESPACE

if TYPE_CHECKING:
    from enforcer.collecting.sources import Forge, ForgeName, Sources
    from manifests.kinds.known import Kinds

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
# Where a pod finds the API server (Kubernetes, *Accessing the Kubernetes API from a Pod*).
_IN_CLUSTER: Final = "KUBERNETES_SERVICE_HOST"
_OWN_KUBECONFIG: Final = Path(".kube", "config")

_OPTIONS: Final = (
    click.option(
        "--kubeconfig",
        type=_FILE,
        envvar="KUBECONFIG",
        help="The kubeconfig of the API server; KUBECONFIG names it too. Without one: inside a cluster the pod's own "
        "account, elsewhere ~/.kube/config.",
    ),
    click.option("--no-cluster", is_flag=True, help="Ask no API server. What is known from it is told as not checked."),
    click.option("--connections", type=_FILE, help="The webhook's connections file (YAML): ask the Vaults in it."),
    kinds_option,
    click.option(
        "--manifests",
        multiple=True,
        type=_FOLDER,
        help="A folder with the manifests that Git has, rendered where they are templates. May be repeated.",
    ),
    click.option("--git", type=_FOLDER, help="The work tree with the manifests, in which CODEOWNERS is looked for."),
    click.option("--forge", type=click.Choice(["github", "gitlab"]), help="Where that repository is kept."),
    click.option("--repository", metavar="OWNER/NAME", help="With --forge: the repository, or the project of GitLab."),
    click.option("--branch", default="main", show_default=True, help="With --forge: the branch that is deployed."),
    click.option(
        "--forge-token",
        metavar="VARIABLE",
        help="With --forge: the environment variable that holds the token. The token itself is no argument.",
    ),
    click.option(
        "--forge-address", metavar="URL", default="", help="With --forge: its API, if it is not the public one."
    ),
    click.option("--audit-policy", type=_FILE, help="The API server's audit policy (its --audit-policy-file)."),
    click.option(
        "--audit-log",
        multiple=True,
        type=_FILE,
        help="A file of Keyhole's audit trail, the oldest first. May be repeated.",
    ),
    click.option("--audit-key", type=_FILE, help="With --audit-log: the key that the trail was written with."),
    click.option(
        "--audit-heads",
        type=_FILE,
        help="With --audit-log: heads that must be in the trail, one a line, as `keyhole audit verify` prints them.",
    ),
    click.option("--name", default=NAME, show_default=True, help="What Keyhole's release is called."),
    click.option("--own-namespace", default=OWN_NAMESPACE, show_default=True, help="The namespace of that release."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSources:
    """What these options said. `words` are those of them that stand in the command line."""

    kubeconfig: Path | None
    no_cluster: bool
    connections: Path | None
    kinds: "Kinds | None"
    manifests: tuple[Path, ...]
    git: Path | None
    forge: str | None
    repository: str | None
    branch: str
    forge_token: str | None
    forge_address: str
    audit_policy: Path | None
    audit_log: tuple[Path, ...]
    audit_key: Path | None
    audit_heads: Path | None
    name: str
    own_namespace: str
    words: tuple[str, ...]

    def sources(self) -> "Sources":
        """Return where the facts are. Raises `click.UsageError` for options that do not go together."""
        from enforcer.collecting.sources import Sources
        from manifests.kinds.known import ONLY_SECRETS

        if (self.audit_key or self.audit_heads) and not self.audit_log:
            raise click.UsageError("--audit-key and --audit-heads only with --audit-log")
        forge = self._forge()
        if self.no_cluster and not (self.manifests or self.git or forge or self.audit_policy or self.audit_log):
            raise click.UsageError(
                "there is nothing to look at: give --kubeconfig, or what is looked at without a cluster: "
                "--manifests, --git, --forge, --audit-policy or --audit-log"
            )
        return Sources(
            cluster=not self.no_cluster,
            kubeconfig=None if self.no_cluster else _kubeconfig(self.kubeconfig),
            connections=self.connections,
            kinds=self.kinds or ONLY_SECRETS,
            manifests=self.manifests,
            git=self.git,
            forge=forge,
            audit_policy=self.audit_policy,
            audit_log=self.audit_log,
            audit_key=self.audit_key,
            audit_heads=self.audit_heads,
            name=self.name,
            own_namespace=self.own_namespace,
        )

    def _forge(self) -> "Forge | None":
        if self.forge is None:
            if self.repository or self.forge_token or self.forge_address:
                raise click.UsageError("--repository, --forge-token and --forge-address only with --forge")
            return None
        from enforcer.collecting.sources import Forge
        from resolver.references.value import SecretValue

        if not self.repository:
            raise click.UsageError("--forge needs --repository")
        token = os.environ.get(self.forge_token, "") if self.forge_token else None
        if token == "":
            raise click.UsageError(f"--forge-token: the environment variable {self.forge_token} is empty or not set")
        secret = SecretValue(token) if token is not None else None
        name: ForgeName = "github" if self.forge == "github" else "gitlab"
        return Forge(name, self.repository, self.branch, secret, self.forge_address)


_NAMES: Final = tuple(each.name for each in fields(AskedSources) if each.name != "words")


def sources_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options. The command gets what they said as `asked`."""

    @wraps(command)
    @click.pass_context
    def with_sources(ctx: click.Context, /, **given: Any) -> Any:
        ours = {name: given.pop(name) for name in _NAMES}
        in_line = [name for name in _NAMES if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
        words = tuple(f"--{name.replace('_', '-')}" for name in in_line)
        return ctx.invoke(command, asked=AskedSources(**ours, words=words), **given)

    decorated: Callable[..., Any] = with_sources
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _kubeconfig(given: Path | None) -> Path | None:
    if given is not None or os.environ.get(_IN_CLUSTER):
        return given
    own = Path.home() / _OWN_KUBECONFIG
    if not own.is_file():
        raise click.UsageError(
            "there is no API server to ask: give --kubeconfig, run inside a cluster, or leave it out by --no-cluster"
        )
    return own
