"""ExternalSecrets become Secrets with references, or it is told why not. Never half of one."""

import json
from typing import Any

import pytest
import yaml

from tests.review.languages.reading import LANGUAGES, STORE, external, migrated

REF = "remoteRef: {key: app, property: password}"
ONE = f"data: [{{secretKey: password, {REF}}}]"
ANNOTATION = "data.keyhole.dev/password"


def notes(spec: str, **options: Any) -> dict[str, Any]:
    found = migrated(external(spec, **options))
    assert found.told == []
    annotations: dict[str, Any] = found.secret()["metadata"]["annotations"]
    return annotations


def test_one_key() -> None:
    found = migrated(external(f"refreshInterval: 1h\n{ONE}"))
    assert found.secret() == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "app",
            "namespace": "shop",
            "annotations": {ANNOTATION: "vault:secret/app#password"},
        },
    }
    assert found.text.startswith(STORE)
    assert found.conversions[0].references == 1


def test_the_connection_is_told_as_a_stanza() -> None:
    (conversion,) = migrated(external(ONE)).conversions
    assert conversion.stanzas == {
        "default": {
            "address": "https://vault.example:8200",
            "auth": {"method": "kubernetes", "role": "keyhole-{namespace}", "mount": "kube"},
            "mounts": {"secret": 2},
        }
    }


@pytest.mark.parametrize(
    ("ref", "reference"),
    [
        ("{key: app, property: password}", "vault:secret/app#password"),
        ("{key: app, property: password, version: '3'}", "vault:secret/app#password#3"),
        ("{key: app, property: password, version: '0'}", "vault:secret/app#password"),
        ("{key: app, property: tls.crt}", "vault:secret/app#tls.crt"),
        ("{key: app, property: .dockerconfigjson}", "vault:secret/app#.dockerconfigjson"),
        ("{key: app, property: password, decodingStrategy: None}", "vault:secret/app#password"),
        ("{key: app, property: p, decodingStrategy: Base64}", "vault:secret/app#p | base64decode"),
        ("{key: app, property: p, decodingStrategy: Base64URL}", "vault:secret/app#p | base64decode"),
        (
            "{key: secret/data/app, property: p, conversionStrategy: Default, metadataPolicy: None}",
            "vault:secret/app#p",
        ),
        ("{key: app, property: 'a b'}", "vault:secret/app#a b"),
    ],
)
def test_remote_refs(ref: str, reference: str) -> None:
    assert notes(f"data: [{{secretKey: password, remoteRef: {ref}}}]") == {ANNOTATION: reference}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("data: [{secretKey: a, remoteRef: {key: app}}]", "as one JSON text"),
        ("data: [{secretKey: a, remoteRef: {key: app, property: 'a.#.b'}}]", "query"),
        ("data: [{secretKey: a, remoteRef: {key: app, property: p, decodingStrategy: Auto}}]", "depends on the value"),
        ("data: [{secretKey: a, remoteRef: {key: app, property: p, metadataPolicy: Fetch}}]", "metadata"),
        ("data: [{secretKey: a, remoteRef: {key: app, property: p, version: latest}}]", "no number"),
        ("data: [{secretKey: a, remoteRef: {key: '${ENV}/app', property: p}}]", "variable"),
        ("data: [{secretKey: a, remoteRef: {key: app, property: p}, sourceRef: {generatorRef: {}}}]", "generator"),
        ("data: [{secretKey: a/b, remoteRef: {key: app, property: p}}]", "no name that a key"),
        ("dataFrom: [{find: {name: {regexp: .*}}}]", "find"),
        ("dataFrom: [{extract: {key: app}, rewrite: [{regexp: {source: a, target: b}}]}]", "rewrite"),
        ("dataFrom: [{extract: {key: app, property: a}}]", "members of a field"),
        ("dataFrom: [{extract: {key: app, version: '2'}}]", "all fields of a version"),
        ("dataFrom: [{extract: {key: app, decodingStrategy: Base64}}]", "decoding all fields"),
        ("dataFrom: [{sourceRef: {generatorRef: {kind: Password, name: x}}}]", "a generator"),
        (f"target: {{creationPolicy: Merge}}\n{ONE}", "creationPolicy Merge"),
        (f"target: {{creationPolicy: None}}\n{ONE}", "creationPolicy None"),
        (f"target: {{manifest: {{apiVersion: v1, kind: ConfigMap}}}}\n{ONE}", "another kind"),
        (f"target: {{template: {{templateFrom: [{{configMap: {{name: x}}}}]}}}}\n{ONE}", "from elsewhere"),
        (f"target: {{template: {{engineVersion: v1, data: {{a: b}}}}}}\n{ONE}", "engine v1"),
        (
            f"target: {{template: {{metadata: {{labels: {{a: '{{{{ .password }}}}'}}}}}}}}\n{ONE}",
            "metadata from values",
        ),
        (f"target: {{template: {{data: {{a: '{{{{ .password | upper }}}}'}}}}}}\n{ONE}", "the function upper"),
        (f"target: {{template: {{data: {{a: '{{{{ .nobody }}}}'}}}}}}\n{ONE}", "where nobody comes from"),
        (f"target: {{template: {{data: {{a: 'vault:x/y#z {{{{ .password }}}}'}}}}}}\n{ONE}", "reference"),
        (f"target: {{template: {{data: {{a: '((vault:x/y#z)) {{{{ .password }}}}'}}}}}}\n{ONE}", "reference"),
        ("target: {name: x}", "asks for nothing"),
    ],
)
def test_what_has_no_form_is_told_and_nothing_is_converted(spec: str, told: str) -> None:
    source = external(spec)
    found = migrated(source)
    assert found.text == source
    assert any(told in message for message in found.told), found.told


