"""The forms of changes: text for a terminal, JSON by its schema, CSV that no spreadsheet runs, one HTML file."""

import csv
import io
import json
import re
from html.parser import HTMLParser

import jsonschema
import pytest

from changes import answers
from changes.page import export
from changes.telling import csv_form, json_form, text
from changes.wanted import Page, Wanted
from tests.changes import sample
from tests.changes.index import indexed

INDEX = indexed.of_story()
STORY = answers.page(INDEX.database, Wanted())
EMPTY = Page((), None)


def test_json_is_as_its_schema_says_and_whole() -> None:
    schema = json.loads(json_form.SCHEMA.read_text())
    for page in (STORY, EMPTY, answers.page(INDEX.database, Wanted(), size=3)):
        document = json.loads(json_form.render(page, "1.2.3"))
        jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document)
        assert len(document["changes"]) == len(page.changes)
        assert (document["next"] is None) == (page.next is None)
    names = {each["requester"] for each in json.loads(json_form.render(STORY, ""))["changes"]}
    assert set(sample.HOSTILE) <= names


def test_csv_has_a_line_for_each_field_and_no_formula() -> None:
    rendered = csv_form.render(STORY, "")
    rows = list(csv.reader(io.StringIO(rendered, newline="")))
    assert tuple(rows[0]) == csv_form.HEADING
    assert len(rows) - 1 == sum(len(each.fields) for each in STORY.changes)
    assert {len(row) for row in rows} == {len(csv_form.HEADING)}
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(tuple("=+-@\t\r"))
        assert "\0" not in cell
        assert "\x1b" not in cell
    assert any(cell == f"'{sample.FORMULA}" for row in rows for cell in row)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "  =1", "\uff1d1", "\x00=1"])
def test_a_cell_that_begins_like_a_formula_does_not(cell: str) -> None:
    assert not csv_form.defused(cell).lstrip().startswith(tuple("=+-@\t\r\uff1d"))


def test_text_fits_a_terminal_and_is_plain_without_colours() -> None:
    rendered = text.render(answers.page(INDEX.database, Wanted(namespace="shop", name="db")))
    assert "\x1b" not in rendered
    assert max(map(len, rendered.splitlines())) <= 80
    assert rendered.startswith(
        "Monday, 2 November 2026 (UTC)\n\n08:17:00  alice@example.com removed fields of Secret shop/db\n"
    )
    assert "    - vault:secret/shop/old-db#password (v1)\n    + vault:secret/shop/db#password (v3)\n" in rendered
    assert text.render(EMPTY) == ""


def test_no_name_commands_a_terminal() -> None:
    coloured = text.render(STORY, is_coloured=True)
    assert set(re.findall("\x1b[^m]*m", coloured)) <= {f"\x1b[{number}m" for number in (0, 1, 2, 31, 32)}
    assert re.sub("\x1b[^m]*m", "", coloured) == text.render(STORY)
    assert set(re.findall(r"[^\x20-\x7e\n]", text.render(STORY))) <= {"→", "…"}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_html_is_one_file_that_runs_and_loads_nothing() -> None:
    rendered = export.render(STORY, "1.2.3", sample.BEGINS)
    tags = _Tags()
    tags.feed(rendered)
    assert not tags.tags & {"script", "a", "img", "link", "iframe", "form", "object"}
    assert not {each for each in tags.attributes if each.startswith("on")} | tags.attributes & {"src", "href", "style"}
    assert sample.SCRIPT not in rendered
    assert "&lt;script&gt;" in rendered
    assert "\u202e" not in rendered
    assert rendered.count("<article") == len(STORY.changes)
    assert "No change fits" in export.render(EMPTY, "")
