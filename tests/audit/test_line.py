"""A line of the audit trail: its bytes, and what its MAC is of."""

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.entry import encode
from audit.line import MAX_LINE_BYTES, MAX_RECORD_BYTES, Event, Head, parse, sign
from tests.audit.audits import KEY, OTHER_KEY, chain_lines

CHAIN = "0" * 31 + "7"
MAC = "a" * 64


def test_a_line_is_one_compact_json_object_with_sorted_keys() -> None:
    text, _ = sign(KEY, Event.ADMISSION, Head(CHAIN, 41, MAC), b'{"uid":"x"}')
    document = json.loads(text)
    assert text.endswith(b"}\n")
    assert encode(document) == text[:-1]
    assert document["record"] == {"uid": "x"}
    assert (document["chain"], document["sequence"], document["previous"]) == (CHAIN, 42, MAC)
    assert (document["event"], document["key"], document["v"]) == ("admission", KEY.id, 2)


def test_the_mac_is_hmac_sha_256_over_the_domain_and_the_line_without_its_mac() -> None:
    text, head = sign(KEY, Event.ADMISSION, Head(CHAIN, 41, MAC), b"{}")
    document = json.loads(text)
    mac = document.pop("mac")
    unsigned = json.dumps(document, separators=(",", ":")).encode()
    message = b"".join(len(part).to_bytes(8, "big") + part for part in (b"keyhole/audit/1", unsigned))
    assert mac == head.mac == hmac.new(bytes(range(32)), message, hashlib.sha256).hexdigest()


def test_the_key_id_is_no_plain_digest_of_the_key() -> None:
    secret = bytes(range(32))
    digests = [hashlib.new(name, secret).hexdigest() for name in ("sha256", "sha1", "md5", "sha512")]
    assert not any(KEY.id in digest for digest in digests)
    assert KEY.id != OTHER_KEY.id


def test_a_line_is_read_as_it_was_signed() -> None:
    text, head = sign(KEY, Event.END, Head(CHAIN, 41, MAC), b'{"a":{"sequence":7}}')
    line = parse(text[:-1])
    assert line is not None
    assert (line.head, line.event, line.key_id, line.previous) == (head, Event.END, KEY.id, MAC)
    assert line.is_authentic(KEY)
    assert not line.is_authentic(OTHER_KEY)


def test_the_largest_record_makes_no_line_that_is_too_long() -> None:
    far = Head(CHAIN, 10**17, MAC)
    text, _ = sign(KEY, Event.ADMISSION, far, b'{"x":"%s"}' % (b"y" * (MAX_RECORD_BYTES - 8)))
    assert MAX_RECORD_BYTES < len(text) <= MAX_LINE_BYTES
    assert parse(text[:-1]) is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b'"v":2}', b'"v":3}', id="another version"),
        pytest.param(b'"v":2}', b'"v":2} ', id="a blank behind it"),
        pytest.param(b'"v":2}', b'"v":2}\r', id="a carriage return behind it"),
        pytest.param(b'{"chain"', b'{ "chain"', id="a blank within it"),
        pytest.param(b'"event":"begin"', b'"event":"other"', id="an event that there is not"),
        pytest.param(b'"sequence":0', b'"sequence":00', id="a number with a zero before it"),
        pytest.param(b'"sequence":0', b'"sequence":-1', id="a negative number"),
        pytest.param(b'"record":{', b'"record":[', id="a record that is no object"),
    ],
)
def test_what_only_resembles_a_line_is_none(old: bytes, new: bytes) -> None:
    text = chain_lines(1, 1)[0][:-1]
    assert old in text
    assert parse(text.replace(old, new)) is None


def test_a_line_of_version_1_is_read_too() -> None:
    line = (
        f'{{"chain":"{CHAIN}","event":"begin","key":"{KEY.id}",%s"previous":"{MAC}","record":{{}},"sequence":42,"v":1}}'
    )
    mac = KEY.mac((line % "").encode())
    read = parse((line % f'"mac":"{mac}",').encode())
    assert read is not None
    assert read.head == Head(CHAIN, 42, mac)
    assert read.is_authentic(KEY)


def test_no_line_passes_for_one_of_another_version() -> None:
    read = parse(chain_lines(1, 1)[0][:-1].replace(b'"v":2}', b'"v":1}'))
    assert read is not None
    assert not read.is_authentic(KEY)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_are_no_line(text: bytes) -> None:
    assert parse(text) is None


@given(st.integers(0, 10**18 - 1), st.text("0123456789abcdef", min_size=32, max_size=32))
def test_a_head_is_read_as_it_is_written(sequence: int, chain: str) -> None:
    head = Head(chain, sequence, MAC)
    assert Head.parse(str(head)) == head


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(f"{CHAIN}:1", id="no MAC"),
        pytest.param(f"{CHAIN}:01:{MAC}", id="a number with a zero before it"),
        pytest.param(f"{CHAIN}:-1:{MAC}", id="a negative number"),
        pytest.param(f"{CHAIN}:1:{MAC}\n", id="a line break"),
        pytest.param(f"{CHAIN.upper()[:-1]}A:1:{MAC}", id="capital letters"),
    ],
)
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="CHAIN:SEQUENCE:MAC"):
        Head.parse(text)
