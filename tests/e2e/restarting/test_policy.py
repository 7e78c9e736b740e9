"""What the reconciler's token can make of a workload: its marks, and nothing else. The objects are looked at.

The API server answers 200 for fields that a kind does not have, and drops them.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from testbed import Testbed
from testbed.keyhole.objects import apply
from tests.e2e.asker import Asker
from tests.e2e.restarting.workloads import PLURALS, Namespaced, workload

NAMESPACE = "restarting-policy"
MARK = {"metadata": {"annotations": {"keyhole.dev/rolled": "mark"}}}
CONTAINER = {"name": "app", "image": "example/app:1"}
_SECONDS = 60.0


def template(**pod: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": pod}}}


def container(**parts: Any) -> dict[str, Any]:
    return template(containers=[{**CONTAINER, **parts}])


REFUSED: Mapping[str, Mapping[str, Any]] = {
    "another image": container(image="example/another"),
    "another command": container(command=["sh"]),
    "other arguments": container(args=["-c"]),
    "another variable": container(env=[{"name": "A", "value": "b"}]),
    "a privileged container": container(securityContext={"privileged": True}),
    "one more container": template(containers=[CONTAINER, {**CONTAINER, "name": "more"}]),
    "an init container": template(initContainers=[{**CONTAINER, "name": "first"}]),
    "a volume": template(volumes=[{"name": "v", "secret": {"secretName": "other"}}]),
    "another ServiceAccount": template(serviceAccountName="default"),
    "the host's network": template(hostNetwork=True),
    "a node": template(nodeName="node"),
    "a label of the template": {"spec": {"template": {"metadata": {"labels": {"more": "x"}}}}},
    "another annotation of the template": {"spec": {"template": {"metadata": {"annotations": {"other": "2"}}}}},
    "one less": {"spec": {"template": {"metadata": {"annotations": {"other": None}}}}},
    "a problem on the template": {"spec": {"template": {"metadata": {"annotations": {"keyhole.dev/problem": "x"}}}}},
    "replicas": {"spec": {"replicas": 9}},
    "a strategy": {
        "spec": {
            "strategy": {"type": "Recreate", "rollingUpdate": None},
            "updateStrategy": {"type": "OnDelete", "rollingUpdate": None},
        }
    },
    "a history": {"spec": {"revisionHistoryLimit": 1}},
    "a restart of Argo's": {"spec": {"restartAt": "2026-01-01T00:00:00Z"}},
    "a label": {"metadata": {"labels": {"more": "x"}}},
    "another annotation": {"metadata": {"annotations": {"team": "another"}}},
    "an annotation less": {"metadata": {"annotations": {"team": None}}},
    "that it is restarted at all": {"metadata": {"annotations": {"keyhole.dev/restart": "false"}}},
    "an owner": {
        "metadata": {
            "ownerReferences": [{"apiVersion": "v1", "kind": "Secret", "name": "x", "uid": "1", "controller": True}]
        }
    },
    "a finalizer": {"metadata": {"finalizers": ["example/x"]}},
}
IS_ROLLOUTS_OWN = "a restart of Argo's"


@pytest.fixture(scope="module")
def namespace(bed: Testbed) -> Namespaced:
    """Return a namespace whose reconciler has every right of RBAC, so that the policy alone holds it."""
    reconciler = {"kind": "ServiceAccount", "name": "keyhole-reconciler", "namespace": NAMESPACE}
    rbac = "rbac.authorization.k8s.io"
    named = {"name": "everything", "namespace": NAMESPACE}
    apply(
        bed,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**named, "name": "keyhole-reconciler"}},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "Role",
            "metadata": named,
            "rules": [
                {"apiGroups": ["apps", "argoproj.io"], "resources": ["*"], "verbs": ["*"]},
                {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]},
            ],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": named,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "everything"},
            "subjects": [reconciler],
        },
    )
    return Namespaced(bed, NAMESPACE)


@pytest.fixture(scope="module")
def reconciler(bed: Testbed, namespace: Namespaced) -> Iterator[Asker]:
    token = bed.kubectl("create", "token", "keyhole-reconciler", "-n", NAMESPACE).stdout.strip()
    asker = Asker(bed, token=token)
    for kind in PLURALS:
        manifest = workload(kind, "app", NAMESPACE, ["one"], replicas=0)
        manifest["spec"]["template"]["metadata"]["annotations"] = {"other": "1"}
        manifest["metadata"]["annotations"]["team"] = "one"
        apply(bed, manifest)
    _wait_until_in_effect(asker)
    yield asker
    asker.close()


def path(kind: str, name: str = "app", part: str = "") -> str:
    version, _, plural = PLURALS[kind].rpartition("/")
    return f"/apis/{version}/namespaces/{NAMESPACE}/{plural}" + (f"/{name}" if name else "") + part


def _wait_until_in_effect(asker: Asker) -> None:
    """Wait for the rights, and for the policy: both are in effect a moment after they were written."""
    deadline = time.monotonic() + _SECONDS
    while True:
        allowed = asker.ask("PATCH", path("Rollout"), MARK)
        refused = asker.ask("PATCH", path("Rollout") + "?dryRun=All", {"metadata": {"labels": {"more": "x"}}})
        if allowed.ok and "keyhole-reconciler may change no metadata" in refused.text:
            return
        assert time.monotonic() < deadline, (allowed.text, refused.text)
        time.sleep(0.1)


def without_version(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what somebody wants of a workload."""
    metadata = {
        key: part
        for key, part in manifest["metadata"].items()
        if key not in {"resourceVersion", "managedFields", "generation"}
    }
    return {"metadata": metadata, "spec": manifest["spec"]}


