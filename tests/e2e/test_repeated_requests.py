"""What is asked of Vault once more, and lands within the same admission."""

from collections.abc import Iterator

import pytest

from testbed import Testbed
from tests.e2e.caller import Caller
from tests.e2e.lying_vault import LyingVault
from tests.e2e.objects import encoded, filled
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic


@pytest.mark.parametrize(
    ("lie", "times"),
    [
        pytest.param("balancer-502-twice", 3, id="502 of a balancer, twice"),
        pytest.param("balancer-503-once", 2, id="503 of a balancer"),
        pytest.param("not-replicated-once", 2, id="412, not replicated yet"),
        pytest.param("hangs-up-at-first", 3, id="a connection that is closed before an answer, twice"),
    ],
)
def test_a_read_that_fails_for_a_moment_is_repeated(caller: Caller, liar: LyingVault, lie: str, times: int) -> None:
    reply = caller.admit(filled("asked", password=f"vault+liar:secret/again/{lie}#password"))
    assert reply.allowed
    assert {"op": "add", "path": "/data/password", "value": encoded(liar.secret)} in reply.patch
    assert len(liar.tokens_of(f"/again/{lie}")) == times


def test_a_login_that_fails_for_a_moment_is_repeated(caller: Caller, liar: LyingVault) -> None:
    assert caller.admit(filled("asked", password="vault+liar-balancer-502-twice:secret/again/honest#password")).allowed
    assert len(liar.tokens_of("/auth/balancer-502-twice/login")) == 3


@pytest.mark.parametrize("lie", ["status-500", "status-502", "status-503", "status-473", "status-429"])
def test_what_vault_itself_says_lasts_longer_than_an_admission_and_is_not_repeated(
    caller: Caller, liar: LyingVault, lie: str
) -> None:
    assert not caller.admit(filled("asked", password=f"vault+liar:secret/once/{lie}#password")).allowed
    assert len(liar.tokens_of(f"/once/{lie}")) == 1


@pytest.fixture
def _one_read_a_second(testbed: Testbed, tenant: str) -> Iterator[None]:
    """Have the real Vault answer one request a second on one mount, and say so in headers and in its audit log."""
    adapter = testbed.vault.client().adapter
    adapter.post(
        "/v1/sys/quotas/config",
        json={"enable_rate_limit_response_headers": True, "enable_rate_limit_audit_logging": True},
    )
    adapter.post("/v1/sys/quotas/rate-limit/e2e", json={"path": "other-two/", "rate": 1, "interval": "1s"})
    try:
        yield
    finally:
        adapter.delete("/v1/sys/quotas/rate-limit/e2e")


def test_a_rate_limit_of_vaults_is_waited_for(
    caller: Caller, plant: Planter, testbed: Testbed, request: pytest.FixtureRequest
) -> None:
    values = {f"k{number}": plant.secret(f"limited-{number}", mount="other-two")["password"] for number in range(2)}
    references = {f"k{number}": f"vault+detecting:other-two/e2e/limited-{number}#password" for number in range(2)}
    # The login, and the question of which version the mount is, are not to be limited.
    assert caller.admit(filled("asked", k0=references["k0"])).allowed
    request.getfixturevalue("_one_read_a_second")
    traffic = Traffic(testbed)
    reply = caller.admit(filled("asked", **references))
    assert reply.allowed
    for key, value in values.items():
        assert {"op": "add", "path": f"/data/{key}", "value": encoded(value)} in reply.patch
    # One of them was refused at first.
    assert len([path for path in traffic.reads() if path.startswith("other-two/data/e2e/limited-")]) >= 3
