"""Logins that the real Vault refuses, each for its own reason: what is told is what has to be mended."""

from collections.abc import Iterator, Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from resolver.connections.model import Connection
from resolver.vault.errors import LoginDenied
from testbed import Testbed
from testbed.keyhole.connections import AUDIENCE
from testbed.keyhole.tenants import add_tenant
from testbed.servers.pki import public_key_pem
from tests.e2e.asking import Asking, asking, connection
from tests.e2e.places import Places

_NAMESPACE = "logins-refused"
_SUBJECT = f"system:serviceaccount:{_NAMESPACE}:keyhole"


def _connections(bed: Testbed) -> Mapping[str, Connection]:
    """Return a connection for each reason, named by it."""
    jwt = {
        "other-key": {"mount": "jwt-other-key", "role": "refused"},
        "other-issuer": {"mount": "jwt-other-issuer", "role": "refused"},
        "no-role": {"role": "never-made"},
        "other-audience": {"role": "refused-audience"},
        "other-subject": {"role": "refused-subject"},
        "other-claim": {"role": "refused-claim"},
        "no-mount": {"mount": "jwt-nowhere"},
        "unconfigured": {"mount": "jwt-unconfigured", "role": "refused"},
        "kube-no-role": {"method": "kubernetes", "role": "never-made"},
        "kube-other-namespace": {"method": "kubernetes", "role": "refused-namespace"},
        "kube-other-account": {"method": "kubernetes", "role": "refused-account"},
        "kube-other-audience": {"method": "kubernetes", "role": "refused-audience"},
        "kube-no-reviewer": {"method": "kubernetes", "mount": "kubernetes-no-reviewer", "role": "refused"},
    }
    return {name: connection(bed, auth) for name, auth in jwt.items()}


@pytest.fixture(scope="module")
def refused(testbed: Testbed, places: Places) -> Iterator[Asking]:
    add_tenant(testbed, _NAMESPACE, ["secret/data/refused/*"])
    client = testbed.vault.client()
    issuer, key = testbed.kubernetes.issuer, testbed.kubernetes.service_account_public_key
    other_key = public_key_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)).decode()
    for mount in ("jwt-other-key", "jwt-other-issuer", "jwt-unconfigured"):
        client.sys.enable_auth_method("jwt", path=mount)
    configure = client.auth.jwt.configure
    configure(jwt_validation_pubkeys=[other_key], bound_issuer=issuer, path="jwt-other-key")
    configure(jwt_validation_pubkeys=[key], bound_issuer="https://elsewhere", path="jwt-other-issuer")
    for mount in ("jwt-other-key", "jwt-other-issuer"):
        _jwt_role(testbed, mount, "refused")
    _jwt_role(testbed, "jwt", "refused-audience", bound_audiences=["another"])
    _jwt_role(testbed, "jwt", "refused-subject", bound_subject="system:serviceaccount:another:keyhole")
    _jwt_role(testbed, "jwt", "refused-claim", bound_claims={"/kubernetes.io/namespace": "another"})
    create = client.auth.kubernetes.create_role
    create("refused-namespace", ["keyhole"], ["another"], audience=AUDIENCE)
    create("refused-account", ["another"], [_NAMESPACE], audience=AUDIENCE)
    create("refused-audience", ["keyhole"], [_NAMESPACE], audience="another")
    testbed.vault.enable_kubernetes("kubernetes-no-reviewer")
    # Without a reviewer's token the client's own has to do, and it may not create TokenReviews.
    client.auth.kubernetes.configure(
        kubernetes_host=testbed.kubernetes.url,
        kubernetes_ca_cert=testbed.kubernetes.ca_pem.decode(),
        disable_local_ca_jwt=True,
        mount_point="kubernetes-no-reviewer",
    )
    create("refused", ["keyhole"], [_NAMESPACE], audience=AUDIENCE, mount_point="kubernetes-no-reviewer")
    with asking(testbed, _connections(testbed)) as asks:
        yield asks


def _jwt_role(bed: Testbed, mount: str, name: str, **changes: object) -> None:
    parameters = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": [AUDIENCE], "bound_subject": _SUBJECT}
    bed.vault.client().adapter.post(f"/v1/auth/{mount}/role/{name}", json=parameters | changes)


@pytest.mark.parametrize(
    ("name", "told", "command"),
    [
        ("other-key", "no key of auth/jwt-other-key verifies", "vault read auth/jwt-other-key/config"),
        ("other-issuer", "bound to another issuer", "vault read auth/jwt-other-issuer/config"),
        ("no-role", "there is no such role", "vault list auth/jwt/role"),
        ("other-audience", "does not accept the audience vault", "vault read auth/jwt/role/refused-audience"),
        ("other-subject", "not bound to this ServiceAccount", "vault read auth/jwt/role/refused-subject"),
        ("other-claim", "not bound to this ServiceAccount", "vault read auth/jwt/role/refused-claim"),
        ("no-mount", "auth/jwt-nowhere does not exist", "vault auth list"),
        ("unconfigured", "auth/jwt-unconfigured is not configured", "vault read auth/jwt-unconfigured/config"),
        ("kube-no-role", "there is no such role", "vault list auth/kubernetes/role"),
        ("kube-other-namespace", "not bound to this", "vault read auth/kubernetes/role/refused-namespace"),
        ("kube-other-account", "not bound to this", "vault read auth/kubernetes/role/refused-account"),
        (
            "kube-other-audience",
            "does not accept the audience vault",
            "vault read auth/kubernetes/role/refused-audience",
        ),
        ("kube-no-reviewer", "token_reviewer_jwt", "vault read auth/kubernetes-no-reviewer/config"),
    ],
)
def test_the_reason_is_told_with_the_command_that_shows_it(refused: Asking, name: str, told: str, command: str) -> None:
    error = refused.error(_NAMESPACE, f"vault+{name}:secret/refused/app#password")
    assert isinstance(error, LoginDenied), error.message
    assert told in error.message
    assert f"`{command}`" in error.message
    assert _SUBJECT in error.message
