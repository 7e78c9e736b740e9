import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.kinds.base64_search import begins_named, named, needles, pattern, prefix, start
from tests.manifests.secrets import encoded

around = st.binary(max_size=20)


@given(before=around, text=st.text(min_size=4, max_size=12), after=around)
def test_the_base64_of_what_holds_a_text_holds_one_of_its_needles(before: bytes, text: str, after: bytes) -> None:
    whole = encoded(before + text.encode() + after)
    assert any(needle in whole for needle in needles(text))


@given(text=st.from_regex(r"[ -~]{3}([ -~]{3})*", fullmatch=True), after=around)
def test_what_begins_with_a_text_begins_so_in_base64(text: str, after: bytes) -> None:
    assert encoded(text.encode() + after).startswith(start(text))


def test_only_whole_threes_of_bytes_have_a_beginning() -> None:
    with pytest.raises(ValueError, match="four"):
        start("four")


@given(before=around, text=st.sampled_from(["((vault:", "((vault+"]), after=around)
def test_a_pattern_finds_each_of_its_texts_wherever_it_stands(before: bytes, text: str, after: bytes) -> None:
    assert re.search(pattern(["((vault:", "((vault+"]), encoded(before + text.encode() + after))


@pytest.mark.parametrize(
    "text", ["((vault)", "((vault.", "((vault-", "((vault/", "((vault5", "((vault ", "(_vault:", "{vault:"]
)
@pytest.mark.parametrize("before", ["", "a", "ab", "abc "])
def test_a_pattern_does_not_find_what_merely_resembles_its_texts(before: str, text: str) -> None:
    assert not re.search(pattern(["((vault:", "((vault+"]), encoded(f"{before}{text}x))"))


def test_the_needles_that_were_found_by_hand() -> None:
    assert needles("${vault") == ("JHt2YXVsd", "R7dmF1bH", "ke3ZhdWx0")
    assert (start("vault:"), start("vault+")) == ("dmF1bHQ6", "dmF1bHQr")
    assert base64.b64decode("dmF1bHQ6") == b"vault:"


@given(
    st.lists(
        st.sampled_from(["((vault+", "${vault+", "vault+", ":", "eu", "a/b", "x y", "#", "-", "é", ";", "..", "FOO"]),
        max_size=6,
    )
)
def test_a_named_opener_is_found_exactly(parts: list[str]) -> None:
    text = "".join(parts)
    encoded = base64.b64encode(f"{text}....".encode()).decode()
    inline = named(["((vault+", "${vault+"], "abcdefghijklmnopqrstuvwxyz0123456789-", ":")
    whole = begins_named("vault+", "abcdefghijklmnopqrstuvwxyz0123456789-", ":")
    assert (re.search(inline, encoded) is None) == (re.search(r"(\(\(|\$\{)vault\+[-a-z0-9]*:", text) is None)
    assert (re.search(whole, encoded) is None) == (re.match(r"vault\+[-a-z0-9]*:", text) is None)


@given(st.text(max_size=9), st.text(max_size=9))
def test_what_base64_begins_with(text: str, more: str) -> None:
    assert base64.b64encode((text + more).encode()).decode().startswith(prefix(text))
