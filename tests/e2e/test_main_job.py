"""References in, values out, through the real API server and from the real Vault."""

import json
import re

import pytest

from testbed import Testbed
from tests.e2e.cluster import Cluster
from tests.e2e.objects import encoded, filled, secret
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic


class TestWhereReferencesStand:
    def test_an_annotation_that_is_one_reference_gives_the_value(self, cluster: Cluster, plant: Planter) -> None:
        values = plant.secret("whole")
        cluster.apply(filled("whole", password="vault:secret/e2e/whole#password"))
        assert cluster.values("whole") == values

    def test_an_annotation_with_inline_references_gives_the_text_around_the_values(
        self, cluster: Cluster, plant: Planter
    ) -> None:
        values = plant.secret("inline", "user", "password")
        text = "postgres://((vault:secret/e2e/inline#user)):${vault:secret/e2e/inline#password | urlencode}@db/app"
        cluster.apply(filled("inline", url=text))
        # A canary holds nothing that percent-encoding changes.
        assert cluster.values("inline") == {"url": f"postgres://{values['user']}:{values['password']}@db/app"}

    def test_the_fields_annotation_fills_keys_that_no_annotation_name_can_hold(
        self, cluster: Cluster, plant: Planter
    ) -> None:
        values = plant.secret("fields", "a", "b")
        fields = "/data/_key: vault:secret/e2e/fields#a\n/data/.hidden: 'b=((vault:secret/e2e/fields#b))'\n"
        cluster.apply(secret("fields", {"keyhole.dev/fields": fields}))
        assert cluster.values("fields") == {"_key": values["a"], ".hidden": f"b={values['b']}"}

    @pytest.mark.parametrize(
        ("name", "member", "text"),
        [
            pytest.param("in-data", "data", "vault:secret/e2e/in-place#password", id="a whole reference in data"),
            pytest.param(
                "in-string-data", "stringData", "vault:secret/e2e/in-place#password", id="a whole one in stringData"
            ),
            pytest.param(
                "in-braces", "stringData", "<${vault:secret/e2e/in-place#password}>", id="inline in dollar and braces"
            ),
            pytest.param(
                "in-parentheses", "data", "<((vault:secret/e2e/in-place#password))>", id="inline in parentheses"
            ),
        ],
    )
    def test_a_reference_in_place_is_replaced(
        self, cluster: Cluster, plant: Planter, name: str, member: str, text: str
    ) -> None:
        value = plant.secret("in-place")["password"]
        written = {"key": text if member == "stringData" else encoded(text), "other": encoded("kept")}
        cluster.apply(secret(name, **{member: written}))
        assert cluster.values(name)["key"] == (f"<{value}>" if text.startswith("<") else value)

    def test_fields_without_references_keep_their_bytes(self, cluster: Cluster, plant: Planter) -> None:
        plant.secret("beside")
        binary = encoded(bytes(range(256)))
        texts = {"shell": "${HOME} and ((1+2))", "word": "vault", "url": "https://vault:8200/v1"}
        data = {"binary": binary, "empty": "", **{key: encoded(text) for key, text in texts.items()}}
        cluster.apply(secret("beside", {"data.keyhole.dev/password": "vault:secret/e2e/beside#password"}, data=data))
        stored = cluster.get("beside")["data"]
        assert {key: stored[key] for key in data} == data

    def test_the_ignore_annotation_keeps_a_key_or_the_whole_object_as_it_is(
        self, cluster: Cluster, plant: Planter
    ) -> None:
        value = plant.secret("ignored")["password"]
        text = "vault:secret/e2e/ignored#password"
        cluster.apply(
            secret("ignored-key", {"keyhole.dev/ignore": "a, b"}, stringData={"a": text, "b": text, "c": text}),
            secret("ignored-all", {"keyhole.dev/ignore": "true"}, stringData={"a": text, "b": "${vault:never closed"}),
        )
        assert cluster.values("ignored-key") == {"a": text, "b": text, "c": value}
        assert cluster.values("ignored-all") == {"a": text, "b": "${vault:never closed"}

    def test_functions_are_applied_on_the_way(self, cluster: Cluster, plant: Planter) -> None:
        value = plant.value()
        plant.write("functions", {"document": json.dumps({"users": [{"name": value}]}), "port": 5432, "on": True})
        path = "vault:secret/e2e/functions"
        cluster.apply(
            filled(
                "functions",
                user=f"{path}#document | json:/users/0/name",
                port=f"{path}#port",
                on=f"{path}#on",
                missing=f"{path}#nothing | default:fallback",
                twice=f"{path}#document|json:/users/0/name|base64|base64decode",
            )
        )
        expected = {"user": value, "port": "5432", "on": "true", "missing": "fallback", "twice": value}
        assert cluster.values("functions") == expected

    def test_a_value_that_reads_as_a_reference_stays_a_value_in_the_annotation_form(
        self, cluster: Cluster, plant: Planter, traffic: Traffic
    ) -> None:
        plant.secret("second")
        plant.write("first", {"password": "vault:secret/e2e/second#password"})
        manifest = filled("first", password="vault:secret/e2e/first#password")
        for _ in range(2):
            cluster.apply(manifest, server_side=True)
            assert cluster.values("first") == {"password": "vault:secret/e2e/second#password"}
        assert set(traffic.reads()) == {"secret/data/e2e/first"}


