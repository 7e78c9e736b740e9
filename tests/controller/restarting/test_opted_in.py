from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.restarting.opted_in import seen_as
from kube.objects import Metadata, ObjectName
from kube.workloads import FoundWorkload, WorkloadKind
from manifests.following import rolled
from manifests.following.rolled import Rolled, State
from manifests.following.workload import Used

MARK = Rolled(rolled.marks([State(Used("Secret", "app"), "uid", 1)]))
MARKED = {"keyhole.dev/rolled": rolled.dump(MARK)}


def found(document: dict[str, Any], annotations: dict[str, str] | None = None) -> FoundWorkload:
    return FoundWorkload(Metadata(ObjectName("shop", "app"), "1", annotations or {}, uid="uid"), document)


def of_template(annotations: Any) -> dict[str, Any]:
    return {"spec": {"template": {"metadata": {"annotations": annotations}}}}


@pytest.mark.parametrize("kind", [kind for kind in WorkloadKind if kind is not WorkloadKind.ROLLOUT])
def test_the_template_says_for_what_it_was_restarted(kind: WorkloadKind) -> None:
    seen = seen_as(kind, found(of_template(MARKED), MARKED)).workload
    assert (seen.dealt_with, seen.restarted_for) == (MARK, MARK)
    seen = seen_as(kind, found(of_template(None), MARKED)).workload
    assert (seen.dealt_with, seen.restarted_for) == (MARK, None)


@pytest.mark.parametrize(("spec", "expected"), [({"restartAt": "2026-01-01T00:00:00Z"}, MARK), ({}, None)])
def test_a_rollout_says_it_itself(spec: dict[str, Any], expected: Rolled | None) -> None:
    seen = seen_as(WorkloadKind.ROLLOUT, found({"spec": spec}, MARKED)).workload
    assert (seen.dealt_with, seen.restarted_for) == (MARK, expected)


def test_nothing_is_kept_that_its_owner_may_fill() -> None:
    seen = seen_as(WorkloadKind.DEPLOYMENT, found({}, {**MARKED, "big": "x" * 1000}))
    assert seen.metadata.annotations == {}


_WORDS = st.sampled_from(["spec", "template", "metadata", "annotations", "keyhole.dev/rolled", "status", "restartAt"])
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=20,
)


@given(st.sampled_from(WorkloadKind), st.dictionaries(_WORDS, _ANYTHING, max_size=3))
def test_any_document_can_be_seen(kind: WorkloadKind, document: dict[str, Any]) -> None:
    assert seen_as(kind, found(document)).workload.dealt_with is None
