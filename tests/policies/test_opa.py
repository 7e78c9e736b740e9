"""The policies in OPA itself: formatted, checked, tested, and as a bundle."""

import json
from pathlib import Path

import pytest

from release.policies.bundle import bundle
from tests.policies.conftest import ROOT, Run

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
