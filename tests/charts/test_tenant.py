"""The chart keyhole-tenant has the objects that `keyhole tenant` prints."""

import pytest
import yaml
from click.testing import CliRunner

from cli.main import main
from testbed.keyhole.helm import Helm
from tests.charts.charts import TENANT, Manifest, named

KEEP = {"helm.sh/resource-policy": "keep", "argocd.argoproj.io/sync-options": "Delete=false,Prune=false"}


def printed(*arguments: str) -> list[Manifest]:
    """Return the objects that `keyhole tenant` prints."""
    done = CliRunner().invoke(main, ["tenant", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return list(yaml.safe_load_all(done.stdout))


def without_helm(manifest: Manifest) -> Manifest:
    """Return the object without what only helm and Argo CD read."""
    metadata = {key: part for key, part in manifest["metadata"].items() if key != "annotations"}
    assert manifest["metadata"].get("annotations", KEEP) == KEEP
    return {**manifest, "metadata": metadata}


def in_order(manifests: list[Manifest]) -> list[Manifest]:
    return sorted(manifests, key=lambda one: (one["kind"], one["metadata"]["name"]))


ACCOUNTS = (
    *("--webhook-service-account", "platform/resolver-webhook"),
    *("--controller-service-account", "platform/resolver-controller"),
)
AS_VALUES = (
    *("--set", "webhookServiceAccount.namespace=platform,webhookServiceAccount.name=resolver-webhook"),
    *("--set", "controllerServiceAccount.namespace=platform,controllerServiceAccount.name=resolver-controller"),
)


@pytest.mark.parametrize("namespace", ["shop", "on", "123", "1e3", "null", "team-a", "kube-prometheus", "a" * 63])
@pytest.mark.parametrize(
    ("options", "settings"),
    [
        pytest.param((), (), id="of the usual accounts"),
        pytest.param(ACCOUNTS, AS_VALUES, id="of other accounts"),
        pytest.param(("--restarts",), ("--set", "restarts=true"), id="whose workloads Keyhole may restart"),
        pytest.param(("--variables",), ("--set", "variables=true"), id="with variables"),
        pytest.param(("--enforcer",), ("--set", "enforcer=true"), id="into which the Enforcer may look"),
        pytest.param(
            ("--enforcer", "--guard-accounts", "--enforcer-service-account", "platform/checks"),
            (
                *("--set", "enforcer=true,guardAccounts=true"),
                *("--set", "enforcerServiceAccount.namespace=platform,enforcerServiceAccount.name=checks"),
            ),
            id="guarded, into which an Enforcer of another name may look",
        ),
        pytest.param(
            (*ACCOUNTS, "--guard-accounts"), (*AS_VALUES, "--set", "guardAccounts=true"), id="which are guarded"
        ),
    ],
)
def test_it_is_what_keyhole_tenant_prints(
    helm: Helm, namespace: str, options: tuple[str, ...], settings: tuple[str, ...]
) -> None:
    objects = helm.template(TENANT, "--set-json", f'namespaces=["{namespace}"]', *settings)
    assert in_order([without_helm(one) for one in objects]) == in_order(printed(namespace, *options))


def test_several_namespaces_are_served_by_one_release(helm: Helm) -> None:
    objects = helm.template(TENANT, "--set", "namespaces={one,two}")
    both = in_order([*printed("one"), *printed("two")])
    key = sorted(str(one) for one in both)
    assert sorted(str(without_helm(one)) for one in objects) == key


def test_a_namespace_stays_when_the_release_goes_and_one_that_is_there_is_left_alone(helm: Helm) -> None:
    objects = helm.template(TENANT, "--set", "namespaces={shop}")
    (namespace,) = [one for one in objects if one["kind"] == "Namespace"]
    assert namespace["metadata"]["annotations"] == KEEP
    without = helm.template(TENANT, "--set", "namespaces={shop},createNamespaces=false")
    assert named(objects) - named(without) == {("Namespace", "shop")}
