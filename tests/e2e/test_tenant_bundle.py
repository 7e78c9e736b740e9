"""What `keyhole tenant` prints, applied and run against the real servers: it is enough, and nothing is too much."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import hvac
import pytest
import yaml
from hvac.exceptions import Forbidden, InvalidRequest

from testbed import Testbed
from testbed.keyhole.connections import AUDIENCE
from testbed.keyhole.identities import ENFORCER_USER, webhook_kubeconfig
from testbed.keyhole.installation import Webhook
from testbed.keyhole.objects import apply
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.objects import Manifest, filled, secret
from tests.e2e.places import Places
from tests.e2e.tenancy import Tenancy, service_account

ODD_PATH = """q"u'o c++ #ü $x $(id) `id` {y}"""
CONTROLLER = "system:serviceaccount:keyhole:keyhole-controller"


@pytest.fixture
def tenancy(testbed: Testbed, places: Places, canary: Canary, tmp_path: Path) -> Tenancy:
    return Tenancy(testbed, places, canary, tmp_path)


@pytest.fixture
def within(testbed: Testbed, places: Places, webhook: Webhook) -> Callable[[str], Cluster]:
    """Return a way into any namespace, with the webhook in front of it."""
    return lambda namespace: Cluster(testbed, places, namespace)


class TestTheReferencesOfManifests:
    @pytest.mark.parametrize(
        ("connection", "further"),
        [
            pytest.param("default", [], id="the jwt method"),
            pytest.param("kubernetes", [], id="the kubernetes method"),
            pytest.param("detecting", ["--kv", "secret=2", "--kv", "legacy=1"], id="mounts that Vault is asked for"),
            pytest.param("default", ["--token-type", "batch"], id="batch tokens"),
        ],
    )
    def test_the_script_lets_them_resolve_and_no_others(
        self,
        tenancy: Tenancy,
        within: Callable[[str], Cluster],
        connections_file: Path,
        connection: str,
        further: list[str],
    ) -> None:
        namespace = f"bundle-{connection}-{len(further)}"
        prefix = "vault" if connection == "default" else f"vault+{connection}"
        newer = tenancy.plant(f"{namespace}/app")
        tenancy.plant(f"{namespace}/other")
        tenancy.plant(f"{namespace}/app/below")
        manifests = [filled("newer", password=f"{prefix}:secret/{namespace}/app#password")]
        expected = {"newer": {"password": newer}}
        if connection != "kubernetes":  # that connection's file names one mount
            older = tenancy.plant(f"{namespace}/old", "legacy")
            manifests.append(secret("older", stringData={"key": f"<(({prefix}:legacy/{namespace}/old#password))>"}))
            expected["older"] = {"key": f"<{older}>"}
        options = ("--connections", str(connections_file), "--connection", connection, *further)
        for _ in range(2):  # the second run changes nothing
            tenancy.set_up(namespace, *options, manifests=tuple(manifests))
        cluster = within(namespace)
        cluster.apply(*manifests)
        assert {name: cluster.values(name) for name in expected} == expected
        for path in ("other", "app/below"):
            refused = cluster.apply(filled("x", p=f"{prefix}:secret/{namespace}/{path}#password"), check=False)
            assert refused.returncode == 1
            assert "PermissionDenied" in refused.stderr
            assert f"secret/data/{namespace}/{path}" in refused.stderr
            assert not cluster.exists("x")

    def test_a_path_of_odd_letters_is_meant_word_for_word(
        self, tenancy: Tenancy, within: Callable[[str], Cluster]
    ) -> None:
        namespace = "bundle-odd"
        value = tenancy.plant(f"{namespace}/{ODD_PATH}")
        tenancy.plant(f"{namespace}/{ODD_PATH.replace('c++', 'cpp')}")
        escaped = ODD_PATH.replace("#", "%23").replace(")", "%29").replace("}", "%7D")
        manifest = filled("odd", password=f"vault:secret/{namespace}/{escaped}#password")
        tenancy.set_up(namespace, "--kv", "secret=2", manifests=(manifest,))
        cluster = within(namespace)
        cluster.apply(manifest)
        assert cluster.values("odd") == {"password": value}
        other = filled("odd-too", password=f"vault:secret/{namespace}/{escaped.replace('c++', 'cpp')}#password")
        assert "PermissionDenied" in cluster.apply(other, check=False).stderr


