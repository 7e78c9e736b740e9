"""`keyhole manifests`: what it prints is what the code registers, and what it is not given is said."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from certs.issue import issue_ca
from cli.main import main
from manifests.kinds.listed import read
from manifests.registration.admission_configuration import (
    admission_configuration,
    certificate_user,
    token_user,
    webhook_kubeconfig,
)
from manifests.registration.admission_policy import admission_policy
from manifests.registration.api_service import api_service
from manifests.registration.demands.appliers import appliers_policy
from manifests.registration.demands.demand import Action
from manifests.registration.demands.images import images_policy
from manifests.registration.demands.plaintext import plaintext_policy
from manifests.registration.warning_policies import excluded_policy, look_alike_policy
from manifests.registration.webhook_configuration import aggregated_webhook_configuration, webhook_configuration

USAGE = 2
CA = issue_ca()
URL = "https://127.0.0.1:8443/mutate"


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["manifests", *(str(argument) for argument in arguments)])
    # Anything but an exit is a traceback for the user.
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def printed(*arguments: str | Path) -> list[Any]:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert "&id" not in result.stdout, "an anchor, which few expect in a manifest"
    return list(yaml.safe_load_all(result.stdout))


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    file = tmp_path / "ca.crt"
    file.write_bytes(CA.certificate_pem)
    return file


def as_read(documents: Any) -> list[Any]:
    return list(yaml.safe_load_all(yaml.safe_dump_all(documents)))


def test_the_webhook_configuration_of_a_url(ca_file: Path) -> None:
    found = printed("webhook-configuration", "--url", URL, "--ca-file", ca_file)
    assert found == as_read([webhook_configuration(URL, CA.certificate_pem)])


def test_the_webhook_configuration_of_the_aggregation_layer() -> None:
    changed = ("--name", "keyhole-2", "--namespace", "platform", "--timeout-seconds", "7")
    wanted = aggregated_webhook_configuration(name="keyhole-2", own_namespace="platform", timeout_seconds=7)
    assert printed("webhook-configuration", "--aggregation", *changed) == as_read([wanted])


def test_the_api_service(ca_file: Path) -> None:
    assert printed("api-service", "--ca-file", ca_file) == as_read(
        [api_service("keyhole", "keyhole", 443, CA.certificate_pem)]
    )
    where = ("--namespace", "platform", "--service", "secrets", "--port", "8443")
    assert printed("api-service", "--ca-file", ca_file, *where) == as_read(
        [api_service("platform", "secrets", 8443, CA.certificate_pem)]
    )


def test_the_policies() -> None:
    assert printed("admission-policy") == as_read(admission_policy())
    assert printed("admission-policy", "--namespace", "platform", "--name", "mine") == as_read(
        admission_policy(name="mine", own_namespace="platform")
    )
    assert printed("warning-policies") == as_read([*excluded_policy(), *look_alike_policy()])
    assert printed("warning-policies", "--namespace", "platform") == as_read(
        [*excluded_policy(own_namespace="platform"), *look_alike_policy(own_namespace="platform")]
    )


def test_the_policies_for_what_an_organisation_demands() -> None:
    assert printed("appliers-policy") == as_read(appliers_policy(Action.WARN))
    accounts = ("--user", "ann", "--user", "ben", "--group", "gitops", "--service-account", "flux/kustomize")
    assert printed("appliers-policy", "--action", "Deny", *accounts) == as_read(
        appliers_policy(
            Action.DENY,
            users=["ann", "ben"],
            groups=["gitops"],
            service_accounts=["flux/kustomize"],
            name="keyhole-appliers",
        )
    )
    assert printed("plaintext-policy") == as_read(plaintext_policy(Action.WARN))
    exempt = ("--exempt-type", "a", "--exempt-name", "b*", "--exempt-key", "c", "--namespace", "platform")
    assert printed("plaintext-policy", "--action", "Audit", *exempt) == as_read(
        plaintext_policy(Action.AUDIT, types=["a"], names=["b*"], keys=["c"], own_namespace="platform")
    )
    assert printed("images-policy", "--exempt-registry", "r.example", "--name", "mine") == as_read(
        images_policy(Action.WARN, registries=["r.example"], name="mine")
    )


@pytest.mark.parametrize("text", ["a\nb", "", " a"])
def test_a_parameter_of_a_policy_is_one_line(text: str) -> None:
    refused = run("appliers-policy", "--user", text)
    assert refused.exit_code == USAGE
    assert "is not a text of one line" in refused.stderr


KINDS = """
kinds:
  - kind: ConfigMap
  - group: argoproj.io
    kind: Application
    resource: applications
    version: v1alpha1
    fields: ["/spec/source/helm/values"]
