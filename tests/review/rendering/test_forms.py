"""What each format's text looks like after rendering, to the byte, and what is refused."""

from collections.abc import Mapping, Sequence

import pytest
import yaml

from resolver.references.grammar import Reference
from review.rendering.pieces import NotRendered
from review.rendering.rendering import Form, references, rendered

LINES = 'one: "1"\n\n  # two {{ x }}'


def values(asked: Sequence[Reference]) -> Mapping[Reference, str]:
    known = {"password": "p'a\"ss: #1", "lines": LINES, "port": "5432", "on": "true", "dollar": "a$b", "end": "x\n\n"}
    return {each: known[each.field] for each in asked}


@pytest.mark.parametrize(
    ("form", "before", "after"),
    [
        pytest.param(
            "yaml",
            "# head\na:   vault:kv/app#password   # why\nb: [ 'x((vault:kv/app#password))', 7 ]\n...\n",
            '# head\na:   "p\'a\\"ss: #1"   # why\nb: [ "xp\'a\\"ss: #1", 7 ]\n...\n',
            id="scalars in double quotes, comments and blanks as they were",
        ),
        pytest.param(
            "yaml",
            "a: |  # why\n   x ((vault:kv/app#lines))\n   y\n\n# after\nb: 1\n",
            'a: |  # why\n   x one: "1"\n\n     # two {{ x }}\n   y\n\n# after\nb: 1\n',
            id="a literal block stays one, and its lines are indented",
        ),
        pytest.param(
            "yaml",
            "a: >-\n  x\n  ((vault:kv/app#password))\n\nb: 1\n",
            'a: "x p\'a\\"ss: #1"\n\nb: 1\n',
            id="a folded block becomes one line",
        ),
        pytest.param(
            "yaml", "a: |\n  ((vault:kv/app#end))\nb: 1", "a: |+\n  x\n\n\nb: 1", id="line breaks at the end are kept"
        ),
        pytest.param(
            "yaml", "a: |-\r\n  ((vault:kv/app#lines))", 'a: |-\r\n  one: "1"\r\n\r\n    # two {{ x }}', id="CRLF"
        ),
        pytest.param(
            "yaml",
            "a: &x !!str vault:kv/app#port\nb: *x\n",
            'a: &x !!str "5432"\nb: *x\n',
            id="anchors and tags stay, and an alias has the value too",
        ),
        pytest.param(
            "yaml",
            "a: vault:kv/app#port | int\nb: 'vault:kv/app#on|bool'\nc: vault:k/a#port\nd: !!str vault:k/a#port|int\n",
            'a: 5432\nb: true\nc: "5432"\nd: !!str "5432"\n',
            id="numbers and booleans only where a function says so",
        ),
        pytest.param(
            "yaml",
            "applications:\n- env: {A: ((db-password)), B: 'x ((/b/c)) ((vault:kv/app#port))'}\n",
            'applications:\n- env: {A: ((db-password)), B: "x ((/b/c)) 5432"}\n',
            id="Cloud Foundry's own variables stay",
        ),
        pytest.param(
            "yaml",
            "x-a: 1\nservices: {db: {build: ., environment: {A: 'x$Y ((vault:kv/app#dollar))'}}}\n",
            'x-a: 1\nservices: {db: {build: ., environment: {A: "x$Y a$$b"}}}\n',
            id="Compose would replace a dollar of the value",
        ),
        pytest.param(
            "yaml",
            "services: {db: {image: i, a: 'vault:kv/app#dollar'}}\nother: {b: vault:kv/app#dollar}\n",
            'services: {db: {image: i, a: "a$b"}}\nother: {b: "a$b"}\n',
            id="what has other keys at its top is no Compose file",
        ),
        pytest.param(
            "yaml",
            "services: {db: {class: i, a: 'vault:kv/app#dollar'}}\n",
            'services: {db: {class: i, a: "a$b"}}\n',
            id="services that are no containers",
        ),
        pytest.param(
            "yaml",
            "services: {v: {image: vault:1.21, command: 'vault:kv/app#port'}}\n",
            'services: {v: {image: vault:1.21, command: "5432"}}\n',
            id="the name of an image is no reference",
        ),
        pytest.param("yaml", "a: 1\n", "a: 1\n", id="nothing to do"),
        pytest.param(
            "json",
            '{"a": "vault:kv/app#password", "n": "vault:kv/app#port | int",\n "x": [1.0, null, "\\u00e9"]}\n{"b": 1}',
            '{"a": "p\'a\\"ss: #1", "n": 5432,\n "x": [1.0, null, "\\u00e9"]}\n{"b": 1}',
            id="JSON, several values",
        ),
        pytest.param(
            "dotenv",
            "# a\nexport A=vault:kv/app#password  # why\nB: \"x ((vault:kv/app#dollar))\"\nC\nD='${vault:k/a#port}'\n",
            "# a\nexport A='p\\'a\"ss: #1'  # why\nB: 'x a$b'\nC\nD='5432'\n",
            id="dotenv, in single quotes",
        ),
        pytest.param(
            "properties",
            "! head\na.b = vault:kv/app#lines\nc=x\\\n   ((vault:kv/app#port))y",
            '! head\na.b = one: "1"\\n\\n  # two {{ x }}\nc=x5432y',
            id="properties, on one line",
        ),
        pytest.param("text", "<a>((vault:kv/app#password))</a>\n", "<a>p'a\"ss: #1</a>\n", id="text, as it is"),
    ],
)
def test_a_text_and_what_becomes_of_it(form: Form, before: str, after: str) -> None:
    assert rendered(before, form, values) == after


