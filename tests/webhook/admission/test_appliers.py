"""Who changed from where an object has its values, as it is counted."""

from collections.abc import Mapping
from typing import Any

import pytest

from manifests.kinds.known import ONLY_SECRETS
from metrics.meters import Meters
from resolver.deadline import Deadline
from tests.manifests.variables.pods import PASSWORD, deployment, done
from tests.webhook.admission.test_metered import Answers
from tests.webhook.admission.test_reapply import ANNOTATED, NOTE, Scene, found, live
from tests.webhook.admission.test_workloads import admission, request
from tests.webhook.reviews import parsed
from webhook.admission.metered import Appliers, MeteredAdmission
from webhook.model import Answer, Requester

FLUX = "system:serviceaccount:flux-system:kustomize-controller"
APPLIERS = Appliers.of(["ci", FLUX, "system:serviceaccount:argocd:*"], ["platform-team"])


@pytest.mark.parametrize(
    ("requester", "word"),
    [
        (Requester(FLUX), "listed"),
        (Requester("system:serviceaccount:argocd:argocd-application-controller"), "listed"),
        (Requester("ci"), "listed"),
        (Requester("ci2"), "user"),
        (Requester("ada", groups=("system:authenticated", "platform-team")), "listed"),
        (Requester("ada", groups=("system:authenticated",)), "user"),
        (Requester("kubernetes-admin", groups=("system:masters",)), "user"),
        (Requester("system:serviceaccount:shop:keyhole-reconciler"), "keyhole"),
        (Requester("system:serviceaccount:other:keyhole-reconciler"), "serviceaccount"),
        (Requester("system:serviceaccount:shop:default"), "serviceaccount"),
        (Requester("system:kube-controller-manager"), "serviceaccount"),
        (Requester(""), "user"),
    ],
)
def test_the_word_for_a_requester_is_of_a_closed_set(requester: Requester, word: str) -> None:
    assert APPLIERS.applier(requester, "shop") == word


def test_nobody_is_listed_by_default() -> None:
    assert Appliers().applier(Requester("ada"), "shop") == "user"
    assert Appliers().applier(Requester(FLUX), "shop") == "serviceaccount"


def test_a_star_alone_lists_everybody() -> None:
    assert Appliers.of(["*"], []).applier(Requester("ada"), "shop") == "listed"


def counted(answer: Answer, **asked: Any) -> list[str]:
    meters = Meters.alone()
    MeteredAdmission(Answers(answer), meters, ONLY_SECRETS, APPLIERS).answer(parsed({}, **asked), Deadline.after(5))
    return _appliers(meters)


def _appliers(meters: Meters) -> list[str]:
    name = "keyhole_admission_appliers_total{"
    return [line.removeprefix(name) for line in meters.text().decode().splitlines() if line.startswith(name)]


def without_reference(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    notes = {name: text for name, text in manifest["metadata"]["annotations"].items() if name != NOTE}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": notes}}


def with_reference(text: str) -> Mapping[str, Any]:
    manifest = live()
    notes = {**manifest["metadata"]["annotations"], NOTE: text}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": notes}}


ANOTHER = with_reference("vault:secret/other#password")


@pytest.mark.parametrize(
    ("scene", "new", "old"),
    [
        pytest.param(Scene(found()), ANNOTATED, None, id="a new object"),
        pytest.param(Scene(found()), ANOTHER, live(), id="another reference"),
        pytest.param(Scene(found(version=2), refresh=0), live(), live(), id="another version"),
        pytest.param(Scene(), without_reference(live()), live(), id="a reference that is gone"),
    ],
)
def test_whoever_changes_a_reference_or_a_version_is_counted_once(
    scene: Scene, new: Mapping[str, Any], old: Mapping[str, Any] | None
) -> None:
    answer = scene.answer(new, old)
    assert answer.allowed
    assert counted(answer) == ['applier="user"} 1.0']
    assert counted(answer, userInfo={"username": FLUX}) == ['applier="listed"} 1.0']
    assert counted(answer, dryRun=True) == []


@pytest.mark.parametrize(
    ("scene", "new", "old"),
    [
        pytest.param(Scene(found()), live(), live(), id="as it was, asked"),
        pytest.param(Scene(found(), refresh=0), live(), live(), id="as it was, asked anew"),
        pytest.param(Scene(), {"metadata": {"name": "app"}}, None, id="no references"),
    ],
)
def test_whoever_changes_nothing_is_not(scene: Scene, new: Mapping[str, Any], old: Mapping[str, Any] | None) -> None:
    answer = scene.answer(new, old)
    assert answer.allowed
    assert counted(answer) == []


def test_a_refused_change_is_none() -> None:
    answer = Scene(found(), allowed=False).answer(ANOTHER, live())
    assert not answer.allowed
    assert counted(answer) == []


def test_a_workload_counts_if_its_variables_change() -> None:
    first, again = deployment(PASSWORD), done(deployment(PASSWORD))
    other = deployment({"env.keyhole.dev/PASSWORD": "vault:secret/other#password"})
    counts = []
    for new, old in ((first, None), (again, again), ({**again, "spec": other["spec"]}, again)):
        meters = Meters.alone()
        metered = MeteredAdmission(admission(), meters, ONLY_SECRETS, APPLIERS)
        assert metered.answer(request(new, old), Deadline.after(5)).allowed
        counts.append(_appliers(meters))
    assert counts == [['applier="user"} 1.0'], [], ['applier="user"} 1.0']]
