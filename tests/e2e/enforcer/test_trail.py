"""The trail that the release's webhook writes, as the Enforcer reads it."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from enforcer.collecting.inventory import nothing_yet
from enforcer.collecting.run import Run
from enforcer.collecting.sources import Sources
from enforcer.collecting.trail import collect
from enforcer.facts.gate import GateFacts
from enforcer.facts.inventory import Inventory
from enforcer.facts.trail import TrailFacts
from enforcer.judging.answers import Held
from enforcer.judging.trail import STANDARD, Trail
from resolver.deadline import Deadline
from review.findings.finding import Finding
from tests.e2e.cluster import Cluster
from tests.e2e.enforcer.installed import Installed
from tests.e2e.objects import filled
from tests.e2e.planter import Planter
from tests.enforcer.engine import STARTED


def collected(release: Installed, file: Path, heads: Path | None = None) -> Inventory:
    sources = Sources(audit_log=(file,), audit_key=release.audit_key, audit_heads=heads)
    begun = nothing_yet("test", STARTED)
    facts = collect(sources, Run(Deadline.after(60)), begun)
    assert isinstance(facts, TrailFacts)
    return begun.model_copy(
        update={"trail": facts, "gate": GateFacts(name="keyhole", own_namespace="keyhole", pods=())}
    )


def problems(inventory: Inventory, **parameters: Any) -> Mapping[str, str]:
    answers = list(STANDARD.judge(inventory, Trail(**parameters)))
    assert all(isinstance(answer, Held | Finding) for answer in answers)
    return {each.pointer.split()[0]: each.message for each in answers if isinstance(each, Finding)}


def test_it_is_whole_says_who_applied_and_a_tail_that_is_cut_is_missed(
    cluster: Cluster, plant: Planter, release: Installed, tmp_path: Path
) -> None:
    plant.secret("app")
    cluster.apply(filled("trailed", password="vault:secret/shop/app#password"))
    whole = collected(release, release.trail)
    assert problems(whole) == {}
    facts = whole.trail
    assert isinstance(facts, TrailFacts)
    (admitted,) = [each for each in facts.admitted if each.name == "trailed"]
    assert (admitted.kind, admitted.namespace, admitted.requester) == ("Secret", "shop", "testbed-admin")
    (used,) = [each for each in facts.used if each.reference == "vault:secret/shop/app#password"]
    assert abs(used.last - admitted.last) < timedelta(days=1)

    heads, cut = tmp_path / "heads", tmp_path / "audit.log"
    heads.write_text("".join(f"{chain.head}\n" for chain in facts.chains))
    assert problems(collected(release, release.trail, heads), heads=True) == {}
    lines = release.trail.read_bytes().splitlines(keepends=True)
    cut.write_bytes(b"".join(line for line in lines if b'"trailed"' not in line))
    assert problems(collected(release, cut, heads)).keys() & {"Missing", "TailMissing"}
