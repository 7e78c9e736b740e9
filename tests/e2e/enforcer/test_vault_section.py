"""Vault's section and its three standards on the real servers: versions, policies and roles, asked once and unread."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import hvac
import pytest

from enforcer.collecting.cluster import collect as cluster_section
from enforcer.collecting.inventory import nothing_yet
from enforcer.collecting.run import Run
from enforcer.collecting.sources import Sources
from enforcer.collecting.vault import section
from enforcer.facts.base import NotKnown, is_known
from enforcer.facts.cluster import ClusterFacts
from enforcer.facts.inventory import Inventory
from enforcer.facts.trail import Admitted, TrailFacts
from enforcer.judging import identities, least_privilege, values_current
from enforcer.judging.answers import Held, NotChecked
from enforcer.judging.standard import Standard
from enforcer.judging.values_current import ValuesCurrent
from provisioning.vault_role import TokenType
from resolver.connections.model import Authentication
from resolver.deadline import Deadline
from review.findings.finding import Finding
from testbed import Testbed
from testbed.keyhole.tenants import add_exact_tenant, set_up
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.enforcer.heard import Heard
from tests.e2e.enforcer.installed import KINDS, Installed
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic
from tests.enforcer.vault.world import World, all_held, parameters, rules, setup

pytestmark = pytest.mark.servers

TENANT = "vaulted"
STANDARDS: Sequence[Standard] = (values_current.STANDARD, least_privilege.STANDARD, identities.STANDARD)
DB = f"secret/{TENANT}/db"
NO_LAG = ValuesCurrent(lag_minutes=0)
_SECONDS = 60.0


class Looks:
    """Looks at the tenant alone, as the Enforcer does; what it learns is searched for the canary."""

    def __init__(self, sources: Sources, places: Places) -> None:
        self._sources = sources
        self._places = places

    def inventory(self, **sections: object) -> Inventory:
        run, started = Run(Deadline.after(_SECONDS)), datetime.now(UTC)
        so_far = nothing_yet("test", started)
        cluster = cluster_section.collect(self._sources, run, so_far)
        assert is_known(cluster)
        own = tuple(each for each in cluster.namespaces if each.name == TENANT)
        so_far = so_far.model_copy(update={"cluster": ClusterFacts(namespaces=own)})
        vault = section.collect(self._sources, run, so_far)
        found = so_far.model_copy(update={"vault": vault, "ended": datetime.now(UTC), **sections})
        self._places.note("inventory", found.model_dump_json())
        return found


@pytest.fixture(scope="module")
def vault(bed: Testbed) -> hvac.Client:
    return bed.vault.client()


@pytest.fixture(scope="module")
def team(bed: Testbed, release: Installed, places: Places, canary: Canary, connections: Path) -> Iterator[Cluster]:
    """Return a namespace with three Secrets, which are filled from two paths on KV v2 and one on KV v1."""
    assert release
    planter, team = Planter(bed, canary, TENANT), Cluster(bed, places, TENANT)
    planter.secret("db")
    planter.secret("mail")
    planter.secret("old", mount="legacy", version=1)
    add_exact_tenant(bed, TENANT, [DB, f"secret/{TENANT}/mail", f"legacy/{TENANT}/old"], connections, KINDS)
    references = {name: f"vault:secret/{TENANT}/{name}#password" for name in ("db", "mail")}
    team.apply(*(filled(name, password=text) for name, text in references.items()))
    team.apply(filled("old", password=f"vault:legacy/{TENANT}/old#password"))
    yield team
    team.delete("db", "mail", "old")


@pytest.fixture
def looks(sources: Sources, places: Places, team: Cluster) -> Looks:
    assert team
    return Looks(sources, places)


def wrong(inventory: Inventory, chosen: ValuesCurrent | None = None) -> list[tuple[str, str]]:
    """Return standard and pointer of each finding."""
    return [
        (each.rule.id, answer.pointer)
        for each in STANDARDS
        for answer in each.judge(inventory, (chosen if each is STANDARDS[0] else None) or each.parameters())
        if isinstance(answer, Finding)
    ]


def unchecked(inventory: Inventory, chosen: ValuesCurrent | None = None) -> list[str]:
    """Return why what was not checked was not."""
    return [
        answer.reason
        for each in STANDARDS
        for answer in each.judge(inventory, (chosen if each is STANDARDS[0] else None) or each.parameters())
        if isinstance(answer, NotChecked)
    ]


def test_what_is_right_is_held_with_one_question_each_and_none_for_data(looks: Looks, traffic: Traffic) -> None:
    inventory = looks.inventory()
    assert wrong(inventory) == []
    (only,) = unchecked(inventory)
    assert "legacy is a KV v1 mount" in only
    for each in STANDARDS:
        assert any(isinstance(answer, Held) for answer in each.judge(inventory, each.parameters())), each.rule.id
    heard = Heard(traffic)
    asked = heard.vault_questions()
    assert {path for _, path in asked} == {
        f"secret/metadata/{TENANT}/db",
        f"secret/metadata/{TENANT}/mail",
        f"auth/jwt/role/keyhole-{TENANT}",
        f"sys/policies/acl/keyhole-{TENANT}",
        *(path for _, path in asked if path.startswith("sys/internal/ui/mounts/")),
    }
    assert max(asked.values()) == 1, asked
    assert len(traffic.logins()) == traffic.revocations() == 2
    assert heard.writes() == []


def test_what_becomes_of_a_path_in_vault_is_found(
    looks: Looks, vault: hvac.Client, bed: Testbed, canary: Canary
) -> None:
    about, kv = ("values-current", f"default:{DB}"), vault.secrets.kv.v2
    name = {"path": f"{TENANT}/db", "mount_point": "secret"}
    planter = Planter(bed, canary, TENANT)
    planter.secret("db")
    # A newer version has an hour to arrive; nothing brings it here, as the controller is off.
    assert wrong(looks.inventory()) == []
    assert wrong(looks.inventory(), NO_LAG) == [about]
    kv.delete_latest_version_of_secret(**name)
    assert wrong(looks.inventory()) == [about]
    kv.destroy_secret_versions(versions=[2], **name)
    assert wrong(looks.inventory()) == [about]
    kv.delete_metadata_and_all_versions(**name)
    assert wrong(looks.inventory()) == [about]
    before = datetime.now(UTC)
    planter.secret("db")
    inventory = looks.inventory()
    # The version is the recorded one again. Only the times tell that it is another secret.
    assert wrong(inventory) == []
    exactly = ValuesCurrent(clock_skew_seconds=0)
    assert [reason for reason in unchecked(inventory, exactly) if DB in reason and "made anew" in reason]
    who = {"group": "", "kind": "Secret", "namespace": TENANT, "name": "db", "requester": "team"}
    earlier = datetime.fromtimestamp(before.timestamp() - 3600, UTC)
    trail = TrailFacts(files=(), lines=1, chains=(), admitted=(Admitted.model_validate({**who, "last": earlier}),))
    assert wrong(inventory.model_copy(update={"trail": trail})) == [about]


def test_what_is_granted_beyond_what_is_used_is_found(looks: Looks, vault: hvac.Client) -> None:
    name = f"keyhole-{TENANT}"
    text = vault.sys.read_policy(name)["data"]["rules"]
    for path, capability in (
        (f"secret/data/{TENANT}/*", "read"),
        ("secret/data/shop/app", "read"),
        (f"secret/metadata/{TENANT}/", "list"),
        ("sys/policies/acl/*", "read"),
    ):
        vault.sys.create_or_update_policy(name, f'{text}\npath "{path}" {{ capabilities = ["{capability}"] }}')
        assert wrong(looks.inventory()) == [("least-privilege", path)]
    template = "secret/data/{{identity.entity.name}}"
    vault.sys.create_or_update_policy(name, f'{text}\npath "{template}" {{ capabilities = ["read"] }}')
    inventory = looks.inventory()
    assert wrong(inventory) == []
    assert any(template in reason for reason in unchecked(inventory))
    vault.sys.create_or_update_policy(name, text)
    assert wrong(looks.inventory()) == []


def test_what_a_role_lets_in_beside_its_account_is_found(looks: Looks, vault: hvac.Client) -> None:
    path = f"auth/jwt/role/keyhole-{TENANT}"
    right = vault.read(path)["data"]
    for name, value in (
        ("bound_subject", f"system:serviceaccount:{TENANT}:default"),
        ("bound_audiences", ["vault", "https://kubernetes.default.svc"]),
        ("token_policies", [f"keyhole-{TENANT}", "default"]),
        ("token_no_default_policy", False),
        ("token_max_ttl", 86_400),
        ("token_period", 600),
        ("token_type", "default"),
        ("expiration_leeway", 3_600),
    ):
        vault.write_data(path, data={**right, name: value})
        inventory = looks.inventory()
        found = [pointer for standard, pointer in wrong(inventory) if standard == "identities"]
        assert found == [name]
    vault.write_data(path, data=right)
    assert wrong(looks.inventory()) == []


@pytest.mark.parametrize("method", ["jwt", "kubernetes"])
@pytest.mark.parametrize("role", ["keyhole-judged-{namespace}", "keyhole-judged"])
@pytest.mark.parametrize("token_type", ["service", "batch"])
def test_what_keyhole_tenant_sets_up_is_held_as_vault_tells_of_it(
    bed: Testbed, vault: hvac.Client, method: str, role: str, token_type: TokenType
) -> None:
    auth = Authentication.model_validate({"method": method, "role": role})
    world, own = World(auth=auth), "{namespace}" in role
    for namespace, paths in world.uses.items():
        made = setup(namespace if own else None, paths if own else ["secret/{namespace}/*"], auth, token_type)
        set_up(bed, made)
        world.roles[namespace] = parameters(vault.read(made.role.path)["data"])
        world.policies[namespace] = rules(vault.sys.read_policy(made.policy.name)["data"]["rules"])
    assert all_held(world.inventory(), identities.STANDARD)
    if own:
        assert all_held(world.inventory(), least_privilege.STANDARD)


def test_a_right_that_is_missing_is_named_and_nothing_is_held(looks: Looks, vault: hvac.Client) -> None:
    text = vault.sys.read_policy("keyhole_enforcer")["data"]["rules"]
    vault.sys.create_or_update_policy("keyhole_enforcer", 'path "auth/token/revoke-self" { capabilities = ["update"] }')
    try:
        reasons = unchecked(looks.inventory())
    finally:
        vault.sys.create_or_update_policy("keyhole_enforcer", text)
    assert any(f'path "sys/policies/acl/keyhole-{TENANT}"' in reason for reason in reasons)
    assert any(f'path "auth/jwt/role/keyhole-{TENANT}"' in reason for reason in reasons)


def test_of_a_vault_that_is_sealed_nothing_is_held(looks: Looks, bed: Testbed) -> None:
    bed.vault.seal()
    try:
        inventory = looks.inventory()
    finally:
        bed.vault.unseal()
    assert is_known(inventory.vault)
    assert all(isinstance(each.rules, NotKnown) for each in inventory.vault.policies)
    for each in STANDARDS:
        answers = list(each.judge(inventory, each.parameters()))
        assert answers
        assert all(isinstance(one, NotChecked) for one in answers), each.rule.id
    assert any("sealed" in reason for reason in unchecked(inventory))
