"""VaultStaticSecrets become Secrets with whole secrets, and the workloads that they restart say so themselves."""

from typing import Any

import pytest
import yaml

from tests.review.languages.reading import AUTH, migrated

RAW = "the Secret has no key _raw any more; if something reads it, have it read the keys"


def static(spec: dict[str, Any] | None = None, *, before: str = AUTH, **destination: Any) -> str:
    """Return a VaultStaticSecret, and what it logs in with."""
    content = {
        "apiVersion": "secrets.hashicorp.com/v1beta1",
        "kind": "VaultStaticSecret",
        "metadata": {"name": "app", "namespace": "shop"},
        "spec": {
            "vaultAuthRef": "login",
            "mount": "kv",
            "type": "kv-v2",
            "path": "team/app",
            "refreshAfter": "30s",
            "destination": {"name": "app", "create": True, **destination},
            **(spec or {}),
        },
    }
    return f"{before}---\n{yaml.safe_dump(content)}"


def test_all_keys_of_a_path() -> None:
    found = migrated(static(labels={"a": "b"}, annotations={"c": "d"}, type="kubernetes.io/basic-auth"))
    assert found.secret() == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "app",
            "namespace": "shop",
            "labels": {"a": "b"},
            "annotations": {"c": "d", "keyhole.dev/from": "kv/team/app"},
        },
        "type": "kubernetes.io/basic-auth",
    }
    assert found.told == [RAW]
    assert found.conversions[0].stanzas["default"]["address"] == "https://vault.example:8200"


def test_without_the_raw_answer_nothing_is_missing() -> None:
    assert migrated(static(transformation={"excludeRaw": True})).told == []


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"type": "kv-v1"}, "kv/team/app"),
        ({"mount": "kv/team", "path": "kv/team/app"}, "kv/team/kv/team/app"),  # no mount is cut off here
        ({"path": "data/app"}, "kv/data/data/app"),
        ({"type": "kv-v1", "path": "data/app"}, "kv/data/app"),
        ({"type": "kv-v1", "version": 3}, "kv/team/app"),
    ],
)
def test_paths(spec: dict[str, Any], path: str) -> None:
    assert migrated(static(spec)).secret()["metadata"]["annotations"] == {"keyhole.dev/from": path}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"version": 2}, "all fields of a version"),
        ({"type": "kv-v3"}, "neither kv-v1 nor kv-v2"),
        ({"path": "../app"}, "no reference may have"),
        ({"namespace": "eu"}, "namespace of Vault"),
        ({"destination": {"name": "app"}}, "create is not true"),
        ({"destination": {"create": True}}, "no name"),
        ({"version": "x"}, "no number"),
        ({"destination": "text"}, "create is not true"),
    ],
)
def test_what_has_no_form_is_told_and_nothing_is_converted(spec: dict[str, Any], told: str) -> None:
    source = static(spec)
    found = migrated(source)
    assert found.text == source
    assert any(told in message for message in found.told), found.told


def test_a_version_is_pinned_key_by_key_when_vault_says_which_there_are() -> None:
    found = migrated(
        static({"version": 2}), keys_at=lambda _connection, path: ["a", "b"] if path == "kv/team/app" else []
    )
    assert found.secret()["metadata"]["annotations"] == {
        "data.keyhole.dev/a": "vault:kv/team/app#a#2",
        "data.keyhole.dev/b": "vault:kv/team/app#b#2",
    }


TEMPLATES = {
    "url": {"text": 'postgres://{{ .Secrets.user }}:{{ get .Secrets "pass-word" }}@db'},
    "alone": {"text": '{{- index .Secrets "user" | b64dec -}}'},
}


