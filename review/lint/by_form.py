"""Secrets that their form gives away, wherever they stand in an object."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from review.findings.finding import Finding
from review.lint import tokens
from review.lint.objects import Manifest
from review.sources.nodes import Path

# A shorter key is no token.
_SHORTEST: Final = 16


def secrets_by_form(manifest: Manifest, suspects: Sequence[tokens.Format]) -> Iterator[Finding]:
    """Yield the secrets in a manifest that their form gives away, keys included."""
    waiting: list[tuple[Path, Any]] = [((), manifest.content)]
    seen: set[int] = set()
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            for form in dict.fromkeys(tokens.forms(value, suspects)):
                yield manifest.finding(form.rule, path, f"holds what has the form of {form.name}")
        elif isinstance(value, dict | list) and id(value) not in seen:
            seen.add(id(value))
            members = list(value.items() if isinstance(value, dict) else enumerate(value))
            for name, _ in members:
                if isinstance(name, str) and len(name) > _SHORTEST:
                    for form in dict.fromkeys(tokens.forms(name, suspects)):
                        yield manifest.finding(form.rule, (*path, name), f"a key has the form of {form.name}")
            waiting += (((*path, name), member) for name, member in reversed(members))
