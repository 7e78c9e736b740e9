"""What is wrong is found by its standard, and by no other; what is right is held by all."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from enforcer.facts.vault import PathVersions
from enforcer.judging import least_privilege
from enforcer.judging.standard import Standard
from tests.enforcer.vault.world import (
    FILLED,
    NOW,
    STANDARDS,
    World,
    all_held,
    answers,
    findings,
    rules,
    setup,
    version,
    versions,
)

DB = "secret/shop/db"
LATE = NOW - timedelta(hours=2)
AFTER = FILLED + timedelta(minutes=5)
Broken = Callable[[World], World]
VALUES, PRIVILEGE, IDENTITIES = "values-current", "least-privilege", "identities"


def pinned(world: World, found: PathVersions) -> World:
    fields = world.objects["shop"][0].fields
    named = [each.model_copy(update={"pinned": tuple(each.versions)}) for each in fields]
    return world.object(fields=tuple(named)).version(DB, found)


def without_role(world: World) -> World:
    world.roles["shop"] = None
    return world


# Name, standard, what the finding is about, what was done.
FAULTS: list[tuple[str, str, str, Broken]] = [
    ("a rotation that never arrived", VALUES, f"default:{DB}",
     lambda world: world.version(DB, versions(4, version(3), version(4, created=LATE)))),
    ("outdated since long ago", VALUES, f"default:{DB}",
     lambda world: world.version(DB, versions(9, version(4, created=LATE), version(9, created=NOW)))),
    ("the newest version deleted", VALUES, f"default:{DB}",
     lambda world: world.version(DB, versions(4, version(3), version(4, "deleted")))),
    ("its own version deleted", VALUES, f"default:{DB}",
     lambda world: world.version(DB, versions(3, version(3, "deleted")))),
    ("its own version destroyed", VALUES, f"default:{DB}",
     lambda world: world.version(DB, versions(3, version(3, "destroyed")))),
    ("the path gone", VALUES, f"default:{DB}", lambda world: world.version(DB, None)),
    ("metadata without a version", VALUES, f"default:{DB}", lambda world: world.version(DB, versions(0))),
    ("begun anew, to a smaller version", VALUES, f"default:{DB}", lambda world: world.version(DB, versions(1))),
    ("begun anew, to the same version", VALUES, f"default:{DB}",
     lambda world: world.version(DB, versions(3, version(3, created=AFTER)))),
    ("begun anew, to a larger version", VALUES, f"default:{DB}",
     lambda world: world.version(DB, versions(4, version(3, created=AFTER), version(4, created=NOW)))),
    ("the version that it names is gone", VALUES, f"default:{DB}", lambda world: pinned(world, versions(9))),
    ("everything below the namespace", PRIVILEGE, "secret/data/shop/*",
     lambda world: world.rule("secret/data/shop/*", "read")),
    ("every mount's", PRIVILEGE, "+/data/shop/db", lambda world: world.rule("+/data/shop/db", "read")),
    ("everything", PRIVILEGE, "*", lambda world: world.rule("*", "read")),
    ("a path that nothing uses", PRIVILEGE, "secret/data/shop/old",
     lambda world: world.rule("secret/data/shop/old", "read")),
    ("its versions", PRIVILEGE, "secret/metadata/shop/old",
     lambda world: world.rule("secret/metadata/shop/old", "read")),
    ("another namespace's path", PRIVILEGE, "secret/data/bank/key",
     lambda world: world.rule("secret/data/bank/key", "read")),
    ("a path on KV v1 that nothing uses", PRIVILEGE, "legacy/shop",
     lambda world: world.rule("legacy/shop", "read")),
    ("writing", PRIVILEGE, "secret/data/shop/db", lambda world: world.rule("secret/data/shop/db", "read", "update")),
    ("listing", PRIVILEGE, "secret/metadata/shop", lambda world: world.rule("secret/metadata/shop", "list")),
    ("sudo", PRIVILEGE, "sys/raw/x", lambda world: world.rule("sys/raw/x", "sudo")),
    ("another branch", PRIVILEGE, "secret/subkeys/shop/db",
     lambda world: world.rule("secret/subkeys/shop/db", "read")),
    ("something else than secrets", PRIVILEGE, "sys/policies/acl/admin",
     lambda world: world.rule("sys/policies/acl/admin", "read")),
    ("its token's own data", PRIVILEGE, "auth/token/lookup-self",
     lambda world: world.rule("auth/token/lookup-self", "read")),
    ("more than to revoke itself", PRIVILEGE, "auth/token/revoke-self",
     lambda world: world.rule("auth/token/revoke-self", "read", "update")),
    ("another account", IDENTITIES, "bound_subject",
     lambda world: world.role(bound_subject="system:serviceaccount:shop:default")),
    ("another namespace's account", IDENTITIES, "bound_subject",
     lambda world: world.role(bound_subject="system:serviceaccount:bank:keyhole")),
    ("nobody in particular", IDENTITIES, "bound_subject", lambda world: world.role(bound_subject="")),
    ("another audience too", IDENTITIES, "bound_audiences",
     lambda world: world.role(bound_audiences=("vault", "https://kubernetes.default.svc"))),
    ("no audience", IDENTITIES, "bound_audiences", lambda world: world.role(bound_audiences=())),
    ("another claim as the user", IDENTITIES, "user_claim", lambda world: world.role(user_claim="email")),
    ("another type of role", IDENTITIES, "role_type", lambda world: world.role(role_type="oidc")),
    ("the default policy", IDENTITIES, "token_no_default_policy",
     lambda world: world.role(token_no_default_policy=False)),
    ("one more policy", IDENTITIES, "token_policies",
     lambda world: world.role(token_policies=("keyhole-shop", "admin"))),
    ("another policy", IDENTITIES, "token_policies", lambda world: world.role(token_policies=("keyhole-bank",))),
    ("a day", IDENTITIES, "token_ttl", lambda world: world.role(token_ttl=86_400)),
    ("a day at most", IDENTITIES, "token_max_ttl", lambda world: world.role(token_max_ttl=86_400)),
    ("as long as Vault lets it", IDENTITIES, "token_max_ttl", lambda world: world.role(token_max_ttl=0)),
    ("renewable for ever", IDENTITIES, "token_period", lambda world: world.role(token_period=600)),
    ("the mount's type", IDENTITIES, "token_type", lambda world: world.role(token_type="default")),
    ("policies of groups", IDENTITIES, "groups_claim", lambda world: world.role(groups_claim="groups")),
    ("tokens that have ended", IDENTITIES, "expiration_leeway",
     lambda world: world.role(expiration_leeway=86_400)),
    ("clocks that are far apart", IDENTITIES, "clock_skew_leeway",
     lambda world: world.role(clock_skew_leeway=151)),
    ("no role", IDENTITIES, "missing", without_role),
]  # fmt: skip


@pytest.mark.parametrize(("name", "standard", "pointer", "breaking"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_a_fault_is_found_by_its_standard_and_by_no_other(
    name: str, standard: str, pointer: str, breaking: Broken
) -> None:
    inventory = breaking(World()).inventory()
    found = {each.rule.id: findings(inventory, each) for each in STANDARDS}
    assert [(rule.pointer, rule.rule.id) for one in found.values() for rule in one] == [(pointer, standard)], name
    (only,) = found[standard]
    assert "shop" in str(only.object)
    # The other things that were looked at are as they were.
    for each in STANDARDS:
        others = [one for one in answers(inventory, each) if "shop" not in str(one.object)]
        assert all_held(inventory, each) is (each.rule.id != standard)
        assert others


@pytest.mark.parametrize("standard", STANDARDS, ids=[each.rule.id for each in STANDARDS])
def test_what_keyhole_tenant_sets_up_is_held(standard: Standard) -> None:
    assert all_held(World().inventory(), standard)


def test_each_kind_of_fault_is_here() -> None:
    assert len(FAULTS) >= 30
    assert {standard for _, standard, _, _ in FAULTS} == {VALUES, PRIVILEGE, IDENTITIES}


def test_a_message_says_what_is_wrong_in_one_line() -> None:
    for _, standard, _, breaking in FAULTS:
        inventory = breaking(World()).inventory()
        (only,) = [one for each in STANDARDS for one in findings(inventory, each) if one.rule.id == standard]
        assert only.message
        assert only.message.isprintable()


def test_the_same_facts_give_the_same_answers_in_the_same_order() -> None:
    for _, _, _, breaking in FAULTS:
        inventory = breaking(World()).inventory()
        again = inventory.model_validate_json(inventory.model_dump_json())
        for each in STANDARDS:
            assert answers(inventory, each) == answers(again, each)


def test_a_second_connection_has_findings_of_its_own() -> None:
    world = World(connection="eu").rule("secret/data/shop/old", "read").role(token_ttl=86_400)
    found = {one.pointer for each in STANDARDS for one in findings(world.inventory(), each)}
    assert found == {"eu: secret/data/shop/old", "eu: token_ttl"}


def test_a_namespace_that_uses_nothing_should_have_a_policy_that_grants_nothing() -> None:
    world = World(uses={"shop": (DB,)})
    world.objects["shop"] = ()
    found = {one.pointer for each in STANDARDS for one in findings(world.inventory(), each)}
    assert found == {"secret/data/shop/db", "secret/metadata/shop/db"}
    world.policies["shop"] = rules(setup("shop", []).policy_text)
    assert all_held(world.inventory(), least_privilege.STANDARD)
