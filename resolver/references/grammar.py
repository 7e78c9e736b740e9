"""The grammar of references; the docstrings of the parsing functions are its rules.

One grammar for manifests, the command line and the policy generator. The only error is ReferenceSyntaxError.
"""

import unicodedata

from resolver.references import characters, functions, paths, tokenizer
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.reference import (
    DEFAULT_CONNECTION,
    LOOK_ALIKES,
    MAX_FUNCTIONS,
    MAX_REFERENCE_BYTES,
    Decoded,
    EscapeError,
    Function,
    Placed,
    Reference,
    Template,
    forbidden_in_field,
    format_reference,
    is_connection,
    is_version,
    percent_decode,
    percent_encode,
)
from resolver.references.tokenizer import Token, Tokenizer

__all__ = [
    "Function",
    "Placed",
    "Reference",
    "ReferenceSyntaxError",
    "Template",
    "format_reference",
    "has_reference",
    "parse_reference",
    "parse_value",
]

_EXPECTED_BETWEEN = "| and a function, or the end of the reference (inside of one, } is %7D and ) is %29)"
_LINE_BREAKS_AND_CONTROLS = frozenset({"Cc", "Zl", "Zp"})
# An escape takes three bytes for one, so only a text above a third of the limit can be too long in canonical form.
_WORST_ESCAPE_FACTOR = 3


def has_reference(text: str) -> bool:
    """Return whether `parse_value` would find a reference or an error. Takes one search."""
    return tokenizer.has_opener(text)


def parse_value(text: str) -> Template:
    """Parse a text that may be a reference or contain some. Raises ReferenceSyntaxError.

    value  = reference | *( text | inline )
    inline = "((" reference *blank "))" | "${" reference *blank "}"

    A text that begins with `vault:` or `vault+…:` must be one reference as a whole. `((` and `${` open a
    reference only when `vault:` or `vault+…:` follows directly; everything else is text and stays as it is.
    """
    if tokenizer.is_bare(text):
        return Template(text, (Placed(parse_reference(text), 0, len(text)),))
    placed = tuple(
        Placed(_parse_reference(Tokenizer(text, extent)), *extent.outer) for extent in tokenizer.inline_extents(text)
    )
    return Template(text, placed)


def parse_reference(text: str) -> Reference:
    """Parse a text that is one bare reference. Raises ReferenceSyntaxError."""
    without = text.rstrip("\r\n")
    if without != text and tokenizer.is_bare(text):
        raise ReferenceSyntaxError(
            "a line break at the end",
            "the reference without one (|- instead of | in YAML, printf or echo -n instead of echo)",
            source=text,
            span=(len(without), len(text)),
        )
    return _parse_reference(Tokenizer(text, tokenizer.bare_extent(text)))


def _parse_reference(tokens: Tokenizer) -> Reference:
    """Read a reference, up to the end of its extent.

    reference = "vault" ["+" connection] ":" path "#" field ["#" version] *( *blank "|" *blank function )
    blank     = " " / tab
    """
    tokens.expect("scheme", "not a reference", "vault")
    connection = _parse_connection(tokens)
    tokens.expect("colon", "no path", ":")
    path = _parse_path(tokens)
    tokens.expect("hash", "a path without a field", "# and the name of a field")
    field = _parse_field(tokens)
    version = _parse_version(tokens)
    functions = _parse_functions(tokens)
    reference = Reference(path, field, connection, version, functions)
    _check_canonical_length(tokens, reference)
    return reference


def _parse_connection(tokens: Tokenizer) -> str:
    """Read what may be between "vault" and ":".

    connection = DNS label (RFC 1123 section 2.1)
    """
    token = tokens.read("connection")
    if token is None:
        return DEFAULT_CONNECTION
    name = tokens.text(token)[1:]
    if not is_connection(name):
        raise tokens.error(
            "a name that no connection can have",
            "at most 63 lower-case letters, digits and inner hyphens",
            (token.start, token.end),
        )
    return name


def _parse_path(tokens: Tokenizer) -> str:
    """Read up to the first "#".

    path = segment 1*( "/" segment ), percent-encoded; `paths.check` has the rules for segments
    """
    decoded = _decode(tokens, tokens.read_part("part"))
    try:
        paths.check(decoded.text)
    except paths.PathError as error:
        reason, span = error.reason, decoded.span(error.start, error.end)
    else:
        return decoded.text
    raise tokens.error(f"a path that is not allowed ({reason})", "the path of a secret, MOUNT/PATH", span)


def _parse_field(tokens: Tokenizer) -> str:
    """Read up to the second "#", the first "|" or the end.

    field = 1*character, percent-encoded; no control characters or line breaks

    Other characters that are invisible, or look like one that ends a field, stand there as escapes only.
    """
    token = tokens.read_part("part")
    decoded = _decode(tokens, token)
    if not decoded.text:
        raise tokens.error("an empty field", "the name of a field in the secret")
    forbidden = forbidden_in_field(decoded.text)
    if forbidden is not None:
        span = decoded.span(forbidden, forbidden + 1)
        raise tokens.error("a control character or line break in a field", "the name of a field in the secret", span)
    _check_raw_field(tokens, token)
    return decoded.text


