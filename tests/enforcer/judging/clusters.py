"""Inventories of a cluster for tests of judges."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from enforcer.collecting.inventory import nothing_yet
from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterFacts, ClusterObject, FilledField, Namespace, Unread, Writer
from enforcer.facts.inventory import Inventory
from enforcer.facts.trail import TrailFacts
from enforcer.judging.answers import Answer, Held, NotChecked
from enforcer.judging.standard import Standard
from review.findings.finding import Finding

REFERENCE = "vault:secret/app#password"
WHEN = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)


def writer(*keys: str, manager: str = "kubectl", annotations: Sequence[str] = (), minute: int = 0) -> Writer:
    time = WHEN.replace(minute=minute)
    return Writer(manager=manager, operation="Update", time=time, keys=keys, annotations=tuple(annotations))


def field(key: str, reference: str = REFERENCE) -> FilledField:
    return FilledField(pointer=f"/data/{key}", reference=reference, versions={"default:secret/app": 1})


def secret(name: str = "app", *keys: str, **more: Any) -> ClusterObject:
    """Return a Secret whose keys are all filled and proved, unless something else is said."""
    usual: dict[str, Any] = {
        "type": "Opaque",
        "record": bool(keys),
        "proof": "proved" if keys else "no record",
        "fields": tuple(map(field, keys)),
        "wants": {f"/data/{key}": REFERENCE for key in keys},
        "keys": len(keys),
        "writers": (writer(annotations=[f"data.keyhole.dev/{key}" for key in keys]),),
    }
    about = {"group": "", "kind": "Secret", "namespace": "shop", "name": name, "uid": name}
    return ClusterObject(**{**about, **usual, **more})


def inventory(
    *objects: ClusterObject, unread: Sequence[Unread] = (), trail: TrailFacts | NotKnown | None = None, **more: Any
) -> Inventory:
    shop = Namespace(
        **{"name": "shop", "enabled": True, "variables": False, "objects": objects, "unread": tuple(unread), **more}
    )
    known = {"cluster": ClusterFacts(namespaces=(shop,)), **({"trail": trail} if trail else {})}
    return nothing_yet("test", WHEN).model_copy(update=known)


def answers(standard: Standard, of: Inventory, **parameters: Any) -> list[Answer]:
    return list(standard.judge(of, standard.parameters(**parameters)))


def told(standard: Standard, of: Inventory, **parameters: Any) -> list[str]:
    """Return the answers as short texts: what is held by its object, the others with their message."""
    return [_told(each) for each in answers(standard, of, **parameters)]


def _told(answer: Answer) -> str:
    if isinstance(answer, Held):
        return f"held {answer.object}"
    if isinstance(answer, NotChecked):
        return f"not checked {answer.object}: {answer.reason}"
    assert isinstance(answer, Finding)
    return f"{answer.object} {answer.pointer}: {answer.message}"
