"""The manifests of `examples`, looked at as the API server hands them to the webhook."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
import yaml
from click.testing import CliRunner

from cli.commands.tenant import tenant
from manifests.fields.scan import Form, Scan, scan_object
from manifests.kinds.secret import SECRET
from manifests.variables.generated import generated
from manifests.variables.prepare import prepare
from manifests.variables.templates import BY_GROUP_AND_KIND
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import parse_value
from review.rendering.rendering import references, rendered

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
KINDS = "examples/kinds.yaml"
NAMESPACE = "shop"


def documents(folder: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    for file in sorted((EXAMPLES / folder).glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            if document["kind"] != "Kustomization":
                yield file, document


def as_admitted(secret: dict[str, Any]) -> dict[str, Any]:
    """Merge `stringData` into `data`, as the API server does before it asks a webhook."""
    merged = dict(secret)
    plain = merged.pop("stringData", {})
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in plain.items()}
    merged["data"] = {**merged.get("data", {}), **encoded}
    return merged


def scan(folder: str, name: str) -> Scan:
    (secret,) = (document for _, document in documents(folder) if document["metadata"]["name"] == name)
    return scan_object(SECRET, as_admitted(secret))


@pytest.mark.parametrize(
    ("name", "form", "references"),
    [
        pytest.param(
            "certificate",
            Form.ANNOTATION,
            {
                "tls.crt": ["vault:secret/shop/certificate#certificate"],
                "tls.key": ["vault:secret/shop/certificate#key"],
            },
            id="a TLS Secret is filled from annotations",
        ),
        pytest.param(
            "database",
            Form.ANNOTATION,
            {
                "password": ["vault:secret/shop/database#password"],
                "url": ["vault:secret/shop/database#password|urlencode"],
            },
            id="a whole value and an inline one stand in annotations",
        ),
        pytest.param(
            "payments",
            Form.IN_PLACE,
            {
                "client.ini": ["vault:secret/data/shop/payments#token"],
                "token": ["vault:secret/data/shop/payments#token"],
            },
            id="references in place are found in stringData",
        ),
        pytest.param(
            "registry",
            Form.ANNOTATION,
            {
                ".dockerconfigjson": [
                    "vault:secret/shop/registry#username",
                    "vault:secret/shop/registry#password",
                ]
            },
            id="a docker configuration is filled from keyhole.dev/fields",
        ),
    ],
)
def test_the_references_of_a_good_manifest(name: str, form: Form, references: dict[str, list[str]]) -> None:
    found = scan("base", name)
    assert (found.problems, found.warnings) == ([], [])
    assert {wanted.form for wanted in found.wanted} == {form}
    told = {
        wanted.key: [str(reference).replace(" ", "") for reference in wanted.template.references]
        for wanted in found.wanted
    }
    assert told == references


def test_every_good_manifest_is_in_the_table_above_and_in_the_kustomization() -> None:
    files = {file.name: document["metadata"]["name"] for file, document in documents("base")}
    kustomization = yaml.safe_load((EXAMPLES / "base" / "kustomization.yaml").read_text())
    assert sorted(files) == sorted(kustomization["resources"])
    assert sorted(files.values()) == ["certificate", "database", "payments", "registry"]
    assert kustomization["namespace"] == NAMESPACE


def test_references_stay_within_what_the_policy_allows() -> None:
    policy = (EXAMPLES / "vault" / "policy.hcl").read_text()
    allowed, followed = re.findall(r'^path "(.*)\*" \{', policy, re.MULTILINE)
    assert (allowed, followed) == ("secret/data/shop/", "secret/metadata/shop/")
    prefix = allowed.replace("/data/", "/")
    for _, document in documents("base"):
        for wanted in scan_object(SECRET, as_admitted(document)).wanted:
            for reference in wanted.template.references:
                assert reference.path.replace("/data/", "/").startswith(prefix)


def test_the_malformed_references_are_malformed_and_told_all_at_once() -> None:
    (annotations,) = (
        document["metadata"]["annotations"] for file, document in documents("bad") if file.name == "malformed.yaml"
    )
    for text in annotations.values():
        with pytest.raises(ReferenceSyntaxError):
            parse_value(text)
    found = scan("bad", "malformed")
    assert found.wanted == []
    assert [problem.origin for problem in found.problems] == [f"annotation {name}" for name in sorted(annotations)]


def test_the_other_bad_references_are_well_formed_so_that_only_vault_can_tell() -> None:
    found = scan("bad", "missing")
    assert found.problems == []
    assert sorted(wanted.key for wanted in found.wanted) == ["field", "foreign", "path", "version"]


def test_the_bad_manifests_name_their_namespace_because_no_kustomization_does() -> None:
    found = [document for _, document in documents("bad")]
    assert len(found) == 2
    assert {document["metadata"]["namespace"] for document in found} == {NAMESPACE}


def test_platform_is_what_keyhole_tenant_prints() -> None:
    with chdir(ROOT):
        printed = CliRunner().invoke(tenant, [NAMESPACE, "--variables", "--kinds", KINDS]).stdout
    assert (EXAMPLES / "platform" / "tenant.yaml").read_text() == printed, (
        f"keyhole tenant shop --variables --kinds {KINDS} > examples/platform/tenant.yaml writes it anew"
    )


def test_every_form_is_read_and_stays_within_what_the_policy_allows() -> None:
    folders = ("base", "variables", "whole-secret", "configmap", "custom-resource")
    files = [part for folder in folders for part in ("-f", f"examples/{folder}")]
    arguments = [NAMESPACE, "--vault-only", "--kv", "secret=2", "--kinds", KINDS, "--strict", *files, "-o", "hcl"]
    with chdir(ROOT):
        done = CliRunner().invoke(tenant, arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    paths = re.findall(r'^path "secret/data/(.*)" \{', done.stdout, re.MULTILINE)
    assert paths == [f"shop/{name}" for name in ("certificate", "database", "payments", "registry")]


def test_the_variables_of_the_deployment_come_from_one_secret() -> None:
    ((_, deployment),) = documents("variables")
    prepared = prepare(BY_GROUP_AND_KIND["apps", "Deployment"], "web", deployment)
    assert (prepared.problems, prepared.warnings) == ([], [])
    filled = jsonpatch.apply_patch(deployment, [dict(each) for each in prepared.operations])["spec"]["template"]
    (made,) = generated(filled["metadata"]["annotations"])
    assert set(made.annotations) == {"data.keyhole.dev/DB_PASSWORD", "data.keyhole.dev/web.PAYMENTS_TOKEN"}
    (migrate,), (web,) = filled["spec"]["initContainers"], filled["spec"]["containers"]
    for container, names in ((migrate, ["DB_PASSWORD"]), (web, ["DB_PASSWORD", "PAYMENTS_TOKEN", "DB_URL"])):
        assert [one["name"] for one in container["env"]] == names
        references = [one["valueFrom"]["secretKeyRef"]["name"] for one in container["env"] if "valueFrom" in one]
        assert set(references) == {made.name}


def test_platform_and_vault_s_role_are_about_the_same_account() -> None:
    objects = {(document["kind"], document["metadata"]["name"]): document for _, document in documents("platform")}
    account = objects["ServiceAccount", "keyhole"]["metadata"]
    role = json.loads((EXAMPLES / "vault" / "role.json").read_text())
    assert account["namespace"] == NAMESPACE
    labels = {"keyhole.dev/enabled": "true", "keyhole.dev/variables": "true"}
    assert objects["Namespace", NAMESPACE]["metadata"]["labels"] == labels
    assert role["bound_subject"] == f"system:serviceaccount:{account['namespace']}:{account['name']}"


def test_cloud_foundry_s_variables_are_those_of_the_manifest_and_stay_within_what_the_policy_allows() -> None:
    folder = EXAMPLES / "cloudfoundry"
    variables = (folder / "vars.yml").read_text()
    used = re.findall(r"\(\(([\w-]+)\)\)", (folder / "manifest.yml").read_text().replace("((NAME))", ""))
    assert set(used) == set(yaml.safe_load(variables))
    found = references(variables, "yaml")
    assert {reference.path for reference in found} == {"secret/shop/database", "secret/shop/payments"}
    rendered_text = rendered(variables, "yaml", lambda wanted: dict.fromkeys(wanted, "x"))
    assert yaml.safe_load(rendered_text) == {"instances": 2, "db-password-in-url": "x", "payments-token": "x"}


def test_no_manifest_holds_data_that_is_no_reference() -> None:
    """What Git holds of a Secret are references: nobody has put a value into the examples."""
    for folder in ("base", "bad"):
        for file, document in documents(folder):
            assert "data" not in document, file
            wanted_fields = {wanted.key for wanted in scan_object(SECRET, as_admitted(document)).wanted}
            assert set(document.get("stringData", {})) <= wanted_fields, file


def test_every_file_stands_in_the_read_me() -> None:
    text = (EXAMPLES / "README.md").read_text()
    files = [file.relative_to(EXAMPLES) for file in EXAMPLES.rglob("*") if file.is_file()]
    named = {str(file) for file in files if str(file) in text or f"`{file.parent}/`" in text}
    exempt = {"README.md", "base/kustomization.yaml"}
    assert {str(file) for file in files} - named == exempt
