"""Values that are wrong are refused, in words that say which and why."""

from pathlib import Path

import pytest

from testbed.keyhole.helm import Helm
from testbed.programs import pins
from tests.charts.charts import KEYHOLE, ONE_CONNECTION, TENANT

# A helm that was built from its module believes in an old Kubernetes.
VERSION = ("--kube-version", str(pins.KUBERNETES))


def refused(helm: Helm, chart: Path, *arguments: str) -> str:
    """Render a chart, which must fail, and return what helm says."""
    done = helm.run("template", "keyhole", str(chart), "-n", "keyhole", *VERSION, *arguments, check=False)
    assert done.returncode != 0
    assert "nil pointer" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["webhok.replicas=3"], ["webhok"], id="a misspelt section"),
        pytest.param(["webhook.replica=3"], ["/webhook", "replica"], id="a misspelt key"),
        pytest.param(["networkPolicy.dnsPorts=null"], ["/networkPolicy", "missing", "dnsPorts"], id="a key taken away"),
        pytest.param(["enabled=false"], ["/enabled", "true"], id="a condition that nobody looks at"),
        pytest.param(["webhook.replicas=0"], ["/webhook/replicas", "minimum"], id="no pod at all"),
        pytest.param(["webhook.replicas=two"], ["/webhook/replicas", "integer"], id="a word for a number"),
        pytest.param(["webhook.logLevel=loud"], ["/webhook/logLevel", "'debug'"], id="a level that there is not"),
        pytest.param(["caller.mode=anonymous"], ["/caller/mode", "'aggregation'"], id="a mode that there is not"),
        pytest.param(["admission.timeoutSeconds=60"], ["/admission/timeoutSeconds", "maximum"], id="a minute's wait"),
        pytest.param(["admission.failurePolicy=Ignore"], ["/admission", "failurePolicy"], id="failing open"),
        pytest.param(["image.digest=latest"], ["/image/digest", "pattern"], id="a digest that is none"),
        pytest.param(["certificates.lifetime=90d"], ["/certificates/lifetime", "pattern"], id="days, which Go has not"),
        pytest.param(["certificates.mode=vault"], ["/certificates/mode", "'selfManaged'"], id="unknown certificates"),
        pytest.param(["controller.settleSeconds=1"], ["/controller/settleSeconds"], id="shorter than webhooks poll"),
        pytest.param(
            ["controller.following.patchesPerSecond=0"],
            ["/controller/following/patchesPerSecond", "minimum"],
            id="a loop that may write nothing",
        ),
        pytest.param(["networkPolicy.vaultTo={vault}"], ["/networkPolicy/vaultTo"], id="a name for a CIDR"),
        pytest.param(["test.namespace=Default"], ["/test/namespace"], id="no name of a namespace"),
        pytest.param(["connections.default.addres=x"], ["/connections/default", "addres"], id="a misspelt connection"),
        pytest.param(["connections.default.auth.method=ldap"], ["/connections/default/auth/method"], id="no method"),
        pytest.param(["connections.default.address=http://vault:8200"], ["/connections/default/address"], id="no TLS"),
        pytest.param(["connections.default.auth.role=keyhole-{ns}"], ["/connections/default/auth/role"], id="no field"),
        pytest.param(["connections.default.mounts.secret=3"], ["/connections/default/mounts/secret"], id="no KV v3"),
        pytest.param(["connections.default.timeoutSeconds=90"], ["timeoutSeconds", "maximum"], id="a slow Vault"),
        pytest.param(["caBundles.vault.file=ca.crt"], ["/caBundles/vault"], id="a bundle from nowhere"),
        pytest.param(["caBundles.vault.configMap=a", "caBundles.vault.secret=b"], ["/caBundles/vault"], id="from two"),
        pytest.param(
            ["commonLabels.app\\.kubernetes\\.io/name=mine"],
            ["/commonLabels/app.kubernetes.io~1name", "set by the chart"],
            id="a label by which the pods are selected",
        ),
        pytest.param(["webhook.podLabels.team=a b"], ["/webhook/podLabels/team", "pattern"], id="no label's value"),
        pytest.param(["caBundles.vault.configMap="], ["/caBundles/vault"], id="a bundle of no name"),
        pytest.param(
            ["fullnameOverride=key.hole"], ["/fullnameOverride", "pattern"], id="a name that no Service bears"
        ),
    ],
)
def test_the_schema_says_where_and_what(helm: Helm, arguments: list[str], told: list[str]) -> None:
    said = refused(helm, KEYHOLE, *ONE_CONNECTION, *(part for each in arguments for part in ("--set", each)))
    assert "values don't meet the specifications of the schema" in said
    for word in told:
        assert word in said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(
            ["connections.default.caFile=/etc/keyhole/ca/vault/ca.crt"],
            "connections.default.caFile: /etc/keyhole/ca/vault/ca.crt is not one of caBundles",
            id="a CA file that nobody mounts",
        ),
        pytest.param(
            ["connections.default.caFile=/etc/ssl/ca.crt"],
            "connections.default.caFile: /etc/ssl/ca.crt is not one of caBundles",
            id="a CA file somewhere else",
        ),
        pytest.param(
            ["caller.mode=client-certificate"],
            "the mode client-certificate needs `ca` and `names`",
            id="a client certificate of nobody",
        ),
        pytest.param(
            ["caller.mode=token"], "the mode token needs a Secret that holds the token", id="a token from nowhere"
        ),
        pytest.param(
            ["certificates.mode=existingSecret"],
            "the mode existingSecret needs `existingSecret` and `caBundle`",
            id="a certificate from nowhere",
        ),
        pytest.param(
            ["certificates.existingSecret=mine"],
            "has no meaning with certificates.mode=selfManaged",
            id="two sources of certificates",
        ),
        pytest.param(
            ["certificates.caBundle=-----BEGIN CERTIFICATE-----"],
            "the controller keeps the APIService's itself",
            id="a CA that the next renewal would outdate",
        ),
        pytest.param(
            ["caller.token.existingSecret=mine"],
            "caller.token.existingSecret: has no meaning with caller.mode=aggregation",
            id="a token that nobody asks for",
        ),
        pytest.param(
            ["caller.clientCertificate.names={kube-apiserver}"],
            "caller.clientCertificate: has no meaning with caller.mode=aggregation",
            id="names that nobody compares",
        ),
        pytest.param(
            ["certificates.certManager.issuerRef.name=platform"],
            "certificates.certManager.issuerRef: has no meaning with certificates.mode=selfManaged",
            id="an issuer that is not asked",
        ),
        pytest.param(
            ["certificates.mode=certManager", "certificates.caBundle=-----BEGIN CERTIFICATE-----"],
            "cert-manager's injector hands the CA on",
            id="a CA that cert-manager does not issue under",
        ),
        pytest.param(
            ["certificates.lifetime=9s"],
            "certificates.lifetime: 9s is shorter than 10 s",
            id="a certificate that ends before it is read",
        ),
        pytest.param(
            ["certificates.caLifetime=876001h"],
            "certificates.caLifetime: 876001h is longer than 876000h",
            id="a CA for more than a hundred years",
        ),
        pytest.param(
            ["certificates.lifetime=25h", "certificates.caLifetime=23h119m59s"],
            "certificates.caLifetime: 23h119m59s is too short for certificates that live 25h (certificates.lifetime)",
            id="a CA that ends before its certificate",
        ),
        pytest.param(
            ["certificates.mode=certManager", "certificates.certManager.duration=59m"],
            "certificates.certManager.duration: 59m is shorter than 3600 s",
            id="shorter than cert-manager issues",
        ),
        pytest.param(
            ["certificates.mode=certManager", "certificates.certManager.caDuration=4319h"],
            "certificates.certManager.caDuration: 4319h is too short for certificates that live 2160h",
            id="a CA of cert-manager's that ends before the last certificate under it is renewed",
        ),
        pytest.param(
            ["webhook.autoscaling.enabled=true", "webhook.autoscaling.minReplicas=7"],
            "webhook.autoscaling.minReplicas: 7 is more than maxReplicas, 6",
            id="more pods than there may be",
        ),
        pytest.param(
            ["webhook.autoscaling.enabled=true", "webhook.resources.requests.cpu=null"],
            "webhook.autoscaling: needs webhook.resources.requests.cpu, because it aims at a share of that",
            id="a part of nothing",
        ),
        pytest.param(
            ["audit.output=file"],
            "audit.output: file has no meaning without audit.existingSecret",
            id="a trail without a key",
        ),
        *(
            pytest.param(
                [*mode, f"{name}=-----BEGIN CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\n"],
                f"{name}: holds a private key",
                id=f"a private key in {name}",
            )
            for name, mode in (
                ("certificates.caBundle", ["caller.mode=none"]),
                ("caller.clientCertificate.ca", ["caller.mode=client-certificate"]),
                ("caBundles.vault.pem", []),
            )
        ),
        pytest.param(
            ["webhook.graceSeconds=5"],
            "webhook.graceSeconds: an admission that is in flight may take admission.timeoutSeconds, 10 s",
            id="an end that cuts admissions off",
        ),
        pytest.param(
            ["test.namespace=kube-system"],
            "test.namespace: the API server asks nobody about kube-system",
            id="a test where Keyhole is never asked",
        ),
    ],
)
def test_what_does_not_fit_together_is_told_in_a_sentence(helm: Helm, arguments: list[str], told: str) -> None:
    said = refused(helm, KEYHOLE, *ONE_CONNECTION, *(part for each in arguments for part in ("--set", each)))
    assert told in said


