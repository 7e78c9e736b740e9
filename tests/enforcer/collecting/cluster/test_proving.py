"""What the Enforcer concludes from answers to its dry runs: proved, not proved, or not known and why."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, cast

import pytest

from enforcer.collecting.cluster import pace as pacing
from enforcer.collecting.cluster.object_facts import cluster_object
from enforcer.collecting.cluster.pace import Pace
from enforcer.collecting.cluster.proving import MANAGER, proved, tried
from enforcer.collecting.run import Run, Stopped
from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterObject
from kube.checking.described import Described
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.objects import Metadata, ObjectName
from kube.objects_of import Resource
from kube.secrets import Changed
from kube.tenant_clients import TenantApi
from manifests.annotations import RECORD, REFRESH
from manifests.fields.scan import Form
from manifests.kinds.custom import custom_resource
from manifests.kinds.pointers import Pattern
from manifests.kinds.secret import SECRET
from manifests.provenance.keyring import KeyRing
from manifests.provenance.record import Entry, dump
from resolver.deadline import Deadline
from tests.manifests import dry_runs
from tests.manifests.plans import ANNOTATED, IN_PLACE, LOST, REF, live, with_value
from tests.manifests.provenances import RING


@dataclass
class Objects:
    """The objects of a tenant: one, that Keyhole is asked about in earnest, or whatever else `answers`."""

    stored: Mapping[str, Any]
    keys: KeyRing = RING
    answers: list[Callable[[], Changed]] = field(default_factory=list)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    version: str = "7"
    uid: str = "u"
    resource: Resource | None = None

    def of(self, resource: Resource) -> "Objects":
        self.resource = resource
        return self

    def change(
        self, _name: ObjectName, annotations: Mapping[str, str], _seconds: float, *, dry_run: bool, manager: str
    ) -> Changed:
        assert dry_run
        assert manager == MANAGER
        self.asked.append(annotations)
        if self.answers:
            return self.answers.pop(0)()
        answer = dry_runs.tried(self.stored, self.keys)
        return Changed(self.metadata(answer.notes), answer.warnings)

    def read_metadata(self, _name: ObjectName, _seconds: float) -> Metadata:
        return self.metadata()

    def metadata(self, notes: Mapping[str, str] | None = None) -> Metadata:
        name = ObjectName("a", "app")
        shown = self.stored["metadata"]["annotations"] if notes is None else notes
        return Metadata(name, self.version, shown, uid=self.uid)


def run() -> Run:
    return Run(Deadline.after(60))


def outcome(objects: Objects, first: Mapping[str, Any] | None = None) -> ClusterObject | None:
    """Return what is concluded about an object that was listed as `first`."""
    notes = (first or objects.stored)["metadata"]["annotations"]
    metadata = Metadata(ObjectName("a", "app"), "7", notes, uid="u")
    facts = cluster_object(SECRET, Described(metadata, None, "Opaque", 1))
    return proved(cast("TenantApi", objects), Pace(run(), jitter=lambda: 0.0), tried(SECRET, facts, notes))


def reason(objects: Objects) -> str:
    found = outcome(objects)
    assert found is not None
    assert isinstance(found.proof, NotKnown)
    return found.proof.not_known


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_FIRST_SECONDS", 0.0)


@pytest.mark.parametrize("manifest", [ANNOTATED, IN_PLACE], ids=["annotation", "in place"])
class TestKeyholeItself:
    def test_a_record_that_comes_back_is_proved(self, manifest: dict[str, Any]) -> None:
        objects = Objects(live(manifest))
        found = outcome(objects)
        assert found is not None
        assert (found.proof, found.unproved) == ("proved", ())
        assert [set(asked) for asked in objects.asked] == [{REFRESH}]

    def test_a_changed_value_is_told_by_its_pointer(self, manifest: dict[str, Any]) -> None:
        found = outcome(Objects(with_value(live(manifest), "a", "canary")))
        assert found is not None
        assert (found.proof, found.unproved) == ("changed", ("/data/a",))
        assert "canary" not in found.model_dump_json()

    def test_so_is_an_entry_under_a_lost_key(self, manifest: dict[str, Any]) -> None:
        found = outcome(Objects(live(manifest), keys=LOST))
        assert found is not None
        assert (found.proof, found.unproved) == ("changed", ("/data/a",))

    def test_an_immutable_one_is_proved_as_far_as_warnings_tell(self, manifest: dict[str, Any]) -> None:
        found = outcome(Objects({**live(manifest), "immutable": True}))
        assert found is not None
        assert found.proof == "proved" if manifest is ANNOTATED else isinstance(found.proof, NotKnown)

    def test_an_immutable_one_with_another_value_is_never_proved(self, manifest: dict[str, Any]) -> None:
        found = outcome(Objects({**with_value(live(manifest), "a", "x"), "immutable": True}))
        assert found is not None
        assert found.proof == "changed" if manifest is ANNOTATED else isinstance(found.proof, NotKnown)


def test_a_record_that_somebody_wrote_with_other_blanks_is_judged_by_what_it_says() -> None:
    stored = live(ANNOTATED)
    notes = stored["metadata"]["annotations"]
    spaced = {**notes, RECORD: json.dumps(json.loads(notes[RECORD]), indent=1)}
    assert spaced != notes
    again = {**stored, "metadata": {**stored["metadata"], "annotations": spaced}}
    for manifest, proof in ((again, "proved"), (with_value(again, "a", "x"), "changed")):
        found = outcome(Objects(manifest))
        assert found is not None
        assert found.proof == proof


def test_nothing_is_concluded_if_keyhole_was_not_asked() -> None:
    objects = Objects(live(ANNOTATED))
    unseen = {**live(ANNOTATED)["metadata"]["annotations"], REFRESH: "x"}
    objects.answers = [lambda: Changed(objects.metadata(unseen))]
    assert reason(objects) == "the API server did not ask Keyhole about a dry run of it"


def test_nothing_is_concluded_from_as_many_warnings_as_an_answer_can_hold() -> None:
    objects = Objects(live(ANNOTATED))
    objects.answers = [lambda: Changed(objects.metadata(), tuple("x" * 30 for _ in range(21)))]
    assert "more to say" in reason(objects)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KubernetesError("x", 403), "apply the bundle of `keyhole tenant` again"),
        (KubernetesError("x", 403, by_admission=True), "admission refuses the object as it is"),
        (KubernetesError("x", 422), "refused x (status 422) in a dry run"),
        (KubernetesUnavailable("did not answer"), "did not answer for a dry run"),
    ],
)
def test_a_refusal_is_no_answer_about_the_record(error: Exception, told: str) -> None:
    objects = Objects(live(ANNOTATED))

    def fail() -> Changed:
        raise error

    objects.answers = [fail] * 4
    assert told in reason(objects)


class TestAKindWithVersions:
    """JSON Pointers of a custom resource are those of the version that the record names."""

    WIDGET = custom_resource("example.org", "Widget", "widgets", "v1", [Pattern("/spec/**")])
    NOTES: ClassVar = {
        RECORD: dump("k", {"/spec/a": Entry(Form.ANNOTATION, REF, versions=(1,))}, version="v1beta1"),
        "keyhole.dev/fields": f"/spec/a: {REF}",
    }

    def _outcome(self, answer: Callable[[], Changed]) -> tuple[Objects, ClusterObject | None]:
        objects = Objects({"metadata": {"annotations": self.NOTES}}, answers=[answer])
        facts = cluster_object(self.WIDGET, Described(objects.metadata(), None))
        one = tried(self.WIDGET, facts, self.NOTES)
        return objects, proved(cast("TenantApi", objects), Pace(run()), one)

    def test_it_is_tried_in_the_version_of_its_record(self) -> None:
        stored = Objects({"metadata": {"annotations": self.NOTES}})
        objects, found = self._outcome(lambda: Changed(stored.metadata()))
        assert objects.resource == Resource("example.org", "v1beta1", "Widget", "widgets")
        assert found is not None
        assert found.proof == "proved"

    def test_if_that_is_no_longer_served_it_is_not_known(self) -> None:
        def gone() -> Changed:
            raise KubernetesError("x", 404)

        _, found = self._outcome(gone)
        assert found is not None
        assert isinstance(found.proof, NotKnown)
        assert "no version v1beta1 of it any more" in found.proof.not_known


def test_an_object_that_is_gone_has_no_facts() -> None:
    objects = Objects(live(ANNOTATED))

    def gone() -> Changed:
        raise KubernetesError("x", 404)

    objects.answers = [gone]
    assert outcome(objects) is None


def test_one_that_was_refreshed_meanwhile_is_tried_again_and_told_as_it_is_now() -> None:
    before, objects = live(ANNOTATED), Objects(live(secret_of_another_reference()), version="8")
    objects.answers = [lambda: replace_version(objects, "7")]
    found = outcome(objects, before)
    assert found is not None
    assert found.proof == "proved"
    assert [field.reference for field in found.fields] == ["vault:secret/other#password"]
    assert len(objects.asked) == 2


def test_one_that_lost_its_record_meanwhile_has_none() -> None:
    notes = {name: text for name, text in live(ANNOTATED)["metadata"]["annotations"].items() if name != RECORD}
    bare = {**live(ANNOTATED), "metadata": {**live(ANNOTATED)["metadata"], "annotations": notes}}
    found = outcome(Objects(bare), live(ANNOTATED))
    assert found is not None
    assert (found.record, found.proof, found.unfilled) == (False, "no record", ("/data/a",))


def test_another_object_of_its_name_is_not_taken_for_it() -> None:
    assert "took its place" in reason(Objects(live(ANNOTATED), uid="another"))


def test_one_that_changes_again_and_again_is_not_known() -> None:
    objects = Objects(live(secret_of_another_reference()), version="8")
    objects.answers = [lambda: replace_version(objects, "7")] * 3
    found = outcome(objects, live(ANNOTATED))
    assert found is not None
    assert isinstance(found.proof, NotKnown)


def test_the_end_of_the_run_is_raised() -> None:
    objects, ended = Objects(live(ANNOTATED)), run()
    ended.stop("SIGTERM")
    metadata = objects.metadata()
    facts = cluster_object(SECRET, Described(metadata, None, "Opaque", 1))
    with pytest.raises(Stopped):
        proved(cast("TenantApi", objects), Pace(ended), tried(SECRET, facts, metadata.annotations))
    assert objects.asked == []


def secret_of_another_reference() -> dict[str, Any]:
    notes = {**ANNOTATED["metadata"]["annotations"], "data.keyhole.dev/a": "vault:secret/other#password"}
    return {**ANNOTATED, "metadata": {**ANNOTATED["metadata"], "annotations": notes}}


def replace_version(objects: Objects, version: str) -> Changed:
    """Return an answer about an earlier state of the object."""
    changed = {**objects.metadata().annotations, RECORD: "{}"}
    return Changed(replace(objects.metadata(changed), resource_version=version))
