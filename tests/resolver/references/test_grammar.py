"""What is a reference, what is text, and where an error points."""

import pytest

from resolver.errors import ResolverError
from resolver.references.errors import FunctionError, MissingField
from resolver.references.grammar import (
    Function,
    Reference,
    ReferenceSyntaxError,
    format_reference,
    has_reference,
    parse_reference,
    parse_value,
)
from resolver.references.reference import MAX_REFERENCE_BYTES, MAX_REFERENCES
from resolver.references.value import MAX_VALUE_BYTES, SecretValue, ValueTooLarge

_PASSWORD = Reference("secret/app", "password")


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        pytest.param("vault:secret/app#password", _PASSWORD, id="path and field"),
        pytest.param(
            "vault:secret/data/app#password#3",
            Reference("secret/data/app", "password", version=3),
            id="the HTTP API's path and a version",
        ),
        pytest.param("vault+eu:secret/app#password", Reference("secret/app", "password", "eu"), id="a connection"),
        pytest.param("vault+default:secret/app#password", _PASSWORD, id="the default connection by its name"),
        pytest.param(
            "vault+" + "a" * 63 + ":secret/app#password",
            Reference("secret/app", "password", "a" * 63),
            id="the longest name of a connection",
        ),
        pytest.param(
            "vault:secret/app#password#9999999999",
            Reference("secret/app", "password", version=9_999_999_999),
            id="the longest version",
        ),
        pytest.param(
            "vault:secret/app#password|trim|base64",
            Reference("secret/app", "password", functions=(Function("trim"), Function("base64"))),
            id="functions without blanks",
        ),
        pytest.param(
            "vault:secret/app#password#3 \t|  trim\t| indent:4",
            Reference("secret/app", "password", version=3, functions=(Function("trim"), Function("indent", "4"))),
            id="blanks around the bars do not count",
        ),
        pytest.param("vault:secret/a%23b#c%7Cd%25", Reference("secret/a#b", "c|d%"), id="escapes in path and field"),
        pytest.param("vault:secret/%c3%A4#\u00e4", Reference("secret/\u00e4", "\u00e4"), id="UTF-8, escaped or not"),
        pytest.param("vault:secret/%61pp#%70assword", _PASSWORD, id="escapes that were not needed"),
        pytest.param("vault:secret/app#%20a b%20", Reference("secret/app", " a b "), id="blanks that count"),
        pytest.param(
            "vault:secret/app#a%C2%A0b", Reference("secret/app", "a\u00a0b"), id="U+00A0 in a field as an escape"
        ),
        pytest.param(
            "vault:secret/app#a%EF%BC%83b", Reference("secret/app", "a\uff03b"), id="a look-alike as an escape"
        ),
        pytest.param(
            "vault:secret/caf\u00e9#\u9375\uff08\u5909\uff09\u3002",
            Reference("secret/caf\u00e9", "\u9375\uff08\u5909\uff09\u3002"),
            id="letters and signs of other scripts",
        ),
        pytest.param(
            "vault:secret/app#x|default:10\u00a0\u20ac",
            Reference("secret/app", "x", functions=(Function("default", "10\u00a0\u20ac"),)),
            id="U+00A0 within an argument",
        ),
        pytest.param("vault:secret/app#a:b+c/d", Reference("secret/app", "a:b+c/d"), id="colons in a field"),
        pytest.param("vault:a:b/c#d", Reference("a:b/c", "d"), id="a colon in a path"),
        pytest.param("vault:secret/a(b{c$d#e", Reference("secret/a(b{c$d", "e"), id="brackets that open nothing"),
        pytest.param(
            "vault:secret/app#x|default:a#b: c%7C%7D%29%0A",
            Reference("secret/app", "x", functions=(Function("default", "a#b: c|})\n"),)),
            id="an argument holds # and : as they are, the rest escaped",
        ),
        pytest.param(
            "vault:secret/app#x | default: | trim",
            Reference("secret/app", "x", functions=(Function("default", ""), Function("trim"))),
            id="an empty default",
        ),
        pytest.param(
            "vault:secret/app#x|json:/a~1b/~0/0/",
            Reference("secret/app", "x", functions=(Function("json", "/a~1b/~0/0/"),)),
            id="a pointer with its own escapes",
        ),
        pytest.param(
            "vault:secret/app#x" + "|trim" * 8,
            Reference("secret/app", "x", functions=(Function("trim"),) * 8),
            id="as many functions as allowed",
        ),
        pytest.param(
            "vault:secret/app#" + "x" * (MAX_REFERENCE_BYTES - 17),
            Reference("secret/app", "x" * (MAX_REFERENCE_BYTES - 17)),
            id="as long as allowed",
        ),
    ],
)
def test_a_text_that_is_one_reference(text: str, reference: Reference) -> None:
    assert parse_reference(text) == reference
    template = parse_value(text)
    assert template.is_whole
    assert template.references == (reference,)
    assert (template.placed[0].start, template.placed[0].end) == (0, len(text))
    assert has_reference(text)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        pytest.param(
            "postgres://app:((vault:secret/app#password))@db",
            ["postgres://app:", _PASSWORD, "@db"],
            id="a reference in parentheses",
        ),
        pytest.param("${vault:secret/app#password}", [_PASSWORD], id="a reference in braces alone"),
        pytest.param(
            "((vault:secret/app#password \t))${vault:secret/app#password }",
            [_PASSWORD, _PASSWORD],
            id="blanks before the closing brackets",
        ),
        pytest.param("(((vault:secret/app#password)))", ["(", _PASSWORD, ")"], id="parentheses around the parentheses"),
        pytest.param("$${vault:secret/app#password}}", ["$", _PASSWORD, "}"], id="signs around the braces are text"),
        pytest.param(
            "{a}((b))${c}\n((vault:secret/app#password))\n", ["{a}((b))${c}\n", _PASSWORD, "\n"], id="other brackets"
        ),
        pytest.param(
            "((vault+ ((vault:secret/app#password))", ["((vault+ ", _PASSWORD], id="an opener that opens nothing"
        ),
        pytest.param(
            "((vault+ ((vault+eu:secret/app#password))",
            ["((vault+ ", Reference("secret/app", "password", "eu")],
            id="an opener with a connection behind one that opens nothing",
        ),
        pytest.param(
            "a vault:x ((vault+eu:secret/app#password))",
            ["a vault:x ", Reference("secret/app", "password", "eu")],
            id="a bare reference in the middle is text",
        ),
    ],
)
def test_a_text_with_references_in_it(text: str, pieces: list[str | Reference]) -> None:
    template = parse_value(text)
    assert list(template.pieces()) == pieces
    assert not template.is_whole
    assert has_reference(text)
    for placed in template.placed:
        bare = text[placed.start + 2 : placed.end].rstrip(")} \t")
        assert parse_reference(bare) == placed.reference


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("vault", id="the word"),
        pytest.param(" vault:secret/app#password", id="a blank before it"),
        pytest.param("Vault:secret/app#password", id="a capital"),
        pytest.param("vaults:secret/app#password", id="another scheme"),
        pytest.param("vault+eu", id="no colon"),
        pytest.param("vault+eu/x:y", id="a slash before the colon"),
        pytest.param("vault+eu x:y", id="a blank before the colon"),
        pytest.param("see vault:secret/app#password", id="in prose"),
        pytest.param("${vault_addr} ${vault} ((vault)) ((vault.x))", id="other variables"),
        pytest.param("(( vault:secret/app#password ))", id="a blank behind the bracket"),
        pytest.param("(vault:secret/app#password)", id="one parenthesis"),
        pytest.param("{vault:secret/app#password}", id="a brace without its sign"),
        pytest.param("{{vault:secret/app#password}}", id="two braces"),
        pytest.param("<path:secret/data/app#password>", id="argocd-vault-plugin's form"),
        pytest.param("ref+vault://secret/app#/password", id="vals' form"),
        pytest.param("{" * 10_000, id="10,000 braces"),
        pytest.param("((vault+" * 10_000, id="10,000 openers that open nothing"),
        pytest.param("half of a pair \ud800", id="half of a surrogate pair in plain text"),
    ],
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    template = parse_value(text)
    assert template.references == ()
    assert list(template.pieces()) == ([text] if text else [])
    assert not template.is_whole
    assert not has_reference(text)


