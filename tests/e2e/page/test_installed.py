"""The page as the chart installs it: its rights, its certificate, and what two tenants see of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from certs.issue import issue_ca, issue_serving
from manifests.registration.webhook_configuration import OWN_NAMESPACE
from testbed import Testbed
from testbed.keyhole.helm import Helm
from testbed.keyhole.objects import apply
from testbed.keyhole.releases import Release
from testbed.programs.reports import on_standard_error
from testbed.programs.toolbox import Toolbox
from testbed.servers.authorization import wait_until_allowed
from tests.changes.serving.waiting import until
from tests.charts.charts import KEYHOLE, ONE_CONNECTION
from tests.e2e.page.conftest import ONE, PEOPLE, Tokens, account
from tests.e2e.page.names import SEEN, trails

RBAC = "rbac.authorization.k8s.io"
_SETTINGS = (
    *("page.enabled=true", "page.kubernetesTokens=true", "page.tls.existingSecret=page-tls"),
    *("page.trail.logs=false", "page.trail.existingClaim=trail", "page.trail.file=*.log", "page.everySeconds=1"),
    *("audit.existingSecret=audit", "enforcer.enabled=false"),
)


def binding(namespace: str, name: str) -> dict[str, object]:
    """Return what gives a person of the tests the ClusterRole `view` in a namespace, and nothing of Keyhole's."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"view-{name}", "namespace": namespace},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": PEOPLE}],
    }


@pytest.fixture
def release(bed: Testbed, tmp_path: Path) -> Iterator[Release]:
    helm = Helm(Toolbox(on_standard_error()).path("helm"), tmp_path / "helm", bed.kubernetes.kubeconfig)
    (tmp_path / "helm").mkdir()
    release = Release(bed, helm, KEYHOLE, OWN_NAMESPACE)
    release.install(*ONE_CONNECTION, *(part for setting in _SETTINGS for part in ("--set", setting)))
    yield release
    release.uninstall()


def test_whoever_may_view_a_namespace_sees_its_changes_and_no_others(
    bed: Testbed, release: Release, tmp_path: Path
) -> None:
    authority = issue_ca()
    pair = issue_serving(authority, ["127.0.0.1"])
    apply(
        bed,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": "page-tls", "namespace": OWN_NAMESPACE},
            "stringData": {"tls.crt": pair.certificate_pem.decode(), "tls.key": pair.key_pem.decode()},
        },
        binding(SEEN, "developer"),
        binding(ONE.namespace, "stranger"),
    )
    for namespace, name in ((SEEN, "developer"), (ONE.namespace, "stranger")):
        wait_until_allowed(bed, account(name), "get", "changes", namespace=namespace, group="keyhole.dev")
    claim = tmp_path / "pod" / "root" / "var" / "lib" / "keyhole" / "trail"
    claim.parent.mkdir(parents=True)
    trails(claim, ONE)
    pod = release.pod("keyhole-page", tmp_path / "pod")
    pod.start()
    try:
        pod.wait_until_ready()
        ca = tmp_path / "ca.crt"
        ca.write_bytes(authority.certificate_pem)
        with requests.Session() as session:
            session.trust_env, session.verify = False, str(ca)

            def get(path: str, name: str) -> requests.Response:
                token = {"Authorization": f"Bearer {Tokens.of(bed, name)}"}
                return session.get(f"https://127.0.0.1:{pod.ports['page']}{path}", headers=token, timeout=60)

            until(lambda: SEEN in get("/", "developer").text)
            until(lambda: ONE.object in get("/", "stranger").text)
            for name, own, other in (("developer", SEEN, ONE.namespace), ("stranger", ONE.namespace, SEEN)):
                assert get(f"/namespace/{own}", name).status_code == 200
                assert get(f"/namespace/{other}", name).status_code == 404
            assert not [each for each in (*ONE.texts, ONE.reference) if each in get("/", "developer").text]
            assert "vault:secret/seen/" not in get("/", "stranger").text
            assert session.get(f"https://127.0.0.1:{pod.ports['page']}/", timeout=60).status_code == 401
        assert pod.probe("livenessProbe")
    finally:
        assert pod.stop() == 0
