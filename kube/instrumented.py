"""A client of the API server that reports its requests: verb, resource, outcome and duration.

Source for the paths: Kubernetes, *API Concepts*, *Resource URIs*.
"""

import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from kubernetes import client

Observe = Callable[[str, str, str, float], None]
"""Called with verb, resource, HTTP status ("none" without an answer) and seconds. Must not raise or block."""

OTHER: Final = "other"
# What Keyhole asks for. Paths also contain the names of namespaces and objects, which must not become labels.
RESOURCES: Final = frozenset(
    {
        "apiservices",
        "configmaps",
        "controllerrevisions",
        "daemonsets",
        "deployments",
        "events",
        "jobs",
        "leases",
        "mutatingwebhookconfigurations",
        "namespaces",
        "pods",
        "replicasets",
        "rollouts",
        "secrets",
        "selfsubjectaccessreviews",
        "serviceaccounts/token",
        "statefulsets",
        "subjectaccessreviews",
        "tokenreviews",
    }
)
_VERBS: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def null_observer(_verb: str, _resource: str, _status: str, _seconds: float) -> None:
    """Ignore the request."""


class InstrumentedClient(client.ApiClient):
    """The package's client, instrumented. An answer counts as complete when its head has arrived."""

    def __init__(self, configuration: client.Configuration, observe: Observe) -> None:
        super().__init__(configuration)
        self.observe = observe

    def call_api(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """Send one request (the package's own method)."""
        started = time.monotonic()
        status = "none"
        try:
            answer = super().call_api(method, url, *args, **kwargs)
            status = str(answer.status)
        except client.ApiException as error:
            status = str(error.status or status)
            raise
        finally:
            self.observe(*described(method, url), status, time.monotonic() - started)
        return answer


def described(method: str, url: str) -> tuple[str, str]:
    """Return the verb and the resource of a request, without any object's name."""
    parts = urlsplit(url).path.strip("/").split("/")
    # api/v1/… or apis/GROUP/VERSION/…
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if len(parts) > 2 and parts[0] == "namespaces":  # noqa: PLR2004 - the namespace is a part of the way, not what is asked for
        parts = parts[2:]
    resource, name, subresource = (*parts, "", "", "")[:3]
    whole = f"{resource}/{subresource}" if subresource else resource
    verb = _VERBS.get(method, OTHER)
    if method == "GET":
        verb = "get" if name else "list"
    return verb, whole if whole in RESOURCES else OTHER
