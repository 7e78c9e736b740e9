"""What the chart keyhole renders, by helm itself, for one setting after another."""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from cli.main import main
from cli.parameters import KindsType
from cli.version import VERSION
from manifests.registration.admission_policy import admission_policy
from manifests.registration.api_service import api_service
from manifests.registration.reconciler_policy import reconciler_policy
from manifests.registration.webhook_configuration import aggregated_webhook_configuration
from testbed.keyhole.helm import Helm
from testbed.programs import pins
from testbed.programs.toolbox import Toolbox
from tests.charts.charts import (
    CONTROLLER,
    FOLDER,
    FULL,
    KEYHOLE,
    ONE_CONNECTION,
    TENANT,
    WEBHOOK,
    Manifest,
    container,
    each_documented,
    named,
    of_values,
    option,
    pod_of,
    rendered,
    the,
    volume,
)

ASKING = ("MutatingWebhookConfiguration", "keyhole")
ROUTING = ("APIService", "v1alpha1.admission.keyhole.dev")
DEFAULT = KEYHOLE / "ci" / "default-values.yaml"
PEM = "-----BEGIN CERTIFICATE-----"


@pytest.mark.parametrize(("enabled", "is_there"), [("true", True), ("false", False)])
def test_another_chart_may_have_them_on_a_condition(
    helm: Helm, tmp_path: Path, enabled: str, *, is_there: bool
) -> None:
    charts = [KEYHOLE, TENANT]
    for chart in charts:
        shutil.copytree(chart, tmp_path / "charts" / chart.name)
    parts = [{"name": chart.name, "version": VERSION, "condition": f"{chart.name}.enabled"} for chart in charts]
    described = {"apiVersion": "v2", "name": "platform", "version": "1.0.0", "dependencies": parts}
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(described))
    given = {KEYHOLE.name: yaml.safe_load(DEFAULT.read_text()), TENANT.name: {"namespaces": ["shop"]}}
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(given))
    conditions = [part for chart in charts for part in ("--set", f"{chart.name}.enabled={enabled}")]
    kinds = {kind for kind, _ in named(helm.template(tmp_path, *conditions))}
    assert ({"MutatingWebhookConfiguration", "Namespace"} <= kinds) == is_there
    assert bool(kinds) == is_there


@pytest.mark.parametrize("chart", [KEYHOLE, TENANT])
def test_helm_finds_nothing_to_complain_of(helm: Helm, chart: Path) -> None:
    for values in sorted((chart / "ci").iterdir()):
        version = ("--kube-version", str(pins.KUBERNETES))
        said = helm.run("lint", "--strict", str(chart), "-n", "keyhole", *version, "-f", str(values)).stdout
        # A chart that fails to render is told as [INFO] only.
        assert said.splitlines()[1:2] == ["[INFO] Chart.yaml: icon is recommended"], said
        assert "1 chart(s) linted, 0 chart(s) failed" in said


def test_the_readmes_are_what_helm_docs_writes(toolbox: Toolbox, tmp_path: Path) -> None:
    copy = tmp_path / "charts"
    shutil.copytree(FOLDER, copy)
    helm_docs = Helm(toolbox.path("helm-docs"), tmp_path)
    helm_docs.run("--chart-search-root", str(copy), "--sort-values-order", "file", "--log-level", "warning")
    for chart in (KEYHOLE, TENANT):
        assert (copy / chart.name / "README.md").read_text() == (chart / "README.md").read_text(), "make charts"


@pytest.mark.parametrize(
    ("deployment", "options"),
    [
        pytest.param(
            WEBHOOK,
            [
                "record-key-believed-seconds",
                "workers",
                "max-running",
                "max-waiting",
                "drain-seconds",
                "grace-seconds",
                "log-level",
            ],
            id="of keyhole serve",
        ),
        pytest.param(
            CONTROLLER,
            [
                "settle-seconds",
                "record-key-settle-seconds",
                "certificate-lifetime",
                "ca-lifetime",
                "vault-requests-per-second",
                "patches-per-second",
                "log-level",
            ],
            id="of keyhole controller",
        ),
    ],
)
def test_the_defaults_are_those(helm: Helm, deployment: tuple[str, str], options: list[str]) -> None:
    found = the(rendered(helm), *deployment)
    command = main.get_command(click.Context(main), container(found)["args"][0])
    assert command is not None
    context = click.Context(command)
    for parameter in command.params:
        for name in set(options) & {each.removeprefix("--") for each in parameter.opts}:
            (given,) = option(found, name)
            converted = [parameter.type.convert(value, parameter, context) for value in (given, parameter.default)]
            assert converted[0] == converted[1], name
            options.remove(name)
    assert options == []


