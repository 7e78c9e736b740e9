"""What becomes of an object of each kind, compared with the golden files, and what every codec has to keep to."""

import json
from pathlib import Path

import jsonpointer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.kinds.codec import Codec
from manifests.registration.webhook_configuration import in_place_rules, rules
from resolver.references.grammar import parse_value
from resolver.references.value import SecretValue
from tests.manifests.kinds.kind_cases import ALL, GOLDEN, cases, folder, results

KEYS = st.text(st.sampled_from("abc.-_09/~"), min_size=1, max_size=8)
every_kind = pytest.mark.parametrize("codec", list(ALL), ids=lambda codec: codec.resource)


@pytest.mark.parametrize(
    ("codec", "case"),
    [pytest.param(codec, case, id=f"{codec.resource}/{case.stem}") for codec in ALL for case in cases(codec)],
)
def test_an_object_becomes_what_the_golden_files_say(codec: Codec, case: Path) -> None:
    for file, text in results(codec, case):
        assert file.read_text(encoding="utf-8") == text, "python -m tests.manifests.kinds.kind_cases writes it anew"


@every_kind
def test_no_golden_file_is_left_over(codec: Codec) -> None:
    made = {file for case in cases(codec) for file in (case, *(file for file, _ in results(codec, case)))}
    assert made
    assert set(folder(codec).iterdir()) == made


def test_every_kind_has_a_golden_folder_and_an_entry_of_its_own() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {codec.resource for codec in ALL}


@every_kind
def test_the_api_server_sends_the_kind(codec: Codec) -> None:
    def sent(registered: list[dict[str, list[str]]]) -> bool:
        return any(codec.resource in each["resources"] and codec.group in each["apiGroups"] for each in registered)

    assert sent([dict(each) for each in rules(ALL)])
    assert sent([dict(each) for each in in_place_rules(ALL)]) is (codec.in_place is not None)


@every_kind
@given(key=KEYS)
def test_a_pointer_leads_back_to_its_key(codec: Codec, key: str) -> None:
    key = key if codec.has_keys else f"/spec/{jsonpointer.escape(key)}"
    assert codec.key(codec.pointer(key)) == key


@every_kind
@given(text=st.text(max_size=64))
def test_a_stored_value_is_decoded_to_what_it_was_and_has_its_size(codec: Codec, text: str) -> None:
    raw = text.encode()
    stored = codec.encode(codec.fitted(parse_value("vault:a/b#c"), SecretValue(raw)).reveal())
    assert codec.decode(stored) == raw
    assert codec.size_bytes(stored) == len(raw if codec.has_keys else json.dumps(text, ensure_ascii=False).encode())
    assert codec.size_bytes(None) == 0


@every_kind
def test_a_placeholder_holds_no_reference(codec: Codec) -> None:
    for key in ("a", "tls.crt", ".dockerconfigjson", "config.json"):
        assert codec.template(key, codec.placeholder(key).decode()) is None