# The span at fault stands between guillemets; they are taken out before the text is parsed.
@pytest.mark.parametrize(
    ("marked", "problem"),
    [
        pytest.param("vault:«»", "empty", id="nothing behind the colon"),
        pytest.param("vault«+»:secret/app#x", "connection", id="a connection without a name"),
        pytest.param("vault«+EU»:secret/app#x", "connection", id="a connection in capitals"),
        pytest.param("vault«+-eu»:secret/app#x", "connection", id="a connection that begins with a hyphen"),
        pytest.param("vault«+" + "a" * 64 + "»:secret/app#x", "connection", id="a connection's name too long"),
        pytest.param("vault+«((»vault:secret/app#x))", "inside", id="a reference in a connection's name"),
        pytest.param("vault:secret/app«»", "without a field", id="no field"),
        pytest.param("vault:secret/app«|»trim", "without a field", id="a function but no field"),
        pytest.param("vault:secret/app#«»", "empty field", id="an empty field"),
        pytest.param("vault:secret/app#«#»3", "empty field", id="an empty field before a version"),
        pytest.param("vault:secret/app#«|»trim", "empty field", id="an empty field before a function"),
        pytest.param("vault:«secret»#x", "mount", id="a mount alone"),
        pytest.param("vault:secret/«..»/app#x", "dot segment", id="a way up"),
        pytest.param("vault:secret/«%2e%2E»/app#x", "dot segment", id="a way up in escapes"),
        pytest.param("vault:secret/«.%2e»/app#x", "dot segment", id="a way up, half of it in escapes"),
        pytest.param("vault:secret/a%20b/«%2e»#x", "dot segment", id="a dot segment behind another escape"),
        pytest.param("vault:secret/%c3%a4/«%3f»#x", "query", id="an escaped query behind a letter of two bytes"),
        pytest.param("vault:secret«%5C»app#x", "backslash", id="an escaped backslash"),
        pytest.param("vault:secret/«%25»2e#x", "second time", id="an escape within an escape"),
        pytest.param("vault:secret/a«%00»#x", "control", id="NUL in a path"),
        pytest.param("vault:secret/a«%E2%80%8B»b#x", "invisible", id="a zero-width space in escapes"),
        pytest.param("vault:«auth»/token/lookup-self#id", "own mounts", id="the token itself"),
        pytest.param("vault:«%61uth»/token/lookup-self#id", "own mounts", id="the token itself in escapes"),
        pytest.param("vault:secret/a«%»", "begins no escape", id="% at the end"),
        pytest.param("vault:secret/a«%2»#x", "begins no escape", id="an escape cut off"),
        pytest.param("vault:secret/app#«%zz»", "begins no escape", id="an escape that is none"),
        pytest.param("vault:secret/app#a«%ff»b", "not UTF-8", id="a byte that is not UTF-8"),
        pytest.param("vault:secret/app#%41«%c3»%41", "not UTF-8", id="half of a character"),
        pytest.param("vault:secret/app#x|default:«%ed»%a0%80", "not UTF-8", id="an escaped surrogate"),
        pytest.param("vault:« »secret/app#x", "blank", id="a blank before the path"),
        pytest.param("vault:secret/app« »#x", "blank", id="a blank behind the path"),
        pytest.param("vault:secret/app#« »x", "blank", id="a blank before the field"),
        pytest.param("vault:secret/app#x« »", "blank", id="a blank at the end"),
        pytest.param(
            "vault:secret/shop/inv#password«\u00a0»", r"invisible character \(\\u00a0\)", id="U+00A0 at the end"
        ),
        pytest.param("vault:secret/shop/in«\u00a0»v#password", r"\(\\u00a0\)", id="U+00A0 within a path"),
        pytest.param(
            "vault:secret/shop/in«%C2%A0»v#password", "invisible character", id="escaped U+00A0 within a path"
        ),
        pytest.param("vault:secret/shop/inv#password«\u00a0»| trim", r"\(\\u00a0\)", id="U+00A0 before the bar"),
        pytest.param("vault:secret/shop/inv#password |«\u00a0»trim", r"\(\\u00a0\)", id="U+00A0 behind the bar"),
        pytest.param("vault:secret/app#x|default:y«\u00a0»| trim", r"\(\\u00a0\)", id="U+00A0 behind an argument"),
        pytest.param("vault:secret/app#x|json:«\ufeff»/a", r"\(\\ufeff\)", id="a byte order mark before an argument"),
        pytest.param("vault:secret/app#a«\u200b»b", r"\(\\u200b\)", id="a zero-width space within a field"),
        pytest.param("vault:secret/app#x#«3\u00a0»", r"not a version \(\\u00a0\)", id="U+00A0 behind a version"),
        pytest.param("vault«+eu\u200b»:secret/app#x", r"connection can have \(\\u200b\)", id="U+200B in a connection"),
        pytest.param("vault«+\uff45u»:secret/app#x", "connection can have", id="a connection in full width"),
        pytest.param("vault:secret/app#x«\uff5c»trim", r"looks like \|", id="a bar in full width"),
        pytest.param("vault:secret/app#x«\uff03»3", "looks like #", id="a number sign in full width before a version"),
        pytest.param("vault:team-a/«\uff0e»\uff0e/app#x", r"looks like \.", id="a way up in full width"),
        pytest.param("vault:team-a/«%EF%BC%8E».#x", r"looks like \.", id="a way up in full width, in escapes"),
        pytest.param("vault:secret/app#x« »#3", "blank", id="a blank before the version's sign"),
        pytest.param("vault:secret/app#x|default:« »y", "blank", id="a blank before an argument"),
        pytest.param("vault:secret/app#x|default:y«\t»", "blank", id="a tab behind an argument"),
        pytest.param("vault:secret/app#x«\n»", "line break", id="a line break behind the field"),
        pytest.param("((vault:secret/app#x«\n»))", "line break", id="a line break before the closing bracket"),
        pytest.param("vault:secret/app#x«%0A»y", "line break", id="an escaped line break in the field"),
        pytest.param("vault:secret/app#x|default:a«\n»b", "line break", id="a line break in an argument"),
        pytest.param("vault:secret/app#x|default:a«\u2028»b", "line break", id="a line separator in an argument"),
        pytest.param("vault:secret/app#x#«»", "version", id="no version behind its sign"),
        pytest.param("vault:secret/app#x#«0»", "version", id="version 0"),
        pytest.param("vault:secret/app#x#«03»", "version", id="a leading zero"),
        pytest.param("vault:secret/app#x#«-1»", "version", id="a negative version"),
        pytest.param("vault:secret/app#x#«12345678901»", "version", id="a version of 11 digits"),
        pytest.param("vault:secret/app#x#«\u0663»", "version", id="a digit of another script"),
        pytest.param("vault:secret/app#x#« 3»", "version", id="a blank before the version"),
        pytest.param("vault:secret/app#x#3«#»4", "belongs to no part", id="two versions"),
        pytest.param("vault:secret/app#x«)»", "belongs to no part", id="a parenthesis"),
        pytest.param("vault:secret/a«}»b#x", "without a field", id="a brace in the path"),
        pytest.param("vault:secret/app#x|default:a«)»b", "belongs to no part", id="a parenthesis in an argument"),
        pytest.param("((vault:secret/app#x«)»y))", "belongs to no part", id="one parenthesis inside of two"),
        pytest.param("((vault:secret/app#x«}»))", "belongs to no part", id="a brace inside of parentheses"),
        pytest.param("vault:secret/app#x |«»", "no function", id="nothing behind the bar"),
        pytest.param("vault:secret/app#x |«|» trim", "no function", id="two bars"),
        pytest.param("vault:secret/app#x | «trimm»", "unknown function", id="a function that does not exist"),
        pytest.param("vault:secret/app#x | «Trim»", "unknown function", id="a function in capitals"),
        pytest.param("vault:secret/app#x | «file»:/etc/passwd", "unknown function", id="a function that reads files"),
        pytest.param("vault:secret/app#x | trim:«1»", "no argument", id="an argument too many"),
        pytest.param("vault:secret/app#x | trim:«»", "no argument", id="an empty argument too many"),
        pytest.param("vault:secret/app#x | «indent»", "without its argument", id="an argument too few"),
        pytest.param("vault:secret/app#x | «default»", "without its argument", id="a default without its colon"),
        pytest.param("vault:secret/app#x | «json»", "without its argument", id="a pointer too few"),
        pytest.param("vault:secret/app#x | json:«»", "does not take", id="an empty pointer"),
        pytest.param("vault:secret/app#x | json:«a»", "does not take", id="a pointer without its slash"),
        pytest.param("vault:secret/app#x | json:«/a~2»", "does not take", id="a pointer with a wrong escape"),
        pytest.param("vault:secret/app#x | json:«/a~»", "does not take", id="a pointer with half an escape"),
        pytest.param("vault:secret/app#x | indent:«65»", "does not take", id="an indentation too wide"),
        pytest.param("vault:secret/app#x | indent:«04»", "does not take", id="an indentation with a leading zero"),
        pytest.param("vault:secret/app#x | indent:«\u0663»", "does not take", id="an indentation in another script"),
        pytest.param("vault:secret/app#x | trim« »trim", "belongs to no part", id="a bar forgotten"),
        pytest.param("vault:secret/app#x" + "|trim" * 8 + "«|trim|trim»", "too many", id="nine functions"),
        pytest.param("a «((»vault:secret/app#x", "never closed", id="parentheses that never close"),
        pytest.param("«${»vault:secret/app#x)) ((vault:secret/app#y))", "never closed", id="closed by another bracket"),
        pytest.param("«${»vault:" + "${vault:" * 1000, "never closed", id="1,000 braces that never close"),
        pytest.param("((vault:secret/app#x)) «${»vault:secret/app#y", "never closed", id="the second one never closes"),
        pytest.param("((vault:secret/«((»vault:secret/x#y))#z))", "inside", id="a reference in the path of another"),
        pytest.param("((vault:a/b#c «((»vault:d/e#f))", "inside", id="the first one of two is not closed"),
        pytest.param("vault:secret/app#x|default:«${»y", "inside", id="an opening brace in an argument"),
        pytest.param("vault:secret/app#\u2026«\ud800»", "surrogate", id="half of a surrogate pair in a reference"),
        pytest.param("«\ud800» ((vault:secret/app#x))", "surrogate", id="half of a surrogate pair beside a reference"),
        pytest.param("«vault:secret/app#" + "x" * 2032 + "»", "too long", id="a byte too long"),
        pytest.param("«vault:secret/app#" + "\u00e4" * 1016 + "»", "too long", id="a byte too long in UTF-8"),
        pytest.param("«vault:secret/app#" + "$" * 1000 + "»", "too long with", id="too long once it is escaped"),
        pytest.param("((«vault:a/b#" + "x" * 10**6 + "»))", "too long", id="a megabyte in brackets"),
    ],
)
def test_an_error_points_at(marked: str, problem: str) -> None:
    start, end = marked.index("«"), marked.index("»") - 1
    text = marked.replace("«", "").replace("»", "")
    with pytest.raises(ReferenceSyntaxError, match=problem) as caught:
        parse_value(text)
    error = caught.value
    assert error.source == text
    assert (error.start, error.end) == (start, end)
    assert has_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("secret/app#password", id="no scheme"),
        pytest.param("((vault:secret/app#password))", id="an inline reference"),
        pytest.param("x vault:secret/app#password", id="text before it"),
    ],
)
def test_a_bare_reference_is_nothing_else(text: str) -> None:
    with pytest.raises(ReferenceSyntaxError, match="not a reference"):
        parse_reference(text)


