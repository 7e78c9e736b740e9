"""What a migrated Secret is filled with, worked out by the resolver's own functions for a Vault that is a table."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from manifests.fields.scan import scan_object
from manifests.kinds.secret import SECRET
from resolver.references import jsontext
from resolver.references.evaluation import evaluate
from resolver.references.reference import Reference
from resolver.references.value import SecretValue

Content = Callable[[Reference], Mapping[str, Any]]
"""Returns the fields at a reference's path, in its version."""
DOCKER = ".dockerconfigjson"


def value(reference: Reference, content: Content) -> SecretValue:
    document = jsontext.parse(json.dumps(content(reference)).encode())
    assert isinstance(document, dict)
    return evaluate(reference, jsontext.field_value(document.get(reference.field)))


def filled(secret: Any, content: Content) -> dict[str, bytes]:
    """Return the data of a Secret after admission."""
    scan = scan_object(SECRET, SECRET.as_admitted(secret))
    assert not scan.problems
    data: dict[str, bytes] = {}
    for path in scan.whole:
        data |= {
            field: value(path.reference(field), content).reveal() for field in content(path.reference("any")) if field
        }
    data |= {key: text.encode() for key, text in secret.get("stringData", {}).items()}
    for wanted in scan.wanted:
        template = wanted.template
        data[wanted.key] = template.render({each: value(each, content) for each in template.references}).reveal()
    return data


def frame(secret: Any) -> dict[str, Any]:
    """Return all of a manifest but its data and Keyhole's own annotations."""
    metadata = secret["metadata"]
    notes = {name: text for name, text in metadata.get("annotations", {}).items() if "keyhole.dev/" not in name}
    return {
        "name": metadata["name"],
        "type": secret.get("type", "Opaque"),
        "immutable": secret.get("immutable", False),
        "labels": metadata.get("labels", {}),
        "annotations": notes,
    }


def same_data(given: dict[str, bytes], wanted: dict[str, bytes]) -> bool:
    """Whether two Secrets hold the same. A docker configuration is compared as JSON, for Keyhole writes it anew."""
    if given == wanted or given.keys() != wanted.keys():
        return given == wanted
    differ = [key for key in given if given[key] != wanted[key]]
    return differ == [DOCKER] and bool(json.loads(given[DOCKER]) == json.loads(wanted[DOCKER]))
