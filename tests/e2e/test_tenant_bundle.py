"""What `keyhole tenant` prints, applied and run against the real servers: it is enough, and nothing is too much."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import hvac
import pytest
import requests
import yaml
from hvac.exceptions import Forbidden, InvalidRequest

from testbed import Testbed
from testbed.keyhole.connections import AUDIENCE
from testbed.keyhole.identities import webhook_kubeconfig
from testbed.keyhole.installation import Webhook
from testbed.keyhole.objects import apply
from tests.cli.tenant_cases import run
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import opted_in_namespace
from tests.e2e.objects import Manifest, filled, secret
from tests.e2e.places import Places

ODD_PATH = """q"u'o c++ #ü $x $(id) `id` {y}"""
OTHERS = ("default", "nobody")
CONTROLLER = "system:serviceaccount:keyhole:keyhole-controller"


class Tenancy:
    """An administrator who sets up tenants by what the command prints, and who writes their secrets."""

    def __init__(self, bed: Testbed, places: Places, canary: Canary, folder: Path) -> None:
        self.bed = bed
        self._places = places
        self._canary = canary
        self._folder = folder

    def plant(self, path: str, mount: str = "secret") -> str:
        """Write a secret with a new value in the field `password`, and return the value."""
        kv, value = self.bed.vault.client().secrets.kv, self._canary.value()
        if mount == "legacy":
            kv.v1.create_or_update_secret(path, {"password": value}, mount_point=mount)
        else:
            kv.v2.create_or_update_secret(path, {"password": value}, mount_point=mount)
        return value

    def printed(self, namespace: str, *arguments: str, manifests: tuple[Manifest, ...] = ()) -> str:
        """Return what `keyhole tenant` prints."""
        text = yaml.safe_dump_all(manifests) if manifests else None
        result = run(namespace, *arguments, *(["-f", "-"] if text else []), standard_input=text)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    def set_up(self, namespace: str, *arguments: str, manifests: tuple[Manifest, ...] = ()) -> None:
        """Run the script that `keyhole tenant --vault` prints."""
        self.shell(self.printed(namespace, "--vault", *self.program, *arguments, manifests=manifests))

    @property
    def program(self) -> tuple[str, str]:
        """Which command writes policies: OpenBao's where the testbed was given it in Vault's place."""
        return "--program", self.bed.program("vault").name

    def shell(self, script: str) -> None:
        """Run a script with the real kubectl and vault, as an administrator of both."""
        programs = [str(self.bed.program(name).parent) for name in ("kubectl", "vault")]
        environment = {
            "PATH": os.pathsep.join([*programs, "/usr/bin", "/bin"]),
            "HOME": str(self._folder),
            "KUBECONFIG": str(self.bed.kubernetes.kubeconfig),
            "VAULT_ADDR": self.bed.vault.url,
            "VAULT_CACERT": str(self.bed.vault.ca_file),
            "VAULT_TOKEN": self.bed.vault.root_token,
        }
        done = subprocess.run(
            ["sh"], input=script, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        self._places.note("the script of keyhole tenant", done.stdout + done.stderr)
        assert done.returncode == 0, done.stderr

    def log_in(self, namespace: str, role: str, *, account: str = "keyhole", method: str = "jwt") -> hvac.Client:
        """Return a client with the Vault token of an account of the namespace."""
        token = self.bed.kubectl(
            *("create", "token", account, "-n", namespace, "--audience", AUDIENCE, "--duration", "600s")
        ).stdout.strip()
        client = self.bed.vault.client(token="")
        answer = client.adapter.login(f"/v1/auth/{method}/login", json={"role": role, "jwt": token})
        return self.bed.vault.client(answer["auth"]["client_token"])


class Subject:
    """Somebody who asks the API server with a token."""

    def __init__(self, bed: Testbed, namespace: str, account: str) -> None:
        self._bed = bed
        # The API server's own audience: what such a token is worth in Kubernetes is what is asked here.
        self._token = bed.kubectl("create", "token", account, "-n", namespace).stdout.strip()

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "json") -> int:
        """Return the status of a request."""
        return self._send(method, path, body, kind).status_code

    def rules(self, namespace: str) -> list[str]:
        """Return what the API server says that it may do in a namespace."""
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}
        path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
        answer = self._send("POST", path, {**review, "spec": {"namespace": namespace}}, "json")
        status = answer.json()["status"]
        assert not status["incomplete"]
        return sorted(json.dumps(rule, sort_keys=True) for rule in status["resourceRules"] + status["nonResourceRules"])

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, kind: str) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                self._bed.kubernetes.url + path,
                data=None if body is None else json.dumps(body),
                headers={"Authorization": f"Bearer {self._token}", "Content-Type": f"application/{kind}"},
                verify=str(self._bed.kubernetes.ca_file),
                timeout=30,
            )


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
        apply(testbed, _account("bundle-token", account))
        with pytest.raises(InvalidRequest):
            tenancy.log_in("bundle-token", "keyhole-bundle-token", account=account)

    def test_the_keyhole_of_another_namespace_gets_none(self, client: hvac.Client, tenancy: Tenancy) -> None:
        tenancy.bed.kubectl("apply", "--server-side", "-f", "-", input_text=tenancy.printed("bundle-stranger"))
        with pytest.raises(InvalidRequest):
            tenancy.log_in("bundle-stranger", "keyhole-bundle-token")


