"""Secrets that a kustomization makes of values in the tree.

Source: kustomize's reference of the Kustomization file (secretGenerator), and how it reads a literal (KEY=VALUE, quotes
at the ends of the value taken off).
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from review.findings.finding import Finding
from review.lint.catalogue import GENERATED
from review.lint.objects import Manifest, named
from review.lint.placeholders import is_encrypted, is_placeholder, is_public
from review.sources.nodes import Path

_GENERATOR: Final = "secretGenerator"
_FILES: Final = ("files", "envs")


def generated(manifest: Manifest, look: Callable[[str], str | None]) -> Iterator[Finding]:
    """Yield where a kustomization's Secrets get values from the repository.

    `look` returns the text of a file beside the kustomization; None if it is not in the tree, as a file that Git
    ignores is not for a clone.
    """
    entries = manifest.content.get(_GENERATOR)
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        if not isinstance(entry, dict):
            continue
        for at, literal in enumerate(_list(entry.get("literals"))):
            key, separator, value = literal.partition("=")
            if separator and _is_value(value.strip("\"'")):
                path: Path = (_GENERATOR, number, "literals", at)
                yield manifest.finding(GENERATED, path, f"the literal {named(key)} holds a value")
        for part in _FILES:
            for at, name in enumerate(_list(entry.get(part))):
                yield from _file(manifest, (_GENERATOR, number, part, at), name, look)
        if isinstance(entry.get("env"), str):
            yield from _file(manifest, (_GENERATOR, number, "env"), entry["env"], look)


def _file(manifest: Manifest, path: Path, entry: str, look: Callable[[str], str | None]) -> Iterator[Finding]:
    name = entry.rpartition("=")[2] if "files" in path else entry
    text = look(name)
    if text is None:
        return
    values = _values(text) if "files" not in path else [text]
    if any(map(_is_value, values)):
        yield manifest.finding(GENERATED, path, f"the file {named(name)} is in the tree and holds values")


def _values(text: str) -> list[str]:
    """Return the values of a file of variables: KEY=VALUE, comments begin with #."""
    if is_encrypted(text):
        return []
    lines = (line.strip() for line in text.splitlines())
    return [line.partition("=")[2].strip("\"'") for line in lines if "=" in line and not line.startswith("#")]


def _is_value(text: str) -> bool:
    return not (is_placeholder(text) or is_encrypted(text) or is_public(text))


def _list(value: Any) -> list[str]:
    return [item if isinstance(item, str) else "" for item in value] if isinstance(value, list) else []
