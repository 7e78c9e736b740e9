"""The policies in OPA itself: formatted, checked, tested, and as a bundle."""

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from release.policies.__main__ import main
from release.policies.bundle import bundle
from release.policies.gatekeeper import manifests
from tests.policies.conftest import DISAGREEMENTS, ROOT, Run
from tests.policies.vectors import vectors, written

pytestmark = pytest.mark.policies

SOURCES = ("policies", "tests/policies/rego")


def test_the_rego_is_formatted_and_checked(run: Run) -> None:
    assert run("opa", "fmt", "--list", *SOURCES).stdout == ""
    run("opa", "check", "--strict", *SOURCES)


def test_every_line_is_tested_and_both_grammars_agree(run: Run) -> None:
    vectors = "tests/policies/vectors.json"
    run("opa", "test", *SOURCES, vectors, "--timeout", "120s")
    covered = json.loads(run("opa", "test", *SOURCES, vectors, "--timeout", "120s", "--coverage").stdout)
    assert {file: found["not_covered"] for file, found in covered["files"].items() if "not_covered" in found} == {}
    assert covered["coverage"] == 100
    assert {file for file in covered["files"] if file.startswith("policies/")} == {
        str(file.relative_to(ROOT)) for file in (ROOT / "policies").rglob("*.rego") if file.stem != "characters"
    } | ({"policies/keyhole/characters.rego"} & covered["files"].keys())


def test_both_grammars_agree_on_other_texts_too(run: Run, tmp_path: Path) -> None:
    seed, total = 17, int(os.environ.get("KEYHOLE_VECTORS", "4000"))
    (tmp_path / "vectors.json").write_text(written(vectors(seed, total)))
    rule = "package agreement\n\nimport rego.v1\n\nimport data.keyhole.grammar\n\nvectors := input.vectors\n"
    (tmp_path / "agreement.rego").write_text(f"{rule}{DISAGREEMENTS}")
    files = ("--data", "policies/keyhole", "--data", str(tmp_path / "agreement.rego"))
    told = run(
        "opa", "eval", *files, "--input", str(tmp_path / "vectors.json"), "data.agreement.told", "-f", "raw"
    ).stdout
    assert json.loads(told) == [f"{total} vectors"]


def test_a_test_that_fails_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_text(
        '{"vectors": [{"kind": "value", "text": "vault:a", "read": true, "refers": true}]}'
    )
    done = run("opa", "test", *SOURCES, str(tmp_path / "wrong.json"), "--timeout", "120s", codes=(2,))
    assert "test_both_read_the_same_values: FAIL" in done.stdout


def test_the_bundle_answers_as_the_folder_does(run: Run, tmp_path: Path) -> None:
    archive = tmp_path / "keyhole.tar.gz"
    archive.write_bytes(bundle(ROOT / "policies"))
    secret = "examples/bad/malformed.yaml"
    query = ("data.keyhole.references.deny", "--format", "raw")
    ours = run("opa", "eval", "--bundle", str(archive), "--input", secret, *query).stdout
    folder = run("opa", "eval", "--bundle", "policies", "--input", secret, *query).stdout
    assert ours == folder
    assert len(json.loads(ours)) == 3
    inspected = json.loads(run("opa", "inspect", str(archive), "--format", "json").stdout)
    assert inspected["manifest"]["roots"] == ["keyhole"]
    run("opa", "build", "--bundle", "policies", "--output", str(tmp_path / "built.tar.gz"))
    built = run("opa", "eval", "--bundle", str(tmp_path / "built.tar.gz"), "--input", secret, *query).stdout
    assert built == ours


def test_terraform_enterprise_s_policies_name_rules_that_give_arrays(run: Run, tmp_path: Path) -> None:
    text = (ROOT / "policies" / "policies.hcl").read_text()
    queries = [line.split('"')[1] for line in text.splitlines() if line.strip().startswith("query ")]
    assert queries == ["data.keyhole.terraform.violations", "data.keyhole.terraform.warnings"]
    plan = tmp_path / "input.json"
    plan.write_text(json.dumps({"run": {"id": "run-1"}, "plan": {"resource_changes": []}}))
    for query in queries:
        answer = run("opa", "eval", "--bundle", "policies", "--input", str(plan), query, "--format", "raw")
        assert json.loads(answer.stdout) == []
    levels = [line.split('"')[1] for line in text.splitlines() if line.strip().startswith("enforcement_level ")]
    assert levels == ["mandatory", "advisory"]


def test_data_files_of_a_policy_set_are_read(run: Run, tmp_path: Path) -> None:
    """Terraform Enterprise evaluates the folder as a bundle: data is in files of this one name."""
    folder = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", folder)
    for name, content in {"used": {"shop": ["secret/shop/app"]}, "parameters": {"policyPrefix": "tenant-"}}.items():
        (folder / "keyhole" / name).mkdir()
        (folder / "keyhole" / name / "data.json").write_text(json.dumps(content))
    text = 'path "secret/data/shop/other" {\n  capabilities = ["read"]\n}\n'
    after = {"name": "tenant-shop", "policy": text}
    change = {"actions": ["update"], "after": after, "after_unknown": {}}
    plan = {"resource_changes": [{"address": "vault_policy.shop", "type": "vault_policy", "change": change}]}
    (tmp_path / "input.json").write_text(json.dumps({"run": {}, "plan": plan}))
    files = ("--bundle", str(folder), "--input", str(tmp_path / "input.json"))
    answer = run("opa", "eval", *files, "data.keyhole.terraform.violations", "--format", "raw").stdout
    assert json.loads(answer) == [
        'vault_policy.shop: grants "secret/data/shop/other", which nothing in the namespace shop uses (unused)'
    ]


def test_older_versions_of_opa_can_read_it(run: Run) -> None:
    run("opa", "check", "--v0-compatible", "policies")


def test_what_make_policies_writes(run: Run, tmp_path: Path) -> None:
    for _ in range(2):
        done = CliRunner().invoke(main, ["build", str(tmp_path)])
        assert (done.exit_code, done.output) == (0, "")
    assert (tmp_path / "keyhole.tar.gz").read_bytes() == bundle(ROOT / "policies")
    written = {file.name: file.read_text() for file in (tmp_path / "gatekeeper").iterdir()}
    assert written == manifests()
