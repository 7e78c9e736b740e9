"""Kubernetes' own tokens: the API server says whose they are."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from changes.access.tokens import MOST_CHARACTERS
from changes.access.viewer import NotLetIn
from kube.access import Subject
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.tokens import TokenReviews

_TIMEOUT_SECONDS: Final = 5.0
# A token that ends, or whose ServiceAccount is deleted, works for at most this much longer. A "no" is not remembered.
_REMEMBERED_SECONDS: Final = 10.0
_MOST_REMEMBERED: Final = 1_000


class ReviewedTokens:
    """Knows Kubernetes' tokens, and remembers them for seconds."""

    def __init__(self, reviews: TokenReviews, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._reviews = reviews
        self._now = monotonic
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, tuple[Subject, float]] = OrderedDict()

    def subject(self, token: str) -> Subject:
        """Return whose token it is. Raises `NotLetIn`."""
        if len(token) > MOST_CHARACTERS:
            raise NotLetIn(401, f"the token has more than {MOST_CHARACTERS} characters")
        key, now = hashlib.sha256(token.encode()).digest(), self._now()
        known = self._known.get(key)
        if known is not None and known[1] > now:
            return known[0]
        found = self._asked(token)
        with self._lock:
            self._known[key] = found, now + _REMEMBERED_SECONDS
            self._known.move_to_end(key)
            if len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)
        return found

    def _asked(self, token: str) -> Subject:
        try:
            found = self._reviews.subject(token, _TIMEOUT_SECONDS)
        except KubernetesUnavailable as error:
            raise NotLetIn(503, f"nobody can say whose the token is: {error}") from None
        except KubernetesError:
            raise NotLetIn(503, "nobody can say whose the token is: Keyhole may not create TokenReviews") from None
        if found is None:
            raise NotLetIn(401, "the API server does not accept the token: it has expired, or is for another audience")
        return found