class TestTypedSecrets:
    def test_a_docker_pull_secret_is_filled_from_the_fields_annotation(self, cluster: Cluster, plant: Planter) -> None:
        values = plant.secret("docker", "user", "password")
        document = {
            "auths": {
                "one.example": {
                    "username": "vault:secret/e2e/docker#user",
                    "password": "vault:secret/e2e/docker#password",
                }
            }
        }
        fields = json.dumps({"/data/.dockerconfigjson": json.dumps(document)})
        docker = "kubernetes.io/dockerconfigjson"
        cluster.apply(secret("docker-annotation", {"keyhole.dev/fields": fields}, type=docker))
        auth = encoded(f"{values['user']}:{values['password']}")
        entry = {"username": values["user"], "password": values["password"], "auth": auth}
        stored = json.loads(cluster.values("docker-annotation")[".dockerconfigjson"])
        assert stored == {"auths": {"one.example": entry}}

    @pytest.mark.parametrize("member", ["data", "stringData"])
    def test_a_docker_pull_secret_is_filled_in_place_and_other_entries_are_left_alone(
        self, cluster: Cluster, plant: Planter, member: str
    ) -> None:
        password = plant.secret("pull")["password"]
        reference = "vault:secret/e2e/pull#password"
        untouched = {"username": "bob", "password": "of the file", "auth": "not even base64", "extra": [1, {"a": None}]}
        document = {
            "auths": {
                "filled.example": {
                    "username": "alice",
                    "password": reference,
                    "email": "a@example.com",
                    "auth": encoded(f"alice:{reference}"),
                },
                "untouched.example": untouched,
            },
            "credsStore": "none",
        }
        text = json.dumps(document)
        written = {".dockerconfigjson": encoded(text) if member == "data" else text}
        name = f"docker-in-place-{member.lower()}"
        cluster.apply(secret(name, type="kubernetes.io/dockerconfigjson", **{member: written}))
        stored = json.loads(cluster.values(name)[".dockerconfigjson"])
        entry = {
            "username": "alice",
            "password": password,
            "email": "a@example.com",
            "auth": encoded(f"alice:{password}"),
        }
        assert stored == {"auths": {"filled.example": entry, "untouched.example": untouched}, "credsStore": "none"}

    def test_a_reference_that_stands_only_in_the_encoded_auth_of_a_registry_is_found(
        self, cluster: Cluster, plant: Planter
    ) -> None:
        password = plant.secret("auth-only")["password"]
        auth = encoded("alice:${vault:secret/e2e/auth-only#password}")
        text = json.dumps({"auths": {"one.example": {"auth": auth}}})
        docker = "kubernetes.io/dockerconfigjson"
        cluster.apply(secret("docker-auth-only", type=docker, stringData={".dockerconfigjson": text}))
        stored = json.loads(cluster.values("docker-auth-only")[".dockerconfigjson"])
        assert stored == {"auths": {"one.example": {"auth": encoded(f"alice:{password}")}}}

    def test_a_docker_configuration_by_another_name_is_filled_and_verified(
        self, cluster: Cluster, plant: Planter
    ) -> None:
        password = plant.secret("by-another-name")["password"]
        reference = "vault:secret/e2e/by-another-name#password"
        legacy = {"one.example": {"username": "bob", "password": reference}}
        kaniko = {"auths": {"one.example": {"auth": encoded(f"bob:{reference}")}}}
        auth = encoded(f"bob:{password}")
        for name, key, document, kind, expected in (
            (
                "legacy",
                ".dockercfg",
                legacy,
                "kubernetes.io/dockercfg",
                {"one.example": {"username": "bob", "password": password, "auth": auth}},
            ),
            ("kaniko", "config.json", kaniko, "Opaque", {"auths": {"one.example": {"auth": auth}}}),
        ):
            manifest = secret(name, type=kind, stringData={key: json.dumps(document)})
            cluster.apply(manifest, server_side=True)
            before = cluster.get(name)
            assert json.loads(cluster.values(name)[key]) == expected
            cluster.apply(manifest, server_side=True)
            cluster.apply(manifest, server_side=True, dry_run=True)
            assert cluster.get(name) == before

    def test_in_an_annotation_a_docker_configuration_by_another_name_is_filled(
        self, cluster: Cluster, plant: Planter
    ) -> None:
        auth = plant.secret("by-annotation", "auth")["auth"]
        entry = {"one.example": {"auth": "vault:secret/e2e/by-annotation#auth"}}
        for name, key, kind, document in (
            ("legacy-annotated", ".dockercfg", "kubernetes.io/dockercfg", entry),
            ("kaniko-annotated", "config.json", "Opaque", {"auths": entry}),
        ):
            fields = f"/data/{key}: '{json.dumps(document)}'"
            cluster.apply(secret(name, {"keyhole.dev/fields": fields}, type=kind), server_side=True)
            expected = json.dumps(document).replace("vault:secret/e2e/by-annotation#auth", auth)
            assert json.loads(cluster.values(name)[key]) == json.loads(expected)

    def test_a_config_json_of_something_else_is_stored_as_it_is_with_a_warning(self, cluster: Cluster) -> None:
        text = '{"db":{"password":"vault:secret/e2e/db#password"}}'
        answer = cluster.create(secret("settings", stringData={"config.json": text}))
        assert answer.status_code == 201
        assert "a string in it looks like a reference" in answer.headers["Warning"]
        assert cluster.values("settings") == {"config.json": text}

    def test_a_tls_secret_is_filled(self, cluster: Cluster, plant: Planter) -> None:
        values = plant.secret("tls", "certificate", "key")
        annotations = {
            "data.keyhole.dev/tls.crt": "vault:secret/e2e/tls#certificate",
            "data.keyhole.dev/tls.key": "vault:secret/e2e/tls#key",
        }
        cluster.apply(secret("tls", annotations, type="kubernetes.io/tls"))
        assert cluster.values("tls") == {"tls.crt": values["certificate"], "tls.key": values["key"]}


