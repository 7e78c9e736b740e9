"""Has the webhook fill one object again, and reads from the record that comes back whether it did."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from http import HTTPStatus
from typing import Final

from controller.following.comparison import Asked, Difference, Verdict
from controller.following.pacing.budget import Budget, Priority
from controller.managed import Managed
from kube.errors import Conflict, KubernetesError, KubernetesUnavailable
from kube.secrets import Changed
from kube.tenant_clients import TenantApi
from manifests import annotations
from manifests.following.followed import FollowedField, followed
from manifests.planning.immutable import not_refreshed

_CALL_SECONDS: Final = 10.0
_MOST_CONFLICTS: Final = 3
_KEPT: Final = re.compile(r"keeps its value, unverified: (\w+)")


class Ending(Enum):
    """How a refresh ended."""

    REFRESHED = auto()
    KEPT = auto()
    """The webhook could not ask Vault, or Vault gave another answer. The value stays."""
    CURRENT = auto()
    """Somebody else was faster."""
    GONE = auto()
    CONFLICT = auto()
    UNSEEN = auto()
    """No webhook saw the request."""
    IMMUTABLE = auto()
    REFUSED = auto()
    """The API server refused the request, or something that it asked did."""
    UNAVAILABLE = auto()


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of a refresh: the object afterwards, and for KEPT the cause that the webhook gave."""

    ending: Ending
    managed: Managed
    cause: str = ""


def refresh(  # noqa: PLR0917 - as whom, what, how it is judged, and when
    tenant: TenantApi,
    managed: Managed,
    verdict: Verdict,
    compare: Callable[[Managed], Verdict],
    budget: Budget,
    go_on: Callable[[], None],
) -> Refreshed:
    """Ask for the object to be filled again, in the state in which it was compared.

    Two leaders that ask for the same state get one refresh and one conflict: nothing is refreshed twice. After a
    conflict the object is read and compared again. Raises `Interrupted` only.
    """
    for _ in range(_MOST_CONFLICTS):
        go_on()
        wish = {annotations.REFRESH: _wish(verdict.differences)}
        try:
            with budget.patch(managed.name.namespace, go_on, priority=Priority.REFRESH):
                changed = managed.among(tenant).change(
                    managed.name, wish, _CALL_SECONDS, resource_version=managed.metadata.resource_version
                )
        except Conflict:
            again = _read_again(tenant, managed, compare)
            if isinstance(again, Refreshed):
                return again
            managed, verdict = again
            continue
        except KubernetesUnavailable:
            return Refreshed(Ending.UNAVAILABLE, managed)
        except KubernetesError as error:
            is_gone = error.status == HTTPStatus.NOT_FOUND and not _is_still_there(tenant, managed)
            return Refreshed(Ending.GONE if is_gone else Ending.REFUSED, managed)
        return _judged(managed, verdict.differences, changed)
    return Refreshed(Ending.CONFLICT, managed)


def withdraw(tenant: TenantApi, managed: Managed) -> Managed:
    """Take a request off that no webhook saw, so that a later admission does not take it for a new one.

    Returns the object afterwards, or what was known of it if that fails.
    """
    try:
        after = managed.among(tenant).change(managed.name, {annotations.REFRESH: None}, _CALL_SECONDS)
    except (KubernetesError, KubernetesUnavailable):
        return managed
    return replace(managed, metadata=after.metadata)


def _read_again(
    tenant: TenantApi, managed: Managed, compare: Callable[[Managed], Verdict]
) -> Refreshed | tuple[Managed, Verdict]:
    try:
        now = replace(managed, metadata=managed.among(tenant).read_metadata(managed.name, _CALL_SECONDS))
    except KubernetesUnavailable:
        return Refreshed(Ending.UNAVAILABLE, managed)
    except KubernetesError as error:
        is_gone = error.status == HTTPStatus.NOT_FOUND
        return Refreshed(Ending.GONE if is_gone else Ending.REFUSED, managed)
    if now.metadata.is_going or now.metadata.uid != managed.metadata.uid:
        return Refreshed(Ending.GONE, now)
    verdict = compare(now)
    return (now, verdict) if verdict.differences else Refreshed(Ending.CURRENT, now)


def _is_still_there(tenant: TenantApi, managed: Managed) -> bool:
    """Whether an object that was not found in its version is there in another one: then nothing can fill it any more.

    The definition of a custom resource may stop to serve the version in which the manifest is written.
    """
    if managed.version in {"", managed.codec.version}:
        return False
    try:
        return bool(replace(managed, version="").among(tenant).read_metadata(managed.name, _CALL_SECONDS))
    except (KubernetesError, KubernetesUnavailable):
        return False


def _wish(differences: tuple[Difference, ...]) -> str:
    """Return what the annotation says. Any text will do; this one helps who reads the API server's audit log."""
    first = differences[0]
    return f"version {first.version}" if first.version is not None else "changed"


def _judged(before: Managed, differences: tuple[Difference, ...], changed: Changed) -> Refreshed:
    after = replace(before, metadata=changed.metadata)
    if annotations.REFRESH in after.metadata.annotations:
        return Refreshed(Ending.UNSEEN, after)
    is_immutable = not_refreshed(before.codec.kind) in changed.warnings
    causes = [found[1] for warning in changed.warnings if (found := _KEPT.search(warning))]
    is_kept = is_immutable or bool(causes)
    if all(_is_settled(each, _fields(before), _fields(after), is_kept=is_kept) for each in differences):
        return Refreshed(Ending.REFRESHED, after)
    if is_immutable:
        return Refreshed(Ending.IMMUTABLE, after)
    return Refreshed(Ending.KEPT, after, causes[0] if causes else "")


def _fields(managed: Managed) -> dict[str, FollowedField]:
    return {each.pointer: each for each in followed(managed.codec, managed.metadata.annotations).fields}


def _is_settled(
    difference: Difference, before: Mapping[str, FollowedField], after: Mapping[str, FollowedField], *, is_kept: bool
) -> bool:
    """Whether the path was read again: its fields have the wanted version, or another one than before.

    Without versions, a field that was written again shows it, or one that is gone: of a whole secret, fields go in the
    cluster when they go in Vault. The others may have had the right value already. If a path was made anew, a field has
    the wanted version in any case: then it counts unless the webhook says that it kept a value (`is_kept`).
    """
    before_on_path = [
        (pointer, reference)
        for pointer, field in before.items()
        for reference in field.versions
        if Asked.about(reference) == difference.asked
    ]
    on_path = [(pointer, reference) for pointer, reference in before_on_path if pointer in after]
    if difference.version is None:
        is_gone = len(on_path) < len(before_on_path)
        return is_gone or any(after[pointer].entry != before[pointer].entry for pointer, _ in on_path)
    return all(
        after[pointer].entry != before[pointer].entry
        if before[pointer].versions[reference] == difference.version and is_kept
        else after[pointer].versions.get(reference) in {difference.version, None}
        or after[pointer].versions.get(reference) != before[pointer].versions[reference]
        for pointer, reference in on_path
    )
