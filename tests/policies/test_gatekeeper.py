"""The policies in Gatekeeper's engine: its own suites, and the example constraints on the examples."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from release.policies.gatekeeper import manifests
from tests.policies.conftest import DISAGREEMENTS, ROOT, Run
from tests.policies.vectors import FILE as VECTORS

pytestmark = pytest.mark.policies

HERE = Path(__file__).parent
CONSTRAINTS = ROOT / "policies" / "gatekeeper" / "constraints.yaml"
NAMESPACE = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "shop", "labels": {"keyhole.dev/enabled": "true"}},
}

GATEKEEPER = """
vectors := json.unmarshal(input.review.object.data.vectors).vectors

violation contains {"msg": msg} if some msg in told
"""


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    folder.mkdir()
    for name, text in manifests().items():
        (folder / name).write_text(text)
    return folder


def constraints(action: str) -> list[dict[str, Any]]:
    found = list(yaml.safe_load_all(CONSTRAINTS.read_text()))
    for each in found:
        each["spec"]["enforcementAction"] = action
    return found


def violations(run: Run, folder: Path, templates: Path, files: list[Path]) -> set[tuple[str, str]]:
    """Return what the example constraints find, if they deny, in the namespace shop: constraint and message."""
    objects = [NAMESPACE, *constraints("deny")]
    for file in files:
        for each in yaml.safe_load_all(file.read_text()):
            each["metadata"].setdefault("namespace", "shop")
            objects.append(each)
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(objects))
    done = run("gator", "test", "-f", str(templates), "-f", str(folder / "objects.yaml"), "-o", "json", codes=(0, 1))
    return {(each["constraint"]["metadata"]["name"], each["msg"]) for each in json.loads(done.stdout) or []}


def examples(folder: str) -> list[Path]:
    return [file for file in sorted((ROOT / "examples" / folder).glob("*.yaml")) if file.stem != "kustomization"]


def test_the_suite(run: Run, templates: Path, tmp_path: Path) -> None:
    shutil.copytree(HERE / "gatekeeper", tmp_path / "suite")
    for each in constraints("deny"):
        (tmp_path / "suite" / f"{each['metadata']['name']}.yaml").write_text(yaml.safe_dump(each))
    shutil.copytree(templates, tmp_path / "suite" / "templates")
    told = run("gator", "verify", "--verbose", str(tmp_path / "suite"), folder=tmp_path).stdout
    assert told.count("--- PASS") >= 13
    assert "FAIL" not in told


def test_a_suite_that_is_wrong_fails(run: Run, templates: Path, tmp_path: Path) -> None:
    shutil.copytree(HERE / "gatekeeper", tmp_path / "suite")
    shutil.copytree(templates, tmp_path / "suite" / "templates")
    for each in constraints("deny"):
        each["spec"].pop("parameters", None)
        (tmp_path / "suite" / f"{each['metadata']['name']}.yaml").write_text(yaml.safe_dump(each))
    told = run("gator", "verify", str(tmp_path / "suite"), folder=tmp_path, codes=(1,)).stdout
    assert "public" in told, "without its parameters the constraint refuses a key that is no secret"


def test_the_examples(run: Run, templates: Path, tmp_path: Path) -> None:
    found = violations(run, tmp_path, templates, examples("base") + examples("whole-secret") + examples("configmap"))
    assert {name for name, _ in found} == {"keyhole-in-place"}
    assert len(found) == 2
    assert violations(run, tmp_path, templates, examples("variables")) == {
        ("keyhole-images", f"Deployment shop/web: the image of container {name} has no digest (KH502)")
        for name in ("migrate", "web")
    }


def test_the_bad_examples(run: Run, templates: Path, tmp_path: Path) -> None:
    assert violations(run, tmp_path, templates, examples("bad")) == {
        (
            "keyhole-references",
            f"Secret shop/malformed: annotation data.keyhole.dev/{key} cannot be read as a reference (KH101)",
        )
        for key in ("digest", "password", "url")
    }


def test_nothing_is_judged_in_namespaces_that_have_not_opted_in(run: Run, templates: Path, tmp_path: Path) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "a", "namespace": "other"},
        "stringData": {"a": "b"},
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
    (tmp_path / "objects.yaml").write_text(yaml.safe_dump_all([namespace, secret, *constraints("deny")]))
    run("gator", "test", "-f", str(templates), "-f", str(tmp_path / "objects.yaml"))


def test_its_engine_agrees_with_the_grammar(run: Run, tmp_path: Path) -> None:
    template = yaml.safe_load(manifests()["keyholereferences.yaml"])
    source = template["spec"]["targets"][0]["code"][0]["source"]
    source["rego"] = f"package keyholereferences\n\nimport data.lib.keyhole.grammar\n{GATEKEEPER}{DISAGREEMENTS}"
    vectors = {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "a"},
        "data": {"vectors": VECTORS.read_text()},
    }
    constraint = {
        "apiVersion": "constraints.gatekeeper.sh/v1beta1",
        "kind": "KeyholeReferences",
        "metadata": {"name": "a"},
    }
    match = {"spec": {"match": {"kinds": [{"apiGroups": [""], "kinds": ["ConfigMap"]}]}}}
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all([template, constraint | match, vectors]))
    done = run("gator", "test", "-f", str(tmp_path / "all.yaml"), "-o", "json", codes=(1,))
    assert [each["msg"] for each in json.loads(done.stdout)] == ["2000 vectors"]
