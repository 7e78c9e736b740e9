"""Collects all sections, one after another. A section that cannot be had keeps no other one back."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeAlias, TypeVar

from enforcer.collecting import audit_policy, git, trail
from enforcer.collecting.cluster import collect as cluster
from enforcer.collecting.forge import collect as forge
from enforcer.collecting.gate import collect as gate
from enforcer.collecting.run import Run, Stopped
from enforcer.collecting.sources import Sources
from enforcer.collecting.vault import section as vault
from enforcer.collecting.workloads import collect as workloads
from enforcer.facts.base import Facts, NotKnown
from enforcer.facts.inventory import Inventory
from runtime.bugs import described

_log = logging.getLogger(__name__)
_Section = TypeVar("_Section", bound=Facts)
_NOT_ASKED: Final = NotKnown(not_known="the run has not come to it")


def nothing_yet(tool: str, started: datetime) -> Inventory:
    """Return the inventory of a run that has only begun: nothing is known."""
    return Inventory(
        tool=tool,
        started=started,
        ended=None,
        cluster=_NOT_ASKED,
        vault=_NOT_ASKED,
        gate=_NOT_ASKED,
        audit_policy=_NOT_ASKED,
        trail=_NOT_ASKED,
        git=_NOT_ASKED,
        forge=_NOT_ASKED,
        workloads=_NOT_ASKED,
    )


def collect(sources: Sources, run: Run, tool: str) -> Inventory:
    """Collect what there is. Never raises for what servers and files do.

    A section is collected by `collect(sources, run, so_far)` of its module, which gets what is known so far: the
    cluster comes first, as its records say which paths of Vault are used.
    """
    started = datetime.now(UTC)
    inventory = nothing_yet(tool, started)
    for name, collector in SECTIONS.items():
        inventory = inventory.model_copy(update={name: _section(name, collector, sources, run, inventory)})
    return inventory.model_copy(update={"ended": datetime.now(UTC)})


def _section(
    name: str, collector: "Collector[Facts]", sources: Sources, run: Run, so_far: Inventory
) -> Facts | NotKnown:
    try:
        run.go_on()
        run.tell(f"looking at: {name.replace('_', ' ')}")
        return collector(sources, run, so_far)
    except Stopped as stopped:
        return NotKnown(not_known=stopped.reason)
    except Exception as error:  # noqa: BLE001 - a bug in one collector must not take the other sections away
        _log.error("collecting %s failed: %s", name, described(error))
        return NotKnown(not_known=f"a bug in Keyhole: collecting it failed with {type(error).__name__}")


Collector: TypeAlias = Callable[[Sources, Run, Inventory], _Section | NotKnown]
SECTIONS: Final[dict[str, "Collector[Facts]"]] = {
    "cluster": cluster.collect,
    "vault": vault.collect,
    "gate": gate.collect,
    "audit_policy": audit_policy.collect,
    "trail": trail.collect,
    "git": git.collect,
    "forge": forge.collect,
    "workloads": workloads.collect,
}
"""What collects each section, in the order in which they are collected."""
