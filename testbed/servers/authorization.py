"""Rights that were just given, waited for: the API server follows its own RBAC objects, and is a moment behind them.

Source: Kubernetes, *Authorization*, SubjectAccessReview.
"""

import time

from testbed.bed import Testbed
from testbed.errors import TestbedError

_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_SECONDS = 120.0
_POLL_SECONDS = 0.02


def wait_until_allowed(
    bed: Testbed, user: str, verb: str, resource: str, *, name: str = "", namespace: str = "", group: str = ""
) -> None:
    """Wait until the API server lets a user do something; `resource` may be of the form RESOURCE/SUBRESOURCE.

    Raises TestbedError when it does not within two minutes.
    """
    kind, _, part = resource.partition("/")
    asked = {"verb": verb, "group": group, "resource": kind, "subresource": part, "name": name, "namespace": namespace}
    review = {"spec": {"user": user, "resourceAttributes": asked}}
    deadline = time.monotonic() + _SECONDS
    while True:
        answer = bed.kubernetes.request("POST", _REVIEWS, review)
        answer.raise_for_status()
        if answer.json()["status"]["allowed"]:
            return
        if time.monotonic() > deadline:
            raise TestbedError(f"after {_SECONDS:.0f} s {user} may not {verb} {resource} {namespace}/{name}")
        time.sleep(_POLL_SECONDS)
