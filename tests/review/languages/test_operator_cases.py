"""Each migrated ExternalSecret gets what the operator itself gave: the same bytes under the same keys.

What the references stand for is worked out here by the resolver's own functions. `tests/e2e/test_migration.py` has the
same objects admitted, with the same content in a real Vault.
"""

import base64
import json
from typing import Any

import pytest

from manifests.fields.scan import scan_object
from manifests.kinds.secret import SECRET
from resolver.references import jsontext
from resolver.references.evaluation import evaluate
from resolver.references.reference import Reference
from resolver.references.value import SecretValue
from resolver.vault.mounts import KvMount, location
from tests.review.languages.operator_cases import CASES, VAULT, VERSIONS, Case, keys_at
from tests.review.languages.reading import migrated

DOCKER = ".dockerconfigjson"


def content(reference: Reference) -> Any:
    """Return what Vault has at a reference's path, in its version."""
    mount = next(mount for mount in VERSIONS if reference.path.startswith(f"{mount}/"))
    found = location(reference, KvMount(mount, VERSIONS[mount]))
    return VAULT[mount][found.path][(found.version or 0) - 1]


def value(reference: Reference) -> SecretValue:
    document = jsontext.parse(json.dumps(content(reference)).encode())
    assert isinstance(document, dict)
    return evaluate(reference, jsontext.field_value(document.get(reference.field)))


def filled(secret: Any) -> dict[str, bytes]:
    scan = scan_object(SECRET, SECRET.as_admitted(secret))
    assert not scan.problems
    data: dict[str, bytes] = {}
    for path in scan.whole:
        data |= {field: value(path.reference(field)).reveal() for field in content(path.reference("any"))}
    data |= {key: text.encode() for key, text in secret.get("stringData", {}).items()}
    for wanted in scan.wanted:
        template = wanted.template
        data[wanted.key] = template.render({each: value(each) for each in template.references}).reveal()
    return data


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_secret_is_the_operators(case: Case) -> None:
    found = migrated(case.text, keys_at=keys_at) if case.keys_known else migrated(case.text)
    assert found.told == []
    secret = found.secret()
    metadata = secret["metadata"]
    notes = {name: text for name, text in metadata.get("annotations", {}).items() if "keyhole.dev/" not in name}
    assert {
        "name": metadata["name"],
        "type": secret.get("type", "Opaque"),
        "immutable": secret.get("immutable", False),
        "labels": metadata.get("labels", {}),
        "annotations": notes,
    } == {name: each for name, each in case.secret.items() if name != "data"}
    wanted = {key: base64.b64decode(text) for key, text in case.secret["data"].items()}
    given = filled(secret)
    if DOCKER in wanted:
        # Keyhole writes this JSON anew.
        assert json.loads(given.pop(DOCKER)) == json.loads(wanted.pop(DOCKER))
    assert given == wanted