class TestTheVaultToken:
    @pytest.fixture
    def client(self, tenancy: Tenancy) -> hvac.Client:
        tenancy.plant("bundle-token/app")
        tenancy.set_up("bundle-token", "--kv", "secret=2", "--path", "secret/bundle-token/app")
        return tenancy.log_in("bundle-token", "keyhole-bundle-token")

    def test_it_reads_values_and_versions_of_its_path_and_nothing_else(self, client: hvac.Client) -> None:
        kv = client.secrets.kv.v2
        assert kv.read_secret_version("bundle-token/app", raise_on_deleted_version=False)["data"]["metadata"]
        assert kv.read_secret_metadata("bundle-token/app")["data"]["current_version"] >= 1
        denied: list[Callable[[], object]] = [
            lambda: kv.list_secrets("bundle-token"),
            lambda: kv.create_or_update_secret("bundle-token/app", {"password": "x"}),
            lambda: kv.delete_latest_version_of_secret("bundle-token/app"),
            lambda: kv.read_secret_version("bundle-token/other", raise_on_deleted_version=False),
            client.auth.token.lookup_self,  # what the default policy would have allowed
            client.auth.token.renew_self,
            client.sys.list_policies,
        ]
        for attempt in denied:
            with pytest.raises(Forbidden):
                attempt()

    def test_it_has_one_policy_and_lives_ten_minutes_at_most(self, client: hvac.Client, testbed: Testbed) -> None:
        told = testbed.vault.client().auth.token.lookup(client.token)["data"]
        assert told["policies"] == ["keyhole-bundle-token"]
        assert 0 < told["ttl"] <= told["creation_ttl"] == 600

    def test_it_can_revoke_itself_although_it_has_no_default_policy(
        self, client: hvac.Client, testbed: Testbed
    ) -> None:
        client.auth.token.revoke_self()
        with pytest.raises(Forbidden):
            testbed.vault.client().auth.token.lookup(client.token)

    @pytest.mark.parametrize("account", ["keyhole-reconciler", "default"])
    def test_no_other_account_of_the_namespace_gets_one(
        self, client: hvac.Client, tenancy: Tenancy, testbed: Testbed, account: str
    ) -> None:
        apply(testbed, service_account("bundle-token", account))
        with pytest.raises(InvalidRequest):
            tenancy.log_in("bundle-token", "keyhole-bundle-token", account=account)

    def test_the_keyhole_of_another_namespace_gets_none(self, client: hvac.Client, tenancy: Tenancy) -> None:
        tenancy.bed.kubectl("apply", "--server-side", "-f", "-", input_text=tenancy.printed("bundle-stranger"))
        with pytest.raises(InvalidRequest):
            tenancy.log_in("bundle-stranger", "keyhole-bundle-token")


