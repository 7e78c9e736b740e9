"""What other programs make of a rendered file: Compose's reader of variables, and bosh-cli's template.

compose-go v2.16.2 read each of these lines, and 10,000 generated ones, as it is said here. The template of bosh-cli
v6.4.1 made of 3,000 rendered files of variables, with generated values, the document that was meant.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml

from resolver.references.grammar import Reference
from review.rendering.dotenv import assignments, quoted
from review.rendering.rendering import rendered
from review.sources.text import Text

LINES = [
    pytest.param("", "A=''", id="nothing"),
    pytest.param("a b", "A='a b'", id="a blank"),
    pytest.param(" a\t", "A=' a\t'", id="blanks at the edges"),
    pytest.param("it's", r"A='it\'s'", id="a single quote"),
    pytest.param('"', "A='\"'", id="a double quote"),
    pytest.param("$HOME ${x} $$", "A='$HOME ${x} $$'", id="dollars are text between single quotes"),
    pytest.param("a\nb #c", "A='a\nb #c'", id="lines and a sign for comments"),
    pytest.param("C:\\new\\", 'A="C:\\\\new\\\\"', id="a backslash at the end needs double quotes"),
    pytest.param("\\'$\"", 'A="\\\\\'\\$\\""', id="a backslash before a quote too"),
    pytest.param("\\\\'", "A='\\\\\\''", id="two backslashes before a quote do not"),
    pytest.param("\u00a0é🔑\x85", "A='\u00a0é🔑\x85'", id="beyond ASCII"),
]


@pytest.mark.parametrize(("value", "line"), LINES)
def test_a_value_is_written_so_and_read_back(value: str, line: str) -> None:
    assert f"A={quoted(value)}" == line
    assert [each.text for each in assignments(Text("app.env", f"{line}  # why\nB=1"))] == [value, "1"]


@pytest.mark.parametrize(
    ("line", "text", "has_variables"),
    [
        pytest.param("A=a b  # c", "a b", False, id="a comment after blanks"),
        pytest.param("A=a#b", "a#b", False, id="no comment without a blank"),
        pytest.param("A: b", "b", False, id="a colon"),
        pytest.param("export A = b \t", "b", False, id="export, and blanks"),
        pytest.param("A=a$$b", "a$b", False, id="two dollars are one"),
        pytest.param("A=a$1 $ b$", "a$1 $ b$", False, id="dollars before what is no name"),
        pytest.param("A=a$b", "a$b", True, id="a variable"),
        pytest.param('A="a${b}"', "a${b}", True, id="a variable between double quotes"),
        pytest.param('A="a\\nb\\$c\\\\d\\x"', "a\nb$c\\d\\x", False, id="escapes between double quotes"),
        pytest.param("A='a\\nb'", "a\\nb", False, id="no escapes between single quotes"),
        pytest.param('A="\\0101"', "A", False, id="an octal escape"),
    ],
)
def test_a_file_is_read_by_compose_s_rules(line: str, text: str, has_variables: bool) -> None:
    (found,) = assignments(Text("app.env", line))
    assert (found.name, found.text, found.has_variables) == ("A", text, has_variables)


_NAME = re.compile(r"\(\((!?[-/.\w]+)\)\)")


def interpolated(node: Any, variables: Mapping[str, Any]) -> Any:
    """Do what bosh-cli's `interpolator` does (director/template/template.go): one pass, types kept in a whole text."""
    if isinstance(node, dict):
        return {interpolated(key, variables): interpolated(value, variables) for key, value in node.items()}
    if isinstance(node, list):
        return [interpolated(each, variables) for each in node]
    if not isinstance(node, str):
        return node
    text = node
    for name in _NAME.findall(node):
        found = variables[name.removeprefix("!")]
        if _NAME.fullmatch(node):
            return found
        assert isinstance(found, str | int)
        text = text.replace(f"(({name}))", str(found))
    return text


MANIFEST = """
applications:
- name: shop
  instances: ((instances))
  env: {URL: 'https://x:((password))@h', TOKEN: ((token)), NOTE: "((!token)) once"}
"""
VARIABLES = """
instances: vault:kv/app#count | int
password: ((vault:kv/app#token | urlencode))
token: vault:kv/app#token
"""


@pytest.mark.parametrize("token", ["a", "y", "0x1f", 'a: "b" # {{ c }}', "a\n---\nb", "((instances))", "'\\"])
def test_bosh_makes_of_rendered_variables_the_document_that_was_meant(token: str) -> None:
    def resolve(wanted: Sequence[Reference]) -> Mapping[Reference, str]:
        return {each: "2" if each.field == "count" else "safe" if each.functions else token for each in wanted}

    variables = yaml.safe_load(rendered(VARIABLES, "yaml", resolve))
    (app,) = interpolated(yaml.safe_load(MANIFEST), variables)["applications"]
    assert app["instances"] == 2
    assert app["env"] == {"URL": "https://x:safe@h", "TOKEN": token, "NOTE": f"{token} once"}


def test_a_manifest_with_both_is_rendered_first_and_keeps_its_variables() -> None:
    text = MANIFEST.replace("((token))", "((vault:kv/app#t))")
    result = rendered(text, "yaml", lambda wanted: dict.fromkeys(wanted, "v"))
    (app,) = interpolated(yaml.safe_load(result), {"instances": 1, "password": "p", "token": "t"})["applications"]
    assert app["env"] == {"URL": "https://x:p@h", "TOKEN": "v", "NOTE": "t once"}