"""


def test_listed_kinds_are_in_all_of_them(ca_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "kinds.yaml"
    file.write_text(KINDS)
    kinds = read(KINDS)
    (found,) = printed("webhook-configuration", "--url", URL, "--ca-file", ca_file, "--kinds", file)
    assert [found] == as_read([webhook_configuration(URL, CA.certificate_pem, kinds=kinds)])
    annotations, in_place = found["webhooks"]
    assert annotations["rules"][2] == {
        "apiGroups": ["argoproj.io"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["applications"],
        "scope": "Namespaced",
    }
    assert [rule["resources"] for rule in annotations["rules"]] == [["secrets"], ["configmaps"], ["applications"]]
    assert [rule["resources"] for rule in in_place["rules"]] == [["secrets"]]
    policies = printed("admission-policy", "--kinds", file)
    assert policies == as_read(admission_policy(kinds=kinds))
    assert [policy["metadata"]["name"] for policy in policies] == ["keyhole"] * 2 + ["keyhole-fields"] * 2
    assert printed("warning-policies", "--kinds", file) == as_read(
        [*excluded_policy(kinds=kinds), *look_alike_policy(kinds=kinds)]
    )


def test_a_list_of_kinds_that_cannot_be_used_is_told_with_file_entry_and_cause(ca_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "kinds.yaml"
    arguments = ["manifests", "webhook-configuration", "--url", URL, "--ca-file", str(ca_file), "--kinds", str(file)]
    missing = CliRunner().invoke(main, arguments)
    assert missing.exit_code == 2
    assert "cannot be read: No such file or directory" in missing.stderr
    file.write_text("kinds: [{kind: Secret}]")
    refused = CliRunner().invoke(main, arguments)
    assert refused.exit_code == 2
    assert (
        f"{str(file)!r}: kinds[0]: Secret cannot be listed: Secrets are filled without being listed" in refused.stderr
    )


def test_what_an_api_server_proves_itself_with() -> None:
    assert printed("admission-configuration") == as_read(
        [admission_configuration(Path("/etc/kubernetes/webhooks.yaml"))]
    )
    pair = ("--client-certificate", "/pki/a.crt", "--client-key", "/pki/a.key")
    assert printed("webhook-kubeconfig", *pair) == as_read(
        [webhook_kubeconfig({"keyhole.keyhole.svc": certificate_user(Path("/pki/a.crt"), Path("/pki/a.key"))})]
    )
    token = ("--host", "keyhole.example:8443", "--token-file", "/etc/token")
    assert printed("webhook-kubeconfig", *token) == as_read(
        [webhook_kubeconfig({"keyhole.example:8443": token_user(Path("/etc/token"))})]
    )


def test_only_certificates_are_taken_of_a_ca_file(tmp_path: Path) -> None:
    file = tmp_path / "bundle.pem"
    file.write_bytes(b"# the old one\n" + CA.certificate_pem + b"Subject: the new one\n" + CA.certificate_pem)
    (found,) = printed("api-service", "--ca-file", file)
    assert base64.b64decode(found["spec"]["caBundle"]) == CA.certificate_pem * 2


def test_it_writes_a_file_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    result = run("admission-policy", "-o", file)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"wrote {file}\n")
    assert list(yaml.safe_load_all(file.read_text())) == as_read(admission_policy())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["webhook-configuration"], "give either --url and --ca-file, or --aggregation", id="nothing"),
        pytest.param(["webhook-configuration", "--url", URL], "give either --url and --ca-file", id="a URL alone"),
        pytest.param(
            ["webhook-configuration", "--url", URL, "--ca-file", "{ca}", "--aggregation"], "give either", id="both"
        ),
        pytest.param(
            ["webhook-configuration", "--url", "http://h/mutate", "--ca-file", "{ca}"], "https://HOST", id="http"
        ),
        pytest.param(
            ["webhook-configuration", "--url", "https://h:x/m", "--ca-file", "{ca}"], "https://HOST", id="a bad port"
        ),
        pytest.param(
            ["webhook-configuration", "--url", "https://u@h/m", "--ca-file", "{ca}"], "https://HOST", id="a user"
        ),
        pytest.param(["api-service"], "Missing option '--ca-file'", id="no CA"),
        pytest.param(["api-service", "--ca-file", "{ca}", "--service", "A_b"], "is not a name", id="a bad Service"),
        pytest.param(["api-service", "--ca-file", "{empty}"], "holds no certificate (PEM)", id="no certificate"),
        pytest.param(["api-service", "--ca-file", "{key}"], "holds a private key", id="a key with it"),
        pytest.param(["admission-policy", "-o", "{missing}"], "cannot be written: No such file", id="no folder"),
        pytest.param(["admission-configuration", "--kubeconfig-path", "x.yaml"], "is not absolute", id="relative"),
        pytest.param(["webhook-kubeconfig"], "give either --client-certificate and --client-key", id="no proof"),
        pytest.param(["webhook-kubeconfig", "--client-key", "/k"], "give either --client-cert", id="half a proof"),
    ],
)
def test_what_it_cannot_use_is_said(arguments: list[str], told: str, ca_file: Path, tmp_path: Path) -> None:
    empty, key = tmp_path / "empty.crt", tmp_path / "both.pem"
    empty.write_text("-----BEGIN CERTIFICATE-----\n")
    key.write_bytes(CA.certificate_pem + CA.key_pem)
    known = {"{ca}": ca_file, "{empty}": empty, "{key}": key, "{missing}": tmp_path / "missing" / "policy.yaml"}
    result = run(*(known.get(argument, argument) for argument in arguments))
    assert result.exit_code == USAGE
    assert result.stdout == ""
    assert told in " ".join(result.stderr.split())


def test_each_command_has_examples() -> None:
    for name in ("webhook-configuration", "api-service", "admission-policy", "warning-policies"):
        assert "Examples:" in run(name, "--help").stdout
