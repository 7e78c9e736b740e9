"""Every form in which a manifest refers to Vault is read: a policy that lacks a path would have it refused later."""

from typing import Any

import pytest
import yaml

from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.kinds.listed import read
from provisioning.reading.documents import Document
from provisioning.reading.usage import Usage, survey

KINDS = read(
    "kinds: [{kind: ConfigMap}, {group: example.com, kind: Widget, resource: widgets, version: v1, fields: [/spec/**]}]"
)


def look(text: str, kinds: Kinds = ONLY_SECRETS) -> Usage:
    documents = [Document("x.yaml", number, content) for number, content in enumerate(yaml.safe_load_all(text), 1)]
    return survey(documents, "shop", "default", kinds)


def paths(usage: Usage) -> list[str]:
    assert (usage.findings, usage.passed_over, usage.notes) == ([], [], [])
    return sorted(used.reference.path for used in usage.used)


VARIABLES = {
    "all containers": "metadata: {annotations: {env.keyhole.dev/A: 'vault:secret/a#x'}}",
    "one container": "metadata: {annotations: {app.env.keyhole.dev/A: 'x ((vault:secret/a#x)) y'}}",
    "a map": "metadata: {annotations: {keyhole.dev/env: 'app/A: vault:secret/a#x'}}",
    "whole secrets": "metadata: {annotations: {keyhole.dev/env-from: 'secret/a'}}",
    "in place": "",
}
IN_PLACE = "env: [{name: A, value: 'vault:secret/a#x'}]"


@pytest.mark.parametrize("form", VARIABLES)
@pytest.mark.parametrize(
    ("kind", "around"),
    [
        ("apps/v1 Deployment", "spec: {template: TEMPLATE}"),
        ("apps/v1 StatefulSet", "spec: {template: TEMPLATE}"),
        ("apps/v1 DaemonSet", "spec: {template: TEMPLATE}"),
        ("batch/v1 Job", "spec: {template: TEMPLATE}"),
        ("batch/v1 CronJob", "spec: {jobTemplate: {spec: {template: TEMPLATE}}}"),
        ("v1 Pod", "TEMPLATE"),
        ("argoproj.io/v1alpha1 Rollout", "spec: {template: TEMPLATE}"),
        ("example.com/v1 Unheard", "spec: {parts: [{pod: TEMPLATE}]}"),
    ],
)
@pytest.mark.parametrize("part", ["containers", "initContainers"])
def test_variables_are_read_wherever_a_pod_template_stands(form: str, kind: str, around: str, part: str) -> None:
    env = IN_PLACE if form == "in place" else "env: []"
    containers = f"{part}: [{{name: app, {env}}}]" + (", containers: []" if part != "containers" else "")
    metadata = VARIABLES[form] or "metadata: {}"
    template = f"{{{metadata}, spec: {{{containers}}}}}"
    version, name = kind.split()
    manifest = around.replace("TEMPLATE", template) if around != "TEMPLATE" else template[1:-1]
    lines = yaml.safe_dump({"apiVersion": version, "kind": name, **yaml.safe_load(f"{{{manifest}}}")})
    assert paths(look(lines)) == ["secret/a"]


def test_a_template_whose_containers_others_add_is_read() -> None:
    notes = "{app.env.keyhole.dev/A: 'vault:secret/a#x', env.keyhole.dev/B: 'vault:secret/b#x'}"
    text = f"{{apiVersion: example.com/v1, kind: X, spec: {{template: {{metadata: {{annotations: {notes}}}}}}}}}"
    assert paths(look(text)) == ["secret/a", "secret/b"]


def test_whole_secrets_are_read() -> None:
    text = "{apiVersion: v1, kind: Secret, metadata: {name: s, annotations: {keyhole.dev/from: 'secret/a, vault:b/c'}}}"
    assert paths(look(text)) == ["b/c", "secret/a"]


FILE = """
apiVersion: v1
kind: KIND
metadata: {name: f, annotations: {data.keyhole.dev/app.yaml: 'key:app.yaml.tmpl'}}
HELD:
  app.yaml.tmpl: "password: ((vault:secret/a#x))\\n"
"""


@pytest.mark.parametrize(("kind", "held"), [("Secret", "stringData"), ("ConfigMap", "data")])
def test_the_references_of_a_file_are_read(kind: str, held: str) -> None:
    assert paths(look(FILE.replace("KIND", kind).replace("HELD", held), KINDS)) == ["secret/a"]


CONFIG_MAP = (
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, annotations: {data.keyhole.dev/k: 'vault:secret/a#x'}}}"
)
WIDGET = (
    "{apiVersion: example.com/v2, kind: Widget,"
    " metadata: {name: w, annotations: {keyhole.dev/fields: '/spec/a: vault:secret/a#x|int'}}}"
)


@pytest.mark.parametrize(("text", "named"), [(CONFIG_MAP, "data.keyhole.dev/k"), (WIDGET, "keyhole.dev/fields")])
def test_listed_kinds_are_read_and_others_with_our_annotations_are_findings(text: str, named: str) -> None:
    assert paths(look(text, KINDS)) == ["secret/a"]
    usage = look(text)
    assert usage.used == []
    (finding,) = usage.findings
    assert f"annotation {named}: " in finding
    assert finding.endswith("is filled only if the list of kinds names it (--kinds)")


@pytest.mark.parametrize(
    ("notes", "told"),
    [
        ({"env.keyhole.dev/A": "vault:secret"}, "annotation env.keyhole.dev/A: "),
        ({"env.keyhole.dev/A": 5}, "annotation env.keyhole.dev/A: is no string"),
        ({"other.env.keyhole.dev/A": "vault:secret/a#x"}, "no container other"),
        ({"keyhole.dev/env": "[]"}, "annotation keyhole.dev/env: "),
        ({"keyhole.dev/env-from": "secret/a#x"}, "annotation keyhole.dev/env-from: "),
    ],
)
def test_what_admission_would_refuse_is_a_finding(notes: dict[str, Any], told: str) -> None:
    template = {"metadata": {"annotations": notes}, "spec": {"containers": [{"name": "app"}]}}
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {"template": template},
    }
    usage = look(yaml.safe_dump(manifest))
    (finding,) = usage.findings
    assert finding.startswith("x.yaml, document 1, Deployment shop/d, ")
    assert told in finding


@pytest.mark.parametrize("wrong", [5, "x", [], {}, [5], [[]], [{"name": 5}], [{"name": "a", "env": [5, {"name": []}]}]])
def test_members_of_a_wrong_type_are_left_to_the_api_server(wrong: Any) -> None:
    for template in (
        {"spec": {"containers": wrong}},
        {"spec": wrong, "metadata": wrong},
        {"metadata": {"annotations": wrong}},
    ):
        assert paths(look(yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", **template}))) == []
