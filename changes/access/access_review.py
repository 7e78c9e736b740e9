"""Which namespaces somebody may see: those in which they may `get` `changes.keyhole.dev`, as the API server says.

The resource exists in RBAC only. The chart's ClusterRole `keyhole-changes-view` gives it to whoever has `view`.
Source: Kubernetes' SubjectAccessReview, authorization.k8s.io/v1.
"""

from collections.abc import Collection, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

from changes.access.viewer import NotKnownNow
from kube.access import ReadAccess, Subject
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.objects import is_namespace

CHANGES: Final = ("keyhole.dev", "changes")
"""Group and resource of the right to see what changed."""
# Each view asks for every namespace, so a "no" is remembered as long as a "yes". A right that is given or taken away
# counts after half a minute, which is soon for a page about the past.
REMEMBERED_SECONDS: Final = 30.0
_AT_ONCE: Final = 8
_TIMEOUT_SECONDS: Final = 3.0
_WHOLE_SECONDS: Final = 10.0
_EVERY: Final = ""


class Rights:
    """Asks the API server what somebody may see: eight questions at once at most, whoever asks."""

    def __init__(self, access: ReadAccess) -> None:
        self._access = access
        self._threads = ThreadPoolExecutor(_AT_ONCE, "rights")

    def visible(self, subject: Subject, namespaces: Iterable[str]) -> Collection[str] | None:
        """Return which of the namespaces they may see; None for all that there are. Raises `NotKnownNow`.

        Whatever cannot be the name of a namespace nobody sees but those who may see all.
        """
        if self._answers(subject, [_EVERY])[_EVERY]:
            return None
        answers = self._answers(subject, sorted({each for each in namespaces if is_namespace(each)}))
        return frozenset(each for each, is_visible in answers.items() if is_visible)

    def _answers(self, subject: Subject, namespaces: Collection[str]) -> dict[str, bool]:
        known = {each: self._access.remembered(subject, each, CHANGES) for each in namespaces}
        asked = {
            each: self._threads.submit(self._may_get, subject, each) for each, answer in known.items() if answer is None
        }
        try:
            return {each: answer for each, answer in known.items() if answer is not None} | _within(
                _WHOLE_SECONDS, asked
            )
        finally:
            for each in asked.values():
                each.cancel()

    def _may_get(self, subject: Subject, namespace: str) -> bool:
        return self._access.may_get(subject, namespace, "", _TIMEOUT_SECONDS, CHANGES)


def _within(seconds: float, asked: dict[str, Future[bool]]) -> dict[str, bool]:
    done, waiting = wait(asked.values(), seconds, FIRST_EXCEPTION)
    try:
        for each in done:
            each.result()
    except KubernetesUnavailable as error:
        raise NotKnownNow(f"nobody can say what you may see: {error}. Ask again") from None
    except KubernetesError:
        problem = "nobody can say what you may see: Keyhole may not create SubjectAccessReviews"
        raise NotKnownNow(problem) from None
    if waiting:
        # What was answered is remembered, so the next time needs less.
        raise NotKnownNow("the API server takes too long to say what you may see. Ask again")
    return {namespace: each.result() for namespace, each in asked.items()}


@dataclass(frozen=True, slots=True)
class ReviewedViewer:
    """Somebody whom the API server knows, and who sees what it says."""

    name: str
    subject: Subject
    rights: Rights

    def visible(self, namespaces: Collection[str]) -> Collection[str] | None:
        """Return which of these they may see; None for all. Raises `NotKnownNow`."""
        return self.rights.visible(self.subject, namespaces)