def test_one_reference_more_than_an_object_may_have() -> None:
    text = "((vault:secret/app#x))"
    assert len(parse_value(text * MAX_REFERENCES).placed) == MAX_REFERENCES
    with pytest.raises(ReferenceSyntaxError, match="too many references"):
        parse_value(text * (MAX_REFERENCES + 1))


def test_a_diagram_draws_the_span_under_its_line() -> None:
    with pytest.raises(ReferenceSyntaxError) as caught:
        parse_value("first: 1\nsecond: ((vault:secret/app#x | trimm))\nthird: 3")
    error = caught.value
    assert (error.line, error.column) == (2, 32)
    assert error.diagram().splitlines() == [
        error.message,
        "    second: ((vault:secret/app#x | trimm))",
        "                                   ~~~~~^",
    ]


def test_a_diagram_of_a_long_line_shows_the_place() -> None:
    with pytest.raises(ReferenceSyntaxError) as caught:
        parse_value("x" * 500 + "((vault:secret/app#x | trimm))" + "y" * 500)
    _, line, marker = caught.value.diagram().splitlines()
    assert line[marker.index("~") : marker.index("^")] == "trimm"
    assert len(line) < 100


def test_a_description_without_the_text_quotes_nothing() -> None:
    with pytest.raises(ReferenceSyntaxError) as caught:
        parse_value("hunter2 ((vault:secret/hunter2#hunter2 | hunter2)) hunter2")
    error = caught.value
    assert "hunter2" not in error.describe(show_text=False)
    assert "hunter2" not in str(error) + repr(error) + error.message
    assert "column 42" in str(error)
    assert "sha256" in str(error), "it says what was expected"


