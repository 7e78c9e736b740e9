"""Reads an answer as HTML, and checks what must hold for every page."""

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from werkzeug.test import TestResponse

from resolver.references.characters import is_invisible

VOID = {"meta", "link", "input"}
BLOCKS = {"p", "li", "ins", "del", "h1", "h2", "h3", "dt", "dd", "label", "option", "title", "summary"}
NEVER = {"script", "iframe", "object", "embed", "img", "image", "base", "style", "video", "audio"}


@dataclass
class Page(HTMLParser):
    """A page: its text, its tags, its links."""

    text: str = ""
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self.text += "\n" if tag in BLOCKS else ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.text += "\n" if tag in BLOCKS else ""

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def words(self) -> str:
        return " ".join(self.text.split())

    @property
    def links(self) -> list[str]:
        return [attributes["href"] for tag, attributes in self.tags if tag == "a"]


def page(answer: TestResponse) -> Page:
    """Return an answer as a page that is sound: balanced, without script, loading nothing, each character visible."""
    assert answer.content_type == "text/html; charset=utf-8"
    read = Page()
    read.feed(answer.text)
    read.close()
    assert read.open == []
    assert not NEVER & {tag for tag, _ in read.tags}
    for tag, attributes in read.tags:
        assert not [name for name in attributes if name.startswith("on") or name in {"style", "src", "srcdoc"}]
        for address in (attributes.get(name, "/") for name in ("href", "action")):
            assert re.match(r"[/#](?!/)", address), f"{tag} leads elsewhere: {address}"
    targets = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(targets) == len(set(targets))
    assert not [one for one in read.text.replace("\n", "") if is_invisible(one)]
    return read


def document(answer: TestResponse) -> Any:
    """Return an answer as JSON."""
    assert answer.content_type == "application/json"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    return json.loads(answer.text)
