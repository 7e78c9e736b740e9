"""What of the policies follows from the grammar of references is what the grammar says now."""

import io
import re
import tarfile
import unicodedata
from pathlib import Path

import pytest
import yaml

from release.policies import bundle, characters, gatekeeper
from resolver.references import paths
from resolver.references.functions import FUNCTIONS
from tests.policies import vectors

ROOT = Path(__file__).resolve().parents[2]
CHARACTERS = ROOT / "policies" / "keyhole" / "characters.rego"


def test_the_vectors_are_what_the_grammar_says() -> None:
    assert vectors.FILE.read_text(encoding="ascii") == vectors.written(vectors.vectors()), (
        "python -m tests.policies.vectors"
    )


def test_the_vectors_are_as_many_as_promised_and_of_both_kinds() -> None:
    found = vectors.vectors()
    assert len({(each["kind"], each["text"]) for each in found}) == len(found) == 2000
    assert sum(each["read"] for each in found) == 1000
    assert sum(each["kind"] == "paths" for each in found) == 400


def test_the_characters_are_what_the_grammar_says() -> None:
    written, now = CHARACTERS.read_text(), characters.rego()
    version = re.search(r"Unicode ([0-9.]+)\.$", written, re.MULTILINE)
    assert version is not None
    if version[1] != unicodedata.unidata_version:
        # Another Python knows other letters. Whatever has nothing to do with them is still the same.
        written, now = (re.sub(r"`\^?\(?\[?\(?.*`|Unicode [0-9.]+", "", text) for text in (written, now))
    assert written == now, "python -m release.policies characters > policies/keyhole/characters.rego"


def test_the_mounts_of_vault_s_own_are_those_of_the_grammar() -> None:
    assert set(characters._MOUNTS) == paths._FORBIDDEN_MOUNTS


def test_each_function_with_an_argument_has_a_pattern_for_it() -> None:
    assert set(characters._ARGUMENTS) == {name for name, function in FUNCTIONS.items() if function.accepts is not None}


def test_the_bundle_has_what_the_folder_has_and_nothing_of_the_machine() -> None:
    with tarfile.open(fileobj=io.BytesIO(bundle.bundle(gatekeeper.ROOT))) as archive:
        entries = {entry.name: entry for entry in archive}
    rego = {f"/{file.relative_to(gatekeeper.ROOT)}" for file in gatekeeper.ROOT.rglob("*.rego")}
    assert set(entries) == rego | {"/.manifest"}
    assert {(entry.mtime, entry.uid, entry.uname, entry.mode) for entry in entries.values()} == {(0, 0, "", 0o644)}


@pytest.mark.parametrize("name", [f"{each.kind.lower()}.yaml" for each in gatekeeper.TEMPLATES])
def test_a_template_of_gatekeeper_has_its_libraries_below_lib(name: str) -> None:
    template = yaml.safe_load(gatekeeper.manifests()[name])
    (target,) = template["spec"]["targets"]
    source = target["code"][0]["source"]
    for library in source["libs"]:
        assert library.startswith("package lib.keyhole.")
        # Gatekeeper follows libraries in imports alone.
        assert not re.search(r"(?<!import )data\.(lib\.)?keyhole\.(?!dev)", library)
    assert "data.lib.keyhole." in source["rego"]
    # etcd keeps a megabyte and a half at most.
    assert len(gatekeeper.manifests()[name]) < 200_000


def test_the_example_constraints_are_of_the_templates_kinds() -> None:
    constraints = list(yaml.safe_load_all((ROOT / "policies" / "gatekeeper" / "constraints.yaml").read_text()))
    templates = {template.kind: template for template in gatekeeper.TEMPLATES}
    assert [each["kind"] for each in constraints] == list(templates)
    for each in constraints:
        assert set(each["spec"].get("parameters", {})) <= set(templates[each["kind"]].parameters)