def test_a_description_with_the_text_quotes_the_reference_and_not_what_stands_around() -> None:
    with pytest.raises(ReferenceSyntaxError) as caught:
        parse_value("hunter2 ((vault:secret/app#x | trimm)) hunter2")
    shown = caught.value.describe(show_text=True)
    assert "'vault:secret/app#x | trimm'" in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("vault:a/b#c|default:hunter2|trimm", "vault:a/b#c|default:…", id="a fault behind it"),
        pytest.param("vault:a/b#c|default:hun)hunter2", "vault:a/b#c|default:…", id="a fault within it"),
        pytest.param("vault:a/b#c | default : hunter2", "vault:a/b#c | default :…", id="a fault before it"),
        pytest.param("vault:a/b#c|Default:hunter2", "vault:a/b#c|Default:…", id="its name misspelt"),
        pytest.param("vault:a/b#c|default:hun|hunter2", "vault:a/b#c|default:…", id="a bar that is not escaped"),
        pytest.param("vault:a/b|default:hunter2", "vault:a/b|default:…", id="no field"),
        pytest.param("vault:a/b#c|json:/x~2|trim", "vault:a/b#c|json:/x~2|trim", id="the arguments of others stay"),
        pytest.param("vault:" + "a/" * 60 + "#c|default:hunter2|trimm", "#c|default:…", id="a long one"),
    ],
)
def test_a_description_leaves_out_what_default_would_give(text: str, shown: str) -> None:
    with pytest.raises(ReferenceSyntaxError) as caught:
        parse_value(text)
    told = caught.value.describe(show_text=True)
    assert told.endswith(f"{shown}'")
    assert "hunter2" not in told


