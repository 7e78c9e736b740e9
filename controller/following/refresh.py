"""Has the webhook fill one object again, and reads from the record that comes back whether it did."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import Final

from controller.following.comparison import Asked, Difference, Verdict
from controller.following.pacing.budget import Budget, Priority
from kube.errors import Conflict, KubernetesError, KubernetesUnavailable
from kube.objects import Metadata
from kube.secrets import Changed
from kube.tenant_clients import TenantApi
from manifests import annotations
from manifests.following.followed import FollowedField, followed
from manifests.kinds.secret import SECRET
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
    """What became of a refresh: the object's metadata afterwards, and for KEPT the cause that the webhook gave."""

    ending: Ending
    metadata: Metadata
    cause: str = ""


def refresh(  # noqa: PLR0917 - as whom, what, how it is judged, and when
    tenant: TenantApi,
    metadata: Metadata,
    verdict: Verdict,
    compare: Callable[[Metadata], Verdict],
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
            with budget.patch(metadata.name.namespace, go_on, priority=Priority.REFRESH):
                changed = tenant.secrets.change(
                    metadata.name, wish, _CALL_SECONDS, resource_version=metadata.resource_version
                )
        except Conflict:
            again = _read_again(tenant, metadata, compare)
            if isinstance(again, Refreshed):
                return again
            metadata, verdict = again
            continue
        except KubernetesUnavailable:
            return Refreshed(Ending.UNAVAILABLE, metadata)
        except KubernetesError as error:
            is_gone = error.status == HTTPStatus.NOT_FOUND
            return Refreshed(Ending.GONE if is_gone else Ending.REFUSED, metadata)
        return _judged(metadata, verdict.differences, changed)
    return Refreshed(Ending.CONFLICT, metadata)


def withdraw(tenant: TenantApi, metadata: Metadata) -> Metadata:
    """Take a request off that no webhook saw, so that a later admission does not take it for a new one.

    Returns the object's metadata afterwards, or what was known of it if that fails.
    """
    try:
        return tenant.secrets.change(metadata.name, {annotations.REFRESH: None}, _CALL_SECONDS).metadata
    except (KubernetesError, KubernetesUnavailable):
        return metadata


def _read_again(
    tenant: TenantApi, metadata: Metadata, compare: Callable[[Metadata], Verdict]
) -> Refreshed | tuple[Metadata, Verdict]:
    try:
        now = tenant.secrets.read_metadata(metadata.name, _CALL_SECONDS)
    except KubernetesUnavailable:
        return Refreshed(Ending.UNAVAILABLE, metadata)
    except KubernetesError as error:
        is_gone = error.status == HTTPStatus.NOT_FOUND
        return Refreshed(Ending.GONE if is_gone else Ending.REFUSED, metadata)
    if now.is_going or now.uid != metadata.uid:
        return Refreshed(Ending.GONE, now)
    verdict = compare(now)
    return (now, verdict) if verdict.differences else Refreshed(Ending.CURRENT, now)


def _wish(differences: tuple[Difference, ...]) -> str:
    """Return what the annotation says. Any text will do; this one helps who reads the API server's audit log."""
    first = differences[0]
    return f"version {first.version}" if first.version is not None else "changed"


def _judged(before: Metadata, differences: tuple[Difference, ...], changed: Changed) -> Refreshed:
    after = changed.metadata
    if annotations.REFRESH in after.annotations:
        return Refreshed(Ending.UNSEEN, after)
    is_immutable = not_refreshed(SECRET.kind) in changed.warnings
    causes = [found[1] for warning in changed.warnings if (found := _KEPT.search(warning))]
    is_kept = is_immutable or bool(causes)
    if all(_is_settled(each, _fields(before), _fields(after), is_kept=is_kept) for each in differences):
        return Refreshed(Ending.REFRESHED, after)
    if is_immutable:
        return Refreshed(Ending.IMMUTABLE, after)
    return Refreshed(Ending.KEPT, after, causes[0] if causes else "")


def _fields(metadata: Metadata) -> dict[str, FollowedField]:
    return {each.pointer: each for each in followed(SECRET, metadata.annotations).fields}


def _is_settled(
    difference: Difference, before: Mapping[str, FollowedField], after: Mapping[str, FollowedField], *, is_kept: bool
) -> bool:
    """Whether the path was read again: its fields have the wanted version, or another one than before.

    Without versions, a field that was written again shows it. The others may have had the right value already. If a
    path was made anew, a field has the wanted version in any case: then it counts unless the webhook says that it kept
    a value (`is_kept`).
    """
    on_path = [
        (pointer, reference)
        for pointer, field in before.items()
        for reference in field.versions
        if Asked.about(reference) == difference.asked and pointer in after
    ]
    if difference.version is None:
        return any(after[pointer].entry != before[pointer].entry for pointer, _ in on_path)
    return all(
        after[pointer].entry != before[pointer].entry
        if before[pointer].versions[reference] == difference.version and is_kept
        else after[pointer].versions.get(reference) in {difference.version, None}
        or after[pointer].versions.get(reference) != before[pointer].versions[reference]
        for pointer, reference in on_path
    )
