"""The section of the forge: what it demands before the branch changes that is deployed."""

from enforcer.collecting.forge import github, gitlab
from enforcer.collecting.forge.http import ForgeHttp, Unanswered
from enforcer.collecting.run import Run
from enforcer.collecting.sources import Sources
from enforcer.facts.base import NotKnown
from enforcer.facts.forge import ForgeFacts
from enforcer.facts.inventory import Inventory


def collect(sources: Sources, run: Run, so_far: Inventory) -> ForgeFacts | NotKnown:  # noqa: ARG001 - as all collectors
    """Ask the forge that was named, if one was. What it does not show is not known, each fact for itself."""
    forge = sources.forge
    if forge is None:
        return NotKnown(not_known="no forge was named (--forge)")
    run.tell(f"{forge.name}: {forge.repository}")
    try:
        if forge.name == "github":
            http = ForgeHttp(forge.address or github.ADDRESS, forge.token, github.token_header, run)
            return github.facts(http, forge)
        http = ForgeHttp(forge.address or gitlab.ADDRESS, forge.token, gitlab.token_header, run)
        return gitlab.facts(http, forge)
    except Unanswered as error:
        return NotKnown(not_known=f"the forge was not asked: {error.reason}")