def test_everything_that_is_wrong_is_told_at_once_and_where() -> None:
    (conversion,) = migrated(
        external("data: [{secretKey: a, remoteRef: {key: app}}, {secretKey: b, remoteRef: {key: ../x, property: y}}]")
    ).conversions
    assert [told.path for told in conversion.told] == [
        ("spec", "data", 0, "remoteRef"),
        ("spec", "data", 1, "remoteRef", "key"),
    ]


def test_a_property_with_a_dot_is_a_field_and_the_doubt_is_told() -> None:
    found = migrated(external("data: [{secretKey: password, remoteRef: {key: app, property: db.password}}]"))
    assert found.secret()["metadata"]["annotations"] == {ANNOTATION: "vault:secret/app#db.password"}
    assert any("#db | json:/password" in told for told in found.told)


@pytest.mark.parametrize(
    ("keys", "reference"),
    [(["db.password", "db"], "vault:secret/app#db.password"), (["db"], "vault:secret/app#db | json:/password")],
)
def test_vault_says_what_a_dot_means(keys: list[str], reference: str) -> None:
    source = external("data: [{secretKey: password, remoteRef: {key: app, property: db.password}}]")
    found = migrated(
        source, keys_at=lambda connection, path: keys if (connection, path) == ("default", "secret/app") else []
    )
    assert found.secret()["metadata"]["annotations"] == {ANNOTATION: reference}
    assert found.told == []


def test_vault_says_that_a_field_is_missing() -> None:
    source = external("data: [{secretKey: password, remoteRef: {key: app, property: password}}]")
    assert migrated(source, keys_at=lambda _connection, _path: ["user"]).told == ["Vault has no such field"]


def test_whole_secrets_in_their_order() -> None:
    spec = "dataFrom: [{extract: {key: a}}, {extract: {key: b}}, {extract: {key: a}}]"
    # Of one path that stands there twice the last one counts.
    assert notes(spec) == {"keyhole.dev/from": "secret/b, secret/a"}


@pytest.mark.parametrize(("strategy", "key"), [("Default", "a_b"), ("Unicode", "a_U0020_b")])
def test_vault_says_which_fields_the_operator_renames(strategy: str, key: str) -> None:
    source = external(f"dataFrom: [{{extract: {{key: a, conversionStrategy: {strategy}}}}}]")
    found = migrated(source, keys_at=lambda _connection, _path: ["a b", "c"])
    assert found.secret()["metadata"]["annotations"] == {
        "keyhole.dev/from": "secret/a",
        f"data.keyhole.dev/{key}": "vault:secret/a#a b",
    }