@pytest.mark.parametrize(
    ("transformation", "annotations"),
    [
        (
            {"excludes": [".*"], "templates": TEMPLATES},
            {
                "data.keyhole.dev/url": "postgres://((vault:kv/team/app#user)):((vault:kv/team/app#pass-word))@db",
                "data.keyhole.dev/alone": "vault:kv/team/app#user | base64decode",
            },
        ),
        (
            {"templates": {"a": {"text": "{{ .Secrets.b }}"}}},
            {"keyhole.dev/from": "kv/team/app", "data.keyhole.dev/a": "vault:kv/team/app#b"},
        ),
        (
            {"includes": ["^user$", r"^tls\.crt$"]},
            {
                "data.keyhole.dev/user": "vault:kv/team/app#user",
                "data.keyhole.dev/tls.crt": "vault:kv/team/app#tls.crt",
            },
        ),
    ],
)
def test_transformations_that_place_values(transformation: dict[str, Any], annotations: dict[str, str]) -> None:
    found = migrated(static(transformation={"excludeRaw": True, **transformation}))
    assert found.told == []
    assert found.secret()["metadata"]["annotations"] == annotations


def test_a_version_is_pinned_where_fields_are_named() -> None:
    found = migrated(static({"version": 2}, transformation={"includes": ["^user$"]}))
    assert found.secret()["metadata"]["annotations"] == {"data.keyhole.dev/user": "vault:kv/team/app#user#2"}


@pytest.mark.parametrize(
    ("transformation", "told"),
    [
        ({"transformationRefs": [{"name": "x"}]}, "from elsewhere"),
        ({"excludes": ["password"]}, "excludes depends"),
        ({"includes": ["user"]}, "more than one name"),
        ({"includes": ["^user|other$"]}, "more than one name"),
        ({"includes": "text"}, ""),
        ({"templates": {"a": {"text": "{{ .Secrets.b | upper }}"}}}, "the function upper"),
        ({"templates": {"a": {"text": "{{ .b }}"}}}, "more than a value"),
        ({"templates": {"a": {"text": '{{ b64enc (printf "%s" (get .Secrets "b")) }}'}}}, "more than a value"),
        ({"templates": {"a": {"text": '{{ printf "%s:" .Secrets.b | b64enc }}'}}}, "base64"),
        ({"templates": {"a": 1}}, ""),
    ],
)
def test_transformations_that_do_more_are_told(transformation: dict[str, Any], told: str) -> None:
    source = static(transformation={"excludeRaw": True, **transformation})
    found = migrated(source)
    assert not told or (found.text == source and told in " ".join(found.told)), found.told


def test_a_login_that_is_not_in_the_tree_is_taken_for_the_default_and_told() -> None:
    found = migrated(static({"vaultAuthRef": ""}, before=""))
    assert found.secret()["metadata"]["annotations"] == {"keyhole.dev/from": "kv/team/app"}
    assert any("taken for the connection default" in told for told in found.told)
    mapped = migrated(static(before=""), {"login": "eu"})
    assert mapped.secret()["metadata"]["annotations"] == {"keyhole.dev/from": "vault+eu:kv/team/app"}


def test_workloads_in_the_tree_are_annotated_and_others_are_told() -> None:
    targets = [{"kind": "Deployment", "name": "web"}, {"kind": "argo.Rollout", "name": "canary"}]
    deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web  # shop\n  namespace: shop\nspec: {}\n"
    source = f"{static({'rolloutRestartTargets': targets})}---\n{deployment}---\n{deployment.replace('web', 'other')}"
    found = migrated(source)
    (web, other) = [each for each in found.objects if each["kind"] == "Deployment"]
    assert web["metadata"]["annotations"] == {"keyhole.dev/restart": "true"}
    assert "annotations" not in other["metadata"]
    assert "name: web  # shop" in found.text
    assert found.told[1:] == ["the Rollout canary is not in the tree; annotate it with keyhole.dev/restart"]
    assert migrated(found.text).text == found.text


@pytest.mark.parametrize("kind", ["VaultDynamicSecret", "VaultPKISecret", "HCPVaultSecretsApp"])
def test_other_kinds_of_the_operator_are_told(kind: str) -> None:
    source = static().replace("kind: VaultStaticSecret", f"kind: {kind}")
    found = migrated(source)
    assert (found.text, len(found.told)) == (source, 1)
