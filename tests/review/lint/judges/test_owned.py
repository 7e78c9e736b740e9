"""KH501: files with references, and who CODEOWNERS names for them."""

from pathlib import Path

import pytest

from review.lint.judges.owned import Owned, without_owner
from review.lint.lint import Lint, Source
from review.sources.files import STANDARD_INPUT
from review.sources.text import NotChecked
from tests.review.lint.judges.tree import TODAY, secret

FILES = ("apps/shop/a.yaml", "apps/pay/b.yaml", "top.yaml")


def looked_at(root: Path | None) -> tuple[list[str], list[NotChecked]]:
    run = Lint(TODAY, judges=[Owned(lambda name: None if root is None else (root, name))])
    for file in (*FILES, STANDARD_INPUT):
        run.look(Source(file, secret("shop", "vault:secret/a#b").encode))
    run.look(Source("none.yaml", secret("shop").replace("  annotations:\n", "").encode))
    report = run.report()
    return [each.place.file for each in report.findings if each.rule.id == "KH501"], list(report.unchecked)


def unowned(root: Path, text: str, name: str = "CODEOWNERS") -> list[str]:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    found, unchecked = looked_at(root)
    assert unchecked == []
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* @everybody\n", []),
        ("/*/**/*.y* @a # * * * * *\n", ["top.yaml"]),
        ("/apps/ @team/apps\n", ["top.yaml"]),
        ("apps/shop/*.yaml someone@example.com # why\n", ["apps/pay/b.yaml", "top.yaml"]),
        ("* nobody # @not-an-owner\n", sorted(FILES)),
        # The last one that fits counts, and it may say that nobody is asked.
        ("* @everybody\n/apps/pay/\n", ["apps/pay/b.yaml"]),
        ("# nothing\n", sorted(FILES)),
        # GitLab: each section is asked by itself.
        ("[Apps]\n/apps/ @a\n^[Rest]\n*.yaml\n", ["top.yaml"]),
    ],
)
def test_who_is_asked(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert unowned(tmp_path, text) == expected


@pytest.mark.parametrize("name", [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"])
def test_where_it_may_stand(tmp_path: Path, name: str) -> None:
    assert unowned(tmp_path, "/apps/ @a\n", name) == ["top.yaml"]


def test_without_it_nobody_wanted_owners(tmp_path: Path) -> None:
    assert looked_at(tmp_path) == looked_at(None) == ([], [])


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        ("* @a\n[Apps] @a\n/apps/\n", 2, "a section with owners of its own, or with approvals, is not understood here"),
        ("[Apps][2]\n/apps/ @a\n", 1, "a section with owners of its own, or with approvals, is not understood here"),
        # The library would take hours.
        (f"* @a\n{'*a' * 30}z @a # **\n", 2, "a pattern with more than 4 wildcards is not tried here"),
        ("/a[b @a\n", 1, "one of its patterns is not understood here"),
    ],
)
def test_what_the_library_does_not_read_is_not_checked(tmp_path: Path, text: str, where: int, reason: str) -> None:
    (tmp_path / "CODEOWNERS").write_text(text)
    found, (unchecked,) = looked_at(tmp_path)
    assert found == []
    assert (unchecked.place.line, unchecked.reason) == (where, f"{reason} (KH501)")


@pytest.mark.parametrize(
    ("line", "is_sound"),
    [
        ("* @a @org/team-1 @group/sub/group a.b@example.com @@developer", True),
        ("/path\\ with\\ blanks/ @a", True),
        ("/nobody/", True),
        ("# @a !", True),
        ("", True),
        ("/a @b # to be decided: who?", True),
        ("[Section]", True),
        ("^[Optional][2] @a b", True),
        ("* a", False),
        ("* @", False),
        ("* @a, @b", False),
        ("* a@b", False),
        ("* @a/", False),
        ("* @org//team", False),
    ],
)
def test_owners_whom_nobody_can_ask_are_known_by_their_form(line: str, *, is_sound: bool) -> None:
    assert without_owner(f"# first\n{line}\n* @a\n") == (() if is_sound else (2,))