def _parse_version(tokens: Tokenizer) -> int | None:
    """Read the version, if there is a "#" before it.

    version = positive integer of at most 10 digits, without leading zeros
    """
    if tokens.read("hash") is None:
        return None
    token = tokens.read_part("part")
    text = tokens.text(token)
    if not is_version(text):
        raise tokens.error("not a version", "a positive integer of at most 10 digits", (token.start, token.end))
    return int(text)


def _parse_functions(tokens: Tokenizer) -> tuple[Function, ...]:
    """Read at most 8 functions, each after a "|"."""
    functions: list[Function] = []
    while not tokens.at_end:
        pipe = tokens.expect("pipe", "text that belongs to no part", _EXPECTED_BETWEEN)
        if len(functions) == MAX_FUNCTIONS:
            raise tokens.error("too many functions", f"at most {MAX_FUNCTIONS}", (pipe.start, tokens.extent.end))
        functions.append(_parse_function(tokens))
    return tuple(functions)


def _parse_function(tokens: Tokenizer) -> Function:
    """Read a function of the table `functions.FUNCTIONS`.

    function = name [ ":" argument ]
    argument = *character, percent-encoded; "#" and ":" are plain in it
    """
    name = tokens.expect("name", "no function", "the name of a function")
    argument: Token | None = None
    decoded: str | None = None
    if tokens.read("colon"):
        argument = tokens.read_part("argument")
        decoded = _decode(tokens, argument).text
        _check_raw_argument(tokens, argument)
    function = Function(tokens.text(name), decoded)
    try:
        functions.check(function.name, function.argument)
    except functions.FunctionUseError as error:
        at = argument if argument is not None and error.part == "argument" else name
        problem, expected = error.problem, error.expected
    else:
        return function
    raise tokens.error(problem, expected, (at.start, at.end))


def _decode(tokens: Tokenizer, token: Token) -> Decoded:
    """Decode the escapes of a part. Blanks at its edges must be escaped, because nobody sees them."""
    text = tokens.text(token)
    for offset, edge in ((token.start, text[:1]), (token.end - 1, text[-1:])):
        if edge and edge in " \t":
            raise tokens.error("a blank at the edge of a part", "%20 for a blank that counts", (offset, offset + 1))
    try:
        return percent_decode(tokens.source, token.start, token.end)
    except EscapeError as error:
        problem, expected, span = error.problem, error.expected, (error.start, error.end)
    raise tokens.error(problem, expected, span)


def _check_raw_field(tokens: Tokenizer, token: Token) -> None:
    """Refuse unescaped characters in a field that a reader cannot see, or takes for its end."""
    if tokens.text(token).isascii():
        return
    for offset in range(token.start, token.end):
        character = tokens.source[offset]
        _check_visible(tokens, offset)
        alike = characters.look_alike(character, LOOK_ALIKES)
        if alike is not None:
            problem = f"{characters.escape(character)}, which looks like {alike}"
            expected = f"{alike} itself, or {percent_encode(character)} for the character"
            raise tokens.error(problem, expected, (offset, offset + 1))


def _check_raw_argument(tokens: Tokenizer, token: Token) -> None:
    """Refuse unescaped line breaks and controls in an argument, and invisible characters at its edges."""
    text = tokens.text(token)
    if text.isascii() and text.isprintable():
        return
    for offset in range(token.start, token.end):
        if unicodedata.category(tokens.source[offset]) in _LINE_BREAKS_AND_CONTROLS:
            raise tokens.error("a control character or line break", "its escape, as %0A", (offset, offset + 1))
    for offset in {token.start, token.end - 1}:
        _check_visible(tokens, offset)


def _check_visible(tokens: Tokenizer, offset: int) -> None:
    if characters.is_invisible(tokens.source[offset]):
        expected = f"nothing there, or {percent_encode(tokens.source[offset])} for the character"
        raise tokens.error("an invisible character", expected, (offset, offset + 1))


def _check_canonical_length(tokens: Tokenizer, reference: Reference) -> None:
    """Refuse a reference whose canonical text, which has more escapes, is too long."""
    start, end = tokens.extent.start, tokens.extent.end
    if len(tokens.source[start:end].encode()) * _WORST_ESCAPE_FACTOR <= MAX_REFERENCE_BYTES:
        return
    try:
        format_reference(reference)
    except ValueError:
        pass
    else:
        return
    problem = "a reference that is too long with its escapes"
    raise tokens.error(problem, f"at most {MAX_REFERENCE_BYTES} bytes", (start, end))
