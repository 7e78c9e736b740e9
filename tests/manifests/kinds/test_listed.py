"""The administrator's list of kinds: what it gives, and what is refused, with entry, member and cause."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.kinds.known import ONLY_SECRETS
from manifests.kinds.listed import MOST_KINDS, KindsError, read
from manifests.kinds.listed_schema import text

APPLICATION: dict[str, Any] = {
    "group": "argoproj.io",
    "kind": "Application",
    "resource": "applications",
    "version": "v1alpha1",
    "fields": ["/spec/source/helm/values", "/spec/source/helm/parameters/**"],
}
CONFIG_MAP = {"kind": "ConfigMap"}


def _list(*entries: object) -> str:
    return json.dumps({"kinds": entries})


def test_a_list_gives_codecs_after_that_of_secrets() -> None:
    kinds = read(_list(CONFIG_MAP, APPLICATION))
    assert [codec.resource for codec in kinds] == ["secrets", "configmaps", "applications"]
    assert len(kinds) == 3
    found = kinds.of("argoproj.io", "Application")
    assert found is not None
    assert (found.version, found.versions, found.is_listed) == ("v1alpha1", ("*",), True)
    assert found.is_fillable("/spec/source/helm/parameters/0/value")
    assert not found.is_fillable("/spec/source/repoURL")
    assert kinds.of("", "ConfigMap") is not None
    assert kinds.of("", "Application") is None


@pytest.mark.parametrize("written", ["kinds: []", "kinds:", '{"kinds": []}'])
def test_an_empty_list_leaves_secrets(written: str) -> None:
    assert list(read(written)) == list(ONLY_SECRETS)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("ConfigMap", r"kinds\[0\]: must be a map"),
        ({}, r"kinds\[0\].kind: is missing"),
        ({"kind": "ConfigMap", "fields": ["/data/a"]}, r"kinds\[0\].fields: is known for a ConfigMap"),
        ({"kind": "configmap"}, r"kinds\[0\].kind: must be a kind"),
        ({"kind": "Secret"}, "Secret cannot be listed: Secrets are filled without"),
        ({"kind": "Pod"}, "Pod cannot be listed: a value never stands in a pod's template"),
        ({"kind": "Namespace"}, "Namespace cannot be listed: it belongs to no namespace"),
        ({"kind": "Service"}, "Service cannot be listed: without a group, only ConfigMap can"),
        ({**APPLICATION, "scope": "Namespaced"}, r"kinds\[0\].scope: unknown; the members are"),
        ({**APPLICATION, "group": "apps", "kind": "Deployment"}, "variables .* are the way"),
        ({**APPLICATION, "group": "rbac.authorization.k8s.io", "kind": "Role"}, "decides who may do what"),
        ({**APPLICATION, "group": "admissionregistration.k8s.io"}, "decides who may do what"),
        ({**APPLICATION, "group": "certificates.k8s.io"}, "decides who may do what"),
        ({**APPLICATION, "group": "keyhole.dev"}, "Keyhole's own"),
        ({**APPLICATION, "group": "policy"}, "only ConfigMap can be listed"),
        ({**APPLICATION, "kind": "Rollout", "resource": "rollouts"}, "variables .* are the way"),
        ({**APPLICATION, "group": "cert-manager.io", "kind": "ClusterIssuer"}, "it belongs to no namespace"),
        ({**APPLICATION, "group": "Argoproj.io"}, r"kinds\[0\].group: must be an API group"),
        ({**APPLICATION, "group": 1}, r"kinds\[0\].group: must be an API group"),
        ({**APPLICATION, "resource": "applications/status"}, r"kinds\[0\].resource: must be the plural"),
        ({**APPLICATION, "version": "*"}, r"kinds\[0\].version: must be a version"),
        ({**APPLICATION, "fields": []}, r"kinds\[0\].fields: must be a list of JSON Pointers"),
        ({**APPLICATION, "fields": "/**"}, r"kinds\[0\].fields: must be a list of JSON Pointers"),
        ({**APPLICATION, "fields": ["/**", "/**"]}, r"kinds\[0\].fields\[1\]: is there twice"),
        ({**APPLICATION, "fields": ["/a", "/metadata/**"]}, r"kinds\[0\].fields\[1\]: leads into /metadata"),
        ({**APPLICATION, "fields": [1]}, r"kinds\[0\].fields\[0\]: must be a text"),
    ],
)
def test_an_entry_that_cannot_be_used_is_refused(entry: object, problem: str) -> None:
    with pytest.raises(KindsError, match=problem):
        read(_list(entry))


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "must be one map"),
        ("[]", "must be one map"),
        ("kinds: []\nmore: 1", "must be one map"),
        ("kinds: []\n---\nkinds: []", "must be one map"),
        ("kinds: {}", "kinds: must be a list"),
        ("kinds: [", "not YAML"),
        ("kinds: []\nkinds: []", "twice"),
        ("kinds: \ud800", "not Unicode"),
        (_list(CONFIG_MAP, CONFIG_MAP), r"kinds\[1\]: kinds\[0\] is the same"),
        (_list(APPLICATION, {**APPLICATION, "kind": "App"}), r"kinds\[1\]: kinds\[0\] is the same"),
        (_list(*[APPLICATION] * (MOST_KINDS + 1)), f"{MOST_KINDS} are the most"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(written: str, problem: str) -> None:
    with pytest.raises(KindsError, match=problem):
        read(written)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(APPLICATION)), inner, max_size=5),
    max_leaves=10,
)


@given(_JSON)
def test_nothing_but_a_clear_refusal_comes_of_anything_else(entry: object) -> None:
    try:
        read(json.dumps({"kinds": [entry]}).replace("\\ud", "d"))
    except KindsError as error:
        assert str(error).startswith("kinds[0]")


def test_the_published_schema_is_that_of_the_list() -> None:
    published = Path(__file__).resolve().parents[3] / "docs" / "kinds.schema.json"
    assert published.read_text(encoding="utf-8") == text(), (
        "python -m manifests.kinds.listed_schema > docs/kinds.schema.json writes it anew"
    )


@pytest.mark.parametrize("entry", [CONFIG_MAP, APPLICATION, {**APPLICATION, "fields": ["/**"]}])
def test_the_schema_takes_what_the_list_takes(entry: object) -> None:
    assert read(_list(entry))
    jsonschema.validate({"kinds": [entry]}, json.loads(text()))


@pytest.mark.parametrize(
    "entry",
    [
        *({}, {"kind": "Secret"}, {**CONFIG_MAP, "fields": ["/data/a"]}, {**APPLICATION, "scope": "Namespaced"}),
        *({**APPLICATION, "fields": []}, {**APPLICATION, "fields": ["spec"]}, {**APPLICATION, "version": "*"}),
    ],
)
def test_the_schema_refuses_what_the_list_refuses(entry: object) -> None:
    with pytest.raises(KindsError):
        read(_list(entry))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"kinds": [entry]}, json.loads(text()))