def test_an_error_that_names_a_reference_leaves_out_what_default_would_give() -> None:
    reference = parse_reference("vault:a/b#c | default:hunter2 | int")
    for error in (FunctionError(reference, "int", "the value is not an integer of 64 bits"), MissingField(reference)):
        assert "`vault:a/b#c | default: | int`" in error.message
        assert "hunter2" not in str(error)
    assert "hunter2" in str(reference)


def test_a_description_of_a_reference_that_never_closes_begins_at_its_bracket() -> None:
    with pytest.raises(ReferenceSyntaxError) as caught:
        parse_value("hunter2 ((vault:secret/app#x")
    assert caught.value.describe(show_text=True).endswith("in '((vault:secret/app#x'")


def test_a_description_cuts_a_long_reference_around_the_fault() -> None:
    with pytest.raises(ReferenceSyntaxError) as caught:
        parse_value("vault:secret/app#" + "x" * 500 + "|trimm|" + "y" * 500)
    shown = caught.value.describe(show_text=True)
    assert "|trimm|" in shown
    assert len(shown.rpartition(", in ")[2]) <= 80 + len("'……'")


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        pytest.param(_PASSWORD, "vault:secret/app#password", id="the default connection is not named"),
        pytest.param(Reference("a/b", "c", "eu", 3), "vault+eu:a/b#c#3", id="connection and version"),
        pytest.param(
            Reference("a/b", "c", functions=(Function("trim"), Function("default", ""))),
            "vault:a/b#c | trim | default:",
            id="functions stand apart",
        ),
        pytest.param(Reference("a/#|})b", "%"), "vault:a/%23%7C%7D%29b#%25", id="what must be escaped"),
        pytest.param(Reference("a/({$", " ( "), "vault:a/%28%7B%24#%20%28%20", id="what would open another one"),
        pytest.param(
            Reference("a/b", "c", functions=(Function("default", " a#b\n\u200b "),)),
            "vault:a/b#c | default:%20a#b%0A%E2%80%8B%20",
            id="an argument keeps # and hides nothing",
        ),
    ],
)
def test_the_canonical_text(reference: Reference, text: str) -> None:
    assert format_reference(reference) == text
    assert str(reference) == text
    assert parse_reference(text) == reference


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param(Reference("secret", "x"), id="a path that is not allowed"),
        pytest.param(Reference("secret/../x", "x"), id="a way up"),
        pytest.param(Reference("secret/app", ""), id="an empty field"),
        pytest.param(Reference("secret/app", "a\nb"), id="a field with a line break"),
        pytest.param(Reference("secret/app", "x", "EU"), id="a connection that is no DNS label"),
        pytest.param(Reference("secret/app", "x", "eu\n"), id="a connection with a line break at its end"),
        pytest.param(Reference("secret/app", "x", version=0), id="version 0"),
        pytest.param(Reference("secret/app", "x", version=10**10), id="a version of 11 digits"),
        pytest.param(Reference("secret/app", "x", functions=(Function("file"),)), id="an unknown function"),
        pytest.param(Reference("secret/app", "x", functions=(Function("indent"),)), id="an argument too few"),
        pytest.param(Reference("secret/app", "x", functions=(Function("trim", "1"),)), id="an argument too many"),
        pytest.param(Reference("secret/app", "x", functions=(Function("trim"),) * 9), id="nine functions"),
        pytest.param(Reference("secret/app", "x" * 2048), id="a text too long"),
        pytest.param(
            Reference("secret/app", "x", functions=(Function("default", "\ud800"),)), id="half of a surrogate pair"
        ),
    ],
)
def test_no_text_for(reference: Reference) -> None:
    with pytest.raises(ValueError):
        format_reference(reference)


