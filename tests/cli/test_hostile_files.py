"""Files of a pull request, which anybody may have written, and what a terminal shows of them."""

import json
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from cli.commands.connections import connections
from cli.errors import NotDoneError
from cli.main import main
from tests.cli.tenant_cases import run

FINDINGS, NOT_DONE = 1, 2
VAULT = ["shop", "--vault-only", "--kv", "secret=2", "-o", "hcl"]
REFERENCE = "vault:secret/shop/app#password"
SOUND = "{address: 'https://vault.example:8200', auth: {method: jwt, role: app}}"
# Sets the title of a terminal, turns the writing direction round, and begins a line of its own.
NASTY = "a\x1b]0;owned\x07\u202eb\nfinding: fake\r\x85c"
SHOWN = r"a\u001b]0;owned\u0007\u202eb\nfinding: fake\r\u0085c"


def secret(name: str = "app", **annotations: str) -> dict[str, object]:
    noted = {f"data.keyhole.dev/{key}": text for key, text in annotations.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "annotations": noted}}


def checked(file: Path) -> Result:
    result = CliRunner().invoke(connections, ["check", str(file)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def lists_of_lists(levels: int) -> str:
    items = "".join(
        f"- &l{n} {{apiVersion: v1, kind: List, items: [{f'*l{n - 1},' * 10}]}}\n" for n in range(1, levels)
    )
    return f"apiVersion: v1\nkind: List\nitems:\n- &l0 {{apiVersion: v1, kind: List, items: []}}\n{items}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            "apiVersion: v1\nkind: List\nitems: &i [{apiVersion: v1, kind: List, items: *i}]\n",
            "a value that holds itself (line 3, column ",
            id="a list that holds itself",
        ),
        pytest.param(lists_of_lists(11), "more than 500,000 values", id="lists of ten aliases each"),
        pytest.param("[" * 3000, "nested more than 100 levels deep", id="brackets"),
        pytest.param('{"a":' * 100_000, "nested more than 100 levels deep", id="brackets of JSON"),
        pytest.param(f"kind: Secret\nkind: Pod\nx: {REFERENCE}\n", "a key that stands twice (line 2", id="a key twice"),
        pytest.param('{"kind": "Secret",\t"kind": "Pod"}', "a key that stands twice", id="a key twice in JSON"),
    ],
)
def test_manifests_that_are_meant_to_do_harm_are_refused_by_file_and_cause(
    tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text)
    result = run(*VAULT, "-f", file)
    assert (result.exit_code, result.stdout) == (NOT_DONE, "")
    assert result.stderr.startswith(f"Error: {file}: ")
    assert told in result.stderr
    assert "canary" not in result.stderr


@pytest.mark.parametrize("source", ["/dev/zero", "a pipe"])
def test_a_file_without_an_end_is_refused(tmp_path: Path, source: str) -> None:
    if source == "a pipe":
        source = str(tmp_path / "pipe")
        os.mkfifo(source)

        def write() -> None:
            with Path(source).open("wb", buffering=0) as pipe, suppress(BrokenPipeError):
                while True:
                    pipe.write(b"#" * 2**16)

        threading.Thread(target=write, daemon=True).start()
    result = run(*VAULT, "-f", source)
    assert (result.exit_code, result.stderr) == (NOT_DONE, f"Error: {source}: is larger than 16 MiB\n")


def test_standard_input_without_an_end_is_refused() -> None:
    result = run(*VAULT, "-f", "-", standard_input=b"#" * (16 * 2**20 + 1))
    assert (result.exit_code, result.stderr) == (NOT_DONE, "Error: standard input: is larger than 16 MiB\n")


