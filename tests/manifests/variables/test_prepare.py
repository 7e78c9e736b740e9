"""What becomes of a template whose variables are asked for in annotations."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.variables import marker
from manifests.variables.generated import generated
from manifests.variables.prepare import prepare
from manifests.variables.templates import WORKLOADS, Workload
from resolver.budget import Budget, TooMuchWork
from resolver.deadline import Deadline
from tests.manifests.variables.pods import (
    CRON_JOB,
    DEPLOYMENT,
    JOB,
    MARKER,
    PASSWORD,
    POD,
    container,
    deployment,
    done,
    env,
    notes_of,
    patched,
    problems,
    template,
    workload,
)

OURS = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "old-keyhole-0123456789ab", "key": "PASSWORD"}}}


@pytest.mark.parametrize("of", WORKLOADS, ids=lambda of: of.kind)
def test_each_kind_gets_the_variable_the_marker_and_the_label_in_its_template(of: Workload) -> None:
    result = done(workload(of, template(PASSWORD)), of=of)
    pod_template = of.template(result)
    assert pod_template is not None
    (secret,) = generated(pod_template["metadata"]["annotations"])
    assert pod_template["metadata"]["labels"] == {"app": "web", "keyhole.dev/env": "true"}
    source = {"secretKeyRef": {"key": "PASSWORD", "name": secret.name}}
    assert pod_template["spec"]["containers"][0]["env"] == [{"name": "PASSWORD", "valueFrom": source}]


def test_ours_come_first_and_sorted_and_the_rest_keeps_its_order() -> None:
    notes = {**PASSWORD, "env.keyhole.dev/A": "vault:secret/app#a", "web.env.keyhole.dev/Z": "vault:secret/app#z"}
    rest = [{"name": "URL", "value": "db://$(PASSWORD)@host"}, {"name": "B", "value": "b"}]
    found = done(deployment(notes, container("web", *rest), container("proxy")))
    assert env(found) == ["A<A", "PASSWORD<PASSWORD", "Z<web.Z", "URL=db://$(PASSWORD)@host", "B=b"]
    assert env(found, 1) == ["A<A", "PASSWORD<PASSWORD"]


def test_one_containers_variable_wins_over_that_of_all() -> None:
    notes = {**PASSWORD, "web.env.keyhole.dev/PASSWORD": "vault:secret/web#password"}
    found = done(deployment(notes, container("web"), container("proxy")))
    assert [env(found, 0), env(found, 1)] == [["PASSWORD<web.PASSWORD"], ["PASSWORD<PASSWORD"]]


def test_init_containers_and_sidecars_have_them_and_ephemeral_containers_do_not() -> None:
    more = {
        "initContainers": [container("init"), container("sidecar", restartPolicy="Always")],
        "ephemeralContainers": [container("debug")],
    }
    spec = done(deployment(PASSWORD, **more))["spec"]["template"]["spec"]
    assert [len(one.get("env", [])) for one in spec["initContainers"]] == [1, 1]
    assert spec["ephemeralContainers"] == [container("debug")]


def test_whole_secrets_come_before_the_other_sources() -> None:
    other = {"configMapRef": {"name": "settings"}}
    found = done(deployment({"keyhole.dev/env-from": "secret/a"}, container(envFrom=[other])))
    (secret,) = generated(notes_of(found))
    assert found["spec"]["template"]["spec"]["containers"][0]["envFrom"] == [
        {"secretRef": {"name": secret.name}},
        other,
    ]


def test_other_references_are_another_secret_and_the_old_entries_go() -> None:
    first = done(deployment({**PASSWORD, "keyhole.dev/env-from": "secret/a"}))
    changed = copy.deepcopy(first)
    changed["spec"]["template"]["metadata"]["annotations"] |= {
        "env.keyhole.dev/PASSWORD": "vault:secret/app#other",
        "keyhole.dev/env-from": "secret/b",
    }
    second = done(changed, first)
    before, after = (marker.parse(notes_of(one)[MARKER]) for one in (first, second))
    assert before is not None
    assert after is not None
    assert before.secret != after.secret
    assert before.whole != after.whole
    assert env(second) == ["PASSWORD<PASSWORD"]
    assert len(second["spec"]["template"]["spec"]["containers"][0]["envFrom"]) == 1


@pytest.mark.parametrize("stripped", ["the annotation", "everything but the entries"])
def test_what_is_no_longer_asked_for_goes_with_everything_of_ours(stripped: str) -> None:
    own = {"name": "A", "value": "a"}
    first = done(deployment({**PASSWORD, "keyhole.dev/env-from": "secret/a"}, container("web", own)))
    removed = copy.deepcopy(first)
    metadata = removed["spec"]["template"]["metadata"]
    if stripped == "the annotation":
        del metadata["annotations"]["env.keyhole.dev/PASSWORD"], metadata["annotations"]["keyhole.dev/env-from"]
    else:
        del metadata["annotations"]
    found = done(removed, first)
    assert found["spec"]["template"]["spec"] == template({}, container("web", own))["spec"]
    assert found["spec"]["template"]["metadata"]["labels"] == {"app": "web"}
    assert not notes_of(found)


def test_a_put_that_strips_everything_of_ours_ends_at_the_same_template() -> None:
    manifest = deployment(PASSWORD, container("web", {"name": "A", "value": "a"}))
    stored = done(manifest)
    assert done(manifest, stored) == stored


def test_a_container_that_another_webhook_adds_gets_them_when_keyhole_is_asked_again() -> None:
    first = done(deployment(PASSWORD))
    injected = copy.deepcopy(first)
    injected["spec"]["template"]["spec"]["containers"].insert(0, container("mesh"))
    found = done(injected)
    assert [env(found, 0), env(found, 1)] == [["PASSWORD<PASSWORD"], ["PASSWORD<PASSWORD"]]
    assert notes_of(found) == notes_of(first)


def test_a_workload_copied_from_another_one_gets_a_secret_of_its_own() -> None:
    copied = done(done(deployment(PASSWORD)), name="other")
    (secret,) = generated(notes_of(copied))
    assert secret.name.startswith("other-keyhole-")
    assert env(copied) == ["PASSWORD<PASSWORD"]


def test_without_a_name_the_secret_is_named_after_its_references_alone() -> None:
    (secret,) = generated(notes_of(done(workload(JOB, template(PASSWORD)), of=JOB, name=""), of=JOB))
    (same,) = generated(notes_of(done(workload(POD, template(PASSWORD)), of=POD, name=""), of=POD))
    assert secret.name == same.name
    assert secret.name.startswith("keyhole-")


def test_the_jobs_of_a_cron_job_have_its_name() -> None:
    found = done(workload(CRON_JOB, template(PASSWORD)), of=CRON_JOB)
    (secret,) = generated(notes_of(found, of=CRON_JOB))
    assert secret.name.startswith("web-keyhole-")


@pytest.mark.parametrize(
    "own",
    [
        pytest.param({"name": "PASSWORD", "value": "plain"}, id="a text"),
        pytest.param({"name": "PASSWORD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}, id="a source"),
        pytest.param(
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "database", "key": "p"}}}, id="another Secret"
        ),
    ],
)
def test_a_value_of_its_own_is_refused_on_create_and_replaced_on_update(own: dict[str, Any]) -> None:
    manifest = deployment(PASSWORD, container("web", own))
    assert problems(manifest) == [
        "container web, variable PASSWORD: has a value of its own, and an annotation fills it; remove one of the two"
    ]
    found = prepare(DEPLOYMENT, "web", manifest, deployment({}, container("web", own)))
    assert found.warnings == [
        "container web, variable PASSWORD has a value of its own, and an annotation fills it: the annotation counts"
    ]
    assert env(patched(manifest, found)) == ["PASSWORD<PASSWORD"]


@pytest.mark.parametrize("entry", [{"name": "PASSWORD"}, {"name": "PASSWORD", "value": ""}, OURS], ids=str)
def test_an_entry_with_nothing_or_one_of_ours_is_no_value_of_its_own(entry: dict[str, Any]) -> None:
    assert env(done(deployment(PASSWORD, container("web", entry)))) == ["PASSWORD<PASSWORD"]


@pytest.mark.parametrize(
    ("notes", "told"),
    [
        pytest.param(
            {"web.env.keyhole.dev/A": "vault:secret/app"},
            "annotation web.env.keyhole.dev/A: column 17: ",
            id="a reference without its field",
        ),
        pytest.param(
            {"env.keyhole.dev/A": "s3cr3t"}, "annotation env.keyhole.dev/A: has no reference", id="no reference"
        ),
        pytest.param(
            {"other.env.keyhole.dev/A": "vault:secret/app#a"},
            "annotation other.env.keyhole.dev/A: the template has no container other",
            id="no such container",
        ),
        pytest.param({"keyhole.dev/env-from": "secret/a,"}, "annotation keyhole.dev/env-from: ", id="an empty path"),
        pytest.param({"keyhole.dev/env": "A: [1]"}, "annotation keyhole.dev/env: line 1, column 4: ", id="no flat map"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(notes: dict[str, str], told: str) -> None:
    (problem,) = problems(deployment(notes))
    assert problem.startswith(told)
    assert "s3cr3t" not in problem


def test_texts_in_which_kubernetes_would_expand_variables_are_warned_about() -> None:
    notes = {"env.keyhole.dev/URL": "db://$(USER):((vault:secret/app#password))@host"}
    found = prepare(DEPLOYMENT, "web", deployment(notes))
    assert found.warnings == ["annotation env.keyhole.dev/URL: Kubernetes does not expand $(USER) beside a reference"]


def test_annotations_that_have_no_effect_here_are_warned_about() -> None:
    notes = {**PASSWORD, "data.keyhole.dev/A": "x", "keyhole.dev/from": "y", "keyhole.dev/evn": "z"}
    assert prepare(DEPLOYMENT, "web", deployment(notes)).warnings == [
        "annotation data.keyhole.dev/A fills fields of a Secret, and this is a pod template: it has no effect",
        "annotation keyhole.dev/from fills fields of a Secret, and this is a pod template: it has no effect",
        "annotation keyhole.dev/evn means nothing to Keyhole",
    ]


@pytest.mark.parametrize("of", [POD, JOB], ids=lambda of: of.kind)
class TestWhatCannotChange:
    """Containers of a Pod and of a Job's template cannot change once they exist."""

    def test_other_references_are_refused(self, of: Workload) -> None:
        stored = done(workload(of, template(PASSWORD)), of=of)
        changed = copy.deepcopy(stored)
        pod_template = of.template(changed)
        assert pod_template is not None
        pod_template["metadata"]["annotations"]["env.keyhole.dev/PASSWORD"] = "vault:secret/app#other"
        assert problems(changed, stored, of=of) == [
            f"container web: the variables of a {of.kind} cannot change; delete it and create it again"
        ]

    def test_a_put_that_strips_everything_of_ours_ends_at_the_same_template(self, of: Workload) -> None:
        manifest = workload(of, template(PASSWORD))
        stored = done(manifest, of=of)
        assert done(manifest, stored, of=of) == stored

    def test_one_that_was_made_without_keyhole_is_left_alone(self, of: Workload) -> None:
        manifest = workload(of, template(PASSWORD))
        assert not prepare(of, "web", manifest, manifest).operations