class TestGuardedAccounts:
    """With --guard-accounts nobody gets a token of Keyhole's accounts by way of a right on the namespace."""

    # A name that YAML would take for a number, and CEL and labels must not.
    NAMESPACE = "123"
    MINTS = "tenant-developer"

    @pytest.fixture
    def developer(self, testbed: Testbed, tenancy: Tenancy) -> Path:
        """Apply the bundle with the policy; give somebody who may create pods, tokens and Secrets there."""
        bundle = tenancy.printed(self.NAMESPACE, "--guard-accounts", "--enforcer")
        testbed.kubectl("apply", "--server-side", "-f", "-", input_text=bundle)
        apply(testbed, service_account(self.NAMESPACE, "app"), *_developers(self.NAMESPACE, self.MINTS))
        kubeconfig = testbed.kubernetes.kubeconfig_for(self.MINTS)
        deadline = time.monotonic() + 60
        # The API server takes up a policy a moment after it was written.
        while self._minted(testbed, kubeconfig, "keyhole").returncode == 0:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return kubeconfig

    def test_only_keyhole_gets_their_tokens(self, developer: Path, testbed: Testbed) -> None:
        webhook, controller = webhook_kubeconfig(testbed), testbed.kubernetes.kubeconfig_for(CONTROLLER)
        enforcer, administrator = testbed.kubernetes.kubeconfig_for(ENFORCER_USER), testbed.kubernetes.kubeconfig
        for account, allowed in (
            ("keyhole", [webhook, controller, enforcer]),
            ("keyhole-reconciler", [controller, enforcer]),
            ("app", [developer, administrator]),
        ):
            for who in (developer, administrator, webhook, controller, enforcer):
                done = self._minted(testbed, who, account)
                assert (done.returncode == 0) == (who in allowed), (account, who, done.stderr)
        refused = self._minted(testbed, developer, "keyhole").stderr
        assert "Keyhole alone asks for tokens of it" in refused
        assert "keyhole-accounts-123" in refused

    @pytest.mark.parametrize("field", ["serviceAccountName", "serviceAccount"])
    def test_no_pod_runs_as_one_of_them(self, developer: Path, testbed: Testbed, field: str) -> None:
        for account in ("keyhole", "keyhole-reconciler", "app", None):
            container = {"name": "app", "image": "example/app"}
            spec = {"containers": [container], **({field: account} if account else {"serviceAccountName": "app"})}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "p-"}, "spec": spec}
            done = self._created(testbed, developer, pod)
            assert (done.returncode == 0) == (account not in {"keyhole", "keyhole-reconciler"}), done.stderr
            assert ("no pod runs as one" in done.stderr) == (done.returncode != 0)

    def test_no_secret_is_to_hold_a_token_of_one_of_them(self, developer: Path, testbed: Testbed) -> None:
        def token_of(account: str) -> Manifest:
            named = {"name": f"token-of-{account}", "annotations": {"kubernetes.io/service-account.name": account}}
            return {**secret("token"), "type": "kubernetes.io/service-account-token", "metadata": named}

        for account in ("keyhole", "keyhole-reconciler"):
            assert "no Secret holds its token" in self._created(testbed, developer, token_of(account)).stderr
        testbed.kubectl("delete", "secret", "token-of-app", "-n", self.NAMESPACE, "--ignore-not-found")
        assert self._created(testbed, developer, token_of("app")).returncode == 0
        noted = "kubernetes.io/service-account.name=keyhole"
        inside = ("-n", self.NAMESPACE)
        changed = testbed.kubectl(
            *("annotate", "secret", "token-of-app", noted, "--overwrite", *inside), kubeconfig=developer, check=False
        )
        assert "no Secret holds its token" in changed.stderr
        testbed.kubectl("annotate", "secret", "token-of-app", "a=b", *inside, kubeconfig=developer)

    def test_other_namespaces_are_as_they_were(self, developer: Path, testbed: Testbed, tenancy: Tenancy) -> None:
        # Without the policy, who may create tokens can be the namespace in Vault, and Keyhole is not asked.
        other = "bundle-not-guarded"
        path = f"{other}/app"
        tenancy.plant(path)
        tenancy.set_up(other, "--kv", "secret=2", "--path", f"secret/{path}")
        apply(testbed, *_developers(other, self.MINTS))
        asked = ("create", "token", "keyhole", "-n", other, "--audience", AUDIENCE)
        token = testbed.kubectl(*asked, kubeconfig=developer).stdout.strip()
        answer = testbed.vault.client(token="").adapter.login(
            "/v1/auth/jwt/login", json={"role": f"keyhole-{other}", "jwt": token}
        )
        kv = testbed.vault.client(answer["auth"]["client_token"]).secrets.kv.v2
        assert kv.read_secret_version(path, raise_on_deleted_version=False)["data"]["data"]

    def _minted(self, bed: Testbed, kubeconfig: Path, account: str) -> subprocess.CompletedProcess[str]:
        return bed.kubectl("create", "token", account, "-n", self.NAMESPACE, kubeconfig=kubeconfig, check=False)

    def _created(self, bed: Testbed, kubeconfig: Path, manifest: Manifest) -> subprocess.CompletedProcess[str]:
        return bed.kubectl(
            *("create", "-n", self.NAMESPACE, "-f", "-"),
            input_text=json.dumps(manifest),
            kubeconfig=kubeconfig,
            check=False,
        )


