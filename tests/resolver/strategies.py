"""Hypothesis strategies for references, and for texts that are, hold or resemble them."""

import unicodedata

from hypothesis import assume
from hypothesis import strategies as st

from resolver.references import paths
from resolver.references.functions import MAX_INDENT
from resolver.references.grammar import Function, Reference, format_reference, has_reference
from resolver.references.reference import MAX_REFERENCE_BYTES, percent_encode

# The grammar's own characters come often: they are what escapes are for.
_special = st.sampled_from("#|})({$%:/+ ~;.\u00e4\u200b\U0001f511")
_character = st.one_of(_special, st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")))


def _text(max_size: int, *, min_size: int = 0) -> st.SearchStrategy[str]:
    characters = st.lists(_character, min_size=min_size, max_size=max_size)
    return characters.map("".join)


def _is_path(path: str) -> bool:
    try:
        paths.check(path)
    except paths.PathError:
        return False
    return True


_segment_character = st.one_of(st.sampled_from("ab-._#|})({$ "), st.characters(exclude_categories=("C", "Zl", "Zp")))
_segment = st.text(_segment_character, min_size=1, max_size=8)

connections = st.one_of(st.just("default"), st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True))
vault_paths = st.lists(_segment, min_size=2, max_size=4).map("/".join).filter(_is_path)
fields = _text(10, min_size=1).filter(bool)
versions = st.one_of(st.none(), st.integers(1, 9_999_999_999))
pointers = st.lists(st.text(max_size=4), min_size=1, max_size=3).map(
    lambda names: "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)
)
functions = st.one_of(
    st.sampled_from(["base64", "base64decode", "bool", "int", "sha256", "trim", "urlencode"]).map(Function),
    st.integers(0, MAX_INDENT).map(lambda count: Function("indent", str(count))),
    st.text(max_size=8).map(lambda text: Function("default", text)),
    pointers.map(lambda pointer: Function("json", pointer)),
)
references = st.builds(
    Reference,
    path=vault_paths,
    field=fields,
    connection=connections,
    version=versions,
    functions=st.lists(functions, max_size=8).map(tuple),
)

# Any characters, lone surrogates included: what the API server's JSON may hold.
any_text = st.text(st.characters(exclude_categories=()), max_size=200)
_fragment = st.one_of(
    st.sampled_from(
        [
            *("vault", "vault:", "vault+eu:", "vault+", "((vault:", "${vault:", "((vault+eu:", "((", "${", "))", "}"),
            *("secret/app", "/", "..", "auth/", "#", "#password", "#3", "|", " | ", "trim", "indent:", "json:/a"),
            *("default:", "%20", "%2", "%ff", "%0A", " ", "\t", "\n", "\x00", "\ud800", "\u2028", "\u00e4"),
        ]
    ),
    references.map(format_reference),
    st.text(max_size=5),
)
# Texts that are nearly references: where a parser goes wrong.
noisy_text = st.lists(_fragment, max_size=12).map("".join)

plain_text = (
    st.lists(st.one_of(st.sampled_from(["(", "((", "${", "{", "$", "))", "}", "vault", "\n"]), st.text(max_size=6)))
    .map("".join)
    .filter(lambda text: not has_reference(text) and "vault+" not in text)
)


@st.composite
def inline_references(draw: st.DrawFn) -> tuple[str, Reference]:
    """Draw an inline text and the reference it is, in either bracket, with and without blanks before the last."""
    reference = draw(references)
    start, end = draw(st.sampled_from([("((", "))"), ("${", "}")]))
    blanks = draw(st.sampled_from(["", " ", "\t "]))
    return f"{start}{format_reference(reference)}{blanks}{end}", reference


@st.composite
def spelled_references(draw: st.DrawFn) -> tuple[str, Reference]:
    """Draw a reference with escapes where none are needed and blanks as nobody would write them."""
    reference = draw(references)

    def spell(part: str, separator: str = "#") -> str:
        return "".join(
            "".join(f"%{byte:02x}" for byte in character.encode())
            if draw(st.booleans())
            else percent_encode(character, separator=separator)
            for character in part
        )

    text = f"vault+{reference.connection}:{spell(reference.path)}#{spell(reference.field)}"
    text += "" if reference.version is None else f"#{reference.version}"
    for function in reference.functions:
        argument = "" if function.argument is None else ":" + spell(function.argument, separator="")
        text += draw(st.sampled_from(["|", " | ", "\t|", "|  "])) + function.name + argument
    assume(len(text.encode()) <= MAX_REFERENCE_BYTES)
    return text, reference


def is_single_line(text: str) -> bool:
    """Say whether a terminal shows the text on one line, with nothing that moves its cursor."""
    return all(unicodedata.category(character) not in ("Cc", "Zl", "Zp") for character in text)
