"""The inventory: all facts of one run. `keyhole inventory` prints it, and its schema is stable."""

from typing import Final, Literal

from pydantic import AwareDatetime

from enforcer.facts.audit_policy import AuditPolicyFacts
from enforcer.facts.base import Facts, NotKnown
from enforcer.facts.cluster import ClusterFacts
from enforcer.facts.forge import ForgeFacts
from enforcer.facts.gate import GateFacts
from enforcer.facts.git import GitFacts
from enforcer.facts.trail import TrailFacts
from enforcer.facts.vault import VaultFacts
from enforcer.facts.workloads import WorkloadFacts

VERSION: Final = "keyhole.dev/inventory/v1"


class Inventory(Facts):
    """What was found in one run, a section for each place. `ended` is None while the run goes on, or if it died."""

    version: Literal["keyhole.dev/inventory/v1"] = VERSION
    tool: str
    started: AwareDatetime
    ended: AwareDatetime | None
    cluster: ClusterFacts | NotKnown
    vault: VaultFacts | NotKnown
    gate: GateFacts | NotKnown
    audit_policy: AuditPolicyFacts | NotKnown
    trail: TrailFacts | NotKnown
    git: GitFacts | NotKnown
    forge: ForgeFacts | NotKnown
    workloads: WorkloadFacts | NotKnown
