"""Two tenants under one templated policy: what one writes never reaches a secret of the other, however it is written.

The second's name begins with the first's. What was asked is taken from Vault's own audit log.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.vault_role import vault_role
from resolver.connections.model import Authentication
from testbed import Testbed
from testbed.keyhole.connections import AUDIENCE
from testbed.keyhole.installation import Webhook
from testbed.keyhole.tenants import add_tenant
from testbed.servers.log_lines import NewLines
from tests.e2e.caller import Caller
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.objects import encoded, filled, secret
from tests.e2e.places import Places
from tests.e2e.tenancy import Tenancy

OWN, OTHER = "alone", "alone-too"
# What Keyhole sends on the way to a value and when it is done.
_HOUSEKEEPING = {"update auth/jwt/login", "update auth/token/revoke-self"}


@pytest.fixture(scope="module")
def values(
    testbed: Testbed, places: Places, canary: Canary, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Set up both tenants with the templated policy, and return the value of each at `secret/NAMESPACE/app`."""
    folder = tmp_path_factory.mktemp("isolation")
    tenancy = Tenancy(testbed, places, canary, folder)
    auth = {"method": "jwt", "role": "keyhole", "audience": AUDIENCE}
    connections = _connections(folder, {"address": testbed.vault.url, "auth": auth})
    options = ("--templated", "--kv", "secret=2", "--kv", "legacy=1", "--connections", str(connections))
    tenancy.shell(tenancy.printed(OWN, "--vault-only", *options))
    role = vault_role(Authentication(method="jwt", role="keyhole", audience=AUDIENCE), None, "keyhole", "service")
    for namespace in (OWN, OTHER):
        add_tenant(testbed, namespace, ["secret/data/unused"])
        # The webhook of these tests logs in under a role for each namespace: here both are the role of all.
        adapter = testbed.vault.client().adapter
        adapter.delete(f"/v1/auth/jwt/role/keyhole-{namespace}")
        adapter.post(f"/v1/auth/jwt/role/keyhole-{namespace}", json=dict(role.parameters))
        tenancy.plant(f"{namespace}/app", "legacy")
    return {namespace: tenancy.plant(f"{namespace}/app") for namespace in (OWN, OTHER)}


def _connections(folder: Path, default: dict[str, Any]) -> Path:
    file = folder / "connections.yaml"
    file.write_text(yaml.safe_dump({"connections": {"default": default}}))
    return file


@pytest.fixture
def within(testbed: Testbed, places: Places, webhook: Webhook, values: dict[str, str]) -> Callable[[str], Cluster]:
    """Return a way into either namespace, with the webhook in front of it."""
    return lambda namespace: Cluster(testbed, places, namespace)


class Asked:
    """What was asked of Vault since this was made, but for the tests' own requests."""

    def __init__(self, bed: Testbed) -> None:
        self._vault = bed.vault
        self._lines = NewLines(bed.vault.audit_log)

    def of(self, namespace: str) -> set[str]:
        """Return operations and paths, logins and revocations left out; each must be in this namespace's name."""
        found = set()
        for entry in self._vault.audit_requests(self._lines.read()):
            told = f"{entry['request']['operation']} {entry['request']['path']}"
            if entry.get("auth", {}).get("display_name") == "root" or told in _HOUSEKEEPING:
                continue
            assert entry["auth"]["metadata"]["service_account_namespace"] == namespace
            found.add(told)
        return found


@pytest.fixture
def asked(testbed: Testbed, webhook: Webhook, values: dict[str, str]) -> Asked:
    return Asked(testbed)


def test_each_gets_its_own_value(within: Callable[[str], Cluster], values: dict[str, str], asked: Asked) -> None:
    for namespace in (OWN, OTHER):
        cluster = within(namespace)
        cluster.apply(filled("own", password=f"vault:secret/{namespace}/app#password"))
        assert cluster.values("own") == {"password": values[namespace]}
    with pytest.raises(AssertionError):
        asked.of(OWN)  # the requests of the other stand there too, in the other's name