@pytest.mark.parametrize("kind", PLURALS)
def test_it_may_not_change(reconciler: Asker, namespace: Namespaced, kind: str) -> None:
    passed = {}
    for what, body in REFUSED.items():
        before = without_version(namespace.get(kind, "app"))
        status = reconciler.ask("PATCH", path(kind), body).status_code
        after = without_version(namespace.get(kind, "app"))
        if kind == "Rollout" and what == IS_ROLLOUTS_OWN:
            assert after != before
        else:
            assert after == before, what
        if status == 200:
            passed[what] = kind
    # The API server has dropped these before the policy was asked, but for a Rollout's.
    dropped = {"Deployment": {IS_ROLLOUTS_OWN}, "StatefulSet": {IS_ROLLOUTS_OWN}, "Rollout": {IS_ROLLOUTS_OWN}}
    assert passed.keys() <= dropped.get(kind, {IS_ROLLOUTS_OWN, "replicas"})


@pytest.mark.parametrize("kind", PLURALS)
def test_it_may_restart_one_twice_in_a_row(reconciler: Asker, namespace: Namespaced, kind: str) -> None:
    for text in ("first", "second"):
        mark = {"metadata": {"annotations": {"keyhole.dev/rolled": text, "keyhole.dev/problem": text}}}
        rolled = {"metadata": {"annotations": {"keyhole.dev/rolled": text}}}
        spec = {"restartAt": "2026-02-01T00:00:00Z"} if kind == "Rollout" else {"template": rolled}
        answer = reconciler.ask("PATCH", path(kind), {**mark, "spec": spec})
        assert answer.ok, answer.text
        own, of_template = namespace.rolled(kind, "app")
        assert (own, of_template) == (text, None if kind == "Rollout" else text)
    gone = {"metadata": {"annotations": {"keyhole.dev/problem": None}}}
    assert reconciler.ask("PATCH", path(kind), gone).ok


def test_it_may_mark_a_workload_without_any_annotation(reconciler: Asker, namespace: Namespaced) -> None:
    manifest = workload("Deployment", "bare", NAMESPACE, [], replicas=0)
    del manifest["metadata"]["annotations"]
    namespace.apply(manifest)
    both = {**MARK, "spec": {"template": MARK}}
    assert reconciler.ask("PATCH", path("Deployment", "bare"), both).ok


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(lambda kind: ("PATCH", path(kind, part="/scale"), {"spec": {"replicas": 5}}), id="scale one"),
        pytest.param(lambda kind: ("PATCH", path(kind, part="/status"), {"status": {"replicas": 5}}), id="judge one"),
        pytest.param(lambda kind: ("POST", path(kind, ""), workload(kind, "made", NAMESPACE, [])), id="make one"),
        pytest.param(lambda kind: ("DELETE", path(kind), None), id="delete one"),
        pytest.param(lambda kind: ("DELETE", path(kind, ""), None), id="delete all"),
    ],
)
def test_with_every_right_of_rbac_it_cannot(
    reconciler: Asker, namespace: Namespaced, asked: Callable[[str], tuple[str, str, Mapping[str, Any] | None]]
) -> None:
    for kind in ("Deployment", "StatefulSet"):
        answer = reconciler.ask(*asked(kind))
        assert answer.status_code == 403, answer.text
        assert "keyhole-reconciler may change workloads, and not make" in answer.text
        assert namespace.get(kind, "app")["spec"]["replicas"] == 0


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        pytest.param({"type": "kubernetes.io/service-account-token"}, "of a type of its own", id="a token's"),
        pytest.param({"type": "example.org/own"}, "of a type of its own", id="another type's"),
        pytest.param({"name": "shop-password"}, "of another name", id="one by another name"),
        pytest.param({"labels": {}}, "without the label", id="one that nobody knows for generated"),
        pytest.param({}, "", id="one behind variables"),
    ],
)
def test_of_secrets_it_may_make_those_behind_variables(
    reconciler: Asker, namespace: Namespaced, manifest: Mapping[str, Any], told: str
) -> None:
    name = manifest.get("name", "web-keyhole-0123456789ab")
    labels = manifest.get("labels", {"keyhole.dev/generated": "true"})
    # Kubernetes fills a Secret of the first type with a token of this account, if it is made.
    notes = {"kubernetes.io/service-account.name": "default"}
    metadata = {"name": name, "namespace": NAMESPACE, "labels": labels, "annotations": notes}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": manifest.get("type", "Opaque")}
    answer = reconciler.ask("POST", f"/api/v1/namespaces/{namespace.name}/secrets?dryRun=All", secret)
    assert answer.status_code == (403 if told else 201), answer.text
    assert told in answer.text


def test_everybody_else_may(reconciler: Asker, namespace: Namespaced) -> None:
    assert reconciler
    for kind in PLURALS:
        namespace.change(kind, "app", {"metadata": {"labels": {"by": "its-owner"}}})
        assert namespace.get(kind, "app")["metadata"]["labels"] == {"by": "its-owner"}
