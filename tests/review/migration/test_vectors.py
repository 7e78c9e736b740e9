"""What other tools' own programs gave for their references, and what Keyhole gives for the migrated ones: the same.

Each file of `tests/golden/vectors` says which program it was, what was in Vault, and what came of each text or object.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from resolver.references.evaluation import evaluate
from resolver.references.grammar import parse_value
from resolver.references.reference import Reference
from resolver.references.value import SecretValue
from review.languages import avp, bank_vaults, vals
from review.languages.foreign import Context
from review.languages.texts.pieces import without_data
from review.lint.objects import manifests
from review.sources.edits import edited
from review.sources.stream import Document, read_text
from review.sources.text import Text

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "vectors"
LANGUAGES = {module.NAME: module for module in (avp, bank_vaults, vals)}
HEAD = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}
_PREFIX = "data.keyhole.dev/"


def cases() -> list[Any]:
    found = []
    for file in sorted(FOLDER.glob("*.json")):
        content = json.loads(file.read_text())
        for number, case in enumerate(content["cases"]):
            found.append(pytest.param(file.stem, content["secrets"], case, id=f"{file.stem}-{number}"))
    return found


def value(secrets: Any, reference: Reference) -> SecretValue:
    """Return what a reference resolves to, with these secrets by path and version."""
    fields = secrets[without_data(reference.path)][str(reference.version or "")]
    field = fields[reference.field]
    text = field if isinstance(field, str) else json.dumps(field, separators=(",", ":"))
    return evaluate(reference, SecretValue(text))


def content_of(secret: Any, secrets: Any) -> dict[str, bytes]:
    """Return the bytes that a Secret has by its keys, its annotations filled."""
    found = {key: base64.b64decode(text) for key, text in secret.get("data", {}).items()}
    found |= {key: text.encode() for key, text in secret.get("stringData", {}).items()}
    for name, text in secret["metadata"].get("annotations", {}).items():
        if name.startswith(_PREFIX):
            template = parse_value(text)
            values = {reference: value(secrets, reference) for reference in template.references}
            found[name.removeprefix(_PREFIX)] = template.render(values).reveal()
    return found


@pytest.mark.parametrize(("language", "secrets", "case"), cases())
def test_the_same_bytes_come_of_it(language: str, secrets: Any, case: Any) -> None:
    original = case.get("object") or {**HEAD, "stringData": {"k": case["text"]}}
    text = Text("f", yaml.safe_dump(original, sort_keys=False, allow_unicode=True))
    (document,) = (found for found in read_text(text) if isinstance(found, Document))
    (manifest,) = manifests(document)
    conversion = LANGUAGES[language].convert(manifest, Context())
    migrated = edited(text, {1: conversion.edits}) if conversion is not None else text.content
    gives = case["gives"]
    wanted = {"k": gives.encode()} if isinstance(gives, str) else {k: base64.b64decode(v) for k, v in gives.items()}
    assert content_of(yaml.safe_load(migrated), secrets) == wanted


def test_there_are_enough_of_them() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == set(LANGUAGES)
    assert len(cases()) > 300
