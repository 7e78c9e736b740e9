"""What the Enforcer learns of a real cluster with its own rights: no value, and a proof of each record, or why not."""

from datetime import UTC, datetime
from typing import Any

import pytest

from enforcer.collecting.cluster.collect import collect
from enforcer.collecting.cluster.pace import AT_ONCE
from enforcer.collecting.inventory import nothing_yet
from enforcer.collecting.run import Run
from enforcer.collecting.sources import Sources
from enforcer.facts.base import NotKnown, is_known
from enforcer.facts.cluster import ClusterFacts, ClusterObject
from enforcer.judging.catalogue import STANDARDS
from kube.namespaces import LABEL
from resolver.deadline import Deadline
from testbed import Testbed
from testbed.keyhole.objects import apply, merge
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.enforcer.heard import Heard
from tests.e2e.enforcer.world import gate_open
from tests.e2e.objects import encoded, filled, secret
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

REFERENCE = "vault:secret/shop/app#password"
RECORD = "keyhole.dev/record"
OF_OBJECTS = {"records-proved", "nothing-unresolved", "no-plaintext"}


def looked(sources: Sources, run: Run | None = None) -> ClusterFacts:
    found = collect(sources, run or Run(Deadline.after(60)), nothing_yet("test", datetime.now(UTC)))
    assert is_known(found), found
    return found


def objects(facts: ClusterFacts, namespace: str = "shop") -> dict[str, ClusterObject]:
    (one,) = [one for one in facts.namespaces if one.name == namespace]
    assert is_known(one.objects), one.objects
    assert one.unread == ()
    return {each.name: each for each in one.objects}


def findings(facts: ClusterFacts) -> dict[str, set[str]]:
    """Return which of the standards about objects tell of each object."""
    inventory = nothing_yet("test", datetime.now(UTC)).model_copy(update={"cluster": facts})
    found: dict[str, set[str]] = {}
    for standard in STANDARDS:
        if standard.rule.id in OF_OBJECTS:
            for answer in standard.judge(inventory, standard.parameters()):
                if hasattr(answer, "message"):
                    found.setdefault(answer.object.name, set()).add(standard.rule.id)
    return found


def secretly(bed: Testbed, name: str, annotations: Any = None, **changes: Any) -> None:
    """Change a Secret as somebody does whom Keyhole does not see."""
    metadata = {"name": name, "namespace": "shop", **({"annotations": annotations} if annotations else {})}
    merge(bed, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **changes})


@pytest.fixture
def deployed(cluster: Cluster, plant: Planter) -> Cluster:
    """Deploy objects of every form; all of them meet the standards."""
    plant.secret("app", "password", "user")
    names = ("annotated", "data", "text", "copied", "gone", "stripped", "extra")
    in_place = secret("in-place", stringData={"password": REFERENCE, "url": f"db://u:(({REFERENCE}))@h"})
    file = secret("file", {"data.keyhole.dev/app.yaml": "key:app.tmpl"}, stringData={"app.tmpl": f"p: (({REFERENCE}))"})
    config = {**filled("config", password=REFERENCE), "kind": "ConfigMap"}
    cluster.apply(
        *(filled(name, password=REFERENCE) for name in names),
        *(in_place, file, config),
        secret("whole", {"keyhole.dev/from": "secret/shop/app"}),
        {**filled("immutable", password=REFERENCE), "immutable": True},
        secret("release", type="helm.sh/release.v1", data={"release": encoded("x")}),
        server_side=True,
    )
    return cluster


def test_a_deployment_that_meets_the_standards_is_proved_by_its_records(deployed: Cluster, sources: Sources) -> None:
    facts = looked(sources)
    found = objects(facts)
    assert {name: one.proof for name, one in found.items() if one.record} == dict.fromkeys(
        found.keys() - {"release"}, "proved"
    )
    assert findings(facts) == {}
    assert found["whole"].wants == {"": "vault:secret/shop/app"}
    assert {each.pointer for each in found["whole"].fields} == {"/data/password", "/data/user"}
    # How many versions there are depends on the tests before.
    (version,) = found["annotated"].fields[0].versions.values()
    assert version
    assert found["in-place"].fields[0].versions == {"default:secret/shop/app": version}
    assert (found["release"].type, found["release"].keys) == ("helm.sh/release.v1", 1)
    assert [one.kind for one in found.values() if one.type == ""] == ["ConfigMap"]