@pytest.mark.parametrize(
    ("form", "text", "told"),
    [
        pytest.param("yaml", "a: vault:kv/app\n", "app:1:4: MalformedReference: ", id="malformed"),
        pytest.param("yaml", "((vault:kv/app#a)): x\n", "app:1:1: a reference in a key", id="a key of YAML"),
        pytest.param("json", '{"vault:kv/app#a": 1}', "app:1:2: a reference in a key", id="a key of JSON"),
        pytest.param("yaml", "a: [\n", "app:2:1: not YAML", id="no YAML"),
        pytest.param("yaml", "a: &a [*a]\n", "a value that holds itself", id="a value that holds itself"),
        pytest.param("yaml", "[" * 200, "nested more than 100 levels deep", id="too deep"),
        pytest.param("json", '{"a": x}', "app:1:7: not JSON", id="no JSON"),
        pytest.param("json", " ", "app:1:1: no JSON: it is empty", id="empty JSON"),
        pytest.param("json", "[" * 100_000, "too many levels", id="JSON that is too deep"),
        pytest.param("dotenv", "A='x\nB=1\n", "app:1:3: a quote that is never closed", id="an open quote"),
        pytest.param("dotenv", "A B=1\n", "app:1:1: no variable: a name has no blanks", id="a blank in a name"),
        pytest.param("dotenv", "A=1\n?=1\n", "app:2:1: no variable", id="no name"),
        pytest.param("dotenv", "A=${vault:kv/app#a}\n", "write ((vault:…))", id="braces in a file of variables"),
        pytest.param(
            "dotenv", "A=$B((vault:kv/app#a))\n", "a variable ($…) beside", id="a variable beside a reference"
        ),
        pytest.param("properties", "a=\\u12\n", "app:1:3: \\u without four", id="an escape that is none"),
        pytest.param(
            "properties", "((vault\\:kv/app#a))=x\n", "app:1:1: a reference in a key", id="a key of properties"
        ),
        pytest.param(
            "yaml", "services: {a: {image: '${vault:kv/app#a}'}}\n", "write ((vault:…))", id="braces in a Compose file"
        ),
        pytest.param(
            "yaml",
            "apiVersion: v1\nkind: Secret\nmetadata: {annotations: {data.keyhole.dev/a: 'vault:kv/app#a'}}\n",
            "app:3:46: an annotation, which anybody may read",
            id="an annotation",
        ),
        pytest.param(
            "yaml", "apiVersion: v1\nkind: Secret\ndata: {a: 'vault:kv/app#a'}\n", "`data` is base64", id="base64"
        ),
    ],
)
def test_what_is_refused_is_named_with_its_place(form: Form, text: str, told: str) -> None:
    def never(_: Sequence[Reference]) -> Mapping[Reference, str]:
        raise AssertionError("Vault would have been asked")

    with pytest.raises(NotRendered) as refused:
        rendered(text, form, never, file="app")
    assert told in str(refused.value)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(NotRendered) as refused:
        references("a: vault:x\nb: vault:y\n", "yaml")
    assert [problem.place.line for problem in refused.value.problems] == [1, 2]


def test_each_reference_is_asked_for_once_however_often_it_stands() -> None:
    asked: list[Sequence[Reference]] = []

    def resolve(wanted: Sequence[Reference]) -> Mapping[Reference, str]:
        asked.append(wanted)
        return values(wanted)

    text = "a: vault:kv/app#port\nb: ((vault:kv/app#port))((vault:kv/app#on))\n---\nc: vault:kv/app#on\n"
    result = rendered(text, "yaml", resolve)
    assert list(yaml.safe_load_all(result)) == [{"a": "5432", "b": "5432true"}, {"c": "true"}]
    assert [[each.field for each in wanted] for wanted in asked] == [["port", "on"]]


def test_a_secret_that_is_to_be_applied_without_keyhole_has_its_values_in_string_data() -> None:
    text = "apiVersion: v1\nkind: Secret\nstringData: {a: 'vault:kv/app#port'}\n"
    assert yaml.safe_load(rendered(text, "yaml", values))["stringData"] == {"a": "5432"}
