"""Whose token is accepted: those of the API server's own issuer, by its keys and by its TokenReview."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from testbed import Testbed
from testbed.keyhole.objects import apply
from testbed.servers.ports import free_port
from tests.changes.access.issuer import Issuer
from tests.changes.serving.waiting import until
from tests.e2e.page.conftest import OIDC, Tokens, World
from tests.e2e.page.names import SEEN
from tests.e2e.page.paging import paging

CLIENT = "keyhole"


def oidc(bed: Testbed, keys: Path) -> Sequence[str]:
    issuer = ("--oidc-issuer", bed.kubernetes.issuer, "--oidc-client-id", CLIENT, "--oidc-jwks", str(keys))
    return *issuer, "--oidc-username-prefix", OIDC


def test_the_api_servers_own_tokens_are_verified_by_its_keys(
    bed: Testbed, worlds: Sequence[World], kubeconfig: Path, keys: Path, tmp_path: Path
) -> None:
    trail = str(worlds[0].page.log.parent.parent / "trails" / "a.log")
    viewer, stranger, administrator = (Tokens.of(bed, name, CLIENT) for name in ("viewer", "stranger", "administrator"))
    with paging(tmp_path / "page", kubeconfig, "--trail", trail, *oidc(bed, keys)) as page:
        until(lambda: SEEN.encode() in page.get("/", administrator).body)
        assert page.get(f"/namespace/{SEEN}", viewer).status == 200
        assert page.get(f"/namespace/{SEEN}", stranger).status == 404
        assert page.get("/", Tokens.of(bed, "viewer")).status == 401  # for the page that asks the API server
        for token in forged(viewer, administrator, bed.kubernetes.issuer):
            assert page.get("/", token).status == 401
        assert viewer not in page.log.read_text()


def forged(viewer: str, administrator: str, issuer: str) -> Sequence[str]:
    head, claims, signature = viewer.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    none = base64.urlsafe_b64encode(json.dumps({**header, "alg": "none"}).encode()).rstrip(b"=").decode()
    stranger = Issuer().token(iss=issuer, aud=CLIENT, sub="system:serviceaccount:people:administrator")
    return (
        f"{head}.{administrator.split('.')[1]}.{signature}",
        f"{none}.{claims}.",
        f"{head}.{claims}.",
        stranger,
        viewer[:-2],
    )


def test_the_api_server_says_whose_a_token_is(bed: Testbed, worlds: Sequence[World], tokens: Tokens) -> None:
    page = worlds[0].page
    assert page.get("/", tokens.viewer).status == 200
    for token in (Tokens.of(bed, "viewer", "other"), Tokens.of(bed, "viewer", bed.kubernetes.issuer), "x.y.z", "x"):
        assert page.get("/", token).status == 401
    # A name in a header is no token.
    for header in ("X-Forwarded-User", "X-Remote-User", "Impersonate-User"):
        assert page.get("/", headers=[(header, "system:serviceaccount:people:administrator")]).status == 401


def test_rights_over_objects_are_not_the_right_to_see_changes(bed: Testbed, worlds: Sequence[World]) -> None:
    name = "newcomer"
    apply(bed, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "people"}})
    reading = {"apiGroups": [""], "resources": ["secrets", "pods"], "verbs": ["get", "list"]}
    user = f"system:serviceaccount:people:{name}"
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    role = {"metadata": {"name": name, "namespace": SEEN}}
    apply(
        bed,
        {**rbac, "kind": "Role", **role, "rules": [reading]},
        {
            **rbac,
            "kind": "RoleBinding",
            **role,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
        },
    )
    token = Tokens.of(bed, name)
    assert worlds[0].page.get(f"/namespace/{SEEN}", token).status == 404


@pytest.fixture
def elsewhere(kubeconfig: Path, tmp_path: Path) -> Path:
    """Return a kubeconfig that leads to where nothing listens."""
    told = yaml.safe_load(kubeconfig.read_text())
    told["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    file = tmp_path / "elsewhere"
    file.write_text(yaml.safe_dump(told))
    file.chmod(0o600)
    return file


def test_while_nobody_can_say_nothing_is_shown(
    bed: Testbed, worlds: Sequence[World], keys: Path, elsewhere: Path, tmp_path: Path
) -> None:
    trail = str(worlds[0].page.log.parent.parent / "trails" / "a.log")
    token = Tokens.of(bed, "administrator", CLIENT)
    with paging(tmp_path / "page", elsewhere, "--trail", trail, *oidc(bed, keys)) as page:
        for path in ("/", f"/namespace/{SEEN}", f"/object/{SEEN}/Secret/db", "/person?name=alice@example.com"):
            answer = page.get(path, token)
            assert answer.status == 503, path
            assert b"did not answer" in answer.body
            assert b"password" not in answer.body
