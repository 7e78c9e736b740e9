"""Vault sealed, stopped, slow or lying: the answer of admission.md's table, within the deadline, and never a value."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from testbed import Testbed
from tests.e2e.caller import Caller, Reply
from tests.e2e.cluster import Cluster
from tests.e2e.lying_vault import LyingVault
from tests.e2e.objects import encoded, filled
from tests.e2e.planter import Planter
from tests.e2e.slow_wire import CountingListener, DrippingProxy
from tests.e2e.traffic import Traffic

# What the API server is configured to wait: the reply is read within this time or the test fails.
_TIMEOUT_SECONDS = 5


def _asked(caller: Caller, reference: str) -> Reply:
    return caller.admit(filled("asked", password=reference), timeout_seconds=_TIMEOUT_SECONDS)


def _assert_temporary(reply: Reply, cause: str = "VaultUnavailable", retry_after_seconds: int = 5) -> None:
    assert reply.http_status == 200
    assert not reply.allowed
    assert reply.code == 503
    assert reply.response["status"]["reason"] == "ServiceUnavailable"
    assert reply.message.startswith(f"{cause}: Secret e2e/asked: annotation data.keyhole.dev/password: ")
    assert "retry may work" in reply.message
    assert reply.retry_after_seconds == retry_after_seconds


def _assert_lasting(reply: Reply, cause: str) -> None:
    assert reply.http_status == 200
    assert not reply.allowed
    assert reply.code == 403
    assert reply.response["status"]["reason"] == "Forbidden"
    assert reply.message.startswith(f"{cause}: Secret e2e/asked: annotation data.keyhole.dev/password: ")
    assert reply.retry_after_seconds is None


class TestLies:
    @pytest.mark.parametrize(
        ("lie", "retry_after_seconds", "told"),
        [
            pytest.param("status-429", 17, "limits the rate", id="429 with a hint of when to come back"),
            pytest.param("status-429-no-hint", 5, "limits the rate", id="429 without one"),
            pytest.param("status-429-odd-hint", 5, "limits the rate", id="429 with a date instead of seconds"),
            pytest.param("status-412", 5, "not replicated", id="412, not replicated yet"),
            pytest.param("status-472", 5, "recovery secondary", id="472, a recovery secondary"),
            pytest.param("status-473", 5, "standby", id="473, a performance standby"),
            pytest.param("status-500", 5, "status 500", id="500"),
            pytest.param("status-502", 5, "status 502", id="502 of a balancer"),
            pytest.param("status-503", 5, "sealed", id="503, sealed"),
            pytest.param("garbage", 5, "not Vault's", id="no JSON"),
            pytest.param("a-list", 5, "not Vault's", id="a JSON list"),
            pytest.param("a-number", 5, "not Vault's", id="a JSON number"),
            pytest.param("no-data", 5, "not Vault's", id="no data"),
            pytest.param("data-is-text", 5, "not Vault's", id="data that is a text"),
            pytest.param("fields-are-a-list", 5, "not Vault's", id="fields that are a list"),
            pytest.param("fields-are-null", 5, "not Vault's", id="fields that are null"),
            pytest.param("breaking", 5, "broke the connection", id="a body that breaks off"),
        ],
    )
    def test_what_may_pass_is_answered_503(self, caller: Caller, lie: str, retry_after_seconds: int, told: str) -> None:
        reply = _asked(caller, f"vault+liar:secret/lie/{lie}#password")
        _assert_temporary(reply, retry_after_seconds=retry_after_seconds)
        assert told in reply.message

    @pytest.mark.parametrize(
        ("lie", "cause"),
        [
            pytest.param("status-403", "PermissionDenied", id="403"),
            pytest.param("status-404", "SecretNotFound", id="404"),
            pytest.param("status-400", "VaultRefused", id="400"),
            pytest.param("status-405", "VaultRefused", id="405"),
            pytest.param("status-418", "VaultRefused", id="a status that Vault never sends"),
            pytest.param("endless", "AnswerTooLarge", id="a body without end"),
            pytest.param("field-is-null", "FieldNotFound", id="a field that is null"),
            pytest.param("no-such-field", "FieldNotFound", id="a field that is missing"),
        ],
    )
    def test_what_will_not_pass_is_answered_403(self, caller: Caller, lie: str, cause: str) -> None:
        field = "other" if lie == "no-such-field" else "password"
        _assert_lasting(_asked(caller, f"vault+liar:secret/lie/{lie}#{field}"), cause)

    @pytest.mark.parametrize("lie", ["honest", "version-is-text", "version-is-a-fraction"])
    def test_an_honest_answer_of_the_same_server_is_taken(self, caller: Caller, liar: LyingVault, lie: str) -> None:
        reply = _asked(caller, f"vault+liar:secret/lie/{lie}#password")
        assert reply.allowed
        value = liar.secret if lie == "honest" else "p"
        assert {"op": "add", "path": "/data/password", "value": encoded(value)} in reply.patch

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_a_redirect_is_not_followed_and_the_token_stays_here(
        self, caller: Caller, elsewhere: CountingListener, liar: LyingVault, status: int
    ) -> None:
        path = f"secret/lie/status-{status}"
        reply = _asked(caller, f"vault+liar:{path}#password")
        _assert_temporary(reply)
        assert f"redirect (status {status})" in reply.message
        assert elsewhere.url not in reply.message
        assert liar.tokens_of(f"/lie/status-{status}") == [liar.token]
        assert elsewhere.connections() == 0

    @pytest.mark.parametrize(
        ("lie", "code", "cause"),
        [
            pytest.param("status-400", 403, "LoginDenied", id="400, the role is missing or does not fit"),
            pytest.param("status-403", 403, "LoginDenied", id="403, the identity is not believed"),
            pytest.param("status-404", 403, "LoginDenied", id="404, no such mount"),
            pytest.param("status-429", 503, "VaultUnavailable", id="429"),
            pytest.param("status-500", 503, "VaultUnavailable", id="500"),
            pytest.param("status-503", 503, "VaultUnavailable", id="503"),
            pytest.param("status-307", 503, "VaultUnavailable", id="a redirect"),
            pytest.param("garbage", 503, "VaultUnavailable", id="no JSON"),
            pytest.param("a-list", 503, "VaultUnavailable", id="a JSON list"),
            pytest.param("no-auth", 503, "VaultUnavailable", id="no auth"),
            pytest.param("token-is-a-number", 503, "VaultUnavailable", id="a token that is a number"),
            pytest.param("token-with-line-break", 503, "VaultUnavailable", id="a token that would end a header"),
            pytest.param("token-beyond-latin-1", 503, "VaultUnavailable", id="a token that no header can hold"),
            pytest.param("lifetime-is-text", 503, "VaultUnavailable", id="a lifetime that is a text"),
        ],
    )
    def test_a_login_is_answered_by_the_same_table(
        self, caller: Caller, elsewhere: CountingListener, lie: str, code: int, cause: str
    ) -> None:
        reply = _asked(caller, f"vault+liar-{lie}:secret/lie/honest#password")
        assert not reply.allowed
        assert (reply.code, reply.message.partition(":")[0]) == (code, cause)
        assert elsewhere.connections() == 0


class TestSlow:
    @pytest.mark.parametrize(
        "reference",
        [
            pytest.param("vault+liar:secret/lie/stalling#password", id="a read that is never answered"),
            pytest.param("vault+liar:secret/lie/dripping#password", id="a body that drips, a byte a second"),
            pytest.param("vault+liar-stalling:secret/lie/honest#password", id="a login that is never answered"),
            pytest.param("vault+liar-dripping:secret/lie/honest#password", id="a login whose answer drips"),
            pytest.param("vault+silent:secret/lie/honest#password", id="a handshake that never begins"),
            pytest.param("vault+slow-handshake:secret/lie/honest#password", id="a handshake that drips"),
        ],
    )
    def test_a_slow_vault_is_answered_503_before_the_api_server_gives_up(self, caller: Caller, reference: str) -> None:
        reply = _asked(caller, reference)
        _assert_temporary(reply)
        assert "did not answer in time" in reply.message

    def test_a_wire_that_drips_below_tls_is_answered_503_before_the_api_server_gives_up(
        self, caller: Caller, liar: LyingVault, slow_records: DrippingProxy
    ) -> None:
        slow_records.is_slow = False
        liar.before_answering = lambda: setattr(slow_records, "is_slow", True)
        try:
            reply = _asked(caller, "vault+slow-records:secret/lie/honest#password")
        finally:
            liar.before_answering = lambda: None
            slow_records.is_slow = False
        _assert_temporary(reply)

    def test_many_slow_reads_end_within_the_same_deadline(self, caller: Caller) -> None:
        references = {f"k{index}": f"vault+liar:secret/lie/{index}/stalling#password" for index in range(40)}
        reply = caller.admit(filled("asked", **references), timeout_seconds=_TIMEOUT_SECONDS)
        assert reply.code == 503

    def test_a_request_whose_time_is_used_up_is_answered_503(self, caller: Caller) -> None:
        body = caller.review(filled("asked", password="vault:secret/e2e/any#password"), namespace="never-asked-about")
        reply = caller.send_review(body, query="?timeout=0.0001s")
        assert reply.code == 503
        assert reply.message.startswith("DeadlineExceeded: ")

    def test_a_slow_vault_does_not_hold_up_another(self, caller: Caller, plant: Planter) -> None:
        plant.secret("not-held-up")
        with caller.in_flight(
            filled("asked", password="vault+liar:secret/lie/stalling#password"), timeout_seconds=_TIMEOUT_SECONDS
        ):
            assert _asked(caller, "vault:secret/e2e/not-held-up#password").allowed


class TestUnreachable:
    def test_a_port_that_nobody_listens_on(self, caller: Caller) -> None:
        reply = _asked(caller, "vault+nobody:secret/e2e/any#password")
        _assert_temporary(reply)
        assert "refuses connections" in reply.message

    def test_a_certificate_that_is_not_trusted(self, caller: Caller, testbed: Testbed) -> None:
        reply = _asked(caller, "vault+untrusted:secret/e2e/any#password")
        _assert_temporary(reply)
        assert "certificate that is not trusted" in reply.message

    @pytest.mark.parametrize("how", ["sealed", "stopped"])
    def test_nothing_is_stored_and_what_needs_no_value_goes_on_until_vault_is_back(
        self, cluster: Cluster, caller: Caller, plant: Planter, testbed: Testbed, how: str
    ) -> None:
        values = plant.secret(f"while-{how}")
        reference = f"vault:secret/e2e/while-{how}#password"
        manifest = filled(f"while-{how}", password=reference)
        cluster.apply(filled(f"before-{how}", password=reference))
        with _vault_down(testbed, how):
            answer = cluster.create(manifest)
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "5"
            assert answer.json()["reason"] == "ServiceUnavailable"
            assert f"VaultUnavailable: Secret e2e/while-{how}: " in answer.json()["message"]
            assert not cluster.exists(f"while-{how}")
            _assert_temporary(_asked(caller, reference))
            cluster.apply(manifest, dry_run=True)
            cluster.delete(f"before-{how}")
        assert cluster.create(manifest).status_code == 201
        assert cluster.values(f"while-{how}") == values

    def test_kubectl_waits_for_a_vault_that_comes_back(
        self, cluster: Cluster, plant: Planter, testbed: Testbed
    ) -> None:
        values = plant.secret("comes-back")
        manifest = filled("comes-back", password="vault:secret/e2e/comes-back#password")
        with ThreadPoolExecutor(1) as pool:
            with _vault_down(testbed, "sealed"):
                traffic = Traffic(testbed)
                applied = pool.submit(cluster.apply, manifest)
                traffic.wait_for_answer("create", "secrets", 503)
            # It heard of a retry from the webhook by way of the API server, and needs nobody's help.
            applied.result()
        assert cluster.values("comes-back") == values


@contextlib.contextmanager
def _vault_down(bed: Testbed, how: str) -> Iterator[None]:
    if how == "sealed":
        bed.vault.seal()
    else:
        bed.vault.stop()
    try:
        yield
    finally:
        if how == "sealed":
            bed.vault.unseal()
        else:
            bed.vault.start()