def test_each_template_is_named_for_its_component_and_kind(helm: Helm) -> None:
    seen = set()
    for values in (
        DEFAULT,
        FULL,
        KEYHOLE / "ci" / "cert-manager-values.yaml",
        KEYHOLE / "ci" / "client-certificate-values.yaml",
    ):
        version = ("--kube-version", str(pins.KUBERNETES))
        text = helm.run("template", "keyhole", str(KEYHOLE), "-n", "keyhole", *version, "-f", str(values)).stdout
        for source, kind in re.findall(
            r"^# Source: keyhole/templates/(\S+)\n(?:.*\n)*?kind: (\w+)", text, re.MULTILINE
        ):
            assert source.endswith(f"-{kind.lower()}.yaml"), (source, kind)
            seen.add(source)
    assert seen == {file.name for file in (KEYHOLE / "templates").glob("*.yaml")}


@pytest.mark.parametrize("values", each_documented(KEYHOLE))
class TestEveryDocumentedSetOfValues:
    def test_keyhole_takes_each_option_that_its_pods_give_it(self, helm: Helm, values: Path) -> None:
        for manifest in of_values(helm, values):
            for command in _commands(manifest):
                assert command[0] == "keyhole"
                _parsed(command[1:])

    def test_every_pod_is_locked_down(self, helm: Helm, values: Path) -> None:
        pods = [pod for manifest in of_values(helm, values) for pod in _pods(manifest)]
        more = [one for one in of_values(helm, values) if one["kind"] == "CronJob" or _is_page(one)]
        assert len(pods) == 3 + len(more)
        for pod in pods:
            context = pod["securityContext"]
            assert context["runAsNonRoot"] is True
            assert context.get("runAsUser", 1) > 0
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}
            for one in pod["containers"]:
                assert one["securityContext"]["readOnlyRootFilesystem"] is True
                assert one["securityContext"]["allowPrivilegeEscalation"] is False
                assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
                assert one["resources"]["requests"]
                assert one["resources"]["limits"]["memory"]
                assert {"name": "tmp", "mountPath": "/tmp"} in one["volumeMounts"]

    def test_nothing_is_issued_when_it_is_rendered(self, helm: Helm, values: Path) -> None:
        once, again = of_values(helm, values), helm.template(KEYHOLE, "-f", str(values))
        assert once == again
        assert "Secret" not in {manifest["kind"] for manifest in once}

    def test_it_fails_closed(self, helm: Helm, values: Path) -> None:
        (asking,) = [one for one in of_values(helm, values) if one["kind"] == ASKING[0]]
        assert {entry["failurePolicy"] for entry in asking["webhooks"]} == {"Fail"}

    def test_each_object_carries_the_labels_of_its_release(self, helm: Helm, values: Path) -> None:
        for manifest in of_values(helm, values, "other", "platform"):
            labels = manifest["metadata"]["labels"]
            assert labels["app.kubernetes.io/instance"] == "other"
            assert labels["app.kubernetes.io/managed-by"] == "Helm"
            assert manifest["metadata"].get("namespace", "platform") in {"platform", "kube-system", "default"}

    def test_a_selector_selects_the_pods_that_it_is_for(self, helm: Helm, values: Path) -> None:
        manifests = of_values(helm, values)
        webhook = the(manifests, *_deployment(manifests, "webhook"))["spec"]
        labels = webhook["template"]["metadata"]["labels"].items()
        assert webhook["selector"]["matchLabels"].items() <= labels
        for manifest in manifests:
            if manifest["kind"] == "PodDisruptionBudget":
                assert manifest["spec"]["selector"]["matchLabels"].items() <= labels
        controller = the(manifests, *_deployment(manifests, "controller"))["spec"]["template"]["metadata"]["labels"]
        services = [one for one in manifests if one["kind"] == "Service" and "metrics" not in one["metadata"]["name"]]
        (service,) = [one for one in services if not one["metadata"]["name"].endswith("-page")]
        assert service["spec"]["selector"].items() <= labels
        assert not service["spec"]["selector"].items() <= controller.items()