@pytest.mark.parametrize(
    "settings", ["caBundles.vault.configMap=kube-root-ca.crt", "caBundles.vault.secret=1.vault-ca"]
)
def test_a_bundle_may_lie_in_whatever_kubernetes_lets_be_named_so(helm: Helm, settings: str) -> None:
    helm.run("template", "keyhole", str(KEYHOLE), *ONE_CONNECTION, *VERSION, "--set", settings)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param("certificates.lifetime=10s,certificates.caLifetime=10s", id="the shortest of our own"),
        pytest.param("certificates.lifetime=90m,certificates.caLifetime=876000h", id="the longest"),
        pytest.param(
            "certificates.mode=certManager,certificates.certManager.duration=1h,certificates.certManager.caDuration=120m",
            id="the shortest of cert-manager's",
        ),
    ],
)
def test_lifetimes_that_certificates_can_have_are_taken(helm: Helm, settings: str) -> None:
    helm.run("template", "keyhole", str(KEYHOLE), *ONE_CONNECTION, *VERSION, "--set", settings)


def test_a_release_whose_name_no_service_can_bear_is_told_to_name_its_objects(helm: Helm) -> None:
    said = helm.run("template", "1keyhole", str(KEYHOLE), *ONE_CONNECTION, *VERSION, check=False).stderr
    assert "the name 1keyhole: that of a Service begins with a letter; --set fullnameOverride=" in said


