"""What a pod needs, as its marker and annotations say, and what is wrong with a Secret's annotations."""

from dataclasses import replace

import pytest

from controller.variables.need import corrections, digest, needs
from kube.objects import Owner
from manifests.annotations import ENV_SECRET
from manifests.variables.generated import MarkerMismatch
from manifests.variables.owners import REVISION_LABEL
from tests.controller.variables.pods import pod

WANTED = {"data.keyhole.dev/PASSWORD": "vault:secret/app#password"}


def test_a_pod_without_a_marker_needs_nothing() -> None:
    assert needs(replace(pod("web", {}), annotations={})) == []


def test_a_marker_that_does_not_fit_is_refused() -> None:
    one, other = pod("web", {"A": "vault:secret/app#a"}), pod("web", {"A": "vault:secret/app#b"})
    with pytest.raises(MarkerMismatch):
        needs(replace(one, annotations={**one.annotations, ENV_SECRET: other.annotations[ENV_SECRET]}))


def test_only_the_controller_of_a_pod_counts_as_what_made_it() -> None:
    owners = (Owner("v1", "ConfigMap", "other", "cm"), Owner("apps/v1", "StatefulSet", "db", "sts", is_controller=True))
    (need,) = needs(replace(pod("web", {"A": "vault:secret/app#a"}), owners=owners, labels={REVISION_LABEL: "db-6f7"}))
    assert need.pod.controller is not None
    assert (need.pod.controller.kind, need.pod.controller.name) == ("StatefulSet", "db")
    assert need.pod.key == ("sts", "db-6f7")


@pytest.mark.parametrize(
    ("present", "changes"),
    [
        pytest.param(WANTED, {}, id="as it should be"),
        pytest.param({**WANTED, "keyhole.dev/record": "{}", "example/mine": "x"}, {}, id="with what is others'"),
        pytest.param({}, WANTED, id="emptied"),
        pytest.param({"data.keyhole.dev/PASSWORD": "vault:secret/other#x"}, WANTED, id="edited"),
        pytest.param(
            {**WANTED, "data.keyhole.dev/MORE": "x", "keyhole.dev/fields": "{}", "keyhole.dev/from": "a"},
            {"data.keyhole.dev/MORE": None, "keyhole.dev/fields": None, "keyhole.dev/from": None},
            id="with more",
        ),
        pytest.param({**WANTED, "keyhole.dev/ignore": "true"}, {"keyhole.dev/ignore": None}, id="told to be ignored"),
    ],
)
def test_corrections(present: dict[str, str], changes: dict[str, str | None]) -> None:
    assert corrections(present, WANTED) == changes
    assert (digest(present) == digest(WANTED)) is not bool(changes)
