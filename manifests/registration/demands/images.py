"""Every container runs an image that is named by its digest, so that nobody can put another one under its name.

Source: Kubernetes, *Images*, *Image digests*; OCI Distribution Specification, *digest*.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from manifests.registration.demands.demand import Action, demand, listed
from manifests.registration.webhook_configuration import NAME, OWN_NAMESPACE

IMAGES: Final = f"{NAME}-images"
DIGEST: Final = "@sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$"
"""How the name of an image ends that has a digest (RE2, and what Python reads in the same way)."""

_RESOURCES: Final = {
    "": ("pods", "pods/ephemeralcontainers", "replicationcontrollers"),
    "apps": ("deployments", "statefulsets", "daemonsets", "replicasets"),
    "batch": ("jobs", "cronjobs"),
}
_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")


def images_policy(
    action: Action, *, registries: Sequence[str] = (), name: str = IMAGES, own_namespace: str = OWN_NAMESPACE
) -> Sequence[Mapping[str, Any]]:
    """Return the policy, its binding and its parameters. Images of `registries` are exempt: HOST or HOST/PATH.

    It looks at pods and at pod templates. An image that the object had before passes.
    """
    rules = [
        {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": list(resources)}
        for group, resources in _RESOURCES.items()
    ]
    return demand(
        name,
        own_namespace,
        action,
        rules=rules,
        conditions={},
        variables={
            "registries": f"{listed('registries')}.map(each, each.endsWith('/') ? each : each + '/')",
            "images": _images("object"),
            "oldImages": f"oldObject == null ? [] : {_images('oldObject')}",
            "movable": (
                f"variables.images.filter(image, !image.matches('{DIGEST}') && !(image in variables.oldImages)"
                " && !variables.registries.exists(each, image.startsWith(each)))"
            ),
        },
        broken={
            "movable": "'image ' + {first} + ' has no digest: name it as NAME@sha256:…, which stays what it is'",
        },
        parameters={"registries": registries},
    )


def _images(manifest: str) -> str:
    pod = f"{manifest}.?spec"
    template = f"{pod}.?template.?spec"
    of_cron_job = f"{pod}.?jobTemplate.?spec.?template.?spec"
    return " + ".join(
        f"(request.kind.kind == 'Pod' ? {pod}.?{each} :"
        f" request.kind.kind == 'CronJob' ? {of_cron_job}.?{each} : {template}.?{each})"
        ".orValue([]).map(container, container.?image.orValue(''))"
        for each in _CONTAINERS
    )
