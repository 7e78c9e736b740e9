"""What a command imports: `keyhole --help` next to nothing, and `keyhole serve` nothing that opens sockets."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click import Context

from cli.late_group import OUR_OWN
from cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]

# What costs much to import, or is not there in a plain install.
HEAVY = (
    *("asyncio", "cryptography", "flask", "gevent", "gunicorn", "hvac", "jsonpatch", "kubernetes"),
    *("prometheus_client", "pydantic", "pythonjsonlogger", "requests", "socket", "ssl", "urllib3", "werkzeug", "yaml"),
)
_TOO_EARLY = ("kubernetes", "requests", "socket", "ssl", "urllib3")
_RUN = """
import json, sys
from cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0, end.code
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def loaded(*arguments: str) -> set[str]:
    """Return which heavy modules a command has imported when it ends."""
    done = subprocess.run([sys.executable, "-c", _RUN, *arguments], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1])) & set(HEAVY)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["serve", "--help"], ["key", "rotate", "--help"]])
def test_what_needs_nothing_heavy_imports_nothing_heavy(arguments: list[str]) -> None:
    assert loaded(*arguments) == set()


def test_manifests_takes_yaml_and_no_more() -> None:
    assert loaded("manifests", "admission-policy") == {"yaml"}
    assert loaded("manifests", "webhook-configuration", "--aggregation") == {"yaml"}


def test_connections_check_needs_neither_hvac_nor_kubernetes(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("connections") / "connections.yaml"
    file.write_text("connections: {default: {address: 'https://vault.example:8200', auth: {method: jwt, role: app}}}")
    assert loaded("connections", "check", str(file)) == {"pydantic", "socket", "ssl", "yaml"}


def test_no_help_needs_more_than_a_plain_install() -> None:
    """Whoever reads what a command does has not installed yet what it needs."""
    for name in COMMANDS:
        assert not loaded(name, "--help") & {"gevent", "gunicorn", "flask", "kubernetes", "prometheus_client"}, name


def test_what_opens_sockets_is_not_imported_before_the_library_is_patched() -> None:
    """A `ssl` that was imported before is patched by half: each TLS context of a worker recurses without end."""
    program = f"import sys, cli.main, cli.commands.serve; print(sorted(set(sys.modules) & set({_TOO_EARLY})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_list_of_commands_says_what_their_own_help_begins_with() -> None:
    context = Context(main)
    for name, late in COMMANDS.items():
        command = main.get_command(context, name)
        assert command is not None
        assert command.name == name
        begun = " ".join((command.help or "").split())
        assert begun.startswith(late.help), f"{name}: {begun[:120]!r}"


def test_no_room_of_the_package_is_taken_for_something_to_install() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    rooms = {pattern.removesuffix("*") for pattern in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert rooms == OUR_OWN
