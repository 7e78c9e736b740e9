"""The forms of `keyhole enforce -o`: into a file, to standard output, and to the API server."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from enforcer import enforcing
from tests.enforcer.engine import HELD, UNCHECKED, finding, inventory, secret, standard

NOT_DONE = 2
BAD = finding("tidy", secret())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "inventory.json").write_text(inventory(("shop", {})).model_dump_json())
    return tmp_path


def enforce(monkeypatch: pytest.MonkeyPatch, answers: list[Any], *arguments: str) -> Result:
    those = (standard("tidy", *answers),)
    defaults = {**(enforcing.judged.__kwdefaults__ or {}), "standards": those}
    monkeypatch.setattr(enforcing.judged, "__kwdefaults__", defaults)
    result = CliRunner().invoke(main, ["enforce", "--inventory", "inventory.json", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.mark.parametrize("name", ["text", "html", "json", "sarif", "prometheus"])
def test_every_form_goes_into_a_file_or_to_standard_output(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    printed = enforce(monkeypatch, [HELD, BAD, UNCHECKED], "-o", name).stdout
    assert "tidy" in printed
    enforce(monkeypatch, [HELD, BAD, UNCHECKED], "-o", f"{name}=report")
    assert Path("report").read_text() == printed


def test_what_is_sent_to_the_api_server_goes_into_no_file_and_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    into_a_file = enforce(monkeypatch, [HELD], "-o", "openreports=x.json")
    assert into_a_file.exit_code == NOT_DONE
    assert "openreports is sent to the API server: it goes into no file" in into_a_file.stderr
    nowhere = enforce(monkeypatch, [HELD], "-o", "openreports", "-o", "json=report.json")
    assert nowhere.exit_code == NOT_DONE
    assert "-o openreports: no API server is asked, so none is sent it" in nowhere.stderr
    # Whatever else was asked for is written.
    assert json.loads(Path("report.json").read_text())["summary"]["status"] == "held"
