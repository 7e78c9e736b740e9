"""`keyhole connections`: what it finds in a file, and the schema that is published."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from cli.commands.connections import connections
from resolver.connections.files import load
from resolver.connections.model import ConfigurationError

FINDINGS, USAGE = 1, 2
ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = ROOT / "docs" / "connections.schema.json"
SOUND = "connections: {default: {address: 'https://vault.example:8200', auth: {method: jwt, role: app}}}"


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(connections, [str(argument) for argument in arguments])
    # Anything but an exit is a traceback for the user.
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "connections.yaml"
    file.write_text(text)
    return file


def test_a_sound_file_is_told_connection_by_connection(tmp_path: Path) -> None:
    result = run("check", written(tmp_path, SOUND))
    assert result.exit_code == 0
    assert result.stdout == "default: https://vault.example:8200, auth/jwt, role app\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: [", id="no YAML"),
        pytest.param("", id="an empty file"),
        pytest.param(SOUND.replace("role: app", "rôle: app"), id="a misspelt key"),
        pytest.param(SOUND.replace("https://vault.example:8200", "https://user:hunter2@v"), id="an address"),
        pytest.param(SOUND.replace("auth:", "caFile: /does/not/exist, auth:"), id="a CA file that is not there"),
        pytest.param(SOUND.replace("auth:", "retries: {attempts: 6}, auth:"), id="more repetitions than there may be"),
    ],
)
def test_a_problem_is_told_as_the_server_tells_it(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as at_start:
        load(file)
    result = run("check", file)
    assert result.exit_code == FINDINGS
    assert result.stderr == f"{at_start.value}\n"
    assert result.stdout == ""
    assert "hunter" not in result.output


def test_without_ca_files_the_rest_is_checked(tmp_path: Path) -> None:
    file = written(tmp_path, SOUND.replace("auth:", "caFile: /does/not/exist, auth:"))
    assert run("check", file, "--without-ca-files").exit_code == 0
    file = written(tmp_path, SOUND.replace("auth:", "caFil: /does/not/exist, auth:"))
    assert run("check", file, "--without-ca-files").exit_code == FINDINGS


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    assert run("check", tmp_path / "none.yaml").exit_code == USAGE


def test_the_published_schema_is_that_of_the_models() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == run("schema").stdout, (
        "keyhole connections schema > docs/connections.schema.json writes it anew"
    )


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if "properties" in schema or "patternProperties" in schema:
            yield schema
        for below in schema.values():
            yield from _objects(below)


def test_every_key_is_described_and_no_other_is_allowed() -> None:
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    objects = [found for found in _objects(schema) if found.get("type") == "object"]
    assert {"address", "caFile", "attempts", "role"} <= {
        key for found in objects for key in found.get("properties", ())
    }
    for found in objects:
        assert found["additionalProperties"] is False
        for key, described in found.get("properties", {}).items():
            reference = described.get("$ref", "").removeprefix("#/$defs/")
            assert "description" in described or "description" in schema["$defs"][reference], key


def test_the_documentation_shows_a_sound_file_and_every_key(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    example = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    file = written(tmp_path, yaml.safe_dump(example))
    assert run("check", file, "--without-ca-files").exit_code == 0
    defined = json.loads(PUBLISHED.read_text(encoding="utf-8"))["$defs"]
    for parent, name in (("", "Connection"), ("auth.", "Authentication"), ("retries.", "Retries")):
        for key, described in defined[name]["properties"].items():
            assert "$ref" in described or f"| `{parent}{key}` |" in page, f"{parent}{key} has no line in the table"
