"""The policies for what an organisation demands, as helm renders them: what the functions give, and off by default."""

import pytest

from manifests.kinds.config_map import CONFIG_MAP
from manifests.kinds.known import Kinds
from manifests.registration.demands.appliers import appliers_policy
from manifests.registration.demands.demand import Action
from manifests.registration.demands.images import images_policy
from manifests.registration.demands.plaintext import EXEMPT_TYPES, plaintext_policy
from testbed.keyhole.helm import Helm
from tests.charts.charts import FULL, KEYHOLE, ONE_CONNECTION, of_values, option, rendered, the

DEMANDS = ("appliers", "plaintext", "images")


def test_they_are_off_by_default(helm: Helm) -> None:
    names = {one["metadata"]["name"] for one in rendered(helm)}
    assert not names & {f"keyhole-{demand}" for demand in DEMANDS}


def test_they_are_what_the_functions_give(helm: Helm) -> None:
    asked = {
        "appliers": appliers_policy(
            Action.DENY,
            users=["ann"],
            groups=["platform-team"],
            service_accounts=["flux-system/kustomize-controller", "argocd/argocd-application-controller"],
            name="mine-keyhole-appliers",
            own_namespace="platform",
            kinds=Kinds([CONFIG_MAP]),
        ),
        "plaintext": plaintext_policy(
            Action.WARN,
            types=EXEMPT_TYPES,
            names=["sh.helm.*"],
            keys=["ca.crt"],
            name="mine-keyhole-plaintext",
            own_namespace="platform",
        ),
        "images": images_policy(
            Action.AUDIT,
            registries=["registry.example/platform"],
            name="mine-keyhole-images",
            own_namespace="platform",
        ),
    }
    kinds = ("--set-json", 'kinds=[{"kind":"ConfigMap"}]')
    found = helm.template(KEYHOLE, "-f", str(FULL), *kinds, release="mine", namespace="platform")
    for wanted in (part for policies in asked.values() for part in policies):
        one = the(found, wanted["kind"], wanted["metadata"]["name"])
        body = "data" if wanted["kind"] == "ConfigMap" else "spec"
        assert one[body] == wanted[body]
        assert one["metadata"].get("namespace") == wanted["metadata"].get("namespace")


def test_the_webhook_knows_the_named_accounts_too(helm: Helm) -> None:
    """So that changes by others are counted apart, even where no policy refuses them."""
    found = helm.template(KEYHOLE, "-f", str(FULL), "--set", "admission.appliers.action=", release="keyhole")
    webhook = the(found, "Deployment", "keyhole-webhook")
    assert option(webhook, "applier") == [
        "ann",
        "system:serviceaccount:flux-system:kustomize-controller",
        "system:serviceaccount:argocd:argocd-application-controller",
    ]
    assert option(webhook, "applier-group") == ["platform-team"]


def test_the_documented_values_switch_all_of_them_on(helm: Helm) -> None:
    for demand in DEMANDS:
        assert the(of_values(helm, FULL), "ValidatingAdmissionPolicy", f"keyhole-{demand}")


@pytest.mark.parametrize(
    "setting",
    [
        "admission.images.action=Refuse",
        "admission.appliers.serviceAccounts[0]=kustomize-controller",
        "admission.appliers.users[0]=",
        "admission.plaintext.namespaces[0]=a",
    ],
)
def test_what_they_cannot_be_is_refused(helm: Helm, setting: str) -> None:
    refused = helm.run("template", "keyhole", str(KEYHOLE), *ONE_CONNECTION, "--set", setting, check=False)
    assert refused.returncode != 0
    assert "admission" in refused.stderr