def test_a_template_takes_a_value_of_a_whole_secret() -> None:
    spec = "dataFrom: [{extract: {key: a}}]\ntarget: {template: {data: {url: 'x://{{ .user }}@h'}}}"
    assert notes(spec) == {"data.keyhole.dev/url": "x://((vault:secret/a#user))@h"}


def test_of_several_whole_secrets_nobody_can_tell_whose_value_it_is() -> None:
    spec = (
        "dataFrom: [{extract: {key: a}}, {extract: {key: b}}]\ntarget: {template: {data: {url: 'x://{{ .user }}@h'}}}"
    )
    assert any("where user comes from" in told for told in migrated(external(spec)).told)


def test_a_template_replaces_the_keys_unless_it_is_merged() -> None:
    template = "target: {template: {mergePolicy: %s, data: {url: 'x://{{ .password }}'}}}\n" + ONE
    url = {"data.keyhole.dev/url": "x://((vault:secret/app#password))"}
    assert notes(template % "Replace") == url
    assert notes(template % "Merge") == {ANNOTATION: "vault:secret/app#password", **url}


def test_a_template_without_data_only_says_what_is_around_it() -> None:
    spec = f"target: {{template: {{type: kubernetes.io/tls, metadata: {{labels: {{a: b}}}}}}}}\n{ONE}"
    secret = migrated(external(spec)).secret()
    assert (secret["type"], secret["metadata"]["labels"]) == ("kubernetes.io/tls", {"a": "b"})
    assert secret["metadata"]["annotations"] == {ANNOTATION: "vault:secret/app#password"}


def test_functions_and_plain_text() -> None:
    spec = f"target: {{template: {{data: {{a: '{{{{ .password | b64dec }}}}', b: plain}}}}}}\n{ONE}"
    secret = migrated(external(spec)).secret()
    assert secret["metadata"]["annotations"] == {"data.keyhole.dev/a": "vault:secret/app#password | base64decode"}
    assert secret["stringData"] == {"b": "plain"}


def test_a_whole_file_keeps_its_lines() -> None:
    lines = "target:\n  template:\n    data:\n      app.ini: |\n        [db]\n        password = {{ .password }}\n"
    spec = f"{lines}{ONE}"
    assert notes(spec) == {"data.keyhole.dev/app.ini": "[db]\npassword = ((vault:secret/app#password))\n"}


def test_a_key_that_no_annotation_can_name_stands_in_the_map() -> None:
    spec = "data: [{secretKey: .npmrc, remoteRef: {key: app, property: npmrc}}]"
    (name, text), *_ = notes(spec).items()
    assert (name, yaml.safe_load(text)) == ("keyhole.dev/fields", {"/data/.npmrc": "vault:secret/app#npmrc"})


DOCKER = """\
target:
  template:
    type: kubernetes.io/dockerconfigjson
    data:
      .dockerconfigjson: |
        {"auths": {"r.example": %s}}
data:
- {secretKey: user, remoteRef: {key: app, property: user}}
- {secretKey: pass, remoteRef: {key: app, property: pass}}
"""
AUTH = '"auth": "{{ printf "%s:%s" .user .pass | b64enc }}"'


def test_a_docker_configuration() -> None:
    entry = '{"username": "{{ .user }}", "password": "{{ .pass }}", ' + AUTH + "}"
    (name, text), *_ = notes(DOCKER % entry).items()
    assert name == "keyhole.dev/fields"
    assert json.loads(yaml.safe_load(text)["/data/.dockerconfigjson"])["auths"]["r.example"] == {
        "username": "((vault:secret/app#user))",
        "password": "((vault:secret/app#pass))",
        "auth": "",  # Keyhole builds it
    }