class TestKubernetes:
    NAMESPACE = "bundle-rights"

    @pytest.fixture
    def bundle(self, testbed: Testbed, tenancy: Tenancy) -> str:
        """Apply the bundle as an administrator, with other accounts beside it."""
        testbed.kubectl("apply", "--server-side", "-f", "-", input_text=tenancy.printed(self.NAMESPACE))
        opted_in_namespace(testbed, "bundle-none")
        apply(testbed, *(_account(namespace, name) for namespace in (self.NAMESPACE, "bundle-none") for name in OTHERS))
        apply(testbed, {**secret("plain"), "metadata": {"name": "plain", "namespace": self.NAMESPACE}})
        return self.NAMESPACE

    def minted(self, bed: Testbed, kubeconfig: Path) -> set[str]:
        """Return of which accounts this identity can mint tokens."""
        accounts = [(self.NAMESPACE, name) for name in ("keyhole", "keyhole-reconciler", *OTHERS)]
        accounts += [("bundle-none", name) for name in OTHERS]
        return {
            f"{namespace}/{name}"
            for namespace, name in accounts
            if bed.kubectl("create", "token", name, "-n", namespace, kubeconfig=kubeconfig, check=False).returncode == 0
        }

    def test_the_webhook_mints_tokens_of_keyhole_alone(self, bundle: str, testbed: Testbed) -> None:
        kubeconfig = webhook_kubeconfig(testbed)
        assert self.minted(testbed, kubeconfig) == {f"{bundle}/keyhole"}
        for arguments in (("get", "secrets"), ("get", "secret", "plain"), ("get", "serviceaccounts")):
            assert "Forbidden" in testbed.kubectl(*arguments, "-n", bundle, kubeconfig=kubeconfig, check=False).stderr

    def test_the_controller_mints_those_of_both_and_reads_nothing(self, bundle: str, testbed: Testbed) -> None:
        kubeconfig = testbed.kubernetes.kubeconfig_for(CONTROLLER)
        assert self.minted(testbed, kubeconfig) == {f"{bundle}/keyhole", f"{bundle}/keyhole-reconciler"}
        assert "Forbidden" in testbed.kubectl("get", "secrets", "-n", bundle, kubeconfig=kubeconfig, check=False).stderr

    def test_a_token_of_keyhole_can_do_what_every_account_can_and_no_more(self, bundle: str, testbed: Testbed) -> None:
        keyhole, nobody = Subject(testbed, bundle, "keyhole"), Subject(testbed, "bundle-none", "nobody")
        for namespace in (bundle, "bundle-none", "default", "kube-system"):
            assert keyhole.rules(namespace) == nobody.rules(namespace)
        core = f"/api/v1/namespaces/{bundle}"
        refused = [
            ("GET", f"{core}/secrets"),
            ("GET", f"{core}/secrets/plain"),
            ("GET", f"{core}/pods"),
            ("GET", f"{core}/configmaps"),
            ("GET", core),
            ("GET", "/api/v1/namespaces"),
            ("DELETE", f"{core}/secrets/plain"),
            ("GET", f"{core}/serviceaccounts/keyhole"),
        ]
        assert [keyhole.ask(*request) for request in refused] == [403] * len(refused)
        wish = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        assert keyhole.ask("POST", f"{core}/serviceaccounts/keyhole/token", wish) == 403

    def test_the_reconciler_keeps_secrets_of_its_namespace_tells_of_them_and_nothing_else(
        self, bundle: str, testbed: Testbed, webhook: Webhook
    ) -> None:
        reconciler = Subject(testbed, bundle, "keyhole-reconciler")
        secrets = f"/api/v1/namespaces/{bundle}/secrets"
        made = secret("made")
        merge = "merge-patch+json"
        testbed.kubectl("delete", "secret", "made", "-n", bundle, "--ignore-not-found")
        assert reconciler.ask("GET", secrets) == 200
        assert reconciler.ask("GET", f"{secrets}?watch=true&timeoutSeconds=1") == 200
        assert reconciler.ask("GET", f"{secrets}/plain") == 200
        assert reconciler.ask("POST", secrets, made) == 201
        assert reconciler.ask("PATCH", f"{secrets}/made", {"metadata": {"labels": {"a": "b"}}}, merge) == 200
        assert reconciler.ask("PUT", f"{secrets}/made", made) == 403
        assert reconciler.ask("DELETE", f"{secrets}/made") == 403
        for elsewhere in (secrets.replace(bundle, "bundle-none"), secrets.replace("secrets", "configmaps")):
            assert reconciler.ask("GET", elsewhere) == 403
        assert reconciler.ask("GET", "/api/v1/secrets") == 403
        events = f"/apis/events.k8s.io/v1/namespaces/{bundle}/events"
        testbed.kubectl("delete", "event", "told", "-n", bundle, "--ignore-not-found")
        assert reconciler.ask("POST", events, event("told", bundle)) == 201
        for method, path in (("GET", events), ("GET", f"{events}/told"), ("DELETE", f"{events}/told")):
            assert reconciler.ask(method, path) == 403
        assert reconciler.ask("PATCH", f"{events}/told", {"note": "more"}, merge) == 403
        for plural in ("deployments", "statefulsets", "daemonsets"):
            assert reconciler.ask("GET", f"/apis/apps/v1/namespaces/{bundle}/{plural}") == 403


