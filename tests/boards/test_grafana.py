"""The boards are what Grafana's own descriptions of its JSON say: the SDK's, and the types of a later version."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from charts.boards.grafana import render
from metrics.boards.every import BOARDS
from metrics.boards.panel import Board
from tests.boards.programs import ROOT

_MODULES = ROOT / "build" / "boards-programs" / "node_modules"
_EACH = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
# In TypeScript a text is no member of an enum, even if it is the member's value.
_ENUMS = {'"mode": "absolute"': '"mode": ThresholdsMode.Absolute', '"type": "value"': '"type": MappingType.ValueToText'}


@_EACH
def test_the_sdk_reads_back_what_it_wrote(board: Board) -> None:
    register_default_plugins()
    read: Any = json.loads(json.dumps(Dashboard.from_json(json.loads(render(board))), cls=JSONEncoder))
    for variable in read["templating"]["list"]:
        # The SDK puts them into variables of every kind.
        for member in ("auto", "auto_min", "auto_count"):
            variable.pop(member)
    assert read == json.loads(render(board))


@_EACH
def test_it_says_how_it_is_found_and_from_where_its_data_come(board: Board) -> None:
    found: Any = json.loads(render(board))
    assert found["uid"] == board.uid
    assert {each["url"] for each in found["links"]} == {f"/d/{one.uid}" for one in BOARDS if one is not board}
    assert [each["name"] for each in found["templating"]["list"]] == ["datasource", "cluster", "namespace"]
    numbers = [panel["id"] for panel in found["panels"]]
    assert numbers == list(range(1, len(numbers) + 1))
    asking = [panel for panel in found["panels"] if panel["type"] not in {"row", "text"}]
    assert [panel["title"] for panel in asking] == [panel.title for panel in board.panels()]
    for panel in asking:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(references) == len(set(references))
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])


@pytest.mark.boards
def test_its_types_are_those_of_grafana(tmp_path: Path) -> None:
    for board in BOARDS:
        (tmp_path / f"{board.uid}.ts").write_text(_typed(render(board)))
    assert _complaints(tmp_path) == []


@pytest.mark.boards
def test_what_is_of_another_type_is_noticed(tmp_path: Path) -> None:
    wrong = render(BOARDS[0]).replace('"graphTooltip": 1', '"graphTooltip": "shared"')
    (tmp_path / "wrong.ts").write_text(_typed(wrong))
    assert any("TS2322" in line for line in _complaints(tmp_path))


def _typed(text: str) -> str:
    for value, member in _ENUMS.items():
        assert value in text
        text = text.replace(value, member)
    imported = "import { type Dashboard, MappingType, ThresholdsMode } from '@grafana/schema';\n"
    return f"{imported}export const board: Dashboard = {text.rstrip()};\n"


def _complaints(folder: Path) -> list[str]:
    compiler = _MODULES / ".bin" / "tsc"
    assert compiler.exists(), "make test-boards installs TypeScript and Grafana's types into build/boards-programs"
    (folder / "node_modules").symlink_to(_MODULES)
    files = sorted(str(file) for file in folder.glob("*.ts"))
    flags = ("--noEmit", "--strict", "--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler")
    done = subprocess.run(
        [str(compiler), *flags, "--target", "es2022", *files],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert not re.search(r"error TS(?!2322|2353)", done.stdout), done.stdout
    return done.stdout.splitlines()