@pytest.mark.parametrize(
    "entry",
    [
        '{"username": "{{ .pass }}", "password": "{{ .pass }}", ' + AUTH + "}",
        "{" + AUTH + "}",
        '{"auth": "{{ printf "%s-%s" .user .pass | b64enc }}"}',
        '{"note": "{{ printf "%s:%s" .user .pass | b64enc }}"}',
        '{"note": "{{ .user }}"}',
        "{{ .user }}",
    ],
)
def test_a_docker_configuration_that_keyhole_would_build_otherwise(entry: str) -> None:
    source = external(DOCKER % entry)
    found = migrated(source)
    assert (found.text, bool(found.told)) == (source, True)


def test_labels_and_annotations_are_the_objects_own_unless_a_template_has_some() -> None:
    metadata = (
        "{name: app, namespace: shop, labels: {app: shop}, annotations: {team: a, argocd.argoproj.io/sync-wave: '-1',"
        " external-secrets.io/force-sync: '1', kubectl.kubernetes.io/last-applied-configuration: x}}"
    )
    own = migrated(external(ONE, metadata=metadata)).secret()["metadata"]
    assert own["labels"] == {"app": "shop"}
    assert set(own["annotations"]) == {"team", "argocd.argoproj.io/sync-wave", ANNOTATION}
    spec = f"target: {{template: {{metadata: {{annotations: {{x: w}}}}}}}}\n{ONE}"
    templated = migrated(external(spec, metadata=metadata)).secret()["metadata"]
    assert "labels" not in templated
    # Who applies the object reads this one, wherever the operator took the Secret's from.
    assert set(templated["annotations"]) == {"x", "argocd.argoproj.io/sync-wave", ANNOTATION}


@pytest.mark.parametrize("text", ["yes", "1", "y"])
@pytest.mark.parametrize("part", ["labels", "annotations"])
def test_a_label_or_annotation_that_is_no_text_is_told(part: str, text: str) -> None:
    found = migrated(external(f"target: {{template: {{metadata: {{{part}: {{x: {text}}}}}}}}}\n{ONE}"))
    assert any("a label or an annotation is no text" in told for told in found.told)


@pytest.mark.parametrize("spec", ["refreshInterval: '0'", "refreshPolicy: CreatedOnce", "refreshPolicy: OnChange"])
def test_what_is_read_once_does_not_follow(spec: str) -> None:
    assert notes(f"{spec}\n{ONE}")["keyhole.dev/follow"] == "false"


def test_name_and_immutability_of_the_target() -> None:
    secret = migrated(external(f"target: {{name: other, immutable: true, creationPolicy: Orphan}}\n{ONE}")).secret()
    assert (secret["metadata"]["name"], secret["immutable"]) == ("other", True)


def test_what_only_happens_in_time_is_told_beside_the_conversion() -> None:
    found = migrated(external(f"target: {{deletionPolicy: Delete}}\n{ONE}"))
    assert found.secret()["metadata"]["name"] == "app"
    assert any("deletionPolicy Delete" in told for told in found.told)


def test_a_cluster_store() -> None:
    store = STORE.replace("kind: SecretStore", "kind: ClusterSecretStore").replace(", namespace: shop", "")
    source = external(ONE, store=store).replace("{name: vault}\n", "{name: vault, kind: ClusterSecretStore}\n")
    assert migrated(source).secret()["metadata"]["annotations"] == {ANNOTATION: "vault:secret/app#password"}


def test_another_store_for_one_entry() -> None:
    other = STORE.replace("name: vault,", "name: old,").replace("path: secret, version: v2", "path: kv, version: v1")
    source = external(
        "data: [{secretKey: password, remoteRef: {key: app, property: p, version: '3'}, "
        "sourceRef: {storeRef: {name: old}}}]",
        store=f"{STORE}---\n{other}",
    )
    # KV v1 keeps no versions, and the operator's question for one has no effect there.
    assert migrated(source).secret()["metadata"]["annotations"] == {ANNOTATION: "vault:kv/app#p"}


