"""Which templates of Go only place values, and what they place."""

import pytest

from resolver.references.reference import Function
from review.languages.go_templates import Joined, NotPlain, Value, read

A, B = Value("a"), Value("b")
DECODED = Value("a", (Function("base64decode"),))

PLAIN = [
    ("", []),
    ("text", ["text"]),
    ("{{ .a }}", [A]),
    ("{{.a}}", [A]),
    ("x {{ .a }} y {{ .b }}", ["x ", A, " y ", B]),
    ("x \n {{- .a -}} \n y", ["x", A, "y"]),
    ("{{ .a -}}\n{{- .b }}\n", [A, B, "\n"]),
    ('{{ index . "x-y" }}', [Value("x-y")]),
    ("{{ .a | toString }}", [A]),
    ("{{ toString .a }}", [A]),
    ("{{ .a | b64dec }}", [DECODED]),
    ("{{ .a | b64dec | toString }}", [DECODED]),
    ("{{ .a | b64enc }}", [Value("a", (Function("base64"),))]),
    ("{{ .a | sha256sum }}", [Value("a", (Function("sha256"),))]),
    ('{{ "{{" }} kept }}', ["{{ kept }}"]),
    ("{{ `a}}b` }}", ["a}}b"]),
    ("a{{/* nothing */}}b", ["ab"]),
    ("a {{- /* nothing */ -}} b", ["ab"]),
    ('{{ printf "%s:%s@h%%" .a .b }}', [A, ":", B, "@h%"]),
    ('{{ printf "%s:%s" .a .b | b64enc }}', [Joined((A, ":", B))]),
    ("a } b }} c", ["a } b }} c"]),
]
NOT_PLAIN = [
    "{{ .a",
    "{{ }}",
    "{{ . }}",
    "{{ .a.b }}",
    "{{ .a .b }}",
    "{{ $x := .a }}{{ $x }}",
    "{{ if .a }}x{{ end }}",
    "{{ range $k, $v := . }}{{ $k }}{{ end }}",
    "{{ .a | upper }}",
    "{{ .a | trim }}",  # Go's takes other blanks off than Keyhole's
    "{{ .a | urlquery }}",  # writes a blank as +
    "{{ .a | indent 4 }}",  # indents the first line as well
    "{{ .a | quote }}",
    '{{ .a | default "x" }}',  # is about an empty value, and Keyhole's about a missing one
    '{{ printf "%d" .a }}',
    '{{ printf "%s" .a .b }}',
    '{{ printf "%q" .a }}',
    "{{ (.a | fromJson).b }}",
    "{{ .a | toString | }}",
    '{{ "a" | b64dec }}',
    '{{ printf "x%s" .a | sha256sum }}',
    "{{ .a-b }}",
    "{{-.a}}",
    "{{ 3 }}",
    '{{ index .a "b" }}',
]


@pytest.mark.parametrize(("template", "pieces"), PLAIN, ids=[template for template, _ in PLAIN])
def test_a_template_that_places_values(template: str, pieces: list[object]) -> None:
    assert read(template) == pieces


@pytest.mark.parametrize("template", NOT_PLAIN)
def test_a_template_that_does_more_is_refused(template: str) -> None:
    with pytest.raises(NotPlain):
        read(template)


def test_a_refusal_quotes_no_text_of_the_template() -> None:
    with pytest.raises(NotPlain) as refused:
        read('{{ default "kh-canary" .a }} kh-canary {{ "kh-canary" | b64dec }}')
    assert "kh-canary" not in refused.value.reason


@pytest.mark.parametrize("piece", ["{{", '{{ "', "{{ `", '{{ "\\', "{{ .a | ", "{{- ", "{{/* "])
def test_a_text_made_to_keep_the_search_busy_is_read_in_one_go(piece: str) -> None:
    with pytest.raises(NotPlain):
        read(piece * (2**18 // len(piece)))
