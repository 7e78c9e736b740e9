"""What people are told of restarts: Events on the workloads, and problems of the objects whose new value waits."""

from collections.abc import Collection, Mapping
from typing import Final

from controller.restarting.opted_in import Seen
from controller.telling.telling import Telling
from kube.tenant_clients import TenantApi
from manifests.annotations import RESTART
from manifests.following import rolled
from manifests.following.problem import Hindrance, Problem
from manifests.following.restarting import Decision, Workload
from manifests.following.rolled import Marks
from manifests.following.rollout_gate import Gate
from manifests.following.workload import Used

_MOST_NAMES: Final = 5
_LEFT: Final[Mapping[Gate, str]] = {
    Gate.PAUSED: "it is paused",
    Gate.ON_DELETE: "it replaces its pods only when somebody deletes them (updateStrategy OnDelete)",
}

Judged = Mapping[tuple[str, str], Seen]
"""Workloads by kind and name."""


class Announcer:
    """Writes Events. What it says holds names of objects, and no values."""

    def __init__(self, tell: Telling) -> None:
        self._tell = tell

    def tell(self, tenant: TenantApi, found: Decision, judged: Judged, states: Marks) -> Mapping[Used, Problem]:
        """Tell which workloads are not restarted, and why. Returns the problems of what they use."""
        problems: dict[Used, Problem] = {}
        for one in judged.values():
            if not one.has_template:
                note = "Keyhole does not see what it uses: it refers to another workload (workloadRef)."
                self._warn(tenant, one, "RestartNotFollowed", note)
        for left in found.left:
            names = names_of(left, states)
            problems |= dict.fromkeys(names, Problem(str(Hindrance.RESTART_PAUSED)))
            note = f"Not restarted although {_shown(names)} changed: {_LEFT[left.gate]}."
            self._warn(tenant, judged[left.kind, left.name], "RestartPaused", note)
        for held, by in found.held:
            names = names_of(held, states)
            problems |= dict.fromkeys(names, Problem(str(Hindrance.RESTART_HELD)))
            note = f"Not restarted although {_shown(names)} changed: {by} was, and does not become ready."
            self._warn(tenant, judged[held.kind, held.name], "RestartHeld", note)
        for by in {id(by): by for _, by in found.held}.values():
            note = (
                f"Was ready, was restarted for a changed value, and is not ready now. Others that use the new value"
                f' wait until it is, until the value changes again, or until it has {RESTART}: "false".'
            )
            self._warn(tenant, judged[by.kind, by.name], "RestartNotReady", note)
        return problems

    def restarted(self, tenant: TenantApi, one: Seen, names: Collection[Used]) -> None:
        """Tell that a workload was restarted for these objects."""
        note = f"Restarted because {_shown(names)} changed."
        self._event(tenant, one, "Restarted", note, is_warning=False)

    def refused(self, tenant: TenantApi, one: Seen, status: int) -> None:
        """Tell that the API server refused to have a workload restarted."""
        self._warn(
            tenant,
            one,
            "RestartRefused",
            f"The API server did not let Keyhole restart it (status {status}). Tried again later.",
        )

    def _warn(self, tenant: TenantApi, one: Seen, reason: str, note: str) -> None:
        self._event(tenant, one, reason, note, is_warning=True)

    def _event(self, tenant: TenantApi, one: Seen, reason: str, note: str, *, is_warning: bool) -> None:
        kind = one.kind
        self._tell.event(tenant, one.metadata, kind.value, kind.api_version, reason, note, is_warning=is_warning)


def names_of(workload: Workload, states: Marks) -> list[Used]:
    """Return the Secrets and ConfigMaps that have changed since the workload's pods were made."""
    moved = workload.moved(states)
    return sorted(used for used in workload.used if rolled.mark_of(used) in moved)


def _shown(names: Collection[Used]) -> str:
    """Return "the Secret a has", "the Secrets a, b have", "ConfigMap a, Secret b have"."""
    kinds = {one.kind for one in names}
    few = ", ".join(one.name if len(kinds) == 1 else str(one) for one in sorted(names)[:_MOST_NAMES])
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    plural, have = ("s", "have") if len(names) > 1 else ("", "has")
    return f"the {min(kinds)}{plural} {few}{more} {have}" if len(kinds) == 1 else f"{few}{more} {have}"