def test_a_store_that_is_not_in_the_tree_comes_from_the_map() -> None:
    source = external(ONE, store="")
    assert any("--map vault=CONNECTION/MOUNT" in told for told in migrated(source).told)
    found = migrated(source, {"vault": "eu/kv/team"})
    assert found.secret()["metadata"]["annotations"] == {ANNOTATION: "vault+eu:kv/team/app#password"}


def test_stores_of_several_vaults_need_the_map() -> None:
    other = STORE.replace("name: vault,", "name: old,").replace("vault.example", "old.example")
    source = external(ONE, store=f"{STORE}---\n{other}")
    assert any("2 Vaults" in told for told in migrated(source).told)
    found = migrated(source, {"vault": "eu"})
    assert found.secret()["metadata"]["annotations"] == {ANNOTATION: "vault+eu:secret/app#password"}


def test_two_stores_of_one_name_that_differ() -> None:
    twin = STORE.replace("path: secret", "path: other")
    assert any("several SecretStores" in told for told in migrated(external(ONE, store=f"{STORE}---\n{twin}")).told)


def test_a_store_of_another_provider() -> None:
    store = STORE.replace("vault: {server", "aws: {server")
    assert any("is no Vault, it is aws" in told for told in migrated(external(ONE, store=store)).told)


@pytest.mark.parametrize("kind", ["ClusterExternalSecret", "PushSecret"])
def test_other_kinds_of_the_operator_are_told(kind: str) -> None:
    source = external(ONE).replace("kind: ExternalSecret", f"kind: {kind}")
    found = migrated(source)
    assert (found.text, len(found.told)) == (source, 1)


def test_an_older_version_of_the_api() -> None:
    assert (
        migrated(external(ONE).replace("external-secrets.io/v1\nkind: E", "external-secrets.io/v1beta1\nkind: E")).told
        == []
    )
    old = external(ONE).replace("external-secrets.io/v1\nkind: E", "external-secrets.io/v1alpha1\nkind: E")
    assert migrated(old).told == ["is of v1alpha1; bring it to v1 first"]


def test_comments_are_kept_above_the_secret() -> None:
    source = (
        external(ONE)
        .replace("---\n", "---\n# the shop\n")
        .replace("spec:\n  secretStoreRef", "spec:  # inner\n  secretStoreRef")
    )
    text = migrated(source).text
    assert text.index("# the shop") < text.index("# inner") < text.index("kind: Secret\n")


def test_twice_is_once() -> None:
    once = migrated(external(ONE)).text
    assert migrated(once).text == once


@pytest.mark.parametrize(
    "spec",
    [
        "data: text",
        "data: [null, 1, [], text, {secretKey: 1, remoteRef: 2}]",
        "dataFrom: {a: b}",
        "dataFrom: [null, {extract: text}, {extract: {key: 1}}]",
        "target: text\n" + ONE,
        "target: {template: {data: {a: 1}}}\n" + ONE,
        "target: {template: {metadata: text}}\n" + ONE,
        "secretStoreRef: text\n" + ONE,
        "data: [{secretKey: a, remoteRef: {key: app, property: 1}, sourceRef: {storeRef: 1}}]",
    ],
)
def test_nonsense_raises_nothing(spec: str) -> None:
    migrated(external(spec))


KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
patches:
- target: {kind: ExternalSecret, name: app}
  path: app.yaml
- target: {kind: Deployment, name: app}
  path: other.yaml
- patch: |-
    apiVersion: external-secrets.io/v1
    kind: ExternalSecret
    metadata: {name: app}
- patch: |-
    kind: VaultStaticSecret
patchesJson6902:
- target: {group: external-secrets.io, version: v1, kind: ExternalSecret, name: app}
  path: json.yaml
"""


def test_patches_of_what_is_gone_afterwards_are_told() -> None:
    eso, vso = (migrated(KUSTOMIZATION, languages=[language]).conversions for language in LANGUAGES)
    assert [told.path for told in eso[0].told] == [("patches", 0), ("patches", 2), ("patchesJson6902", 0)]
    assert [told.path for told in vso[0].told] == [("patches", 3)]
