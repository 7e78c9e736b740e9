"""The options that `keyhole status` and `keyhole refresh` share: which cluster, and which namespace of it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.errors import NotDoneError

if TYPE_CHECKING:
    from kube.objects_of import ObjectsOf
    from manifests.kinds.codec import Codec


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--namespace`, `--kubeconfig` and `--context`, which kubectl has too."""
    namespace = click.option("-n", "--namespace", help="The namespace. Without this, that of the kubeconfig's context.")
    kubeconfig = click.option(
        "--kubeconfig",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        envvar="KUBECONFIG",
        default=lambda: str(Path.home() / ".kube" / "config"),
        show_default="~/.kube/config",
        help="Your kubeconfig; KUBECONFIG names it too.",
    )
    context = click.option("--context", help="The context of the kubeconfig. Without this, the current one.")
    return namespace(kubeconfig(context(command)))


def cluster_of(kubeconfig: Path, context: str | None) -> "Callable[[Codec, str], ObjectsOf]":
    """Return what gives the objects of a kind, as far as the kubeconfig's user may reach them, in a version of it.

    The version "" stands for that in which the kind is listed. Raises `NotDoneError`.
    """
    from kube.client import connect, namespace_of
    from kube.errors import KubernetesUnavailable
    from kube.objects_of import ObjectsOf, resource_of

    try:
        # Says that there is no such context, where `connect` would only say that the kubeconfig is of no use.
        namespace_of(kubeconfig, context)
        api = connect(kubeconfig, context)
    except KubernetesUnavailable as error:
        raise NotDoneError(str(error)) from None
    return lambda codec, version: ObjectsOf(api, resource_of(codec, version))


def chosen_namespace(namespace: str | None, kubeconfig: Path, context: str | None) -> str:
    """Return the namespace that was asked for, or that of the context. Raises `NotDoneError`."""
    from kube.client import namespace_of
    from kube.errors import KubernetesUnavailable

    if namespace:
        return namespace
    try:
        return namespace_of(kubeconfig, context)
    except KubernetesUnavailable as error:
        raise NotDoneError(str(error)) from None
