"""Questions to one Vault as the identity of one namespace: which versions of secrets are the current ones."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final

from resolver.budget import Budget, Process, ValuesTooLarge
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.opening import Opened
from resolver.references.evaluation import Evaluation
from resolver.references.grammar import Reference
from resolver.resolve import Resolved, settled
from resolver.tenancy.tenant_view import TenantView
from resolver.vault.errors import IdentityRefused, IdentityUnavailable, LoginDenied, VaultUnavailable
from resolver.vault.kv import KvSecret, MountDoubted
from resolver.vault.kv_versions import KvVersion
from resolver.vault.mounts import V1, KvLocation

_MOST_ROUNDS: Final = 3
# What Vault denied is asked again after this long. Until then a token or a mount that was new enough for the denial is
# not doubted again.
_AGAIN_SECONDS: Final = 600.0
# Nobody waits for these answers, so what was learned within a minute counts. Otherwise each question about a denied or
# missing path would cost a login or a question about its mount.
_FRESH_SECONDS: Final = 60.0
# Threads ask for several namespaces at the same time.
_MOST_HELD_BYTES: Final = 4 * 1024 * 1024
_MOST_REMEMBERED: Final = 10_000
_OF_LOGIN: Final = (LoginDenied, IdentityRefused, IdentityUnavailable)


def _in_time(_namespace: str, deadline: Deadline) -> None:
    deadline.at_most_seconds(inf)


# Evaluating ends with the deadline: without this, one namespace's values could keep a thread busy for minutes.
PROCESS: Final = Process(rest=_in_time)


class Remembered:
    """Remembers keys for ten minutes, the newest 10,000 of them. Threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: OrderedDict[tuple[str, str, KvLocation], float] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, key: tuple[str, str, KvLocation]) -> bool:
        with self._lock:
            return self._until.get(key, -inf) > self._clock()

    def add(self, key: tuple[str, str, KvLocation]) -> None:
        """Remember a key from now on."""
        with self._lock:
            self._until[key] = self._clock() + _AGAIN_SECONDS
            self._until.move_to_end(key)
            if len(self._until) > _MOST_REMEMBERED:
                self._until.popitem(last=False)