def test_no_name_of_an_object_is_obeyed_by_a_terminal() -> None:
    documents = [
        secret(NASTY, password="vault:secret/shop"),
        {**secret(NASTY, password=REFERENCE), "kind": NASTY},
        secret(**{NASTY: "vault:malformed"}),
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": NASTY}},
        {"apiVersion": "v1", "kind": "Secret", "stringData": {NASTY: f"(({REFERENCE}"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "data": {NASTY: REFERENCE}},
    ]
    result = run(*VAULT, "-f", "-", standard_input=yaml.safe_dump_all(documents))
    assert result.exit_code == FINDINGS
    lines = result.stderr.splitlines()
    assert len(lines) == result.stderr.count("\n")
    assert all(line.isprintable() and line.startswith(("note: ", "finding: standard input")) for line in lines)
    # Of the kind that nobody fills two things are told: it is passed over, and its annotation is refused.
    assert sum(SHOWN in line for line in lines) == len(documents) + 1


def test_nor_is_the_name_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / f"{NASTY}.yaml"
    file.write_text("a: [")
    result = run(*VAULT, "-f", file)
    assert (result.exit_code, result.stderr.count("\n")) == (NOT_DONE, 1)
    assert f"{SHOWN}.yaml: not YAML" in result.stderr


def test_what_is_told_of_a_long_name_is_short(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    long = secret("x" * 2**20, **{f"k{n}": "vault:malformed" for n in range(100)})
    others = [secret(f"s{n}", key="vault:malformed") for n in range(1900)]
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [long, *others]}))
    result = run(*VAULT, "-f", file)
    assert result.exit_code == FINDINGS
    assert len(result.stderr) < 2_000_000
    assert result.stderr.splitlines()[-1] == "finding: and 1000 more"


def test_half_of_a_surrogate_pair_is_told_and_ends_nobody() -> None:
    text = '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "\\ud800"}, "data": {"a": "%"}}'
    result = run(*VAULT, "-f", "-", standard_input=text)
    assert result.exit_code == FINDINGS
    # As Go reads it, the API server too.
    assert "Secret shop/\N{REPLACEMENT CHARACTER}, data.a: is not base64" in result.stderr


def test_characters_that_json_writes_as_two_escapes_are_read_in_a_path_too(tmp_path: Path) -> None:
    notes = {"data.keyhole.dev/a": "vault:secret/shop/\N{GRINNING FACE}#a"}
    file = tmp_path / "x.json"
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app", "annotations": notes}}
    file.write_text(json.dumps(manifest))
    result = run(*VAULT, "-f", file, "-o", "hcl")
    assert "secret/data/shop/\N{GRINNING FACE}" in result.stdout, result.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("[" * 3000, "nested more than 100 levels deep", id="brackets"),
        pytest.param(
            f"connections: {{a: {SOUND},\n a: {SOUND}}}", "a key that stands twice (line 2", id="a name twice"
        ),
        pytest.param(f"connections: {{a: {SOUND}}}\n---\nb: 1\n", "2 YAML documents", id="two documents"),
        pytest.param("connections: &c {a: *c}", "a value that holds itself", id="a map that holds itself"),
        pytest.param("#" * (2**20 + 1), "larger than 1024 KiB", id="a large file"),
    ],
)
def test_a_connections_file_is_read_as_carefully(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "connections.yaml"
    file.write_text(text)
    result = checked(file)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (FINDINGS, "", 1)
    assert result.stderr.startswith(f"{file}: ")
    assert told in result.stderr


def test_a_connections_file_without_an_end_is_refused() -> None:
    result = checked(Path("/dev/zero"))
    assert (result.exit_code, result.stderr) == (FINDINGS, "/dev/zero: larger than 1024 KiB\n")


def test_nor_is_its_ca_file_read_without_an_end(tmp_path: Path) -> None:
    file = tmp_path / "connections.yaml"
    file.write_text(f"connections: {{a: {SOUND.replace('auth:', 'caFile: /dev/zero, auth:')}}}")
    result = checked(file)
    assert (result.exit_code, result.stdout) == (FINDINGS, "")
    assert "connections.a.caFile: larger than 4096 KiB: /dev/zero" in result.stderr


def test_no_role_of_a_connection_is_obeyed_by_a_terminal(tmp_path: Path) -> None:
    file = tmp_path / "connections.yaml"
    file.write_text('connections: {a: {address: "https://v", auth: {method: jwt, role: "\\e]0;x\\a\\nb: ok"}}}')
    result = checked(file)
    assert result.stdout == "a: https://v, auth/jwt, role \\u001b]0;x\\u0007\\nb: ok\n"


@pytest.mark.parametrize("arguments", [("certs", "issue", "--name", "localhost"), ("audit", "verify", "--key")])
def test_nor_is_what_other_commands_tell_of_files(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    folder = tmp_path / NASTY
    folder.mkdir()
    (folder / "key").write_bytes(b"k" * 32)
    (folder / "line").write_text("no line of a trail\n")
    given = [folder / "key", folder / "line"] if "audit" in arguments else [folder]
    result = CliRunner().invoke(main, [*arguments, *map(str, given)])
    assert SHOWN in result.output
    assert all(line.isprintable() for line in result.output.splitlines())


def test_what_ends_a_command_is_told_on_one_line() -> None:
    assert NotDoneError(NASTY).format_message() == SHOWN
