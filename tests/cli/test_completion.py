"""Completion: what a shell and kubectl are told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.kubectl import proposals
from cli.main import COMMANDS, main
from tests.cli.test_late_imports import ROOT, loaded


def test_commands_come_from_the_table_with_what_they_do() -> None:
    *lines, directive = proposals([""]).splitlines()
    assert lines == [f"{name}\t{late.help}" for name, late in sorted(COMMANDS.items())]
    assert directive == ":4"
    assert proposals(["st"]).splitlines() == [f"status\t{COMMANDS['status'].help}", ":4"]


def test_options_and_their_choices() -> None:
    assert "--fail-on\t" in proposals(["lint", "--"])
    assert proposals(["lint", "--fail-on", "w"]).splitlines() == ["warning", ":4"]


def test_files_are_left_to_the_shell() -> None:
    assert proposals(["lint", ""]) == ":0"


def test_no_words_are_all_words() -> None:
    assert proposals([]) == proposals([""])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(shell: str) -> None:
    told = CliRunner().invoke(main, ["completion", shell])
    assert told.exit_code == 0
    assert "_KEYHOLE_COMPLETE" in told.output


def test_bash_completes(tmp_path: Path) -> None:
    program = tmp_path / "keyhole"
    program.write_text(f"#!{sys.executable}\nfrom cli.main import main\nmain(prog_name='keyhole')\n")
    program.chmod(0o755)
    script = CliRunner().invoke(main, ["completion", "bash"]).output
    asked = 'COMP_WORDS=(keyhole st); COMP_CWORD=1; _keyhole_completion keyhole; echo "${COMPREPLY[@]}"'
    places = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", f"{script}\n{asked}"], capture_output=True, text=True, env={**os.environ, **places}, check=True
    )
    assert (done.stdout, done.stderr) == ("status\n", "")


def test_a_proposal_imports_no_command() -> None:
    assert loaded("completion", "fish") == set()
