"""For which workload a generated Secret was made, as its owners say."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from kube.objects import Owner

# Their names are the workload's with a hash: each is one revision of its template.
_REVISIONS: Final = frozenset({"ReplicaSet", "ControllerRevision"})


def made_for(owners: Iterable[Owner]) -> str:
    """Return "web (2 revisions)" or "CronJob backup"; "" without an owner. Owners name no Deployment: a Rollout too."""
    revisions: Counter[str] = Counter()
    others: list[str] = []
    for owner in owners:
        workload, dash, _ = owner.name.rpartition("-")
        if owner.kind in _REVISIONS and dash:
            revisions[workload] += 1
        else:
            others.append(f"{owner.kind} {owner.name}")
    told = [f"{name} ({count} revision{'s' if count > 1 else ''})" for name, count in sorted(revisions.items())]
    return ", ".join((*told, *sorted(others)))
