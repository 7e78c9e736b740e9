from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.following.workload import Used, has_template, objects_used


def deployment(**pod: Any) -> dict[str, Any]:
    return {"kind": "Deployment", "spec": {"template": {"spec": pod}}}


def container(**parts: Any) -> dict[str, Any]:
    return {"name": "app", "image": "example/app", **parts}


VARIABLE = container(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "app", "key": "a"}}}])
ALL = container(envFrom=[{"prefix": "X_", "secretRef": {"name": "app"}}])


@pytest.mark.parametrize(
    ("pod", "used"),
    [
        pytest.param({"containers": [VARIABLE]}, {"Secret app"}, id="a variable"),
        pytest.param({"containers": [ALL]}, {"Secret app"}, id="all keys as variables"),
        pytest.param({"containers": [container()], "initContainers": [ALL]}, {"Secret app"}, id="an init container"),
        pytest.param(
            {"containers": [], "ephemeralContainers": [VARIABLE]}, {"Secret app"}, id="an ephemeral container"
        ),
        pytest.param({"volumes": [{"name": "v", "secret": {"secretName": "app"}}]}, {"Secret app"}, id="a volume"),
        pytest.param(
            {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "app"}}, {"configMap": {}}]}}]},
            {"Secret app"},
            id="a part of a projected volume",
        ),
        pytest.param(
            {"containers": [VARIABLE], "volumes": [{"secret": {"secretName": "tls"}}]},
            {"Secret app", "Secret tls"},
            id="several",
        ),
        pytest.param({"imagePullSecrets": [{"name": "pull"}]}, set(), id="not those for pulling images"),
        pytest.param(
            {"volumes": [{"csi": {"driver": "d", "nodePublishSecretRef": {"name": "a"}}}]},
            set(),
            id="not those by which a volume is mounted",
        ),
        pytest.param({"volumes": [{"configMap": {"name": "app"}}]}, {"ConfigMap app"}, id="a volume of a ConfigMap"),
        pytest.param(
            {
                "containers": [
                    container(
                        env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "one", "key": "a"}}}],
                        envFrom=[{"configMapRef": {"name": "two"}}, {"secretRef": {"name": "two"}}],
                    )
                ],
                "volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "three"}}]}}],
            },
            {"ConfigMap one", "ConfigMap two", "ConfigMap three", "Secret two"},
            id="ConfigMaps in all ways, beside a Secret of the same name",
        ),
        pytest.param({"containers": None, "volumes": None}, set(), id="null, as Go writes an empty list"),
        pytest.param(
            {"containers": ["x", {"env": {"a": 1}}, {"env": [{"valueFrom": {"secretKeyRef": {"name": 3}}}]}]},
            set(),
            id="nothing that is not of its kind",
        ),
    ],
)
def test_objects_used(pod: dict[str, Any], used: set[str]) -> None:
    assert {str(one) for one in objects_used(deployment(**pod))} == used


def test_a_rollout_that_refers_to_a_deployment_has_no_template_of_its_own() -> None:
    assert has_template(deployment(containers=[]))
    assert not has_template({"kind": "Rollout", "spec": {"workloadRef": {"kind": "Deployment", "name": "app"}}})


_WORDS = st.sampled_from(
    [
        "spec",
        "template",
        "containers",
        "initContainers",
        "env",
        "envFrom",
        "valueFrom",
        "secretKeyRef",
        "secretRef",
        "configMap",
        "configMapKeyRef",
        "configMapRef",
        "volumes",
        "secret",
        "secretName",
        "projected",
        "sources",
        "name",
    ]
)
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_ANYTHING = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3), max_leaves=30
)


@given(st.dictionaries(_WORDS, _ANYTHING, max_size=3), _ANYTHING)
def test_any_document_has_an_answer(document: dict[str, Any], pod: Any) -> None:
    for one in (document, {"spec": {"template": {"spec": pod}}}):
        assert all(isinstance(used, Used) and used.name for used in objects_used(one))