def _is_page(manifest: Manifest) -> bool:
    return (manifest["kind"], manifest["metadata"]["name"].rpartition("-")[2]) == ("Deployment", "page")


def test_the_registration_is_what_the_function_of_the_tests_writes(helm: Helm) -> None:
    written = aggregated_webhook_configuration(own_namespace="platform")
    manifests = of_values(helm, DEFAULT, namespace="platform")
    assert the(manifests, *ASKING)["webhooks"] == written["webhooks"]


def test_the_policy_is_what_the_function_of_the_tests_writes(helm: Helm) -> None:
    policy, binding = admission_policy(own_namespace="platform")
    manifests = of_values(helm, DEFAULT, namespace="platform")
    for written in (policy, binding):
        assert the(manifests, written["kind"], "keyhole")["spec"] == written["spec"]


def test_the_policy_for_the_tenants_reconciler_is_what_the_function_writes(helm: Helm) -> None:
    manifests = of_values(helm, DEFAULT, namespace="platform")
    written = reconciler_policy()
    for each in written:
        assert the(manifests, each["kind"], each["metadata"]["name"])["spec"] == each["spec"]
    without = rendered(helm, "admission.reconcilerPolicy=false")
    assert named(manifests) - named(without) == {(each["kind"], each["metadata"]["name"]) for each in written}


def test_the_apiservice_is_what_the_function_of_the_tests_writes_but_for_the_ca(helm: Helm) -> None:
    written = dict(api_service("keyhole", "keyhole", 443, b"")["spec"])
    del written["caBundle"]  # the controller sets it
    assert the(rendered(helm), *ROUTING)["spec"] == written


def _asked(manifests: Sequence[Manifest]) -> Mapping[str, Any]:
    first, second = the(manifests, *ASKING)["webhooks"]
    assert first["clientConfig"] == second["clientConfig"]
    config: Mapping[str, Any] = first["clientConfig"]
    return config


class TestCallers:
    def test_by_default_the_way_leads_through_the_aggregation_layer(self, helm: Helm) -> None:
        manifests = rendered(helm)
        assert _asked(manifests)["service"]["name"] == "kubernetes"
        assert option(the(manifests, *WEBHOOK), "caller-auth") == ["aggregation"]
        binding = the(
            [one for one in manifests if one["metadata"].get("namespace") == "kube-system"],
            "RoleBinding",
            "keyhole-webhook",
        )
        assert binding["roleRef"]["name"] == "extension-apiserver-authentication-reader"

    @pytest.mark.parametrize(
        "settings",
        [
            pytest.param(["caller.mode=none"], id="none"),
            pytest.param(["caller.mode=token", "caller.token.existingSecret=t"], id="token"),
        ],
    )
    def test_otherwise_the_api_server_asks_the_service_itself(self, helm: Helm, settings: list[str]) -> None:
        manifests = rendered(helm, *settings, "service.port=8000")
        service = {"namespace": "keyhole", "name": "keyhole", "port": 8000, "path": "/mutate"}
        assert _asked(manifests) == {"service": service}
        assert "APIService" not in {kind for kind, _ in named(manifests)}
        assert "kube-system" not in {one["metadata"].get("namespace") for one in manifests}

    def test_a_client_certificate_is_of_the_given_ca_and_names(self, helm: Helm) -> None:
        ca = ("caller.clientCertificate.ca=" + PEM, "caller.clientCertificate.names={one,spiffe://two,three: 3 #}")
        manifests = rendered(helm, "caller.mode=client-certificate", *ca)
        webhook = the(manifests, *WEBHOOK)
        assert option(webhook, "caller-name") == ["one", "spiffe://two", "three: 3 #"]
        assert option(webhook, "caller-ca") == ["/etc/keyhole/caller/ca.crt"]
        assert the(manifests, "ConfigMap", "keyhole-caller")["data"]["ca.crt"].strip() == PEM

    def test_tokens_come_from_a_secret_that_its_group_alone_may_read(self, helm: Helm) -> None:
        token = ("caller.token.existingSecret=mine", "caller.token.keys={old,new}")
        webhook = the(rendered(helm, "caller.mode=token", *token), *WEBHOOK)
        assert option(webhook, "caller-token-file") == ["/etc/keyhole/caller/old", "/etc/keyhole/caller/new"]
        assert volume(webhook, "caller")["secret"] == {"secretName": "mine", "defaultMode": 0o440}


