"""What the chart renders for the page, which is off by default."""

import pytest
from click.testing import CliRunner

from cli.main import main
from testbed.keyhole.helm import Helm
from tests.charts.charts import (
    FOLDER,
    KEYHOLE,
    ONE_CONNECTION,
    PAGE,
    Manifest,
    container,
    named,
    option,
    pod_of,
    rendered,
    the,
    volume,
)
from tests.charts.test_values import refused

TRAIL = "audit.existingSecret=audit"
ON = ("page.enabled=true", TRAIL)
TOKENS = (*ON, "page.kubernetesTokens=true")
TLS = "page.tls.existingSecret=tls"
OIDC = ("page.oidc.issuer=https://issuer.example", "page.oidc.clientId=keyhole")


def page(helm: Helm, *settings: str) -> Manifest:
    return the(rendered(helm, *settings), *PAGE)


def test_it_is_off_by_default_and_brings_its_own_objects_alone(helm: Helm) -> None:
    before = named(rendered(helm, TRAIL))
    assert named(rendered(helm, *ON)) - before == {
        (kind, "keyhole-page") for kind in ("Deployment", "ServiceAccount", "Role", "RoleBinding", "NetworkPolicy")
    }
    more = {(kind, "keyhole-page") for kind in ("ClusterRole", "ClusterRoleBinding", "Service")}
    assert named(rendered(helm, *TOKENS, TLS)) - named(rendered(helm, *ON)) == {
        *more,
        ("ClusterRole", "keyhole-changes-view"),
    }


def test_without_tokens_nobody_reaches_it_but_by_a_port_forward(helm: Helm) -> None:
    manifests = rendered(helm, *ON)
    assert option(the(manifests, *PAGE), "listen") == ["127.0.0.1:8090"]
    policy = the(manifests, "NetworkPolicy", "keyhole-page")["spec"]
    assert "Ingress" in policy["policyTypes"]
    assert "ingress" not in policy


def test_the_command_takes_what_the_chart_gives_it(helm: Helm) -> None:
    everything = (
        *(*TOKENS, *OIDC, TLS, "caBundles.issuer.pem=-----BEGIN CERTIFICATE-----", "page.oidc.caBundle=issuer"),
        *("page.oidc.groupsClaim=groups", "page.oidc.groupsPrefix=g:", "page.oidc.usernamePrefix=u:"),
        *("page.oidc.requiredClaims.team=a b", "page.oidc.jwksUrl=https://issuer.example/keys"),
        *("page.git.repositories.deploy=deploy", "page.trail.existingClaim=trail", "page.compliance=true"),
        *("enforcer.enabled=true", "enforcer.reports.existingClaim=reports"),
    )
    for settings in (ON, (*TOKENS, TLS), everything):
        arguments = container(page(helm, *settings))["args"]
        # The files are not here, so click refuses those first; an option that it does not know it would name so.
        found = CliRunner().invoke(main, arguments)
        assert "No such option" not in found.output
        assert found.exit_code == 2


def test_what_is_mounted_is_read_only_but_for_the_index(helm: Helm) -> None:
    settings = (
        *("page.git.repositories.deploy=deploy", "page.git.existingClaim=clones", "page.trail.existingClaim=trail"),
        *("page.compliance=true", "enforcer.enabled=true", "enforcer.reports.existingClaim=reports"),
    )
    workload = page(helm, *TOKENS, TLS, *settings)
    written = {each["name"] for each in container(workload)["volumeMounts"] if not each.get("readOnly")}
    assert written == {"index", "tmp"}
    assert volume(workload, "git")["persistentVolumeClaim"]["claimName"] == "clones"
    assert volume(workload, "reports")["persistentVolumeClaim"]["claimName"] == "reports"


def test_it_runs_with_no_more_than_it_needs(helm: Helm) -> None:
    workload = page(helm, *TOKENS, TLS)
    pod, own = pod_of(workload), container(workload)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert own["securityContext"]["readOnlyRootFilesystem"] is True
    assert own["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert workload["spec"]["replicas"] == 1
    assert workload["spec"]["strategy"] == {"type": "Recreate"}
    token = volume(workload, "token")["projected"]["sources"][0]
    assert token["serviceAccountToken"]["expirationSeconds"] == 600


def test_whoever_may_view_a_namespace_may_see_its_changes_unless_that_is_off(helm: Helm) -> None:
    label = "rbac.authorization.k8s.io/aggregate-to-view"
    view = ("ClusterRole", "keyhole-changes-view")
    assert the(rendered(helm, *TOKENS, TLS), *view)["metadata"]["labels"][label] == "true"
    off = rendered(helm, *TOKENS, TLS, "page.aggregateToView=false")
    assert label not in the(off, *view)["metadata"]["labels"]


def test_a_proxy_in_the_pod_is_where_the_service_leads(helm: Helm) -> None:
    settings = ("page.behindProxy=true", "page.service.targetPort=4180", "page.sidecars[0].name=proxy")
    manifests = rendered(helm, *ON, *OIDC, *settings)
    assert [each["name"] for each in pod_of(the(manifests, *PAGE))["containers"]] == ["page", "proxy"]
    assert the(manifests, "Service", "keyhole-page")["spec"]["ports"][0]["targetPort"] == 4180
    (ingress,) = the(manifests, "NetworkPolicy", "keyhole-page")["spec"]["ingress"]
    assert ingress["ports"] == [{"port": 4180}]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (("page.enabled=true",), "page.trail.logs"),
        ((*ON, "audit.output=file"), "page.trail.logs"),
        ((*ON, "page.trail.logs=false"), "page.trail"),
        (TOKENS, "page.tls.existingSecret"),
        ((*TOKENS, TLS, "page.behindProxy=true"), "page.behindProxy"),
        ((*ON, TLS), "port-forward"),
        ((*ON, OIDC[0], TLS), "page.oidc.clientId"),
        ((*ON, OIDC[1], TLS), "page.oidc.issuer"),
        ((*ON, *OIDC, TLS, "page.oidc.caBundle=none"), "page.oidc.caBundle"),
        ((*ON, "page.compliance=true"), "page.compliance"),
        ((*ON, "page.oidc.issuer=http://issuer", OIDC[1], TLS), "/page/oidc/issuer"),
        ((*ON, "page.git.repositories.deploy=../etc"), "/page/git/repositories"),
        ((*ON, "page.trail.file=../x"), "/page/trail/file"),
    ],
)
def test_values_that_do_not_fit_together_are_refused(helm: Helm, settings: tuple[str, ...], told: str) -> None:
    given = (part for setting in settings for part in ("--set", setting))
    assert told in refused(helm, KEYHOLE, *ONE_CONNECTION, *given)


def test_the_example_with_a_proxy_is_rendered(helm: Helm) -> None:
    example = FOLDER.parent / "examples" / "page" / "values.yaml"
    manifests = helm.template(KEYHOLE, *ONE_CONNECTION, "-f", str(example))
    workload = the(manifests, *PAGE)
    own, proxy, sync = pod_of(workload)["containers"]
    assert "--behind-proxy" in own["args"]
    # The proxy passes the token on to where the page listens, and is where the Service leads.
    assert "--upstream=http://127.0.0.1:8443" in proxy["args"]
    assert the(manifests, "Service", "keyhole-page")["spec"]["ports"][0]["targetPort"] == 4180
    (shared,) = [each["mountPath"] for each in own["volumeMounts"] if each["name"] == "git"]
    assert [each["mountPath"] for each in sync["volumeMounts"] if each["name"] == "git"] == [shared]
    assert f"--git=deploy={shared}/deploy" in own["args"]
    for each in (proxy, sync):
        assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}
