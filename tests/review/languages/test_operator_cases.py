"""Each migrated ExternalSecret gets what the operator itself gave: the same bytes under the same keys.

`tests/e2e/test_migration.py` has the same objects admitted, with the same content in a real Vault.
"""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from resolver.references.reference import Reference
from resolver.vault.mounts import KvMount, location
from tests.review.languages.filling import filled, frame, same_data
from tests.review.languages.operator_cases import CASES, CORPUS, VAULT, VERSIONS, Case, keys_at
from tests.review.languages.reading import migrated

CORPUS_MOUNT = KvMount("secret", 2)


def content(reference: Reference) -> Mapping[str, Any]:
    """Return what Vault has at a reference's path, in its version."""
    mount = next(mount for mount in VERSIONS if reference.path.startswith(f"{mount}/"))
    found = location(reference, KvMount(mount, VERSIONS[mount]))
    return VAULT[mount][found.path][(found.version or 0) - 1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_secret_is_the_operators(case: Case) -> None:
    found = migrated(case.text, keys_at=keys_at) if case.keys_known else migrated(case.text)
    assert found.told == []
    secret = found.secret()
    assert frame(secret) == {name: each for name, each in case.secret.items() if name != "data"}
    wanted = {key: base64.b64decode(text) for key, text in case.secret["data"].items()}
    assert same_data(filled(secret, content), wanted)


def test_of_300_objects_none_is_wrong_and_none_is_silent() -> None:
    """Shapes of ExternalSecrets as they stand in public repositories, every name in them made up."""
    wrong, silent, converted = [], [], 0
    for number, case in enumerate(CORPUS):
        found = migrated(case.text, case.mappings)
        if not found.conversions[0].edits:
            silent += [] if found.told else [number]
            continue
        converted += 1
        secret = found.secret()
        given = filled(secret, lambda reference, case=case: case.content(location(reference, CORPUS_MOUNT)))  # type: ignore[misc]
        wanted = {key: base64.b64decode(text) for key, text in case.secret.get("data", {}).items()}
        expected = {name: each for name, each in case.secret.items() if name not in {"data", "annotations"}}
        is_framed = {name: each for name, each in frame(secret).items() if name != "annotations"} == expected
        # Annotations for whoever applies the object stay on it, whatever the operator took for the Secret.
        is_framed &= case.secret.get("annotations", {}).items() <= frame(secret)["annotations"].items()
        wrong += [] if same_data(given, wanted) and is_framed else [number]
    assert (wrong, silent, len(CORPUS)) == ([], [], 300)
    assert converted >= 250
