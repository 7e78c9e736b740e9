"""Those of `keyhole manifests` that print policies for what an organisation demands beyond what Keyhole needs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click

from cli.api_server_files import output_option
from cli.manifest_files import LABEL, SUBDOMAIN, NameType, write
from cli.parameters import KindsType
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.registration.demands.appliers import APPLIERS
from manifests.registration.demands.appliers import appliers_policy as written_appliers_policy
from manifests.registration.demands.demand import Action
from manifests.registration.demands.images import IMAGES
from manifests.registration.demands.images import images_policy as written_images_policy
from manifests.registration.demands.plaintext import EXEMPT_TYPES, PLAINTEXT
from manifests.registration.demands.plaintext import plaintext_policy as written_plaintext_policy
from manifests.registration.webhook_configuration import OWN_NAMESPACE

_action = click.option(
    "--action",
    type=click.Choice([action.value for action in Action]),
    default=Action.WARN.value,
    show_default=True,
    help="What the API server does about what is not as it should be. Begin with Warn, and see what is told.",
)
_own_namespace = click.option(
    "--namespace",
    type=NameType(LABEL),
    default=OWN_NAMESPACE,
    show_default=True,
    help="The namespace in which Keyhole runs. The ConfigMap with the parameters lies there.",
)


class _LineType(click.ParamType[str]):
    """A text that is one line of a parameter."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value != value.strip() or len(value.splitlines()) != 1:
            self.fail(f"{value!r} is not a text of one line", param, ctx)
        return value


def _named(default: str) -> Callable[[Any], Any]:
    told = "The name of the policy, of its binding, and of the ConfigMap with its parameters."
    return click.option("--name", type=NameType(SUBDOMAIN), default=default, show_default=True, help=told)


def _texts(option: str, variable: str, told: str, default: Sequence[str] = ()) -> Callable[[Any], Any]:
    return click.option(
        option, variable, multiple=True, type=_LineType(), default=default, show_default=bool(default), help=told
    )


@click.command(
    name="appliers-policy",
    epilog="""\b
Examples:
  keyhole manifests appliers-policy --service-account flux-system/kustomize-controller | kubectl apply -f -
  keyhole manifests appliers-policy --action Deny --group platform-team --kinds kinds.yaml
""",
)
@_action
@_texts("--user", "users", "A user who may. May be repeated.")
@_texts("--group", "groups", "A group whose members may. May be repeated.")
@_texts("--service-account", "accounts", "A ServiceAccount that may: NAMESPACE/NAME. May be repeated.")
@click.option(
    "--kinds",
    type=KindsType(),
    help="The kinds that Keyhole fills beside Secrets: the file that `keyhole serve --kinds` is given.",
)
@_named(APPLIERS)
@_own_namespace
@output_option
def appliers_policy(
    *,
    action: str,
    users: Sequence[str],
    groups: Sequence[str],
    accounts: Sequence[str],
    kinds: Kinds | None,
    name: str,
    namespace: str,
    output: Path | None,
) -> None:
    """Print the ValidatingAdmissionPolicy by which named accounts alone change Keyhole's annotations.

    It holds in the namespaces that opted in. With the accounts of the GitOps controllers, what a namespace gets from
    Vault stands in Git. Keyhole and Kubernetes' own controllers need no name.
    """
    policies = written_appliers_policy(
        Action(action),
        users=users,
        groups=groups,
        service_accounts=accounts,
        name=name,
        own_namespace=namespace,
        kinds=kinds or ONLY_SECRETS,
    )
    write(policies, output)


@click.command(
    name="plaintext-policy",
    epilog="""\b
Examples:
  keyhole manifests plaintext-policy --exempt-name 'sh.helm.*' | kubectl apply -f -
  keyhole manifests plaintext-policy --action Deny --exempt-key ca.crt
""",
)
@_action
@_texts("--exempt-type", "types", "A type of Secrets that may have values. May be repeated.", EXEMPT_TYPES)
@_texts("--exempt-name", "names", "The name of Secrets that may. May be repeated.")
@_texts("--exempt-key", "keys", "A key that may. May be repeated.")
@_named(PLAINTEXT)
@_own_namespace
@output_option
def plaintext_policy(
    *,
    action: str,
    types: Sequence[str],
    names: Sequence[str],
    keys: Sequence[str],
    name: str,
    namespace: str,
    output: Path | None,
) -> None:
    """Print the ValidatingAdmissionPolicy for Secrets with values that no reference fills.

    It holds in the namespaces that opted in. A text that ends with * exempts all that begin so. Values that were there
    before pass until they change.
    """
    policies = written_plaintext_policy(
        Action(action), types=types, names=names, keys=keys, name=name, own_namespace=namespace
    )
    write(policies, output)


@click.command(
    name="images-policy",
    epilog="""\b
Examples:
  keyhole manifests images-policy | kubectl apply -f -
  keyhole manifests images-policy --action Deny --exempt-registry registry.example/platform
""",
)
@_action
@_texts("--exempt-registry", "registries", "A registry whose images may have tags: HOST or HOST/PATH. May be repeated.")
@_named(IMAGES)
@_own_namespace
@output_option
def images_policy(*, action: str, registries: Sequence[str], name: str, namespace: str, output: Path | None) -> None:
    """Print the ValidatingAdmissionPolicy for images that are not named by a digest, in pods and pod templates.

    It holds in the namespaces that opted in. An image that an object had before passes, but with Deny the pods of an
    old template are refused.
    """
    write(
        written_images_policy(Action(action), registries=registries, name=name, own_namespace=namespace),
        output,
    )


DEMANDED_POLICIES: Final = (appliers_policy, plaintext_policy, images_policy)