@pytest.mark.parametrize(("own", "other"), [(OWN, OTHER), (OTHER, OWN)])
@pytest.mark.parametrize(
    ("reference", "path"),
    [
        pytest.param("vault:secret/{}/app#password", "secret/data/{}/app", id="on KV v2"),
        pytest.param("vault:secret/data/{}/app#password", "secret/data/{}/app", id="as the HTTP API writes it"),
        pytest.param("vault:secret/{}/app#password#1", "secret/data/{}/app", id="a version of it"),
        pytest.param("vault:secret/{}/app#password | default:x", "secret/data/{}/app", id="with a default"),
        pytest.param("vault:legacy/{}/app#password", "legacy/{}/app", id="on KV v1"),
    ],
)
def test_vault_refuses_each_the_others_path(  # noqa: PLR0917 - pytest passes one for each parameter
    within: Callable[[str], Cluster], asked: Asked, own: str, other: str, reference: str, path: str
) -> None:
    cluster = within(own)
    manifests = [
        filled("annotated", password=reference.format(other)),
        secret("in-place", stringData={"password": f"<(({reference.format(other)}))>"}),
    ]
    for manifest in manifests:
        refused = cluster.create(manifest)
        assert refused.status_code == 403
        assert "PermissionDenied: " in refused.json()["message"]
        assert not cluster.exists(manifest["metadata"]["name"])
    assert asked.of(own) == {f"read {path.format(other)}"}


_MALFORMED, _NOT_FOUND, _DENIED = "MalformedReference: ", "SecretNotFound: ", "PermissionDenied: "