@dataclass(slots=True)
class Questions:
    """Questions to one Vault as the identity of one namespace: one login for all, and one answer for each location."""

    _view: TenantView
    _only_data: Remembered
    _answers: dict[KvLocation, KvVersion | ResolverError] = field(default_factory=dict)
    _unlocated: dict[str, ResolverError] = field(default_factory=dict)
    _refused: ResolverError | None = None

    def version(self, reference: Reference, *, was_denied: bool = False) -> KvVersion:
        """Return the current version of the secret that a reference names, whatever version the reference names.

        On KV v1 nothing is asked and `current` is None. `was_denied` says that the last attempt was denied: then one
        request is sent and no new login tried, unless the token is ten minutes old. A first denial tries a new login if
        the token is a minute old.

        Raises `ResolverError`: `VaultRateLimited` for a 429, another `VaultUnavailable` when Vault gave no answer of
        use, `VaultDenied`, `MountDenied`, `DeniedForNow`, `SecretNotFound`, `SecretTooLarge`, `PathNotAllowed`,
        `NotKeyValue` and those of a login (`LoginDenied`, `IdentityRefused`, `IdentityUnavailable`), which are final
        for all questions that follow.
        """
        self._check_login()
        view = self._seen_lately(was_denied=was_denied)
        for _ in range(_MOST_ROUNDS):
            location = self._located(view, reference)
            if location.mount.version == V1:
                return KvVersion(current=None)
            answer = self._answer(view, reference, location, was_denied=was_denied)
            if answer is None:
                continue  # it is another mount by now
            if isinstance(answer, KvVersion):
                return answer
            raise self._noted(answer)
        raise VaultUnavailable(view.server.client.connection.address, "tells something else of a mount each time")

    def values(
        self, references: Sequence[Reference], *, was_denied: bool = False
    ) -> dict[Reference, Resolved | ResolverError]:
        """Return the value of each reference or its error, as `Resolver.resolve` does, with one read a location.

        For KV v1, which has no versions to ask for. Each reference has the budget of an object. The references to one
        path all end with `ValuesTooLarge` when those and the ones before have more than 4 MiB. `was_denied` is that of
        `version`.
        """
        evaluations = _Evaluations(self._budget)
        by_path: dict[str, list[Reference]] = {}
        for reference in references:
            by_path.setdefault(reference.path, []).append(reference)
        outcomes: dict[Reference, Resolved | ResolverError] = {}
        for group in by_path.values():
            found = self._values(group, evaluations, was_denied=was_denied)
            outcomes.update(found)
            for each in found.values():
                if isinstance(each, ResolverError):
                    self._noted(each)
        return {reference: outcomes[reference] for reference in references}

    def _values(
        self, references: Sequence[Reference], evaluations: "_Evaluations", *, was_denied: bool
    ) -> Mapping[Reference, Resolved | ResolverError]:
        if self._refused is not None:
            return dict.fromkeys(references, self._refused)
        try:
            view = replace(self._seen_lately(was_denied=was_denied), budget=self._budget())
            found = settled(view, references, _one_by_one, evaluations.another)
            return {each: outcome for each, outcome in found.items() if not isinstance(outcome, Opened)}
        except ValuesTooLarge as error:
            return dict.fromkeys(references, error)

    def _seen_lately(self, *, was_denied: bool) -> TenantView:
        return replace(self._view, believed_seconds=_AGAIN_SECONDS if was_denied else _FRESH_SECONDS)

    def _budget(self) -> Budget:
        return Budget(self._view.budget.namespace, self._view.budget.deadline, PROCESS)

    def _located(self, view: TenantView, reference: Reference) -> KvLocation:
        found = self._unlocated.get(reference.path) or view.locate(reference)
        if isinstance(found, ResolverError):
            self._unlocated[reference.path] = found
            raise self._noted(found)
        return replace(found, version=None)

    def _answer(
        self, view: TenantView, reference: Reference, location: KvLocation, *, was_denied: bool
    ) -> KvVersion | ResolverError | None:
        """Return the answer for a location, and ask if there is none yet; None if it is on another mount by now."""
        answer: KvVersion | ResolverError | None = self._answers.get(location)
        if answer is None:
            answer = self._asked(view, location, was_denied=was_denied)
            if isinstance(answer, MountDoubted):
                answer = view.verdict(reference, answer)
            if answer is not None:
                self._answers[location] = answer
        return answer

    def _asked(self, view: TenantView, location: KvLocation, *, was_denied: bool) -> KvVersion | ResolverError:
        key = (view.server.name, view.budget.namespace, location)
        is_known_to_lack = key in self._only_data
        answer = view.version(location, through_data=was_denied or is_known_to_lack)
        if isinstance(answer, KvVersion) and answer.lacks_metadata:
            self._only_data.add(key)
        elif isinstance(answer, KvVersion):
            answer = replace(answer, lacks_metadata=is_known_to_lack)
        return answer

    def _check_login(self) -> None:
        if self._refused is not None:
            raise self._refused

    def _noted(self, error: ResolverError) -> ResolverError:
        """Return an error; if it is one of the login, every further question ends with it."""
        if isinstance(error, _OF_LOGIN):
            self._refused = error
        return error


class _Evaluations:
    """Gives each reference a budget of its own, and bounds the values of all of them together."""

    def __init__(self, budget: Callable[[], Budget]) -> None:
        self._budget = budget
        self._last: Budget | None = None
        self._held_bytes = 0

    def another(self) -> Evaluation:
        """Return that of the next reference. Raises `ValuesTooLarge`."""
        if self._last is not None:
            self._held_bytes += self._last.values_bytes
        if self._held_bytes > _MOST_HELD_BYTES:
            raise ValuesTooLarge
        self._last = self._budget()
        return Evaluation.within(self._last)


def _one_by_one(
    read: Callable[[KvLocation], KvSecret | ResolverError], places: Sequence[KvLocation]
) -> Sequence[KvSecret | ResolverError | None]:
    return [read(place) for place in places]
