"""Tokens of the real API server log in at the real Vault, by both methods."""

import pytest

from testbed import Testbed
from tests.testbed.processes import eventually


@pytest.fixture(scope="module")
def namespace(testbed: Testbed) -> str:
    testbed.kubectl("create", "namespace", "logins")
    testbed.kubectl("create", "serviceaccount", "keyhole", "-n", "logins")
    testbed.vault.client().sys.create_or_update_policy(
        "logins", 'path "secret/data/logins/*" { capabilities = ["read"] }'
    )
    return "logins"


def token_of(testbed: Testbed, namespace: str, audience: str | None) -> str:
    audiences = [f"--audience={audience}"] if audience else []
    return testbed.kubectl("create", "token", "keyhole", "-n", namespace, *audiences).stdout.strip()


def login(testbed: Testbed, mount: str, role: str, token: str) -> tuple[int, dict[str, object]]:
    answer = testbed.vault.client(token="").adapter.post(
        f"/v1/auth/{mount}/login", json={"role": role, "jwt": token}, raise_exception=False
    )
    if not isinstance(answer, dict):
        return answer.status_code, {}
    return 200, answer["auth"]


@pytest.fixture(scope="module")
def jwt_role(testbed: Testbed, namespace: str) -> str:
    testbed.vault.client().auth.jwt.create_role(
        "logins",
        role_type="jwt",
        allowed_redirect_uris=[],
        user_claim="sub",
        bound_audiences=["vault"],
        bound_subject=f"system:serviceaccount:{namespace}:keyhole",
        token_policies=["logins"],
    )
    return "logins"


@pytest.mark.parametrize("audience", ["vault", None], ids=["with the audience vault", "with the default audience"])
def test_a_minted_token_logs_in_at_the_kubernetes_method_through_a_token_review(
    testbed: Testbed, namespace: str, audience: str | None
) -> None:
    role = f"logins-{audience or 'default'}"
    testbed.vault.client().auth.kubernetes.create_role(
        role,
        bound_service_account_names=["keyhole"],
        bound_service_account_namespaces=[namespace],
        policies=["logins"],
        audience=audience,
        alias_name_source="serviceaccount_uid",
    )
    reviews = token_reviews(testbed)
    status, auth = login(testbed, "kubernetes", role, token_of(testbed, namespace, audience))
    assert (status, auth.get("token_policies")) == (200, ["default", "logins"])
    assert eventually(lambda: token_reviews(testbed) == reviews + 1)


def token_reviews(testbed: Testbed) -> int:
    return sum(
        entry.get("objectRef", {}).get("resource") == "tokenreviews"
        # Whoever proves nothing to the API server has no name.
        and entry["user"].get("username") == "system:serviceaccount:kube-system:vault-token-reviewer"
        for entry in testbed.kubernetes.audit_entries()
    )


def test_a_minted_token_logs_in_at_the_jwt_method(testbed: Testbed, namespace: str, jwt_role: str) -> None:
    status, auth = login(testbed, "jwt", jwt_role, token_of(testbed, namespace, "vault"))
    assert (status, auth.get("token_policies")) == (200, ["default", "logins"])


def test_a_token_for_the_api_server_itself_does_not_log_in_at_the_jwt_method(
    testbed: Testbed, namespace: str, jwt_role: str
) -> None:
    status, _ = login(testbed, "jwt", jwt_role, token_of(testbed, namespace, None))
    assert status == 400


def test_a_token_of_another_namespace_s_account_does_not_log_in(testbed: Testbed, jwt_role: str) -> None:
    testbed.kubectl("create", "namespace", "elsewhere")
    testbed.kubectl("create", "serviceaccount", "keyhole", "-n", "elsewhere")
    status, _ = login(testbed, "jwt", jwt_role, token_of(testbed, "elsewhere", "vault"))
    assert status == 400