def test_without_a_connection_it_says_how_to_give_one(helm: Helm) -> None:
    assert "at least one Vault connection is needed, such as --set connections.default.address=" in refused(
        helm, KEYHOLE
    )


def test_a_cluster_that_is_too_old_is_refused(helm: Helm) -> None:
    old = ("template", "keyhole", str(KEYHOLE), *ONE_CONNECTION, "--kube-version", "1.32.9")
    said = helm.run(*old, check=False).stderr
    assert "chart requires kubeVersion: >=1.33.0-0 which is incompatible with Kubernetes v1.32.9" in said


@pytest.mark.parametrize("version", ["v1.33.4-eks-ac2d5a0", "v1.34.1-gke.1829001", "1.33.0"])
def test_the_versions_of_vendors_are_taken(helm: Helm, version: str) -> None:
    helm.run("template", "keyhole", str(KEYHOLE), *ONE_CONNECTION, "--kube-version", version)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param([], "namespaces: at least one is needed, such as --set namespaces={shop}", id="none"),
        pytest.param(["namespaces={keyhole}"], "keyhole holds Keyhole's own account", id="Keyhole's own namespace"),
        pytest.param(["namespaces={kube-system}"], "/namespaces/0", id="a namespace of Kubernetes"),
        pytest.param(["namespaces={Shop}"], "/namespaces/0", id="no name of a namespace"),
        pytest.param(["namespaces={shop,shop}"], "/namespaces", id="one twice"),
        pytest.param(
            ["namespaces={shop}", "webhookServiceAccount.name=keyhole"],
            "/webhookServiceAccount/name",
            id="a tenant's name",
        ),
        pytest.param(["namespace=shop"], "namespace", id="a misspelt key"),
    ],
)
def test_tenants_that_cannot_be_are_refused(helm: Helm, arguments: list[str], told: str) -> None:
    said = refused(helm, TENANT, *(part for each in arguments for part in ("--set", each)))
    assert told in said
