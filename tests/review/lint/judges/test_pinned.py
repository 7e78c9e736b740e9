"""KH107: what the standards say about versions in references."""

from review.findings.standards import Pins
from review.findings.standards_file import parse
from review.lint.catalogue import BY_ID
from review.lint.judges.pinned import Pinned
from review.lint.lint import Lint, Source
from review.sources.text import Text
from tests.review.lint.judges.tree import TODAY, secret, told

TEXT = secret("shop", "vault:a/b#c", "vault:a/b#c#3") + "    keyhole.dev/from: a/b\n"


def findings(pins: Pins) -> list[tuple[str, str, str]]:
    text = f"version: keyhole.dev/standards/v1\nlint: {{parameters: {{pins: {pins}}}}}\n"
    run = Lint(TODAY, judges=[Pinned(pins)], standards=parse(Text("s.yaml", text), BY_ID))
    run.look(Source("a.yaml", TEXT.encode))
    return told(run.report(), "KH107")


def test_versions_are_demanded() -> None:
    assert findings("required") == [
        ("KH107", "warning", "a/b names no version, and the standards demand one"),
        ("KH107", "warning", "a/b names all fields of a path, which no version can pin, and the standards demand one"),
    ]


def test_versions_are_forbidden() -> None:
    assert findings("forbidden") == [("KH107", "warning", "a/b names version 3, and the standards forbid that")]