@pytest.mark.parametrize(
    ("path", "cause", "read"),
    [
        pytest.param("secret/alone/../alone-too/app", _MALFORMED, None, id="a dot segment"),
        pytest.param("secret/alone/./../alone-too/app", _MALFORMED, None, id="two sorts of dot segments"),
        pytest.param("secret/alone/..;x/alone-too/app", _MALFORMED, None, id="a dot segment with a parameter"),
        pytest.param("secret/../secret/alone-too/app", _MALFORMED, None, id="out of the mount and back"),
        pytest.param("secret/data/alone/../alone-too/app", _MALFORMED, None, id="a dot segment in the API's form"),
        pytest.param("secret//alone-too/app", _MALFORMED, None, id="an empty segment"),
        pytest.param("/secret/alone-too/app", _MALFORMED, None, id="a slash at the start"),
        pytest.param("secret/alone-too/app/", _MALFORMED, None, id="a slash at the end"),
        pytest.param("secret/alone/%2e%2e/alone-too/app", _MALFORMED, None, id="percent-encoded dots"),
        pytest.param("secret/alone/%2E./alone-too/app", _MALFORMED, None, id="one percent-encoded dot"),
        pytest.param("secret/alone/..%2falone-too/app", _MALFORMED, None, id="a percent-encoded slash after dots"),
        pytest.param("secret/alone%2f%2e%2e%2falone-too/app", _MALFORMED, None, id="all of it percent-encoded"),
        pytest.param("secret/alone/%252e%252e/alone-too/app", _MALFORMED, None, id="dots encoded twice"),
        pytest.param("secret/alone%252falone-too/app", _MALFORMED, None, id="a slash encoded twice"),
        pytest.param("secret/alone/app?/../../alone-too/app", _MALFORMED, None, id="a query"),
        pytest.param("secret/alone/app%3fversion=1", _MALFORMED, None, id="a percent-encoded query"),
        pytest.param("secret/alone\\..\\alone-too/app", _MALFORMED, None, id="backslashes"),
        pytest.param("secret/alone/%5c..%5calone-too/app", _MALFORMED, None, id="percent-encoded backslashes"),
        pytest.param("secret/alone%00/alone-too/app", _MALFORMED, None, id="a NUL"),
        pytest.param("secret/alone/app%0d%0aX-Vault-Token: x", _MALFORMED, None, id="a line break"),
        pytest.param("secret/alone\u200b-too/app", _MALFORMED, None, id="a zero-width space"),
        pytest.param("secret/alone-too/app\u202e", _MALFORMED, None, id="a right-to-left mark"),
        pytest.param("secret/alone/\uff0e\uff0e/alone-too/app", _MALFORMED, None, id="full-width dots"),
        pytest.param("secret/alone\u2215..\u2215alone-too/app", _MALFORMED, None, id="division slashes"),
        pytest.param("secret/alone\uff0falone-too/app", _MALFORMED, None, id="a full-width slash"),
        pytest.param("secret/alone\u2010too/app", _DENIED, "secret/data/alone\u2010too/app", id="another hyphen"),
        pytest.param("secret/alone/app%23/../x", _MALFORMED, None, id="a percent-encoded fragment before dots"),
        pytest.param(
            "secret/alone/app%23fragment",
            _NOT_FOUND,
            "secret/data/alone/app#fragment",
            id="a percent-encoded fragment, which is part of the name",
        ),
        pytest.param("secret/alone/app#/../../alone-too/app", _MALFORMED, None, id="a fragment"),
        pytest.param("secret/+/app", _DENIED, "secret/data/+/app", id="a policy's own placeholder"),
        pytest.param("secret/*", _DENIED, "secret/data/*", id="a policy's own star"),
        pytest.param("secret/data/data/alone-too/app", _DENIED, "secret/data/data/alone-too/app", id="data twice"),
        pytest.param("auth/token/lookup-self", _MALFORMED, None, id="the token itself"),
        pytest.param("AUTH/token/lookup-self", _MALFORMED, None, id="the token itself in capitals"),
        pytest.param("%61uth/token/lookup-self", _MALFORMED, None, id="the token itself, percent-encoded"),
        pytest.param("sys/policies/acl/keyhole", _MALFORMED, None, id="a policy"),
        pytest.param("sys/internal/ui/mounts/secret/alone-too", _MALFORMED, None, id="the mounts"),
        pytest.param("identity/entity/id", _MALFORMED, None, id="identities"),
        pytest.param("cubbyhole/alone-too/app", _MALFORMED, None, id="the token's own store"),
        pytest.param("secret/metadata/alone-too/app", "ReferenceRefused: ", None, id="metadata"),
        pytest.param("secret/../auth/token/lookup-self", _MALFORMED, None, id="the token itself by way of a mount"),
        pytest.param(
            "v1/secret/data/alone-too/app",
            _DENIED,
            "sys/internal/ui/mounts/v1/secret/data/alone-too/app",
            id="the API's own prefix, of which Vault is asked whether it is a mount",
        ),
    ],
)
def test_hostile_paths(within: Callable[[str], Cluster], asked: Asked, path: str, cause: str, read: str | None) -> None:
    cluster = within(OWN)
    refused = cluster.create(filled("hostile", password=f"vault:{path}#password"))
    assert refused.status_code == 403
    denial = 'admission webhook "annotations.keyhole.dev" denied the request: '
    assert refused.json()["message"].startswith(denial + cause)
    # What an administrator pastes into a policy must not open other paths.
    assert not re.search(r'path "[^"]*[*+]', refused.json()["message"])
    assert not cluster.exists("hostile")
    assert asked.of(OWN) == ({f"read {read}"} if read else set())


def test_an_object_that_says_it_is_elsewhere_is_served_where_it_is(
    webhook: Webhook, places: Places, values: dict[str, str], asked: Asked
) -> None:
    caller = Caller(webhook, places, OWN)
    manifest = filled("liar", password=f"vault:secret/{OTHER}/app#password")
    manifest["metadata"] |= {"namespace": OTHER, "ownerReferences": [{"name": "own", "namespace": OTHER}]}
    manifest["metadata"]["annotations"]["keyhole.dev/namespace"] = OTHER
    user = {"username": f"system:serviceaccount:{OTHER}:keyhole", "groups": ["system:masters"]}
    reply = caller.admit(manifest, userInfo=user)
    assert (reply.allowed, reply.code) == (False, 403)
    assert reply.message.startswith("PermissionDenied: ")
    assert asked.of(OWN) == {f"read secret/data/{OTHER}/app"}
    manifest["metadata"]["annotations"] = {"data.keyhole.dev/password": f"vault:secret/{OWN}/app#password"}
    assert {"op": "add", "path": "/data/password", "value": encoded(values[OWN])} in caller.admit(manifest).patch