class TestCertificates:
    def test_by_default_the_controller_keeps_them(self, helm: Helm) -> None:
        manifests = rendered(helm)
        controller = the(manifests, *CONTROLLER)
        assert option(controller, "serving-host") == ["keyhole.keyhole.svc"]
        assert option(controller, "api-service") == ["v1alpha1.admission.keyhole.dev"]
        assert option(controller, "serving-certificate") == option(the(manifests, *WEBHOOK), "tls-secret")
        # They are the controller's: as objects of the release they would go, or be refused, when somebody else issues.
        assert "Secret" not in {kind for kind, _name in named(manifests)}
        assert "caBundle" not in the(manifests, *ROUTING)["spec"]

    def test_asked_directly_it_reads_the_webhook_configuration_and_patches_nothing(self, helm: Helm) -> None:
        manifests = rendered(helm, "caller.mode=none", f"certificates.caBundle={PEM}")
        controller = the(manifests, *CONTROLLER)
        assert option(controller, "webhook-configuration") == ["keyhole"]
        assert option(controller, "api-service") == []
        assert "patch" not in str(the(manifests, "ClusterRole", "keyhole-controller")["rules"])
        assert _asked(manifests)["caBundle"]

    def test_with_cert_manager_the_controller_issues_none_and_the_injector_sets_the_ca(self, helm: Helm) -> None:
        manifests = rendered(helm, "certificates.mode=certManager")
        assert option(the(manifests, *CONTROLLER), "serving-certificate") == []
        injected = {"cert-manager.io/inject-ca-from": "keyhole/keyhole"}
        assert the(manifests, *ROUTING)["metadata"]["annotations"] == injected
        certificate = the(manifests, "Certificate", "keyhole")["spec"]
        assert certificate["dnsNames"] == ["keyhole.keyhole.svc"]
        assert [f"keyhole/{certificate['secretName']}"] == option(the(manifests, *WEBHOOK), "tls-secret")
        assert ("Secret", "keyhole-serving-certificate") not in named(manifests)
        direct = rendered(helm, "certificates.mode=certManager", "caller.mode=none")
        assert the(direct, *ASKING)["metadata"]["annotations"] == injected

    def test_an_issuer_of_your_own_needs_no_other(self, helm: Helm) -> None:
        issuer = "certificates.certManager.issuerRef.name=platform"
        manifests = rendered(helm, "certificates.mode=certManager", issuer)
        assert "Issuer" not in {kind for kind, _ in named(manifests)}
        assert the(manifests, "Certificate", "keyhole")["spec"]["issuerRef"] == {"name": "platform"}

    def test_your_own_certificate_is_read_and_the_ca_is_as_you_say(self, helm: Helm) -> None:
        mine = ("certificates.mode=existingSecret", "certificates.existingSecret=mine", f"certificates.caBundle={PEM}")
        manifests = rendered(helm, *mine)
        assert option(the(manifests, *WEBHOOK), "tls-secret") == ["keyhole/mine"]
        assert the(manifests, *ROUTING)["spec"]["caBundle"]
        assert ["mine"] in [rule.get("resourceNames") for rule in the(manifests, "Role", "keyhole-webhook")["rules"]]
        assert "keyhole-ca" not in str(manifests)


