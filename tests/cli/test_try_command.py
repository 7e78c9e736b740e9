"""`keyhole try`: admission's own code, with example values and no server."""

import socket
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from cli.trying import example_vault

ROOT = Path(__file__).resolve().parents[2]
NONE, FINDINGS, NOT_DONE = 0, 1, 2
VALUES = """
secret/shop/database: {password: 'a b', port: 5432, up: true, gone: null, nested: {x: [1, é]}}
legacy/data/shop: {token: t}
"""
SECRET = """apiVersion: v1
kind: Secret
metadata: {name: app, annotations: {data.keyhole.dev/x: 'REFERENCE'}}
"""


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail whatever connects to anything."""

    def refuse(*_: object) -> None:
        pytest.fail("a server was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def tried(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["try", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_the_examples() -> None:
    with chdir(ROOT):
        done = tried("examples/base", "examples/variables")
    assert (done.exit_code, done.stderr) == (NONE, "")
    shown = done.stdout
    for part in (
        "Secret shop/database  (examples/base/database.yaml)\n",
        "| data.password = example-password\n",
        "Deployment shop/web  (examples/variables/web.yaml)\n",
        "(made by keyhole controller for Deployment web)\n",
        "Objects: 5 filled, 1 made for variables.\n",
        "The values are made up of the names of the fields. --values FILE has others; whole secrets need it.",
        "No server was asked.",
    ):
        assert part in shown


def test_a_bad_example_is_refused_in_the_words_of_admission() -> None:
    with chdir(ROOT):
        done = tried("examples/bad")
    assert done.exit_code == FINDINGS
    assert "  refused: MalformedReference: Secret shop/malformed: annotation data.keyhole.dev/digest:" in done.stdout


@pytest.mark.parametrize(
    ("reference", "told", "code"),
    [
        ("vault:secret/shop/database#password", "data.x = a b", NONE),
        ("vault:secret/data/shop/database#password | urlencode", "data.x = a%20b", NONE),
        ("vault:secret/shop/database#port | int", "data.x = 5432", NONE),
        ("vault:secret/shop/database#up", "data.x = true", NONE),
        ("vault:secret/shop/database#nested", 'data.x = {"x":[1,"é"]}', NONE),
        ("vault:legacy/shop#token", "data.x = t", NONE),
        ("vault:secret/shop/database#gone", "refused: FieldNotFound: ", FINDINGS),
        ("vault:secret/shop/other#x", "there is no secret at this path", FINDINGS),
        ("vault:secret/shop/database#password | int", "refused: FunctionFailed: ", FINDINGS),
    ],
)
def test_a_file_of_values_stands_in_for_vault(tmp_path: Path, reference: str, told: str, code: int) -> None:
    (tmp_path / "values.yaml").write_text(VALUES)
    (tmp_path / "app.yaml").write_text(SECRET.replace("REFERENCE", reference))
    done = tried(str(tmp_path / "app.yaml"), "--values", str(tmp_path / "values.yaml"))
    assert (done.exit_code, told in done.stdout) == (code, True), done.stdout
    assert "Secret default/app" in done.stdout


def test_whole_secrets_need_a_file_of_values(tmp_path: Path) -> None:
    text = SECRET.replace("data.keyhole.dev/x", "keyhole.dev/from").replace("REFERENCE", "legacy/shop")
    (tmp_path / "app.yaml").write_text(text)
    (tmp_path / "values.yaml").write_text(VALUES)
    assert tried(str(tmp_path / "app.yaml")).exit_code == FINDINGS
    done = tried(str(tmp_path / "app.yaml"), "--values", str(tmp_path / "values.yaml"))
    assert (done.exit_code, "data.token = t" in done.stdout) == (NONE, True)


def test_what_is_no_object_for_keyhole_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {x: [1]}\n")
    (tmp_path / "b.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\nx: {{ y }}\n---\nz: 1\n")
    done = tried(str(tmp_path))
    assert done.exit_code == FINDINGS
    assert "refused: the API server would not take it: data is no map of texts" in done.stdout
    assert "Objects: 1 refused, 1 without references, 1 not read." in done.stdout
    assert "not checked, a template has to be rendered first" in done.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a\n", "it is no map from paths to fields"),
        ("a: {b: c}\n", "'a' is no path: "),
        ("secret/a: x\n", "secret/a: it has no map of fields"),
        ("a: [", "not YAML"),
        ("secret/a: {on: x}\n", "put it in quotes"),
    ],
)
def test_a_file_of_values_that_is_none(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(text)
    with pytest.raises(example_vault.ValuesError) as refused:
        example_vault.read(file)
    assert told in str(refused.value)
    done = tried(str(file), "--values", str(file))
    assert (done.exit_code, told in done.stderr) == (NOT_DONE, True)