def test_what_somebody_did_past_keyhole_is_found_by_one_standard_each(
    deployed: Cluster, sources: Sources, bed: Testbed
) -> None:
    record = deployed.get("annotated")["metadata"]["annotations"][RECORD]
    with gate_open(bed):
        secretly(bed, "data", data={"password": encoded("by hand")})
        secretly(bed, "text", stringData={"password": "by hand"})
        secretly(bed, "in-place", stringData={"password": "by hand"})
        secretly(bed, "whole", stringData={"password": "by hand"})
        secretly(bed, "gone", data={"password": None})
        secretly(bed, "stripped", {RECORD: None})
        secretly(bed, "extra", data={"more": encoded("by hand")})
        notes = {"data.keyhole.dev/password": REFERENCE, RECORD: record}
        same_value = deployed.get("annotated")["data"]
        of_another = {"namespace": "shop", "annotations": notes}
        kind = {"apiVersion": "v1", "kind": "Secret"}
        apply(
            bed,
            {**kind, "metadata": {"name": "copy", **of_another}, "data": same_value},
            {**kind, "metadata": {"name": "frozen", **of_another}, "data": same_value, "immutable": True},
            {
                **kind,
                "metadata": {"name": "waiting", "namespace": "shop", "annotations": {next(iter(notes)): REFERENCE}},
            },
            {**kind, "metadata": {"name": "plain", "namespace": "shop"}, "data": {"password": encoded("by hand")}},
        )
        unseen = looked(sources)
    facts = looked(sources)
    changed = {"data", "text", "in-place", "whole", "gone", "copy", "frozen"}
    assert findings(facts) == {
        **{key: {"records-proved"} for key in changed},
        **{key: {"nothing-unresolved"} for key in ("stripped", "waiting")},
        **{key: {"no-plaintext"} for key in ("extra", "plain")},
    }
    assert objects(facts)["in-place"].unproved == ("/data/password",)
    # While nobody asks Keyhole, nothing is proved, whatever comes back unchanged.
    answers = {one.name: one.proof for one in objects(unseen).values() if one.record}
    assert all(isinstance(proof, NotKnown) for proof in answers.values()), answers


def test_it_reads_no_value_and_writes_nothing(
    deployed: Cluster, sources: Sources, traffic: Traffic, canary: Canary
) -> None:
    assert deployed
    heard = Heard(traffic)
    facts = looked(sources)
    assert len(heard.dry_runs()) == sum(one.record for one in objects(facts).values())
    assert heard.dry_runs_at_once() <= AT_ONCE
    assert heard.writes() == []
    assert heard.bodies_with_data() == []
    assert heard.vault_questions() == {}
    assert canary.find(facts.model_dump_json().encode()) == []


def test_without_the_rights_of_the_bundle_a_namespace_is_not_checked_and_the_reason_says_what_is_missing(
    cluster: Cluster, sources: Sources, bed: Testbed
) -> None:
    assert cluster
    labelled = {"name": "bare", "labels": {"keyhole.dev/enabled": "true"}}
    apply(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": labelled})
    try:
        found = {one.name: one.objects for one in looked(sources).namespaces}
    finally:
        bed.kubernetes.request("DELETE", "/api/v1/namespaces/bare")
    bare = found["bare"]
    assert isinstance(bare, NotKnown)
    assert "create tokens of bare/keyhole-reconciler" in bare.not_known
    assert "keyhole tenant bare --enforcer" in bare.not_known
    assert is_known(found["shop"])


def test_a_namespace_that_lost_its_label_and_refers_to_vault_is_found(
    sources: Sources, bed: Testbed, tenants: tuple[str, ...], places: Places, canary: Canary
) -> None:
    office = tenants[1]
    Planter(bed, canary, office).secret("app")
    Cluster(bed, places, office).apply(filled("app", password=f"vault:secret/{office}/app#password"))
    labelled = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": office, "labels": {LABEL: None}}}
    merge(bed, labelled)
    try:
        facts = looked(sources)
    finally:
        labelled["metadata"]["labels"] = {LABEL: "true"}  # type: ignore[index]
        merge(bed, labelled)
        Cluster(bed, places, office).delete("app")
    assert objects(facts, office)["app"].record
    assert findings(facts) == {office: {"nothing-unresolved"}}


def test_a_run_that_has_to_end_keeps_what_it_learned(deployed: Cluster, sources: Sources) -> None:
    assert deployed
    run = Run(Deadline.after(60), lambda text: run.stop("SIGTERM") if text.startswith("namespace 2") else None)
    ended = [one.objects for one in looked(sources, run).namespaces]
    assert any(isinstance(one, NotKnown) and one.not_known == "SIGTERM" for one in ended)
