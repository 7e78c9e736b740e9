"""What the bundle of `keyhole tenant` lets Keyhole's accounts do in Kubernetes, tried on the real API server."""

from pathlib import Path

import pytest

from testbed import Testbed
from testbed.keyhole.identities import webhook_kubeconfig
from testbed.keyhole.installation import Webhook
from testbed.keyhole.objects import apply
from tests.e2e.canary import Canary
from tests.e2e.conftest import opted_in_namespace
from tests.e2e.objects import Manifest, secret
from tests.e2e.places import Places
from tests.e2e.tenancy import Subject, Tenancy, service_account

OTHERS = ("default", "nobody")
CONTROLLER = "system:serviceaccount:keyhole:keyhole-controller"


@pytest.fixture
def tenancy(testbed: Testbed, places: Places, canary: Canary, tmp_path: Path) -> Tenancy:
    return Tenancy(testbed, places, canary, tmp_path)


class TestKubernetes:
    NAMESPACE = "bundle-rights"

    @pytest.fixture
    def bundle(self, testbed: Testbed, tenancy: Tenancy) -> str:
        """Apply the bundle as an administrator, with other accounts beside it."""
        testbed.kubectl("apply", "--server-side", "-f", "-", input_text=tenancy.printed(self.NAMESPACE))
        opted_in_namespace(testbed, "bundle-none")
        apply(
            testbed,
            *(service_account(namespace, name) for namespace in (self.NAMESPACE, "bundle-none") for name in OTHERS),
        )
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
        merge = "merge-patch+json"
        assert reconciler.ask("GET", secrets) == 200
        assert reconciler.ask("GET", f"{secrets}?watch=true&timeoutSeconds=1") == 200
        assert reconciler.ask("GET", f"{secrets}/plain") == 200
        assert reconciler.ask("PATCH", f"{secrets}/plain", {"metadata": {"labels": {"a": "b"}}}, merge) == 200
        assert reconciler.ask("POST", secrets, secret("made")) == 403
        assert reconciler.ask("PATCH", f"{secrets}/made?fieldManager=x", secret("made"), "apply-patch+yaml") == 403
        assert reconciler.ask("PUT", f"{secrets}/plain", secret("plain")) == 403
        assert reconciler.ask("DELETE", f"{secrets}/plain") == 403
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
        assert reconciler.ask("GET", f"/api/v1/namespaces/{bundle}/pods") == 403

    def test_with_variables_the_reconciler_sees_pods_and_makes_secrets_and_nothing_else(
        self, testbed: Testbed, tenancy: Tenancy
    ) -> None:
        namespace = "bundle-variables"
        printed = tenancy.printed(namespace, "--variables")
        testbed.kubectl("apply", "--server-side", "-f", "-", input_text=printed)
        reconciler = Subject(testbed, namespace, "keyhole-reconciler")
        core, apps, batch = (f"/{api}/namespaces/{namespace}" for api in ("api/v1", "apis/apps/v1", "apis/batch/v1"))
        assert reconciler.ask("GET", f"{core}/pods") == 200
        assert reconciler.ask("GET", f"{core}/pods?watch=true&timeoutSeconds=1") == 200
        made = f"{core}/secrets/made"
        assert reconciler.ask("PATCH", f"{made}?fieldManager=keyhole", secret("made"), "apply-patch+yaml") in {200, 201}
        for owner in (f"{apps}/replicasets", f"{apps}/controllerrevisions", f"{batch}/jobs"):
            # 404: it may ask, and there is none.
            assert reconciler.ask("GET", f"{owner}/none") == 404
            assert (reconciler.ask("GET", owner), reconciler.ask("DELETE", f"{owner}/none")) == (403, 403)
        pod = {"metadata": {"name": "none"}, "spec": {"containers": [{"name": "app", "image": "example/app"}]}}
        assert reconciler.ask("POST", f"{core}/pods", pod) == 403
        for path in (f"{core}/pods/none", f"{core}/pods/none/log", f"{core}/configmaps", f"{apps}/deployments", core):
            assert reconciler.ask("GET", path) == 403
        assert reconciler.ask("DELETE", made) == 403


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