class TestPods:
    @pytest.mark.parametrize(
        ("settings", "seconds"),
        [
            pytest.param([], 2 + 3 + 30 + 10, id="as it comes"),
            pytest.param(
                ["webhook.drainSeconds=20", "webhook.graceSeconds=100"], 2 + 20 + 100 + 10, id="with longer ones"
            ),
            pytest.param(["webhook.preStopSeconds=0"], 3 + 30 + 10, id="without a pause before"),
        ],
    )
    def test_a_pod_is_given_the_time_that_its_end_takes(self, helm: Helm, settings: list[str], seconds: int) -> None:
        pod = the(rendered(helm, *settings), *WEBHOOK)["spec"]["template"]["spec"]
        assert pod["terminationGracePeriodSeconds"] == seconds

    def test_a_cluster_may_give_the_pods_their_user_and_group(self, helm: Helm) -> None:
        contexts = [pod["securityContext"] for one in rendered(helm, "fixedUser=false") for pod in _pods(one)]
        assert contexts == [{"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}] * 3

    def test_connections_are_written_as_they_stand_in_the_values(self, helm: Helm) -> None:
        text = the(of_values(helm, FULL), "ConfigMap", "keyhole-connections")["data"]
        wanted = yaml.safe_load(FULL.read_text())["connections"]
        assert yaml.safe_load(text["connections.yaml"]) == {"connections": wanted}

    def test_bundles_lie_where_connections_look_for_them(self, helm: Helm) -> None:
        webhook = the(of_values(helm, FULL), *WEBHOOK)
        sources = volume(webhook, "ca-bundles")["projected"]["sources"]
        found = {
            (kind, part["name"], part["items"][0]["key"], part["items"][0]["path"])
            for source in sources
            for kind, part in source.items()
        }
        assert found == {
            ("configMap", "vault-ca", "ca.crt", "vault/ca.crt"),
            ("secret", "vault-eu", "bundle.pem", "eu/ca.crt"),
            ("configMap", "keyhole-ca-bundles", "inline", "inline/ca.crt"),
        }

    def test_no_change_of_what_is_mounted_restarts_a_pod(self, helm: Helm) -> None:
        changed = rendered(helm, "connections.default.timeoutSeconds=4", "caBundles.vault.configMap=other")
        for deployment in (WEBHOOK, CONTROLLER):
            template = the(changed, *deployment)["spec"]["template"]
            assert template["metadata"] == the(rendered(helm), *deployment)["spec"]["template"]["metadata"]

    def test_without_a_key_there_is_no_trail_and_with_one_it_goes_where_it_is_told_to(self, helm: Helm) -> None:
        assert option(the(rendered(helm), *WEBHOOK), "audit-key") == []
        on_stdout = the(rendered(helm, "audit.existingSecret=trail"), *WEBHOOK)
        assert option(on_stdout, "audit-key") == ["/etc/keyhole/audit/audit.key"]
        assert option(on_stdout, "audit-log") == []
        in_a_file = the(rendered(helm, "audit.existingSecret=trail", "audit.output=file"), *WEBHOOK)
        (mounted,) = [one for one in container(in_a_file)["volumeMounts"] if one["name"] == "audit-log"]
        assert option(in_a_file, "audit-log") == [f"{mounted['mountPath']}/audit.log"]

    def test_a_label_or_an_annotation_that_is_named_twice_stands_there_once(self, helm: Helm) -> None:
        twice = (
            *("commonLabels.team=all", "webhook.podLabels.team=ours"),
            *("metrics.serviceMonitor.enabled=true", "metrics.serviceMonitor.labels.team=watchers"),
            "webhook.podAnnotations.kubectl\\.kubernetes\\.io/default-container=another",
        )
        arguments = [part for setting in twice for part in ("--set", setting)]
        version = ("--kube-version", str(pins.KUBERNETES))
        text = helm.run("template", "keyhole", str(KEYHOLE), *version, *ONE_CONNECTION, *arguments).stdout
        # Helm takes the last of two; whoever renders after it (kustomize, Flux) takes neither.
        assert [key for document in yaml.compose_all(text) for key in _repeated(document)] == []
        manifests = rendered(helm, *twice)
        pod = the(manifests, *WEBHOOK)["spec"]["template"]["metadata"]
        assert pod["labels"]["team"] == "ours"
        assert pod["annotations"]["kubectl.kubernetes.io/default-container"] == "another"
        assert the(manifests, "ServiceMonitor", "keyhole")["metadata"]["labels"]["team"] == "watchers"
        assert the(manifests, "Service", "keyhole")["metadata"]["labels"]["team"] == "all"

    def test_the_pod_of_the_test_runs_on_the_nodes_that_are_the_webhooks(self, helm: Helm) -> None:
        pod = the(of_values(helm, FULL), "Pod", "keyhole-test")["spec"]
        webhook = the(of_values(helm, FULL), *WEBHOOK)["spec"]["template"]["spec"]
        assert (pod["nodeSelector"], pod["tolerations"]) == (webhook["nodeSelector"], webhook["tolerations"])
        assert "affinity" not in pod

    def test_an_autoscaler_alone_decides_about_the_number_of_pods(self, helm: Helm) -> None:
        manifests = rendered(helm, "webhook.autoscaling.enabled=true")
        assert "replicas" not in the(manifests, *WEBHOOK)["spec"]
        assert the(manifests, "HorizontalPodAutoscaler", "keyhole-webhook")["spec"]["minReplicas"] == 2


def test_a_version_with_a_plus_makes_labels_that_kubernetes_takes(helm: Helm, tmp_path: Path) -> None:
    version = f"0.1.0+{'a' * 60}"
    copy = Path(shutil.copytree(KEYHOLE, tmp_path / "keyhole"))
    described = copy / "Chart.yaml"
    described.write_text(described.read_text().replace("0.1.0", version))
    for manifest in helm.template(copy, *ONE_CONNECTION, "--set", "image.tag=latest"):
        for value in manifest["metadata"]["labels"].values():
            assert re.fullmatch(r"[A-Za-z0-9][-A-Za-z0-9_.]{0,61}[A-Za-z0-9]", value)


@pytest.mark.parametrize("component", ["webhook", "controller"])
def test_the_network_policy_lets_the_pods_reach_the_ports_of_their_vaults_alone(helm: Helm, component: str) -> None:
    spec = the(of_values(helm, FULL), "NetworkPolicy", f"keyhole-{component}")["spec"]
    assert [[port["port"] for port in rule["ports"]] for rule in spec["egress"]] == [[53, 53], [443, 6443], [443, 8200]]
    assert [each["ipBlock"]["cidr"] for each in spec["egress"][2]["to"]] == ["192.0.2.0/24", "2001:db8::/32"]


def test_the_network_policy_lets_admissions_and_metrics_in_and_nothing_else(helm: Helm) -> None:
    for component, ports in (("webhook", [["admission"], ["health"]]), ("controller", [["health"]])):
        spec = the(of_values(helm, FULL), "NetworkPolicy", f"keyhole-{component}")["spec"]
        assert [[port["port"] for port in rule["ports"]] for rule in spec["ingress"]] == ports


def test_the_network_policy_knows_ports_behind_services_that_are_named(helm: Helm) -> None:
    ports = ("networkPolicy.dnsPorts={5353}", "networkPolicy.vaultPorts={18200}")
    spec = the(rendered(helm, *ports), "NetworkPolicy", "keyhole-webhook")["spec"]
    allowed = [[port["port"] for port in rule["ports"]] for rule in spec["egress"]]
    assert allowed == [[5353, 5353], [443, 6443], [18200, 8200]]


def _deployment(manifests: Sequence[Manifest], component: str) -> tuple[str, str]:
    (found,) = [
        one["metadata"]["name"]
        for one in manifests
        if one["kind"] == "Deployment" and one["metadata"]["labels"]["app.kubernetes.io/component"] == component
    ]
    return "Deployment", str(found)


def _pods(manifest: Manifest) -> list[Mapping[str, Any]]:
    if manifest["kind"] == "Pod":
        return [manifest["spec"]]
    return [pod_of(manifest)] if manifest["kind"] in {"Deployment", "CronJob"} else []


def _commands(manifest: Manifest) -> list[list[str]]:
    return [[*one["command"], *one["args"]] for pod in _pods(manifest) for one in pod["containers"]]


def _parsed(arguments: list[str]) -> None:
    """Have the command line read the arguments; a usage error fails the test. Files of the pod are not here."""
    command = main.get_command(click.Context(main), arguments[0])
    assert command is not None
    named = [(name, each) for each in command.params for name in (*each.opts, *each.secondary_opts)]
    known = {name: parameter for name, parameter in named if name.startswith("--")}
    context = click.Context(command)
    for argument in arguments[1:]:
        if not argument.startswith("--"):
            continue
        name, _, value = argument.partition("=")
        assert name in known, f"keyhole {arguments[0]} has no option {name}"
        if not isinstance(known[name].type, (click.Path, click.types.BoolParamType, KindsType)):
            known[name].type.convert(value, known[name], context)
    given = {argument.partition("=")[0] for argument in arguments[1:]}
    for name, parameter in known.items():
        assert not parameter.required or name in given, f"{name} is missing"


def _repeated(node: yaml.Node | None) -> list[str]:
    """Return the keys that a map anywhere in a document has twice."""
    if isinstance(node, yaml.SequenceNode):
        return [key for part in node.value for key in _repeated(part)]
    if not isinstance(node, yaml.MappingNode):
        return []
    keys = [key.value for key, _ in node.value]
    within = [key for _, part in node.value for key in _repeated(part)]
    return [*(key for key in set(keys) if keys.count(key) > 1), *within]
