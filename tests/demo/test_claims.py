"""What the demo compares and searches, without a server: a demo that cannot fail would show nothing."""

import base64
import io
import json
import shutil
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from demo.claims import Claims
from demo.clock import Clock
from demo.command_line import main
from demo.errors import DemoError
from demo.git import manifests
from demo.screen import WIDTH, Screen
from demo.stage import working_directory
from demo.story import Story
from demo.values import HIDDEN, MARK, made_up

BASE = Path(__file__).resolve().parents[2] / "examples" / "base"


def test_there_is_an_expectation_for_every_key_of_the_examples_and_for_no_other() -> None:
    entries = [entry for manifest in manifests(BASE) for entry in manifest.entries]
    assert sorted((entry.secret, entry.key) for entry in entries) == sorted(made_up().expected)


def test_the_lines_of_an_entry_are_those_of_its_file() -> None:
    lines = {(entry.secret, entry.key): entry.lines for manifest in manifests(BASE) for entry in manifest.entries}
    assert lines["database", "password"] == "data.keyhole.dev/password: vault:secret/shop/database#password"
    assert lines["payments", "token"] == "token: vault:secret/data/shop/payments#token"
    assert lines["payments", "client.ini"].splitlines() == [
        "client.ini: |",
        "  [payments]",
        "  endpoint = https://pay.example",
        "  token = ${vault:secret/data/shop/payments#token}",
    ]
    docker = lines["registry", ".dockerconfigjson"].splitlines()
    assert docker[0] == "/data/.dockerconfigjson: |"
    assert docker[-1] == '    "password": "vault:secret/shop/registry#password"}}}'


def test_comments_behind_a_block_do_not_belong_to_it(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(
        "kind: Secret\nmetadata:\n  name: app\nstringData:\n  a: |\n    ((vault:secret/a#a))\n\n  # of b\n  b: c\n"
    )
    (manifest,) = manifests(tmp_path)
    assert [entry.lines for entry in manifest.entries] == ["a: |\n  ((vault:secret/a#a))", "b: c"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("kind: ConfigMap\nmetadata:\n  name: app\n", id="another kind"),
        pytest.param("kind: Secret\nmetadata:\n  name: a\n---\nkind: Secret\n", id="two documents"),
        pytest.param("kind: [\n", id="no YAML"),
        pytest.param("", id="an empty file"),
    ],
)
def test_a_file_that_is_no_secret_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(text)
    with pytest.raises(DemoError, match=r"app\.yaml"):
        manifests(tmp_path)


def test_every_run_makes_up_other_values() -> None:
    first, second = made_up().expected, made_up().expected
    assert {name for name in first if first[name].text == second[name].text} == set()


def test_the_mask_leaves_what_git_holds_and_no_value() -> None:
    values = made_up()
    masked = {name: expected.masked for name, expected in values.expected.items()}
    assert masked["database", "url"] == f"postgres://shop:{HIDDEN}@db.shop/shop"
    assert masked["certificate", "tls.key"] == HIDDEN
    assert values.found_in("\n".join(masked.values())) == []


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda text: text, id="as it is"),
        pytest.param(lambda text: base64.b64encode(text.encode()).decode(), id="in base64"),
        pytest.param(lambda text: base64.b64encode(b"x" + text.encode()).decode(), id="in base64, shifted by one"),
        pytest.param(lambda text: base64.b64encode(b"xy" + text.encode()).decode(), id="in base64, shifted by two"),
        pytest.param(lambda text: urllib.parse.quote(text, safe=""), id="URL-encoded"),
        pytest.param(json.dumps, id="as JSON"),
    ],
)
@pytest.mark.parametrize("field", ["secret/shop/database#password", "secret/shop/certificate#key"])
def test_a_leak_is_found(encode: Callable[[str], str], field: str) -> None:
    values = made_up()
    path, _, name = field.partition("#")
    shown = encode(values.in_vault[path][name].reveal_text())
    assert field in values.found_in(f"before {shown} after")


def test_a_text_without_a_value_is_no_leak() -> None:
    text = "vault:secret/shop/database#password -----BEGIN PRIVATE KEY----- " + MARK
    assert made_up().found_in(text) == []


def test_examples_that_the_demo_does_not_know_are_named_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "examples" / "base"
    shutil.copytree(BASE, folder)
    (folder / "new.yaml").write_text("kind: Secret\nmetadata:\n  name: new\nstringData:\n  a: vault:secret/a#a\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DemoError, match="differ in: new/a$"):
        Story(Screen(io.StringIO()), show=False, keep=False).tell()


def test_a_broken_claim_is_shown_and_ends_in_an_error_that_names_it() -> None:
    stream = io.StringIO()
    claims = Claims(Screen(stream))
    claims.check("The sun rises.", holds=True)
    claims.check("The moon is a cheese.", holds=False)
    claims.check_empty("No value.", ["secret/shop/database#password"])
    with pytest.raises(DemoError, match=r"2 of 3(.|\n)*moon(.|\n)*#password") as caught:
        claims.conclude()
    assert "sun" not in str(caught.value)
    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["ok", "WRONG", "WRONG"]


def test_claims_that_hold_are_counted() -> None:
    claims = Claims(Screen(io.StringIO()))
    claims.check_empty("No value.", [])
    assert claims.conclude() == 1


def test_what_is_no_terminal_gets_plain_text_of_a_known_width() -> None:
    stream = io.StringIO()
    screen = Screen(stream)
    screen.chapter("[bold]Brackets[/bold] stay")
    screen.side_by_side("Git", "cluster", [("[red]a[/red] :smile: " * 20, "%" * 200)])
    text = stream.getvalue()
    assert "\x1b" not in text
    assert "[bold]Brackets[/bold] stay" in text
    assert "[red]a[/red] :smile:" in text
    assert text.count("%") == 200
    assert max(map(len, text.splitlines())) == WIDTH


def test_laps_add_up_to_the_whole() -> None:
    clock = Clock()
    clock.lap("first")
    clock.lap("second")
    assert list(clock.seconds) == ["first", "second"]
    assert clock.total_seconds == sum(clock.seconds.values()) > 0


def test_the_working_directory_goes_at_the_end_and_after_ctrl_c_and_stays_after_an_error() -> None:
    with working_directory() as clean:
        assert clean.is_dir()
    assert not clean.exists()
    with pytest.raises(KeyboardInterrupt), working_directory() as interrupted:
        raise KeyboardInterrupt
    assert not interrupted.exists()
    with pytest.raises(DemoError) as caught, working_directory() as failed:
        raise DemoError("x")
    assert caught.value.__notes__ == [f"the logs are in {failed}"]
    failed.rmdir()


def test_keep_needs_a_terminal() -> None:
    done = CliRunner().invoke(main, ["--keep"])
    assert done.exit_code == 2
    assert "no terminal" in done.output


def test_the_help_has_examples() -> None:
    done = CliRunner().invoke(main, ["--help"])
    assert done.exit_code == 0
    assert "SHOW=1 python -m demo" in done.output


def test_a_new_password_is_expected_wherever_it_is_used_and_the_old_one_is_still_a_leak() -> None:
    before = made_up()
    after = before.with_another_password()
    changed = {name for name in before.expected if before.expected[name].text != after.expected[name].text}
    assert changed == {("database", "password"), ("database", "url")}
    for values in (before, after):
        assert after.found_in(values.expected["database", "url"].text) == ["secret/shop/database#password"]
    assert before.found_in(after.expected["database", "url"].text) == []
