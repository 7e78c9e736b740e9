"""What the chart renders for the Enforcer, which is off by default."""

import json
from datetime import date

import pytest
import yaml

from enforcer.standards.file import parse
from review.sources.text import Text
from testbed.keyhole.helm import Helm
from tests.charts.charts import (
    ENFORCER,
    FULL,
    KEYHOLE,
    ONE_CONNECTION,
    Manifest,
    container,
    named,
    of_values,
    option,
    pod_of,
    rendered,
    the,
    volume,
)
from tests.charts.test_values import refused

ON = "enforcer.enabled=true"
OBJECTS = {
    (kind, "keyhole-enforcer")
    for kind in (
        *("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
        *("CronJob", "NetworkPolicy"),
    )
}


def enforcer(helm: Helm, *settings: str) -> Manifest:
    return the(rendered(helm, ON, *settings), *ENFORCER)


def test_it_is_off_by_default_and_brings_its_own_objects_alone(helm: Helm) -> None:
    assert named(rendered(helm, ON)) - named(rendered(helm)) == OBJECTS
    assert named(rendered(helm)) <= named(rendered(helm, ON))


def test_one_run_at_a_time_once_more_for_what_was_not_checked_and_never_for_findings(helm: Helm) -> None:
    spec = enforcer(helm)["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] >= 60
    job = spec["jobTemplate"]["spec"]
    assert job["backoffLimit"] == 1
    (rule,) = job["podFailurePolicy"]["rules"]
    assert (rule["action"], rule["onExitCodes"]["values"]) == ("FailJob", [1])
    assert pod_of(enforcer(helm))["restartPolicy"] == "Never"


def test_it_ends_before_its_pod_is_ended_and_its_pod_before_the_job(helm: Helm) -> None:
    cronjob = enforcer(helm, "enforcer.activeDeadlineSeconds=600")
    (timeout,) = option(cronjob, "timeout")
    pod = pod_of(cronjob)["activeDeadlineSeconds"]
    assert int(timeout.removesuffix("s")) < pod == 600
    # Both tries have their time.
    assert cronjob["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 2 * pod


def test_the_time_zone_is_that_of_the_cluster_unless_one_is_named(helm: Helm) -> None:
    assert "timeZone" not in enforcer(helm)["spec"]
    assert enforcer(helm, "enforcer.timeZone=Europe/Berlin")["spec"]["timeZone"] == "Europe/Berlin"


def test_its_token_is_short_and_mounted_by_name(helm: Helm) -> None:
    pod = pod_of(enforcer(helm))
    assert pod["automountServiceAccountToken"] is False
    token, ca, _namespace = volume(enforcer(helm), "token")["projected"]["sources"]
    assert token["serviceAccountToken"]["expirationSeconds"] == 600
    assert ca["configMap"]["name"] == "kube-root-ca.crt"
    mounted = {each["mountPath"] for each in container(enforcer(helm))["volumeMounts"] if each["name"] == "token"}
    assert mounted == {"/var/run/secrets/kubernetes.io/serviceaccount"}


def test_nobody_reaches_it_and_it_reaches_the_api_server_vault_dns_and_the_webhook(helm: Helm) -> None:
    spec = the(rendered(helm, ON), "NetworkPolicy", "keyhole-enforcer")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in spec
    ports = [[port["port"] for port in rule["ports"]] for rule in spec["egress"]]
    assert ports == [[53, 53], [443, 6443], [8200], ["admission"]]
    (pods,) = spec["egress"][3]["to"]
    assert pods["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "webhook"


def test_the_forge_is_reached_where_it_is_said_to_be(helm: Helm) -> None:
    forge = ("enforcer.forge.name=gitlab", "enforcer.forge.repository=a/b", "enforcer.forge.existingSecret=forge")
    manifests = rendered(helm, ON, *forge, "enforcer.forge.port=8443", "enforcer.forge.to={192.0.2.0/24}")
    last = the(manifests, "NetworkPolicy", "keyhole-enforcer")["spec"]["egress"][-1]
    assert last == {"ports": [{"port": 8443}], "to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}
    cronjob = the(manifests, *ENFORCER)
    assert (option(cronjob, "forge"), option(cronjob, "repository")) == (["gitlab"], ["a/b"])
    (token,) = [each for each in container(cronjob)["env"] if [each["name"]] == option(cronjob, "forge-token")]
    assert token["valueFrom"]["secretKeyRef"] == {"name": "forge", "key": "token"}


def test_a_webhook_that_few_may_reach_lets_it_see_its_certificate(helm: Helm) -> None:
    few = "networkPolicy.admissionFrom={10.0.0.0/16}"
    for settings, expected in (((few,), 1), ((few, ON), 2)):
        admission = the(rendered(helm, *settings), "NetworkPolicy", "keyhole-webhook")["spec"]["ingress"][0]
        assert len(admission["from"]) == expected


def test_without_a_claim_it_writes_its_log_and_nothing_else(helm: Helm) -> None:
    assert option(enforcer(helm), "output") == ["text"]
    assert option(enforcer(helm), "since") == []
    assert all(each.get("readOnly") for each in container(enforcer(helm))["volumeMounts"] if each["name"] != "tmp")


@pytest.mark.parametrize(("folder", "path"), [("", "reports"), ("a/b", "reports/a/b")])
def test_with_one_it_writes_its_reports_there_and_compares_itself_with_the_last(
    helm: Helm, folder: str, path: str
) -> None:
    settings = ("enforcer.reports.existingClaim=mine", f"enforcer.reports.folder={folder}")
    cronjob = enforcer(helm, *settings)
    report = f"/var/lib/keyhole/{path}/compliance"
    assert option(cronjob, "output") == ["text", f"json={report}.json", f"html={report}.html"]
    assert option(cronjob, "since") == [f"{report}.json"]
    assert volume(cronjob, "reports")["persistentVolumeClaim"] == {"claimName": "mine"}


def test_the_standards_of_the_values_are_a_file_that_it_reads(helm: Helm) -> None:
    manifests = of_values(helm, FULL)
    assert option(the(manifests, *ENFORCER), "standards") == ["/etc/keyhole/enforcer/standards.yaml"]
    text = the(manifests, "ConfigMap", "keyhole-enforcer")["data"]["standards.yaml"]
    given = yaml.safe_load(FULL.read_text())["enforcer"]["standards"]
    assert yaml.safe_load(text) == {"version": "keyhole.dev/standards/v1", "enforce": given}
    parse(Text("standards.yaml", text), date(2026, 1, 1))


def test_the_trail_is_verified_with_the_key_of_the_webhook(helm: Helm) -> None:
    manifests = of_values(helm, FULL)
    cronjob, webhook = the(manifests, *ENFORCER), the(manifests, "Deployment", "keyhole-webhook")
    assert option(cronjob, "audit-key") == option(webhook, "audit-key")
    assert volume(cronjob, "audit-key")["secret"]["secretName"] == volume(webhook, "audit-key")["secret"]["secretName"]
    assert volume(cronjob, "trail")["persistentVolumeClaim"]["readOnly"] is True


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["trail.existingClaim=trail"], ["audit.existingSecret"], id="a trail without its key"),
        pytest.param(["forge.name=github"], ["repository", "existingSecret"], id="a forge without a repository"),
        pytest.param(["forge.repository=a/b"], ["enforcer.forge.name"], id="a repository of no forge"),
        pytest.param(["forge.name=bitbucket"], ["/enforcer/forge/name"], id="a forge that is not known"),
        pytest.param(["forge.address=http://forge"], ["/enforcer/forge/address"], id="no TLS"),
        pytest.param(["schedule=daily"], ["/enforcer/schedule"], id="no schedule"),
        pytest.param(["activeDeadlineSeconds=60"], ["/enforcer/activeDeadlineSeconds"], id="no time to end in"),
        pytest.param(["failOn=info"], ["/enforcer/failOn"], id="no severity"),
        pytest.param(["reports.folder=../other"], ["/enforcer/reports/folder"], id="out of the claim"),
        pytest.param(["trail.file="], ["/enforcer/trail/file"], id="no file"),
    ],
)
def test_values_that_are_wrong_are_refused_in_words(helm: Helm, arguments: list[str], told: list[str]) -> None:
    settings = [part for each in arguments for part in ("--set", f"enforcer.{each}")]
    said = refused(helm, KEYHOLE, *ONE_CONNECTION, "--set", ON, *settings)
    for word in told:
        assert word in said


def test_kinds_and_connections_are_mounted_as_for_the_controller(helm: Helm) -> None:
    manifests = of_values(helm, FULL)
    cronjob, controller = the(manifests, *ENFORCER), the(manifests, "Deployment", "keyhole-controller")
    for name in ("connections", "kinds"):
        assert option(cronjob, name) == option(controller, name)
    for name in ("connections", "ca-bundles", "kinds"):
        assert json.dumps(volume(cronjob, name)) == json.dumps(volume(controller, name))
