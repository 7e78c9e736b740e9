from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.provenance.keyring import KeyRing, KeyRingError, NoKeyYet, RecordKey, dump, new_key, parse, sound_keys
from resolver.references.value import SecretValue

BYTES = bytes(range(32))
SOUND = {"signing": b"0123abcd", "key.0123abcd": BYTES, "key.00000000": BYTES[::-1]}

_keys = st.builds(
    lambda number, content: RecordKey(f"{number:08x}", SecretValue(content)),
    st.integers(0, 2**32 - 1),
    st.binary(min_size=32, max_size=32).filter(lambda content: len(set(content)) >= 8),
)


@given(st.lists(_keys, min_size=1, max_size=4, unique_by=lambda key: key.id))
def test_what_is_dumped_parses_to_the_same_ring(keys: list[RecordKey]) -> None:
    ring = KeyRing(keys[-1], {key.id: key for key in keys})
    assert parse(dump(ring)) == ring


def test_a_ring_is_read_and_the_key_that_signs_is_accepted() -> None:
    ring = parse({**SOUND, "note": b"something of an administrator's"})
    assert ring.signing == RecordKey("0123abcd", SecretValue(BYTES))
    assert set(ring.accepted) == {"0123abcd", "00000000"}
    assert ring.accepted["0123abcd"] is ring.signing


def test_new_keys_are_sound_and_never_the_same() -> None:
    keys = [new_key() for _ in range(100)]
    assert len({key.id for key in keys}) == len({key.secret.reveal() for key in keys}) == 100
    for key in keys:
        assert parse(dump(KeyRing(key, {key.id: key}))).signing == key


@pytest.mark.parametrize("data", [{}, {"note": b"x"}], ids=["nothing at all", "nothing of a ring"])
def test_an_empty_secret_has_no_key_yet(data: Mapping[str, bytes]) -> None:
    with pytest.raises(NoKeyYet):
        parse(data)


@pytest.mark.parametrize(
    ("change", "key", "problem"),
    [
        pytest.param({"signing": None}, "signing", "is missing", id="nothing says which key signs"),
        pytest.param({"signing": b"0123abce"}, "signing", "is missing", id="the key that signs is not there"),
        pytest.param({"signing": b"0123ABCD"}, "signing", "hexadecimal", id="an id in capitals"),
        pytest.param({"signing": b"0123abcd\n"}, "signing", "hexadecimal", id="an id with a line break"),
        pytest.param({"signing": b"\xff" * 8}, "signing", "hexadecimal", id="an id that is no text"),
        pytest.param({"key.0123abcd": BYTES[1:]}, "key.0123abcd", "32 bytes", id="a key too short"),
        pytest.param({"key.00000000": BYTES * 2}, "key.00000000", "32 bytes", id="a key too long"),
        pytest.param({"key.00000000": bytes(32)}, "key.00000000", "random", id="a key of zeros"),
        pytest.param({"key.x": BYTES}, "key.x", "hexadecimal", id="a key without an id"),
        pytest.param({name: None for name in SOUND if name != "signing"}, "signing", "is missing", id="no key is left"),
    ],
)
def test_a_broken_ring_is_told_by_the_name_of_the_part(
    change: Mapping[str, bytes | None], key: str, problem: str
) -> None:
    data = {name: content for name, content in {**SOUND, **change}.items() if content is not None}
    with pytest.raises(KeyRingError, match=problem) as raised:
        parse(data)
    assert not isinstance(raised.value, NoKeyYet)
    assert raised.value.key == key


def test_the_sound_keys_of_a_broken_ring_are_found() -> None:
    data = {**SOUND, "signing": b"?", "key.ffffffff": b"short", "key.": BYTES}
    assert set(sound_keys(data)) == {"0123abcd", "00000000"}
    assert sound_keys({"signing": b"0123abcd", "key.0123abcd": b""}) == {}


def test_no_key_shows_itself() -> None:
    shown = repr(parse(SOUND))
    assert "0123abcd" in shown
    assert repr(BYTES)[2:-1] not in shown
    for content in (b"canary-of-a-key", b"\xfecanary-of-a-key"):
        with pytest.raises(KeyRingError) as raised:
            parse({**SOUND, "key.00000000": content, "signing": content})
        assert "canary" not in str(raised.value) + repr(raised.value)