def test_a_forged_marker_is_written_anew() -> None:
    forged = marker.dump(marker.Marker("apps/Deployment/other", "other-keyhole-0123456789ab"))
    for text in (forged, "nonsense", "x" * 100_000):
        assert done(deployment({**PASSWORD, MARKER: text})) == done(deployment(PASSWORD))


def test_a_forged_label_goes() -> None:
    manifest = deployment({"keyhole.dev/ignore": "A"})
    manifest["spec"]["template"]["metadata"]["labels"]["keyhole.dev/env"] = "true"
    assert done(manifest)["spec"]["template"]["metadata"]["labels"] == {"app": "web"}


def test_a_template_without_metadata_gets_one() -> None:
    manifest = {
        "spec": {"template": {"spec": {"containers": [container("web", {"name": "A", "value": "vault:a/b#c"})]}}}
    }
    assert done(manifest)["spec"]["template"]["metadata"]["labels"] == {"keyhole.dev/env": "true"}


class TestSize:
    """Time grows with the size, and what is too large is refused before the work is done."""

    def test_five_hundred_containers_with_ten_variables_each(self) -> None:
        notes = {f"env.keyhole.dev/V{number}": f"vault:secret/app#v{number}" for number in range(10)}
        paid: list[int] = []
        manifest = deployment(notes, *(container(f"c{number}") for number in range(500)))
        found = prepare(DEPLOYMENT, "web", manifest, pay=paid.append)
        result = patched(manifest, found)
        assert sum(len(env(result, number)) for number in range(500)) == 5_000
        assert sum(paid) < 50_000_000

    def test_five_thousand_variables_are_refused(self) -> None:
        notes = {"keyhole.dev/env": "".join(f"V{number}: vault:s/a#b\n" for number in range(900))}
        notes |= {f"c{number}.env.keyhole.dev/A": "vault:s/a#b" for number in range(4_100)}
        assert problems(deployment(notes)) == [
            "the template: it has 5000 variables, and 1000 are the most; use several workloads or whole secrets"
        ]

    def test_five_thousand_in_place_are_refused(self) -> None:
        entries = [{"name": f"V{number}", "value": "vault:secret/a#b"} for number in range(10)]
        manifest = deployment({}, *(container(f"c{number}", *entries) for number in range(500)))
        assert problems(manifest) == [
            "the template: it has 5000 variables, and 1000 are the most; use several workloads or whole secrets"
        ]

    def test_many_variables_in_many_containers_are_refused(self) -> None:
        notes = {f"env.keyhole.dev/V{number}": "vault:secret/app#v" for number in range(1_000)}
        (problem,) = problems(deployment(notes, *(container(f"c{number}") for number in range(500))))
        assert problem == "the template: its containers would get 500000 variables together, and 10000 are the most"

    def test_more_work_than_one_object_may_take_is_refused(self) -> None:
        entries = [{"name": f"V{number}", "value": "vault:secret/a#b"} for number in range(30_000)]
        budget = Budget("shop", Deadline.after(60))
        with pytest.raises(TooMuchWork):
            prepare(DEPLOYMENT, "web", deployment({}, container("web", *entries)), pay=budget.spend)

    def test_time_is_paid_for_in_proportion(self) -> None:
        def paid(count: int) -> int:
            units: list[int] = []
            notes = {f"env.keyhole.dev/V{number}": "vault:secret/app#v" for number in range(count)}
            prepare(DEPLOYMENT, "web", deployment(notes), pay=units.append)
            return sum(units)

        assert paid(800) <= 4.5 * paid(200)


