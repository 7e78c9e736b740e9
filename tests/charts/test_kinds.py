"""What the chart keyhole renders for listed kinds and for variables is what the command line prints for them."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifests.kinds.listed import read
from manifests.registration.admission_policy import admission_policy
from manifests.registration.reconciler_policy import reconciler_policy
from manifests.registration.variables_policies import excluded_variables_policy, variables_policy
from manifests.registration.warning_policies import excluded_policy, look_alike_policy
from manifests.registration.webhook_configuration import aggregated_webhook_configuration
from testbed.keyhole.helm import Helm
from tests.charts.charts import (
    CONTROLLER,
    FULL,
    KEYHOLE,
    ONE_CONNECTION,
    TENANT,
    WEBHOOK,
    Manifest,
    container,
    named,
    of_values,
    option,
    the,
    volume,
)
from tests.charts.test_tenant import in_order, printed, without_helm

CONFIG_MAP: Mapping[str, Any] = {"kind": "ConfigMap"}
POLICIES = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
# The chart's own: it keeps the controller to the caBundle of the APIService.
OF_CERTIFICATES = "keyhole-controller"


def custom(kind: str, *fields: str, group: str = "example.com") -> Mapping[str, Any]:
    return {"group": group, "kind": kind, "resource": f"{kind.lower()}s", "version": "v1", "fields": list(fields)}


LISTS: Sequence[Any] = [
    pytest.param([], id="none"),
    pytest.param([CONFIG_MAP], id="ConfigMaps"),
    pytest.param([custom("Widget", "/**")], id="every field of a kind"),
    pytest.param([custom("Widget", "/password", "/spec/token")], id="fields at two depths"),
    pytest.param([custom("Widget", "/spec/a/b", "/spec", "/spec/a/c/d")], id="a field above another"),
    pytest.param([custom("Widget", "/spec/b/*/x", "/spec/a/0/y", "/spec/a/**", "/spec/b/z")], id="lists and the rest"),
    pytest.param([custom("Widget", "/spec/a~1b/c", "/spec/a~0b", "/spec/ü.x")], id="keys with odd letters"),
    pytest.param(
        [
            CONFIG_MAP,
            custom("Application", "/spec/source/helm/values", "/spec/source/helm/parameters/**", group="argoproj.io"),
            custom("Widget", "/spec/password"),
            custom("ConfigMap", "/spec/password"),
        ],
        id="several",
    ),
]


def rendered(helm: Helm, kinds: Sequence[Mapping[str, Any]], *, variables: bool = False) -> Sequence[Manifest]:
    settings = ("--set-json", f"kinds={json.dumps(kinds)}", "--set", f"variables.enabled={json.dumps(variables)}")
    return helm.template(KEYHOLE, *ONE_CONNECTION, *settings)


def without_labels(manifest: Manifest) -> Manifest:
    metadata = {key: part for key, part in manifest["metadata"].items() if key != "labels"}
    return {**manifest, "metadata": metadata}


@pytest.mark.parametrize(
    ("kinds", "variables"),
    [pytest.param(*one.values, len(one.values[0]) in {0, 4}, id=one.id) for one in LISTS],
)
def test_the_registration_is_what_the_command_line_prints(
    helm: Helm, kinds: Sequence[Mapping[str, Any]], *, variables: bool
) -> None:
    manifests = rendered(helm, kinds, variables=variables)
    known = read(json.dumps({"kinds": kinds}))
    configuration = aggregated_webhook_configuration(kinds=known, variables=variables)
    assert without_labels(the(manifests, "MutatingWebhookConfiguration", "keyhole")) == configuration
    expected = [
        *admission_policy(kinds=known),
        *excluded_policy(kinds=known),
        *look_alike_policy(kinds=known),
        *reconciler_policy(kinds=known),
        *((*variables_policy(), *excluded_variables_policy()) if variables else ()),
    ]
    policies = [one for one in manifests if one["kind"] in POLICIES and one["metadata"]["name"] != OF_CERTIFICATES]
    assert in_order([without_labels(one) for one in policies]) == in_order(expected)


def test_both_processes_are_given_the_list_and_told_of_variables(helm: Helm) -> None:
    for manifests, is_given in ((of_values(helm, FULL), True), (rendered(helm, []), False)):
        for deployment in (the(manifests, *WEBHOOK), the(manifests, *CONTROLLER)):
            given = (["/etc/keyhole/kinds/kinds.yaml"], 1) if is_given else ([], 0)
            assert (option(deployment, "kinds"), container(deployment)["args"].count("--variables")) == given
        assert (("ConfigMap", "keyhole-kinds") in named(manifests)) == is_given


def test_the_list_that_they_read_is_that_of_the_values(helm: Helm) -> None:
    manifests = of_values(helm, FULL)
    (name, text), *others = the(manifests, "ConfigMap", "keyhole-kinds")["data"].items()
    assert (name, others) == ("kinds.yaml", [])
    listed = yaml.safe_load(FULL.read_text())["kinds"]
    assert yaml.safe_load(text) == {"kinds": listed}
    assert [codec.kind for codec in read(text)] == ["Secret", *(each["kind"] for each in listed)]
    for deployment in (the(manifests, *WEBHOOK), the(manifests, *CONTROLLER)):
        assert volume(deployment, "kinds")["configMap"] == {"name": "keyhole-kinds"}
        (mount,) = [each for each in container(deployment)["volumeMounts"] if each["name"] == "kinds"]
        assert mount == {"name": "kinds", "mountPath": "/etc/keyhole/kinds", "readOnly": True}


def test_another_list_replaces_the_pods_because_they_read_it_when_they_start(helm: Helm) -> None:
    lists: Sequence[Sequence[Mapping[str, Any]]] = (
        [],
        [CONFIG_MAP],
        [custom("Widget", "/a")],
        [custom("Widget", "/b")],
    )
    charts = [rendered(helm, kinds) for kinds in lists]
    for name in (WEBHOOK, CONTROLLER):
        notes = [the(manifests, *name)["spec"]["template"]["metadata"]["annotations"] for manifests in charts]
        assert "checksum/kinds" not in notes[0]
        assert len({each.get("checksum/kinds") for each in notes}) == len(lists)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"kind": "Secret"}, id="Secrets, which are always filled"),
        pytest.param({**custom("Widget", "/a"), "resource": "Widgets"}, id="a plural in capitals"),
        pytest.param({**custom("Widget", "/a"), "group": "a b"}, id="a group that is none"),
        pytest.param(custom("Widget"), id="no fields"),
        pytest.param(custom("Widget", "spec"), id="a field that is no JSON Pointer"),
        pytest.param({**custom("Widget", "/a"), "plural": "widgets"}, id="an unknown member"),
    ],
)
def test_an_entry_that_the_list_cannot_have_is_refused(helm: Helm, entry: Mapping[str, Any]) -> None:
    """The schema of the other chart is made from the same text."""
    with pytest.raises(subprocess.CalledProcessError) as refused:
        helm.template(KEYHOLE, *ONE_CONNECTION, "--set-json", f"kinds={json.dumps([entry])}")
    assert "at '/kinds/0'" in "".join(refused.value.__notes__)


@pytest.mark.parametrize("kinds", [LISTS[1], LISTS[-1]])
def test_the_tenants_have_the_rules_that_keyhole_tenant_prints(
    helm: Helm, kinds: Sequence[Mapping[str, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "kinds.json"
    file.write_text(json.dumps({"kinds": kinds}))
    objects = helm.template(TENANT, "--set", "namespaces={shop}", "--set-json", f"kinds={json.dumps(kinds)}")
    assert in_order([without_helm(one) for one in objects]) == in_order(printed("shop", "--kinds", str(file)))
