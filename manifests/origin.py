"""Who applies an object, as the object says: the traces that GitOps tools leave in its metadata. Pure.

Anybody can write these traces. They say where to look, and decide nothing.
Sources: Flux, *Kustomization* and *HelmRelease* (labels of the objects that they apply); Argo CD, *Resource Tracking*;
Helm, *Charts: labels and annotations*.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

Tool: TypeAlias = Literal["flux-kustomization", "flux-helm", "argocd", "helm"]
_ARGOCD: Final = "argocd.argoproj.io/tracking-id"
_HELM: Final = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
_FLUX: Final[Mapping[Tool, str]] = {
    "flux-helm": "helm.toolkit.fluxcd.io",
    "flux-kustomization": "kustomize.toolkit.fluxcd.io",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """What applies an object: a Kustomization or HelmRelease of Flux, an Application of Argo CD, a release of Helm.

    `namespace` is empty where the trace does not name one.
    """

    tool: Tool
    namespace: str
    name: str


def origin(manifest: Mapping[str, Any]) -> Origin | None:
    """Return what applies an object; None if it has no trace.

    A HelmRelease of Flux leaves Helm's traces too, so Flux counts first. Argo CD's trace counts only where it names
    this object: other controllers copy annotations to objects that they make.
    """
    metadata = manifest.get("metadata") or {}
    labels, annotations = (metadata.get(part) or {} for part in ("labels", "annotations"))
    for tool, domain in _FLUX.items():
        name = labels.get(f"{domain}/name")
        if name:
            return _origin(tool, labels.get(f"{domain}/namespace"), name)
    if _ARGOCD in annotations:
        return _of_argocd(annotations[_ARGOCD], metadata)
    name = annotations.get(_HELM[0])
    return _origin("helm", annotations.get(_HELM[1]), name) if name else None


def _of_argocd(tracked: Any, metadata: Mapping[str, Any]) -> Origin | None:
    # APPLICATION:GROUP/KIND:NAMESPACE/NAME, or NAMESPACE_APPLICATION in front where Applications may be anywhere.
    application, _, rest = tracked.partition(":") if isinstance(tracked, str) else ("", "", "")
    namespace, _, name = rest.rpartition(":")[2].partition("/")
    if not application or (namespace, name) != (metadata.get("namespace", ""), metadata.get("name", "")):
        return None
    of, separator, short = application.partition("_")
    return _origin("argocd", of, short) if separator else _origin("argocd", "", application)


def _origin(tool: Tool, namespace: Any, name: Any) -> Origin | None:
    is_text = isinstance(name, str) and isinstance(namespace, str | None)
    return Origin(tool, namespace or "", name) if is_text and name else None