TEXTS = st.sampled_from(["vault:secret/a#b", "vault:secret/a#c", "x ((vault:secret/a#b))"])
NAMES = st.sampled_from(["A", "B", "C.D"])
ENTRIES = st.lists(
    st.one_of(
        st.builds(lambda name, value: {"name": name, "value": value}, NAMES, TEXTS | st.just("plain")),
        st.builds(lambda name: {**OURS, "name": name}, NAMES),
        st.builds(lambda name: {"name": name, "valueFrom": {"fieldRef": {"fieldPath": "x"}}}, NAMES),
    ),
    max_size=4,
)
NOTES = st.dictionaries(
    st.builds(lambda container, name: f"{container}env.keyhole.dev/{name}", st.sampled_from(["", "web."]), NAMES), TEXTS
)
MANIFESTS = st.builds(lambda notes, entries: deployment(notes, container("web", *entries)), NOTES, ENTRIES)


@settings(max_examples=100)
@given(manifest=MANIFESTS, before=st.none() | MANIFESTS)
def test_twice_equals_once_and_the_marker_always_fits(manifest: dict[str, Any], before: dict[str, Any] | None) -> None:
    stored = None
    if before is not None:
        found = prepare(DEPLOYMENT, "web", before, before)
        stored = before if found.problems else patched(before, found)
    found = prepare(DEPLOYMENT, "web", manifest, stored)
    if found.problems:
        return
    once = patched(manifest, found)
    again = prepare(DEPLOYMENT, "web", once, stored)
    assert not again.operations
    assert not again.problems
    assert not prepare(DEPLOYMENT, "web", once, once).operations
    secrets = generated(notes_of(once))
    named = {
        entry["valueFrom"]["secretKeyRef"]["name"]
        for entry in once["spec"]["template"]["spec"]["containers"][0].get("env", [])
        if "secretKeyRef" in entry.get("valueFrom", {})
    }
    assert named == {secret.name for secret in secrets}


