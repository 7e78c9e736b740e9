import json
from typing import Any

import pytest

from controller.refresh import record_keys
from kube.objects import Metadata, ObjectName

ENTRY = {"form": "annotation", "ref": "vault:secret/app#password", "versions": [1], "mac": "m"}


def record(**fields: Any) -> str:
    return json.dumps({"v": 1, "key": "0123abcd", "fields": fields})


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        pytest.param(None, set(), id="no record"),
        pytest.param("{", set(), id="no JSON"),
        pytest.param(json.dumps({"v": 1, "key": 7, "fields": {}}), set(), id="a key that is no text"),
        pytest.param(record(), {"0123abcd"}, id="a record of no field"),
        pytest.param(record(a=ENTRY), {"0123abcd"}, id="a field under the record's key"),
        pytest.param(record(a=ENTRY, b={**ENTRY, "key": "ffffffff"}), {"0123abcd", "ffffffff"}, id="one under another"),
    ],
)
def test_the_keys_of_a_record_are_those_of_all_its_fields(text: str | None, keys: set[str]) -> None:
    annotations = {} if text is None else {"keyhole.dev/record": text}
    assert record_keys(Metadata(ObjectName("a", "b"), "1", annotations)) == keys
