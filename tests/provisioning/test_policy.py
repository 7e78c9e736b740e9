"""From paths to the lines of a policy."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from provisioning import grants
from provisioning.errors import MountUnknown, PathRefused, RoleRefused
from provisioning.policy import Policy
from provisioning.policy_paths import locate
from provisioning.reading.usage import Usage, Used
from provisioning.target import Target
from provisioning.terraform import terraform
from provisioning.vault_role import policy_name, role_name, vault_role
from provisioning.vault_setup import for_namespace
from resolver.connections.model import Authentication
from resolver.references.grammar import parse_reference
from resolver.vault.mounts import KvLocation, KvMount

ANYWHERE = Target(Authentication(method="jwt", role="keyhole-{namespace}"))
MOUNTS = {"secret": 2, "legacy": 1, "a/b": 2, "a": 1}


def rules(policy: str) -> dict[str, list[str]]:
    """Read the subset of HCL that is written: path, JSON string, one line of capabilities."""
    found = re.findall(r'^path ("(?:[^"\\]|\\.)*") \{\n  capabilities = (\[.*\])\n\}$', policy, re.MULTILINE)
    return {json.loads(path): json.loads(capabilities) for path, capabilities in found}


def policy(*paths: str) -> str:
    return Policy("keyhole-shop", "For shop", grants.of_paths(paths, MOUNTS), may_revoke_itself=True).hcl()


REVOKE = {"auth/token/revoke-self": ["update"]}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("secret/app", ["secret/data/app", "secret/metadata/app"], id="KV v2 has two branches"),
        pytest.param("secret/data/app", ["secret/data/app", "secret/metadata/app"], id="as the HTTP API writes it"),
        pytest.param("legacy/data/app", ["legacy/data/app"], id="on KV v1 data is a name as any other"),
        pytest.param("a/b/c", ["a/b/data/c", "a/b/metadata/c"], id="the longest mount counts"),
        pytest.param("a/c/d", ["a/c/d"], id="the shorter one where the longer does not fit"),
        pytest.param("secret/c++/a b#ü", ["secret/data/c++/a b#ü", "secret/metadata/c++/a b#ü"], id="odd letters"),
        pytest.param('secret/a"b', ['secret/data/a"b', 'secret/metadata/a"b'], id="a quote is escaped"),
    ],
)
def test_a_path_gives_read_on_exactly_these(path: str, expected: list[str]) -> None:
    assert rules(policy(path)) == {name: ["read"] for name in expected} | REVOKE


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("secret/shop/*", "wildcard", id="a star at the end"),
        pytest.param("secret/sh*p/x", "wildcard", id="a star in a segment"),
        pytest.param("secret/+/x", "wildcard", id="a plus for a segment"),
        pytest.param("secret/+x/y", "wildcard", id="a plus at the start of a segment"),
        pytest.param("secret/{{identity.entity.id}}", "template", id="a template"),
        pytest.param("secret/x}}", "template", id="the end of a template"),
        pytest.param("secret/${x}", "expression", id="an expression of HCL"),
        pytest.param("secret/{namespace}/x", "--templated", id="the namespace's place"),
        pytest.param("secret/../x", "dot segment", id="a dot segment"),
        pytest.param("secret//x", "empty", id="an empty segment"),
        pytest.param("secret/a%2fb", "decoded", id="an escape"),
        pytest.param("secret/a\\b", "backslash", id="a backslash"),
        pytest.param('secret/a"\n}', "control character", id="a line break"),
        pytest.param("sys/policies", "own mounts", id="Vault's own mounts"),
        pytest.param("secret", "below it", id="a mount alone"),
        pytest.param("secret/metadata/x", "a branch of its API", id="another branch of KV v2"),
        pytest.param("vault:secret/x#y", "is a reference", id="a reference"),
    ],
)
def test_a_path_that_means_something_else_in_a_policy_is_refused(path: str, reason: str) -> None:
    with pytest.raises(PathRefused, match=re.escape(reason)):
        grants.of_paths([path], MOUNTS)


@pytest.mark.parametrize("path", ["other/x", "Secret/x", "secretx/y"])
def test_a_mount_of_unknown_version_is_an_error_that_says_what_to_give(path: str) -> None:
    with pytest.raises(MountUnknown, match=f"--kv {path.split('/', maxsplit=1)[0]}=2"):
        grants.of_paths([path], MOUNTS)


@given(st.permutations(["secret/b", "secret/a", "legacy/x", "secret/data/a"]))
def test_the_order_of_the_paths_does_not_matter(paths: list[str]) -> None:
    assert policy(*paths) == policy("legacy/x", "secret/a", "secret/b")


@given(st.text(min_size=1, max_size=20))
def test_whatever_is_accepted_stands_in_the_policy_word_for_word_and_alone(name: str) -> None:
    try:
        text = policy(f"secret/{name}")
    except PathRefused:
        return
    expected = name.removeprefix("data/") if name != "data/" else name
    assert rules(text) == {f"secret/data/{expected}": ["read"], f"secret/metadata/{expected}": ["read"]} | REVOKE
    assert text.count("path ") == 3


@given(st.text(min_size=1, max_size=20))
@example("a%{b")
@example("a${b")
def test_nothing_of_a_path_is_an_expression_for_terraform(name: str) -> None:
    auth = Authentication(method="jwt", role="keyhole-{namespace}")
    try:
        locations = grants.of_paths([f"secret/{name}"], MOUNTS)
    except PathRefused:
        return
    text = terraform(for_namespace(Target(auth), "shop", locations, "service"))
    assert not re.search(r"[$%]\{", text)


class TestTemplated:
    def test_without_paths_each_namespace_reads_below_its_name_on_each_mount(self) -> None:
        found = grants.of_every_namespace([], {"secret": 2, "legacy": 1})
        assert [str(location) for location in found] == ["legacy/{namespace}/*", "secret/{namespace}/*"]
        template = "{{identity.entity.aliases.acc_1.metadata.service_account_namespace}}"
        text = Policy("keyhole", "For all", found, may_revoke_itself=False).hcl("acc_1")
        assert rules(text) == {
            f"secret/data/{template}/*": ["read"],
            f"secret/metadata/{template}/*": ["read"],
            f"legacy/{template}/*": ["read"],
        }

    @pytest.mark.parametrize("path", ["secret/{namespace}/app", "secret/a/{namespace}/*", "secret/x/{namespace}"])
    def test_a_path_has_a_segment_for_the_namespace(self, path: str) -> None:
        assert [str(location) for location in grants.of_every_namespace([path], MOUNTS)] == [path]

    @pytest.mark.parametrize(
        ("path", "reason"),
        [
            pytest.param("secret/app", "every namespace could read it", id="no segment for the namespace"),
            pytest.param("secret/*", "every namespace could read it", id="everything"),
            pytest.param("secret/team-{namespace}/x", "every namespace could read it", id="only a part of a segment"),
            pytest.param("secret/{namespace}*", "every namespace could read it", id="names that begin alike"),
            pytest.param("secret/{namespace}/x*", "wildcard", id="a star that is no segment"),
            pytest.param("secret/{namespace}/*/x", "wildcard", id="a star in the middle"),
            pytest.param("secret/+/{namespace}", "wildcard", id="a plus"),
        ],
    )
    def test_a_path_that_reaches_other_namespaces_is_refused(self, path: str, reason: str) -> None:
        with pytest.raises(PathRefused, match=re.escape(reason)):
            grants.of_every_namespace([path], MOUNTS)


class TestOfUsage:
    def used(self, *texts: str) -> Usage:
        return Usage(
            [Used(parse_reference(text), f"place {number}") for number, text in enumerate(texts, 1)], ["other"]
        )

    def test_references_give_locations_without_their_versions(self) -> None:
        found, findings = grants.of_usage(self.used("vault:secret/a#x#3", "vault:legacy/b#x"), MOUNTS, ANYWHERE, "shop")
        assert found == [KvLocation(KvMount("secret", 2), "a"), KvLocation(KvMount("legacy", 1), "b")]
        assert findings == ["other"]

    def test_what_cannot_be_read_or_cannot_stand_in_a_policy_is_a_finding_with_its_place(self) -> None:
        found, findings = grants.of_usage(
            self.used("vault:legacy/b#x#2", "vault:secret/a*#x"), MOUNTS, ANYWHERE, "shop"
        )
        assert found == []
        assert findings == [
            "other",
            "place 1: legacy/b: legacy is a KV v1 mount, which keeps no versions; leave the version out",
            "place 2: secret/a*: a policy would read * as a wildcard",
        ]

    def test_an_unknown_mount_is_an_error_with_the_place(self) -> None:
        with pytest.raises(MountUnknown, match="^place 1: other/b: the KV version"):
            grants.of_usage(self.used("vault:other/b#x"), MOUNTS, ANYWHERE, "shop")

    def test_a_reference_lies_where_admission_reads_it(self) -> None:
        assert str(locate(parse_reference("vault:secret/data/data/x#y"), MOUNTS)) == "secret/data/x"


class TestRole:
    def auth(self, role: str) -> Authentication:
        return Authentication(method="jwt", role=role)

    def test_a_shared_role_is_not_bound_to_one_namespace(self) -> None:
        with pytest.raises(RoleRefused, match="use --templated"):
            role_name(self.auth("keyhole"), "shop")

    def test_a_role_for_each_namespace_is_not_made_for_all(self) -> None:
        with pytest.raises(RoleRefused, match="needs one for all"):
            role_name(self.auth("keyhole-{namespace}"), None)

    @pytest.mark.parametrize(
        "role", ["a/{namespace}", "a b {namespace}", "../{namespace}", "-{namespace}", "ü{namespace}"]
    )
    def test_a_role_that_would_be_another_path_is_refused(self, role: str) -> None:
        with pytest.raises(RoleRefused, match="Vault takes no role"):
            role_name(self.auth(role), "shop")

    @pytest.mark.parametrize("namespace", ["default", "root"])
    def test_a_namespace_s_policy_never_replaces_one_of_vault_s_own(self, namespace: str) -> None:
        assert policy_name(role_name(self.auth("{namespace}"), namespace)) == f"keyhole-{namespace}"

    @pytest.mark.parametrize("method", ["jwt", "kubernetes"])
    @pytest.mark.parametrize("namespace", ["shop", None])
    def test_tokens_are_short_and_have_the_one_policy_only(self, method: str, namespace: str | None) -> None:
        auth = Authentication.model_validate({"method": method, "role": "keyhole"}, by_alias=True, by_name=False)
        parameters = vault_role(auth, namespace, "keyhole-x", "service").parameters
        assert parameters["token_policies"] == ["keyhole-x"]
        assert parameters["token_no_default_policy"] is True
        assert parameters["token_ttl"] == parameters["token_max_ttl"] == 600
