"""Whether a user may read objects: SubjectAccessReviews, cached for seconds.

Source: Kubernetes' authorization.k8s.io/v1.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from kubernetes import client

from kube.client import call
from kube.errors import KubernetesUnavailable

_MOST_REMEMBERED = 10_000

SECRETS: Final = ("", "secrets")
"""Group and resource of Secrets."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The requester as the API server knows them: `userInfo` of an AdmissionReview. `extra` maps keys to lists."""

    username: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class _Question:
    subject: Subject
    namespace: str
    name: str
    resource: tuple[str, str]

    def digest(self) -> bytes:
        """Return 32 bytes that identify the question, because names and `extra` may be as long as a request."""
        # The repr of these tuples of strings is equal only for equal tuples.
        who = self.subject
        parts = (who.username, who.uid, who.groups, who.extra, self.namespace, self.name, self.resource)
        return hashlib.sha256(repr(parts).encode()).digest()


class ReadAccess:
    """Answers whether a subject may `get` an object."""

    def __init__(self, api: client.ApiClient, *, allowed_seconds: float = 10.0, denied_seconds: float = 1.0) -> None:
        """A right that is taken away works for at most `allowed_seconds` longer.

        A "no" is cached for `denied_seconds`: by default so briefly that a right that was just granted works at the
        next attempt.
        """
        self._allowed_seconds = allowed_seconds
        self._denied_seconds = denied_seconds
        self._authorization = client.AuthorizationV1Api(api)
        self._remembered: OrderedDict[bytes, tuple[bool, float]] = OrderedDict()
        self._lock = threading.Lock()

    def may_get(
        self,
        subject: Subject,
        namespace: str,
        name: str,
        timeout_seconds: float,
        resource: tuple[str, str] = SECRETS,
    ) -> bool:
        """Return whether the subject may get the object, or every one in the namespace if `name` is empty.

        An empty `namespace` stands for all of them. `resource` is the group and the plural. Who may get every object is
        asked first: that is what GitOps controllers may, and it spares a review for each new name. Raises
        `kube.errors.KubernetesUnavailable`, or `KubernetesError` when Keyhole may not ask.
        """
        if self._ask(_Question(subject, namespace, "", resource), timeout_seconds):
            return True
        return bool(name) and self._ask(_Question(subject, namespace, name, resource), timeout_seconds)

    def remembered(self, subject: Subject, namespace: str, resource: tuple[str, str] = SECRETS) -> bool | None:
        """Return what is remembered of whether the subject may get every object in the namespace; None if nothing is.

        It asks nobody.
        """
        return self._known(_Question(subject, namespace, "", resource).digest())

    def _known(self, key: bytes) -> bool | None:
        allowed, until = self._remembered.get(key, (False, 0.0))
        return allowed if until > time.monotonic() else None

    def _ask(self, question: _Question, timeout_seconds: float) -> bool:
        now, key = time.monotonic(), question.digest()
        known = self._known(key)
        if known is not None:
            return known
        allowed = self._review(question, timeout_seconds)
        with self._lock:
            self._remembered[key] = (allowed, now + (self._allowed_seconds if allowed else self._denied_seconds))
            self._remembered.move_to_end(key)
            if len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return allowed

    def _review(self, question: _Question, timeout_seconds: float) -> bool:
        subject, (group, plural) = question.subject, question.resource
        spec = client.V1SubjectAccessReviewSpec(
            user=subject.username,
            uid=subject.uid or None,
            groups=list(subject.groups),
            extra={key: list(values) for key, values in subject.extra},
            resource_attributes=client.V1ResourceAttributes(
                namespace=question.namespace, verb="get", group=group, resource=plural, name=question.name or None
            ),
        )
        review = client.V1SubjectAccessReview(spec=spec)
        answered = call(
            f"a SubjectAccessReview in {question.namespace}",
            lambda: self._authorization.create_subject_access_review(review, _request_timeout=timeout_seconds),
        )
        if answered.status is None:
            raise KubernetesUnavailable("sent no answer to a SubjectAccessReview")
        return answered.status.allowed is True
