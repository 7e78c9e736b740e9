"""Manifests as people write them: comments, odd quotes, blocks, flow maps, either line end, several documents."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

TEXTS = (
    *("app", "postgres://db:5432/app", "it's", 'say "hi"', "true", "y", "012", "1:30", "# no comment", "a #b", "a: b"),
    *("vault:secret/app#password", "((vault:secret/app#a | trim))", "<path:secret/data/app#key>", "ref+vault://s/a#/k"),
    *(
        "",
        " lead",
        "trail ",
        "ünïcode",
        "tab\there",
        "back\\slash",
        "{x}",
        "[x]",
        "*star",
        "&and",
        "%percent",
        "~",
        "-",
    ),
    *("two\nlines\n", "two\nlines", "key: value\n\n# text\nlast: 1\n", "-----BEGIN X-----\nabc\n-----END X-----\n"),
)
KEYS = (
    *("password", "user.name", "tls.crt", "data.keyhole.dev/x", "argocd.argoproj.io/sync-wave", "on", "1", "a b", "_x"),
    *("config.yaml", "UPPER", "ключ"),
)
PLAIN_START = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/(")


def manifest(random: Random) -> dict[str, Any]:
    """Return the content of one object."""
    annotations = _map(random, 3)
    metadata: dict[str, Any] = {"name": "app"}
    if random.random() < 0.6:
        metadata["annotations"] = annotations or None
    content: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    for part in ("data", "stringData"):
        if random.random() < 0.6:
            content[part] = _map(random, 4)
    if random.random() < 0.5:
        content["spec"] = {"containers": [{"name": "web", "env": _env(random)}, {"env": _env(random), "name": "b"}]}
    if random.random() < 0.3:
        content = dict(random.sample(list(content.items()), len(content)))
    return content


def _map(random: Random, most: int) -> dict[str, Any]:
    return {random.choice(KEYS): random.choice(TEXTS) for _ in range(random.randint(0, most))}


def _env(random: Random) -> list[dict[str, Any]]:
    return [{"name": f"N{number}", "value": random.choice(TEXTS)} for number in range(random.randint(1, 3))]


class Writer:
    """Writes an object as text, each value in a style of its own."""

    def __init__(self, random: Random, *, comments: bool = True) -> None:
        self.random = random
        self.step = random.choice((2, 2, 2, 4))
        self.comments = 0.15 if comments else 0.0

    def block(self, content: dict[str, Any], indent: int = 0) -> str:
        """Return a map in block style."""
        lines = []
        for key, value in content.items():
            if self._maybe(self.comments):
                lines.append(" " * indent + self.random.choice(("# a comment: with 'quotes\n", "#\n", "\n")))
            lines.append(f"{' ' * indent}{self._key(key)}:{self._value(value, indent)}")
        return "".join(lines)

    def _value(self, value: Any, indent: int) -> str:
        if isinstance(value, dict) and value and not self._maybe(0.1):
            return f"{self._end()}{self.block(value, indent + self.step)}"
        if isinstance(value, list) and value and not self._maybe(0.1):
            return f"{self._end()}{self._items(value, indent + self.random.choice((0, self.step)))}"
        if value is None:
            return self._end() if self._maybe(0.5) else f" ~{self._end()}"
        if isinstance(value, dict | list):
            return f" {self._flow(value)}{self._end()}"
        if "\n" in value and self._maybe(0.9):
            return self._literal(value, indent + self.step)
        return f" {self._scalar(value)}{self._end()}"

    def _items(self, items: list[Any], indent: int) -> str:
        dash = " " * indent + "- "
        return (
            "".join(dash + self.block(item, indent + 2).lstrip(" #\n") for item in items if item)
            if all(isinstance(item, dict) for item in items)
            else "".join(f"{dash}{self._scalar(item)}{self._end()}" for item in items)
        )

    def _literal(self, text: str, indent: int) -> str:
        margin, chomping = " " * indent, "" if text.endswith("\n") else "-"
        comment = "  # block" if self._maybe(self.comments) else ""
        lines = text.removesuffix("\n").split("\n")
        return f" |{chomping}{comment}\n" + "".join(f"{margin}{line}\n" if line else "\n" for line in lines)

    def _flow(self, value: Any) -> str:
        if isinstance(value, dict):
            inner = ", ".join(f"{self._key(key)}: {self._flow(member)}" for key, member in value.items())
            return f"{{{inner}}}" if self._maybe(0.5) else f"{{ {inner} }}"
        if isinstance(value, list):
            return f"[{', '.join(map(self._flow, value))}]"
        return json.dumps(value, ensure_ascii=False)

    def _key(self, key: str) -> str:
        return self.random.choice((key, key, json.dumps(key, ensure_ascii=False), f"'{key}'"))

    def _scalar(self, text: str) -> str:
        quoted = json.dumps(text, ensure_ascii=False)
        if "\n" in text or "\t" in text:
            return quoted
        single = "'" + text.replace("'", "''") + "'"
        fits = text[:1] in PLAIN_START and not any(part in text for part in (": ", " #")) and text == text.strip()
        return self.random.choice((quoted, single, text if fits and text not in ("true", "y") else single))

    def _end(self) -> str:
        return "  # c\n" if self._maybe(self.comments) else "\n"

    def _maybe(self, chance: float) -> bool:
        return self.random.random() < chance


SHARED = ("shared", "other", "merged", "text")
_ALIASES = (
    "shared: &all\n  one: &one 1st  # c\n  two: {x: y}\nother: *all\nmerged:\n  <<: *all\n  own: '1'\ntext: *one\n"
)


def stream(random: Random, *, comments: bool = True, open_end: bool = True, aliases: bool = True) -> str:
    """Return a text of one to three documents. Some have aliases, below the keys of `SHARED`."""
    write: Callable[[dict[str, Any]], str] = Writer(random, comments=comments).block
    documents = [write(manifest(random)) for _ in range(random.choice((1, 1, 1, 2, 3)))]
    if aliases and random.random() < 0.2:
        documents[0] += _ALIASES
    if random.random() < 0.15:
        documents[-1] = json.dumps(manifest(random), indent=random.choice((None, 2, 4)), ensure_ascii=False) + "\n"
    markers = ("---\n", "---  # Source: chart/templates/app.yaml\n", "--- \n\n", "---\n# Copyright\n\n")
    text = random.choice(("", *markers)) + documents[0]
    for each in documents[1:]:
        text += random.choice(markers) + each
    text += random.choice(("", "", "# the end\n", "\n\n"))
    if open_end and random.random() < 0.15:
        text = text.rstrip("\n")
    return text.replace("\n", "\r\n") if random.random() < 0.2 else text