class TestVaultAsItIs:
    @pytest.mark.parametrize(
        ("reference", "mount", "engine"),
        [
            pytest.param("vault:secret/e2e/{}#password", "secret", 2, id="KV v2"),
            pytest.param("vault:secret/data/e2e/{}#password", "secret", 2, id="KV v2 with data/ as in the HTTP API"),
            pytest.param("vault:secret/e2e/{}#password#2", "secret", 2, id="KV v2 at its newest version by number"),
            pytest.param("vault:legacy/e2e/{}#password", "legacy", 1, id="KV v1"),
            pytest.param("vault+kubernetes:secret/e2e/{}#password", "secret", 2, id="the kubernetes login"),
            pytest.param("vault+detecting:other-two/e2e/{}#password", "other-two", 2, id="a KV v2 mount to be found"),
            pytest.param("vault+detecting:nested/mount/e2e/{}#password", "nested/mount", 2, id="one with a slash"),
            pytest.param("vault+detecting:other-one/e2e/{}#password", "other-one", 1, id="a KV v1 mount to be found"),
        ],
    )
    def test_the_newest_value_comes(
        self, cluster: Cluster, plant: Planter, reference: str, mount: str, engine: int
    ) -> None:
        name = "newest-" + re.sub(r"\W+", "-", reference.format("x"))
        for _ in range(2):
            values = plant.secret(name, mount=mount, version=engine)
        cluster.apply(filled(name, password=reference.format(name)))
        assert cluster.values(name) == values

    @pytest.mark.parametrize("form", ["vault:secret/e2e/{}#password#1", "vault:secret/data/e2e/{}#password#1"])
    def test_a_pinned_version_stays(self, cluster: Cluster, plant: Planter, form: str) -> None:
        name = f"pinned-{len(form)}"
        first = plant.secret(name)
        plant.secret(name)
        cluster.apply(filled(name, password=form.format(name)))
        assert cluster.values(name) == first

    def test_an_unknown_mount_is_asked_for_once(self, cluster: Cluster, plant: Planter, testbed: Testbed) -> None:
        testbed.vault.client().sys.enable_secrets_engine("kv", path="asked-for", options={"version": "1"})
        for name in ("asked-1", "asked-2"):
            plant.secret(name, mount="asked-for", version=1)
        policy = testbed.vault.client().sys.read_policy("keyhole-e2e")["data"]["rules"]
        further = 'path "asked-for/e2e/*" { capabilities = ["read"] }'
        testbed.vault.client().sys.create_or_update_policy("keyhole-e2e", f"{policy}\n{further}")
        traffic = Traffic(testbed)
        for name in ("asked-1", "asked-2"):
            cluster.apply(filled(name, password=f"vault+detecting:asked-for/e2e/{name}#password"))
        asked = [told for told in traffic.vault_requests() if "sys/internal/ui/mounts" in told]
        assert len(asked) == 1
