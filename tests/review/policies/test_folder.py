"""A folder of policies."""

from pathlib import Path

import pytest

from review.policies.folder import Policies, read
from tests.review.lint.judges.tree import grant


def told(found: Policies) -> tuple[list[tuple[str, str]], list[str]]:
    rules = [(one.name, str(rule.place)) for one in found.named.values() for rule in one.rules]
    return sorted(rules), sorted(each.reason for each in found.unchecked)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p" / "below").mkdir(parents=True)
    (tmp_path / "p" / ".git").mkdir()
    return tmp_path


def test_files_of_all_forms_below_it_and_no_hidden_ones(here: Path) -> None:
    (here / "p" / "a.hcl").write_text(grant("x"))
    (here / "p" / "below" / "b.json").write_text('{"path": {"x": {"policy": "read"}}}')
    (here / "p" / "README.md").write_text("path {")
    for hidden in (here / "p" / ".git" / "c.hcl", here / "p" / ".d.hcl"):
        hidden.write_text("path {")
    assert told(read(Path("p"))) == ([("a", "p/a.hcl:1:1"), ("b", "p/below/b.json:1:11")], [])


@pytest.mark.parametrize(
    "call",
    [
        'file("below/x.hcl")',
        'file("${path.module}/below/x.hcl")',
        '"${file("./below/x.hcl")}"',
        'templatefile("below/x.hcl", {})',
    ],
)
def test_a_file_that_terraform_reads_has_the_name_that_it_gives_and_no_other(here: Path, call: str) -> None:
    (here / "p" / "main.tf").write_text(
        f'resource "vault_policy" "x" {{\n  name = "keyhole-shop"\n  policy = {call}\n}}\n'
    )
    (here / "p" / "below" / "x.hcl").write_text("# x\n" + grant("x"))
    assert told(read(Path("p"))) == ([("keyhole-shop", "p/below/x.hcl:2:1")], [])


@pytest.mark.parametrize("name", ["../outside.hcl", "gone.hcl", "below", "link.hcl", "/etc/hostname"])
def test_nothing_is_read_from_outside(here: Path, name: str) -> None:
    (here / "outside.hcl").write_text(grant("x"))
    (here / "p" / "link.hcl").symlink_to(here / "outside.hcl")
    (here / "p" / "main.tf").write_text(
        f'resource "vault_policy" "x" {{\n  name = "x"\n  policy = file("{name}")\n}}\n'
    )
    rules, reasons = told(read(Path("p")))
    assert rules == []
    assert reasons[0] == "it is a link that leads out of the folder"
    assert reasons[1] == f"the text of vault_policy x is in {name}: there is no such file in the folder"


def test_what_cannot_be_read_is_told_and_the_rest_is_read(here: Path) -> None:
    (here / "p" / "a.hcl").write_bytes(b"\xff")
    (here / "p" / "b.hcl").write_text("path {")
    (here / "p" / "c.hcl").symlink_to("c.hcl")
    (here / "p" / "d.hcl").write_text(grant("x"))
    (here / "p" / "e.tf").write_text("vault_policy {")
    rules, reasons = told(read(Path("p")))
    assert rules == [("d", "p/d.hcl:1:1")]
    assert reasons == ["it is a link that leads in circles", "it is not UTF-8", "not HCL", "not HCL"]
