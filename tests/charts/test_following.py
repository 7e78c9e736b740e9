"""What the chart keyhole gives a controller that follows Vault, and one that does not."""

from testbed.keyhole.helm import Helm
from tests.charts.charts import CONTROLLER, FULL, WEBHOOK, container, of_values, option, rendered, the, volume


def test_the_controller_is_given_the_same_connections_and_bundles_as_the_webhook(helm: Helm) -> None:
    manifests = of_values(helm, FULL)
    webhook, controller = the(manifests, *WEBHOOK), the(manifests, *CONTROLLER)
    assert option(controller, "connections") == option(webhook, "connections")
    for name in ("connections", "ca-bundles"):
        assert volume(controller, name) == volume(webhook, name)
        mounts = [
            [one for one in container(each)["volumeMounts"] if one["name"] == name] for each in (webhook, controller)
        ]
        assert mounts[0] == mounts[1] != []


def test_the_controller_restarts_workloads_unless_it_is_told_not_to(helm: Helm) -> None:
    manifests = rendered(helm), rendered(helm, "controller.following.restarts=false")
    assert ["--no-restarts" in container(the(one, *CONTROLLER))["args"] for one in manifests] == [False, True]


def test_a_controller_that_does_not_follow_knows_no_vault(helm: Helm) -> None:
    manifests = rendered(helm, "controller.following.enabled=false", "caBundles.vault.configMap=vault-ca")
    controller = the(manifests, *CONTROLLER)
    assert option(controller, "connections") == []
    assert [one["name"] for one in container(controller)["volumeMounts"]] == ["tmp"]
    assert [one["name"] for one in controller["spec"]["template"]["spec"]["volumes"]] == ["tmp"]


def test_the_network_policy_keeps_a_controller_that_does_not_follow_from_vault(helm: Helm) -> None:
    spec = the(rendered(helm, "controller.following.enabled=false"), "NetworkPolicy", "keyhole-controller")["spec"]
    assert [[port["port"] for port in rule["ports"]] for rule in spec["egress"]] == [[53, 53], [443, 6443]]
