"""What the standards of Vault do not know they do not hold; what they take as used, and what they may be told."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterFacts, Unread
from enforcer.facts.git import GitFacts, GitField, GitObject, InFile
from enforcer.facts.trail import Admitted, TrailFacts, Used
from enforcer.facts.vault import PathVersions
from enforcer.judging import identities, least_privilege, values_current
from enforcer.judging.identities import Identities
from enforcer.judging.least_privilege import LeastPrivilege
from enforcer.judging.standard import Standard
from enforcer.judging.values_current import ValuesCurrent
from provisioning.vault_role import TokenType
from resolver.connections.model import Authentication
from tests.enforcer.vault.world import (
    FILLED,
    NOW,
    STANDARDS,
    WRITTEN,
    World,
    all_held,
    answers,
    findings,
    parameters,
    rules,
    secret,
    setup,
    unchecked,
    version,
    versions,
)

DB = "secret/shop/db"
VALUES, PRIVILEGE, IDENTITIES = values_current.STANDARD, least_privilege.STANDARD, identities.STANDARD
SHARED = Authentication(method="jwt", role="keyhole")
AWAY = NotKnown(not_known="Vault is sealed")
_SEGMENT = st.text("abcdefgh-_.é 0", min_size=1, max_size=6).filter(lambda one: one.strip("._ -") == one)
_PATHS = st.lists(
    st.tuples(st.sampled_from(["secret", "teams/eu", "legacy"]), st.lists(_SEGMENT, min_size=1, max_size=4)).map(
        lambda found: "/".join([found[0], *found[1]])
    ),
    max_size=6,
    unique=True,
)


@given(
    uses=st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), _PATHS, min_size=1, max_size=3),
    method=st.sampled_from(["jwt", "kubernetes"]),
    token_type=st.sampled_from(["service", "batch"]),
)
def test_every_bundle_of_keyhole_tenant_is_held(uses: dict[str, list[str]], method: str, token_type: TokenType) -> None:
    auth = Authentication.model_validate({"method": method, "role": "keyhole-{namespace}", "audience": "vault-eu"})
    world = World(uses={name: tuple(paths) for name, paths in uses.items()}, auth=auth)
    for name, paths in uses.items():
        found = setup(name, paths, auth, token_type)
        world.policies[name], world.roles[name] = rules(found.policy_text), parameters(found.role.parameters)
    inventory = world.inventory()
    assert all_held(inventory, PRIVILEGE)
    assert all_held(inventory, IDENTITIES)
    assert not any(findings(inventory, each) for each in STANDARDS)


@pytest.mark.parametrize("method", ["jwt", "kubernetes"])
@pytest.mark.parametrize("path", ["secret/{namespace}/db", "secret/{namespace}/*"])
def test_one_policy_for_all_namespaces_is_judged_as_each_of_them(method: str, path: str) -> None:
    auth = Authentication.model_validate({"method": method, "role": "keyhole"})
    world = World(uses={"shop": (DB,), "bank": ("secret/bank/other",)}, auth=auth)
    shared = setup(None, [path], auth)
    world.policies = dict.fromkeys(world.uses, rules(shared.policy_text))
    world.roles = dict.fromkeys(world.uses, parameters(shared.role.parameters))
    inventory = world.inventory()
    assert all_held(inventory, IDENTITIES)
    assert all_held(inventory, PRIVILEGE, LeastPrivilege(own_subtrees=True))
    # That nobody else's path is below it does not make a wildcard less than one.
    assert all_held(inventory, PRIVILEGE) is not path.endswith("*")


def test_a_wildcard_that_is_accepted_has_to_be_the_namespaces_own_and_of_use() -> None:
    chosen = LeastPrivilege(own_subtrees=True)
    for path in ("secret/data/*", "secret/data/sh*", "secret/data/bank/*", "secret/+/shop/*", "secret/data/shop*",
                 "secret/data/+/db", "teams/eu/subkeys/shop/*", "sys/shop/*"):  # fmt: skip
        assert findings(World().rule(path, "read").inventory(), PRIVILEGE, chosen), path
    held = World().rule("secret/data/shop/*", "read").inventory()
    assert all_held(held, PRIVILEGE, chosen)
    unused = World().rule("legacy/shop/*", "read").inventory()
    assert "nothing in shop uses it" in findings(unused, PRIVILEGE, chosen)[0].message


def test_a_role_of_all_namespaces_may_not_lose_what_binds_it() -> None:
    world = World(auth=SHARED)
    shared = setup(None, ["secret/{namespace}/*"], SHARED)
    world.roles = dict.fromkeys(world.uses, parameters(shared.role.parameters))
    assert all_held(world.inventory(), IDENTITIES)
    for name, value in (("bound_claims", {}), ("claim_mappings", {}), ("bound_claims", {"/a": ("keyhole",)})):
        for namespace in world.uses:
            world.role(namespace, **{name: value})
        assert [each.pointer for each in findings(world.inventory(), IDENTITIES)] == [name]
        world.roles = dict.fromkeys(world.uses, parameters(shared.role.parameters))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bound_service_account_names", ("keyhole", "default")),
        ("bound_service_account_names", ("*",)),
        ("bound_service_account_namespaces", ("*",)),
        ("bound_service_account_namespaces", ("shop", "bank")),
        ("bound_service_account_namespace_selector", '{"matchLabels":{"a":"b"}}'),
        ("audience", ""),
    ],
)
def test_a_role_of_the_kubernetes_method_is_judged_by_what_it_binds(name: str, value: Any) -> None:
    world = World(auth=Authentication(method="kubernetes", role="keyhole-{namespace}"))
    assert all_held(world.inventory(), IDENTITIES)
    assert [each.pointer for each in findings(world.role(**{name: value}).inventory(), IDENTITIES)] == [name]


def test_a_standard_may_allow_longer_lives() -> None:
    inventory = World().role(token_ttl=900, token_max_ttl=3_600).inventory()
    assert [each.pointer for each in findings(inventory, IDENTITIES)] == ["token_ttl", "token_max_ttl"]
    assert all_held(inventory, IDENTITIES, Identities.model_validate({"ttlSeconds": 900, "maxTtlSeconds": 3_600}))


@pytest.mark.parametrize("standard", STANDARDS, ids=[each.rule.id for each in STANDARDS])
def test_a_vault_that_is_away_holds_nothing(standard: Standard) -> None:
    assert unchecked(World().inventory(vault=AWAY), standard) == ["Vault is sealed"]
    world = World()
    for namespace, paths in world.uses.items():
        world.policies[namespace] = world.roles[namespace] = AWAY
        world.versions |= {(namespace, path): AWAY for path in paths}
    found = answers(world.inventory(), standard)
    assert len(found) >= len(world.uses)
    assert all("Vault is sealed" in reason for reason in unchecked(world.inventory(), standard))
    assert len(unchecked(world.inventory(), standard)) == len(found)


@pytest.mark.parametrize("standard", [VALUES, PRIVILEGE], ids=["values-current", "least-privilege"])
def test_a_cluster_that_is_away_holds_nothing(standard: Standard) -> None:
    away = NotKnown(not_known="the API server is away")
    assert unchecked(World().inventory(cluster=away), standard) == ["the API server is away"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"proof": "changed"}, "records-proved"),
        ({"proof": NotKnown(not_known="Keyhole is away")}, "Keyhole is away"),
        ({"admitted": None}, "no trail says when it was filled"),
        ({"fields": ()}, "names no field"),
    ],
)
def test_an_object_that_says_too_little_is_not_checked(changes: dict[str, Any], reason: str) -> None:
    found = answers(World(uses={"shop": (DB,)}).object(**changes).inventory(), VALUES)
    assert [reason in getattr(each, "reason", "") for each in found] == [True]


def test_an_object_without_a_record_is_nothing_to_be_judged() -> None:
    assert answers(World(uses={"shop": (DB,)}).object(record=False, proof="no record").inventory(), VALUES) == []


def test_a_namespace_whose_objects_are_not_known_is_not_checked_and_its_grants_are_not_called_unused() -> None:
    world = World()
    world.objects["shop"] = NotKnown(not_known="status 403")
    inventory = world.inventory()
    assert any("status 403" in reason for reason in unchecked(inventory, VALUES))
    reasons = unchecked(inventory, PRIVILEGE)
    assert len(reasons) == 4
    assert all("status 403" in reason for reason in reasons)
    assert not findings(inventory, PRIVILEGE)
    # Too much is too much, whatever is used.
    assert findings(world.rule("secret/data/*", "read").inventory(), PRIVILEGE)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (NotKnown(not_known="secret is a KV v1 mount, which keeps no versions"), "KV v1"),
        (versions(3, version(3, created=None)), "may have been deleted and made anew"),
        (versions(4, version(3), version(4, created=None)), "when version 4 was written is not known"),
    ],
)
def test_versions_that_say_too_little_are_not_checked(found: PathVersions | NotKnown, reason: str) -> None:
    (only,) = unchecked(World(uses={"shop": (DB,)}).version(DB, found).inventory(), VALUES)
    assert reason in only


def test_what_was_on_kv_v1_when_it_was_read_is_not_checked() -> None:
    world = World(uses={"shop": (DB,)})
    (thing,) = world.objects["shop"]
    fields = [each.model_copy(update={"versions": dict.fromkeys(each.versions)}) for each in thing.fields]
    assert "KV v1" in unchecked(world.object(fields=tuple(fields)).inventory(), VALUES)[0]


def test_a_newer_version_has_an_hour_to_arrive_or_what_the_standard_says() -> None:
    for minutes, is_held in ((59, True), (61, False)):
        created = NOW - timedelta(minutes=minutes)
        inventory = World().version(DB, versions(4, version(3), version(4, created=created))).inventory()
        assert all_held(inventory, VALUES) is is_held
        assert all_held(inventory, VALUES, ValuesCurrent(lag_minutes=90))
    # It counts from the first version that it has not, not from the last.
    kept = (version(4, created=NOW - timedelta(minutes=90)), version(6, created=NOW))
    inventory = World().version(DB, versions(6, *kept)).inventory()
    assert [each.pointer for each in findings(inventory, VALUES)] == [f"default:{DB}"]


def test_a_version_that_is_named_stays_current_whatever_comes_after_it() -> None:
    world = World(uses={"shop": (DB,)})
    (thing,) = world.objects["shop"]
    fields = [each.model_copy(update={"pinned": tuple(each.versions)}) for each in thing.fields]
    world.object(fields=tuple(fields)).version(DB, versions(9, version(3), version(9)))
    assert all_held(world.inventory(), VALUES)


def test_clocks_may_differ_by_a_minute_and_times_may_lack_a_zone() -> None:
    for seconds, is_held in ((50, True), (70, False)):
        created = FILLED + timedelta(seconds=seconds)
        world = World().version(DB, versions(3, version(3, created=created)))
        assert all_held(world.inventory(), VALUES) is is_held
        naive: datetime = FILLED.replace(tzinfo=None)
        assert all_held(world.object(admitted=naive).inventory(), VALUES) is is_held


@pytest.mark.parametrize(
    ("made", "created", "is_held"),
    [
        (WRITTEN, FILLED, True),
        (FILLED, WRITTEN, False),
        (None, FILLED, False),
        (WRITTEN, None, False),
    ],
)
def test_without_a_trail_a_path_that_is_older_than_the_object_has_not_begun_anew(
    made: datetime | None, created: datetime | None, *, is_held: bool
) -> None:
    found = PathVersions(current=3, created=made, versions=(version(3),))
    world = World(uses={"shop": (DB,)}).object(admitted=None, created=created).version(DB, found)
    assert all_held(world.inventory(), VALUES) is is_held
    assert bool(unchecked(world.inventory(), VALUES)) is not is_held
    assert all_held(world.inventory(), VALUES, ValuesCurrent(believe_versions=True))


def test_the_trail_says_when_an_object_was_filled() -> None:
    world = World(uses={"shop": (DB,)}).object(admitted=None)
    for last, is_held in ((FILLED, True), (WRITTEN - timedelta(days=1), False)):
        who = {"group": "", "kind": "Secret", "namespace": "shop", "name": "app"}
        # Whoever came last counts, in whatever order they are told.
        early = Admitted.model_validate({**who, "requester": "a", "last": last - timedelta(days=9)})
        late = Admitted.model_validate({**who, "requester": "b", "last": last})
        for admitted in ((early, late), (late, early)):
            trail = TrailFacts(files=(), lines=2, chains=(), admitted=admitted)
            assert all_held(world.inventory(trail=trail), VALUES) is is_held
            assert bool(findings(world.inventory(trail=trail), VALUES)) is not is_held
            # Later admissions may be among what was not counted.
            assert not findings(world.inventory(trail=trail.model_copy(update={"left_out": 1})), VALUES)
            # Who believes in versions does not believe in what cannot be.
            believing = ValuesCurrent(believe_versions=True)
            assert bool(findings(world.inventory(trail=trail), VALUES, believing)) is not is_held


def test_objects_that_were_not_read_are_not_checked_and_may_use_anything() -> None:
    world = World().rule("secret/data/shop/old", "read")
    inventory = world.inventory()
    assert not isinstance(inventory.cluster, NotKnown)
    unread = Unread(group="", kind="ConfigMap", name="huge", not_known="its metadata is too large")
    namespaces = tuple(
        each.model_copy(update={"unread": (unread,)}) if each.name == "shop" else each
        for each in inventory.cluster.namespaces
    )
    inventory = inventory.model_copy(update={"cluster": ClusterFacts(namespaces=namespaces)})
    assert unchecked(inventory, VALUES) == ["its metadata is too large"]
    assert not findings(inventory, PRIVILEGE)
    assert "its metadata is too large" in unchecked(inventory, PRIVILEGE)[0]


def in_git(namespace: str, *references: str) -> GitFacts:
    fields = GitField(pointer="/data/x", reference="", references=references, place=InFile(file="a.yaml"))
    name = {"group": "", "kind": "Secret", "namespace": namespace, "name": "later"}
    return GitFacts(objects=(GitObject.model_validate({**name, "place": fields.place, "fields": (fields,)}),))


@pytest.mark.parametrize(
    ("references", "is_used"),
    [
        (["vault:secret/shop/old#password"], True),
        (["vault:secret/data/shop/old#password#3 | base64"], True),
        (["vault:secret/shop/old"], True),
        (["secret/shop/old"], True),
        (["vault+eu:secret/shop/old#password"], False),
        (["vault:secret/shop/older#password"], False),
        (["((not a reference"], False),
    ],
)
@pytest.mark.parametrize("namespace", ["shop", "", "bank"])
def test_what_git_refers_to_is_used(references: Sequence[str], namespace: str, *, is_used: bool) -> None:
    world = World().rule("secret/data/shop/old", "read")
    found = findings(world.inventory(git=in_git(namespace, *references)), PRIVILEGE)
    assert (not found) is (is_used and namespace != "bank")
    assert all("the manifests" in each.message for each in found)


def test_what_the_trail_has_seen_lately_is_used() -> None:
    world = World().rule("secret/data/shop/old", "read")
    for days, is_used in ((29, True), (31, False)):
        last = NOW - timedelta(days=days)
        used = (Used(namespace="shop", reference="vault:secret/shop/old#a, vault:secret/shop/db#b", last=last),)
        trail = TrailFacts(files=(), lines=1, chains=(), used=used)
        assert all_held(world.inventory(trail=trail), PRIVILEGE) is is_used
        left_out = trail.model_copy(update={"left_out": 3})
        assert not findings(world.inventory(trail=left_out), PRIVILEGE)
        assert bool(unchecked(world.inventory(trail=left_out), PRIVILEGE)) is not is_used


def test_a_reference_that_is_not_filled_yet_is_used() -> None:
    world = World().rule("secret/data/shop/old", "read")
    world.objects["shop"] += (secret("shop", []).model_copy(update={"wants": {"/data/a": "vault:secret/shop/old#a"}}),)
    assert all_held(world.inventory(), PRIVILEGE)


def test_a_rule_that_denies_grants_nothing_and_takes_back_what_another_one_grants() -> None:
    world = World().rule("secret/data/shop/old", "read").rule("secret/data/shop/old", "deny")
    assert all_held(world.inventory(), PRIVILEGE)
    # Exact rules come before those with wildcards.
    world = World().rule("secret/data/shop/old", "read").rule("secret/data/*", "deny")
    assert [each.pointer for each in findings(world.inventory(), PRIVILEGE)] == ["secret/data/shop/old"]


def test_a_template_that_is_not_keyholes_own_is_told_and_not_guessed() -> None:
    path = "secret/data/{{identity.entity.name}}/db"
    (only,) = unchecked(World().rule(path, "read").inventory(), PRIVILEGE)
    assert path in only
    assert "template" in only
    # Whether this grants anything depends on what the template stands for.
    perhaps = World().rule("secret/data/shop/old", "read").rule("secret/data/{{identity.entity.name}}/old", "deny")
    assert "another rule" in unchecked(perhaps.inventory(), PRIVILEGE)[0]


def test_a_policy_that_vault_does_not_have_grants_nothing() -> None:
    world = World()
    world.policies["shop"] = None
    assert all_held(world.inventory(), PRIVILEGE)


def test_mounts_that_nobody_knows_are_taken_as_what_the_paths_may_mean() -> None:
    inventory = World().inventory()
    vault = inventory.vault
    assert not isinstance(vault, NotKnown)
    bare = tuple(each.model_copy(update={"mounts": ()}) for each in vault.connections)
    unknown = inventory.model_copy(update={"vault": vault.model_copy(update={"connections": bare})})
    assert all_held(unknown, PRIVILEGE)
    policies = World().rule("secret/data/shop/old", "read").rule("secret/undelete/shop/db", "read").inventory().vault
    assert not isinstance(policies, NotKnown)
    wider = unknown.model_copy(update={"vault": policies.model_copy(update={"connections": bare})})
    assert len(findings(wider, PRIVILEGE)) == 2