def event(name: str, namespace: str) -> Manifest:
    """Return an Event about a Secret."""
    return {
        "metadata": {"name": name, "namespace": namespace},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "type": "Normal",
        "reason": "Told",
        "action": "Tell",
        "reportingController": "keyhole.dev/controller",
        "reportingInstance": "test",
        "regarding": {"apiVersion": "v1", "kind": "Secret", "name": "plain", "namespace": namespace},
    }


class TestGuardedAccounts:
    """With --guard-accounts nobody gets a token of Keyhole's accounts by way of a right on the namespace."""

    # A name that YAML would take for a number, and CEL and labels must not.
    NAMESPACE = "123"
    MINTS = "tenant-developer"

    @pytest.fixture
    def developer(self, testbed: Testbed, tenancy: Tenancy) -> Path:
        """Apply the bundle with the policy; give somebody who may create pods, tokens and Secrets there."""
        bundle = tenancy.printed(self.NAMESPACE, "--guard-accounts")
        testbed.kubectl("apply", "--server-side", "-f", "-", input_text=bundle)
        apply(testbed, _account(self.NAMESPACE, "app"), *_developers(self.NAMESPACE, self.MINTS))
        kubeconfig = testbed.kubernetes.kubeconfig_for(self.MINTS)
        deadline = time.monotonic() + 60
        # The API server takes up a policy a moment after it was written.
        while self._minted(testbed, kubeconfig, "keyhole").returncode == 0:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return kubeconfig

    def test_only_keyhole_gets_their_tokens(self, developer: Path, testbed: Testbed) -> None:
        webhook, controller = webhook_kubeconfig(testbed), testbed.kubernetes.kubeconfig_for(CONTROLLER)
        administrator = testbed.kubernetes.kubeconfig
        for account, allowed in (
            ("keyhole", [webhook, controller]),
            ("keyhole-reconciler", [controller]),
            ("app", [developer, administrator]),
        ):
            for who in (developer, administrator, webhook, controller):
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
            apply(testbed, *yaml.safe_load_all(tenancy.printed(namespace)), _account(namespace, "default"))
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


def _account(namespace: str, name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
