"""Uses of references, and what judges make of a tree."""

from collections.abc import Iterator
from datetime import date

from review.findings.finding import Finding, ObjectName
from review.lint.catalogue import SHARED_PATH
from review.lint.lint import Lint, Source
from review.lint.tree import Tree
from review.sources.text import NotChecked, Place

SECRET = """apiVersion: v1
kind: Secret
metadata:
  name: app
  namespace: shop
  annotations:
    data.keyhole.dev/url: https://((vault:secret/a#user)):((vault:secret/a#pass#3))@((vault:secret/a#user))/
    keyhole.dev/from: secret/whole, vault+eu:secret/b
stringData:
  x: vault+eu:secret/c#d
"""


def looked_at(*judges: object) -> Lint:
    run = Lint(date(2026, 6, 1), judges=judges)  # type: ignore[arg-type]
    run.look(Source("f.yaml", SECRET.encode))
    return run


def test_a_judge_gets_every_reference_with_its_place() -> None:
    seen: list[tuple[str, int, str, str, str, int | None, str]] = []

    def judge(tree: Tree) -> Iterator[Finding | NotChecked]:
        for use in tree.uses:
            assert use.wanted_by == use.spot.object == ObjectName("", "Secret", "shop", "app")
            one = use.reference
            key = use.spot.pointer.rpartition("/")[2]
            seen.append((key, use.spot.place.line, one.connection, one.path, one.field, one.version, str(use.form)))
            assert use.is_whole == (use.form == "from")
        yield from ()

    looked_at(judge).report()
    assert sorted(seen) == [
        ("data.keyhole.dev~1url", 7, "default", "secret/a", "pass", 3, "annotation"),
        ("data.keyhole.dev~1url", 7, "default", "secret/a", "user", None, "annotation"),
        ("keyhole.dev~1from", 8, "default", "secret/whole", "", None, "from"),
        ("keyhole.dev~1from", 8, "eu", "secret/b", "", None, "from"),
        ("x", 10, "eu", "secret/c", "d", None, "in place"),
    ]


def test_what_judges_say_is_told_with_the_rest_and_taken_back_like_the_rest() -> None:
    def judge(tree: Tree) -> Iterator[Finding | NotChecked]:
        yield tree.uses[0].spot.finding(SHARED_PATH, "said by a judge")
        yield NotChecked(Place("f.yaml", 7), "said by a judge")

    run = looked_at(judge)
    for _ in range(2):
        report = run.report()
        assert [each.message for each in report.findings] == ["said by a judge"]
        assert [each.reason for each in report.unchecked] == ["said by a judge"]