def test_rendering_puts_bytes_in_place_and_never_reads_them() -> None:
    template = parse_value("\u00e4((vault:a/b#c))-${vault:a/b#d}-((vault:a/b#c))")
    values = {
        Reference("a/b", "c"): SecretValue("((vault:a/b#d))"),
        Reference("a/b", "d"): SecretValue(b"\xff\x00"),
    }
    rendered = template.render(values).reveal()
    assert rendered == "\u00e4".encode() + b"((vault:a/b#d))-\xff\x00-((vault:a/b#d))"


def test_rendering_more_than_a_secret_holds_is_refused() -> None:
    template = parse_value("((vault:a/b#c))x")
    fits = SecretValue(b"v" * (MAX_VALUE_BYTES - 1))
    assert len(template.render({Reference("a/b", "c"): fits}).reveal()) == MAX_VALUE_BYTES
    with pytest.raises(ValueTooLarge):
        template.render({Reference("a/b", "c"): SecretValue(b"v" * MAX_VALUE_BYTES)})


def test_a_template_does_not_show_its_text() -> None:
    assert "hunter2" not in repr(parse_value("hunter2 ((vault:a/b#c))"))


def test_every_error_has_its_own_word() -> None:
    errors: list[type[ResolverError]] = [
        ReferenceSyntaxError,
        FunctionError,
        MissingField,
        ValueTooLarge,
    ]
    assert [error.cause for error in errors] == [
        "MalformedReference",
        "FunctionFailed",
        "FieldNotFound",
        "ValueTooLarge",
    ]
