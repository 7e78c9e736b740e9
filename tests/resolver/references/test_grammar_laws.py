"""What holds for every reference and for every text."""

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from resolver.references.grammar import (
    Reference,
    ReferenceSyntaxError,
    Template,
    format_reference,
    has_reference,
    parse_reference,
    parse_value,
)
from resolver.references.reference import MAX_REFERENCE_BYTES, percent_decode, percent_encode
from resolver.references.value import SecretValue
from tests.resolver.strategies import (
    any_text,
    inline_references,
    is_single_line,
    noisy_text,
    plain_text,
    references,
    spelled_references,
)


def _parse(text: str) -> Template | ReferenceSyntaxError:
    """Parse a text; any other exception fails the test."""
    try:
        return parse_value(text)
    except ReferenceSyntaxError as error:
        return error


@given(references)
def test_parsing_a_formatted_reference_gives_it_back(reference: Reference) -> None:
    text = format_reference(reference)
    assert parse_reference(text) == reference
    assert parse_value(text).is_whole


@given(references)
def test_a_formatted_reference_is_one_visible_line_and_short_enough(reference: Reference) -> None:
    text = format_reference(reference)
    assert is_single_line(text)
    assert not any(unicodedata.category(character) == "Cf" for character in text)
    assert len(text.encode()) <= MAX_REFERENCE_BYTES


@given(spelled_references())
def test_however_a_reference_is_spelled_it_is_the_same(spelled: tuple[str, Reference]) -> None:
    text, reference = spelled
    assert parse_reference(text) == reference
    assert parse_value(f"(({text}))").references == (reference,)


@given(st.one_of(noisy_text, any_text, any_text.map("vault:".__add__), any_text.map("${vault:a/b#c|".__add__)))
@example("${vault:" * 1000)
@example("((vault:" + "{" * 10_000)
@example("vault:" + "%" * 3000)
def test_any_text_parses_or_gives_an_error_that_lies_inside_of_it(text: str) -> None:
    parsed = _parse(text)
    if isinstance(parsed, Template):
        assert parsed.source == text
        assert has_reference(text) is bool(parsed.placed)
        assert all(parse_reference(str(reference)) == reference for reference in parsed.references)
        return
    assert has_reference(text)
    assert parsed.source == text
    assert 0 <= parsed.reference_start <= parsed.start <= parsed.end <= parsed.reference_end <= len(text)
    assert parsed.line >= 1
    assert parsed.column >= 1
    assert is_single_line(parsed.describe(show_text=False))
    assert is_single_line(parsed.describe(show_text=True))
    assert len(parsed.diagram().split("\n")) == 3
    assert all(map(is_single_line, parsed.diagram().split("\n")))


@given(st.one_of(noisy_text, any_text))
def test_an_error_says_the_same_whatever_the_text_holds(text: str) -> None:
    # The last bracket is never closed, so that there is an error whatever stands before it.
    parsed = _parse(f"hunter2((vault:a/b#hunter2{text}hunter2)) hunter2 ((vault:hunter2")
    assert isinstance(parsed, ReferenceSyntaxError)
    assert "hunter2" not in str(parsed) + repr(parsed)


@given(plain_text)
def test_text_without_openers_never_changes(text: str) -> None:
    template = parse_value(text)
    assert template.references == ()
    assert list(template.pieces()) == ([text] if text else [])
    assert template.render({}).reveal() == text.encode()


@given(st.lists(st.tuples(plain_text, inline_references()), min_size=1, max_size=4), plain_text)
def test_the_pieces_of_a_template_are_those_it_was_written_with(
    written: list[tuple[str, tuple[str, Reference]]], last: str
) -> None:
    text = "".join(plain + inline for plain, (inline, _) in written) + last
    expected = [piece for plain, (_, reference) in written for piece in (plain, reference)] + [last]
    template = parse_value(text)
    assert list(template.pieces()) == [piece for piece in expected if piece != ""]
    for placed, (_, (inline, _)) in zip(template.placed, written, strict=True):
        assert text[placed.start : placed.end] == inline


@given(st.lists(st.tuples(plain_text, inline_references(), st.binary()), min_size=1, max_size=3), plain_text)
def test_a_rendered_template_is_its_text_with_the_values_in_place(
    written: list[tuple[str, tuple[str, Reference], bytes]], last: str
) -> None:
    values = {reference: value for _, (_, reference), value in written}
    text = "".join(plain + inline for plain, (inline, _), _ in written) + last
    rendered = parse_value(text).render({reference: SecretValue(value) for reference, value in values.items()})
    pieces = [plain.encode() + values[reference] for plain, (_, reference), _ in written]
    assert rendered.reveal() == b"".join(pieces) + last.encode()


@given(references, plain_text)
def test_a_value_that_looks_like_a_reference_is_not_read(reference: Reference, text: str) -> None:
    value = SecretValue(f"${{{reference}}}{text}")
    assert parse_value(f"(({reference}))").render({reference: value}) == value


@given(st.text(), st.sampled_from(["", "#"]))
def test_decoding_undoes_encoding(text: str, separator: str) -> None:
    encoded = percent_encode(text, separator=separator)
    decoded = percent_decode(encoded, 0, len(encoded))
    assert decoded.text == text
    assert is_single_line(encoded)


@given(st.text(), st.text(), st.data())
def test_a_decoded_character_is_found_where_it_was_written(before: str, text: str, data: st.DataObject) -> None:
    parts = [data.draw(st.sampled_from([part, _escaped(part)])) if part != "%" else "%25" for part in text]
    source = before + "".join(parts) + "behind"
    decoded = percent_decode(source, len(before), len(source) - len("behind"))
    assert decoded.text == text
    for index, part in enumerate(parts):
        start, end = decoded.span(index, index + 1)
        assert source[start:end] == part


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02x}" for byte in character.encode())