class TestOneForAllNamespaces:
    # The name of one is the beginning of the other's.
    SHORT, LONG = "bundle-all", "bundle-all-too"

    @pytest.mark.parametrize("method", ["jwt", "kubernetes"])
    def test_each_reads_below_its_own_name_only(
        self, tenancy: Tenancy, testbed: Testbed, tmp_path: Path, method: str
    ) -> None:
        connection = {"address": testbed.vault.url, "auth": {"method": method, "role": "keyhole"}}
        connections = tmp_path / "connections.yaml"
        connections.write_text(yaml.safe_dump({"connections": {"default": connection}}))
        options = ("--templated", "--kv", "secret=2", "--kv", "legacy=1", "--connections", str(connections))
        for namespace in (self.SHORT, self.LONG):
            tenancy.plant(f"{namespace}/app")
            tenancy.plant(f"{namespace}/app", "legacy")
            apply(testbed, *yaml.safe_load_all(tenancy.printed(namespace)), service_account(namespace, "default"))
        # The accessor of the mount is found by the script.
        tenancy.shell(tenancy.printed(self.SHORT, "--vault-only", *tenancy.program, *options))
        for own, other in ((self.SHORT, self.LONG), (self.LONG, self.SHORT)):
            kv = tenancy.log_in(own, "keyhole", method=method).secrets.kv
            assert kv.v2.read_secret_version(f"{own}/app", raise_on_deleted_version=False)["data"]["data"]
            assert kv.v2.read_secret_metadata(f"{own}/app")["data"]["versions"]
            assert kv.v1.read_secret(f"{own}/app", mount_point="legacy")["data"]
            with pytest.raises(Forbidden):
                kv.v2.read_secret_version(f"{other}/app", raise_on_deleted_version=False)
            with pytest.raises(Forbidden):
                kv.v1.read_secret(f"{other}/app", mount_point="legacy")
            with pytest.raises((Forbidden, InvalidRequest)):
                tenancy.log_in(own, "keyhole", method=method, account="default")

    def test_the_policy_as_a_file_is_taken_by_vault_as_it_is(self, tenancy: Tenancy, testbed: Testbed) -> None:
        accessor = testbed.vault.client().sys.list_auth_methods()["data"]["jwt/"]["accessor"]
        text = tenancy.printed(
            self.SHORT, "--vault-only", "--templated", "--kv", "secret=2", "--accessor", accessor, "-o", "hcl"
        )
        client = testbed.vault.client()
        client.sys.create_or_update_policy("keyhole-from-file", text)
        assert client.sys.read_policy("keyhole-from-file")["data"]["rules"] == text
        role = text.partition("auth/jwt/role/keyhole -\n")[2].replace("# ", "")
        client.adapter.post("/v1/auth/jwt/role/keyhole-from-file", json=json.loads(role))
        told = client.adapter.get("/v1/auth/jwt/role/keyhole-from-file")["data"]
        assert told["claim_mappings"] == {"/kubernetes.io/namespace": "service_account_namespace"}


def _developers(namespace: str, user: str) -> list[Manifest]:
    """Return the rights of somebody who works in a namespace, as the role `edit` that clusters have."""
    rbac = "rbac.authorization.k8s.io"
    metadata = {"name": "developers", "namespace": namespace}
    rules = [
        {"apiGroups": [""], "resources": ["pods", "serviceaccounts/token"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "patch", "update"]},
    ]
    return [
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "developers"},
            "subjects": [{"apiGroup": rbac, "kind": "User", "name": user}],
        },
    ]