@given(notes=NOTES, random=st.randoms(use_true_random=False))
def test_the_order_of_annotations_is_irrelevant(notes: dict[str, str], random: Any) -> None:
    shuffled = list(notes.items())
    random.shuffle(shuffled)
    assert done(deployment(notes)) == done(deployment(dict(shuffled)))


class TestHostile:
    """Whoever writes a template writes all of it; what cannot be so is refused on one line, and the rest is undone."""

    def test_ten_thousand_annotations(self) -> None:
        notes = {f"env.keyhole.dev/V{number}": "x" for number in range(10_000)}
        assert problems(deployment(notes)) == [
            "the template: it has 10000 variables, and 1000 are the most; use several workloads or whole secrets"
        ]

    @pytest.mark.parametrize(
        ("note", "shown"),
        [
            ("env.keyhole.dev/A\nB", r'annotation "env.keyhole.dev/A\nB"'),
            ("env.keyhole.dev/A\x1b[31m", r'annotation "env.keyhole.dev/A\u001b[31m"'),
            ("env.keyhole.dev/A\u202eB", r'annotation "env.keyhole.dev/A\u202eB"'),
            ("env.keyhole.dev/", "annotation env.keyhole.dev/"),
            ("env.keyhole.dev/A=B", 'annotation "env.keyhole.dev/A=B"'),
        ],
    )
    def test_names_that_no_variable_can_have(self, note: str, shown: str) -> None:
        (problem,) = problems(deployment({note: "vault:secret/a#b"}))
        assert problem == f'{shown}: no variable has such a name: printable ASCII without "="'

    @pytest.mark.parametrize("container_name", ["a/b", "", "A\nB"])
    def test_containers_whose_names_cannot_be(self, container_name: str) -> None:
        manifest = deployment({}, container(container_name, {"name": "A", "value": "vault:secret/a#b"}))
        found = prepare(DEPLOYMENT, "web", manifest)
        assert found.problems or not prepare(DEPLOYMENT, "web", patched(manifest, found)).operations

    def test_a_marker_that_lists_the_annotations_of_others_takes_away_only_what_nobody_wrote(self) -> None:
        listed = {MARKER: marker.dump(marker.Marker("", "keyhole-0123456789ab", in_place=("web/A", "web/B")))}
        notes = {"web.env.keyhole.dev/A": "vault:secret/a#b", **listed}
        assert env(done(deployment(notes))) == ["A<web.A"]

    def test_a_secret_of_our_form_under_another_name_goes(self) -> None:
        theirs = {"name": "STOLEN", "valueFrom": {"secretKeyRef": {"name": "other-keyhole-0123456789ab", "key": "A"}}}
        assert env(done(deployment(PASSWORD, container("web", theirs)))) == ["PASSWORD<PASSWORD"]
