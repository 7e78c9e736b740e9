"""The policies in conftest: on the examples, in every format that it has."""

import json
import re
from pathlib import Path

import pytest

from tests.policies.conftest import DISAGREEMENTS, ROOT, Run
from tests.policies.vectors import FILE as VECTORS

pytestmark = pytest.mark.policies

FORMATS = ("stdout", "json", "tap", "table", "junit", "github", "azuredevops", "sarif")
GOOD = ("examples/base", "examples/whole-secret", "examples/configmap", "examples/custom-resource")
NAMESPACES = ("--namespace", "keyhole.references")
REFUSED = ("digest", "password", "url")


@pytest.mark.parametrize("form", FORMATS)
def test_the_good_examples_pass_in_every_format(run: Run, form: str) -> None:
    done = run("conftest", "test", "--policy", "policies", "--all-namespaces", "--output", form, "--no-color", *GOOD)
    assert "cannot be read" not in done.stdout


@pytest.mark.parametrize("form", FORMATS)
def test_the_malformed_one_fails_in_every_format(run: Run, form: str) -> None:
    bad = "examples/bad/malformed.yaml"
    done = run("conftest", "test", "--policy", "policies", *NAMESPACES, "--output", form, "--no-color", bad, codes=(1,))
    for key in REFUSED:
        assert f"annotation data.keyhole.dev/{key} cannot be read as a reference" in done.stdout


def test_references_in_place_are_warnings(run: Run) -> None:
    command = (
        "conftest",
        "test",
        "--policy",
        "policies",
        *NAMESPACES,
        "--output",
        "json",
        "examples/base/payments.yaml",
    )
    (found,) = json.loads(run(*command).stdout)
    assert [one["metadata"]["rule"] for one in found["warnings"]] == ["KH201", "KH201"]
    assert "failures" not in found
    run(*command, "--fail-on-warn", codes=(1,))


def test_images_and_what_an_organisation_decided(run: Run, tmp_path: Path) -> None:
    command = ("conftest", "test", "--policy", "policies", "--all-namespaces", "--output", "json", "examples/variables")
    found = [one for each in json.loads(run(*command, codes=(1,)).stdout) for one in each.get("failures", [])]
    assert {one["metadata"]["rule"] for one in found} == {"KH502"}
    decided = tmp_path / "decided.yaml"
    decided.write_text('{keyhole: {parameters: {exemptImages: ["*"]}}}')
    run(*command, "--data", str(decided))


def test_the_policies_are_no_concern_of_other_files(run: Run) -> None:
    files = ("examples/standards.yaml", "examples/cloudfoundry", "examples/base/kustomization.yaml", "mkdocs.yml")
    run("conftest", "test", "--policy", "policies", "--all-namespaces", *files)


def test_its_engine_agrees_with_the_grammar(run: Run, tmp_path: Path) -> None:
    rule = "vectors := input.vectors\n\nwarn contains msg if some msg in told\n"
    (tmp_path / "main.rego").write_text(f"package main\n\nimport data.keyhole.grammar\n\n{rule}{DISAGREEMENTS}")
    policies = ("--policy", "policies", "--policy", str(tmp_path))
    (found,) = json.loads(run("conftest", "test", *policies, "--output", "json", str(VECTORS)).stdout)
    assert [each["msg"] for each in found["warnings"]] == ["2000 vectors"]


@pytest.mark.parametrize(
    ("document", "messages"),
    [
        ("policies.md", ["shop/app is not in the namespace of a team"]),
        (
            "enforcer.md",
            ["bank was not looked at: forbidden", "shop/app: default:kv/app is of KV v1, which we do not use"],
        ),
    ],
)
def test_the_rules_of_one_s_own_in_the_manuals(run: Run, tmp_path: Path, document: str, messages: list[str]) -> None:
    (rule,) = re.findall(r"```rego\n(.*?)```", (ROOT / "docs" / document).read_text(), re.DOTALL)
    (tmp_path / "own.rego").write_text(rule)
    run("opa", "check", "--strict", "policies", str(tmp_path / "own.rego"))
    secret = {
        "namespace": "shop",
        "name": "app",
        "fields": [{"pointer": "/data/a", "versions": {"default:kv/app": None}}],
    }
    namespaces = [
        {"name": "shop", "objects": [secret]},
        {"name": "team-a", "objects": []},
        {"name": "bank", "objects": {"not_known": "forbidden"}},
    ]
    (tmp_path / "inventory.json").write_text(json.dumps({"cluster": {"namespaces": namespaces}}))
    policies = ("--policy", str(tmp_path), "--all-namespaces", "--output", "json")
    done = run("conftest", "test", *policies, str(tmp_path / "inventory.json"), codes=(1,))
    assert sorted(one["msg"] for each in json.loads(done.stdout) for one in each.get("failures", [])) == messages
