"""Reading manifests from files."""

from pathlib import Path

import pytest

from provisioning.errors import ManifestsUnreadable
from provisioning.reading.documents import Document, PassedOver, looks_like_reference, read_path, read_text


def test_documents_are_numbered_and_empty_ones_left_out_but_counted() -> None:
    found = list(read_text(b"a: 1\n---\n---\n# only a comment\n---\nb: 2\n", "x.yaml"))
    assert [(str(document), document.content) for document in found] == [
        ("x.yaml, document 1", {"a": 1}),
        ("x.yaml, document 4", {"b": 2}),
    ]


def test_json_is_read_even_when_indented_with_tabs() -> None:
    (document,) = read_text(b'\n{\n\t"kind": "Secret"\n}\n', "x.json")
    assert document.content == {"kind": "Secret"}


def test_a_flow_map_of_yaml_is_no_json_and_is_read() -> None:
    (document,) = read_text(b"{kind: Secret}", "x.yaml")
    assert document.content == {"kind": "Secret"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param("2024-01-01", "2024-01-01", id="a date is text, as for kubectl"),
        pytest.param("=", "=", id="so is an equals sign"),
        pytest.param("yes", True, id="yes is a boolean, as for kubectl"),
        pytest.param("123", 123, id="and digits are a number"),
    ],
)
def test_scalars_are_read_as_kubectl_reads_them(written: str, read: object) -> None:
    (document,) = read_text(f"key: {written}".encode(), "x.yaml")
    assert document.content == {"key": read}


def test_a_folder_is_read_in_the_order_of_names_without_hidden_and_other_files(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/z.yml", "c.json", ".hidden/x.yaml", "a/.y.yaml", "read.me"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text('{"name": "' + name + '"}')
    found = list(read_path(tmp_path))
    assert [one.content["name"] for one in found if isinstance(one, Document)] == ["a/z.yml", "b.yaml", "c.json"]
    assert len(found) == 3


UNREAD = "not read for its name, and something like a reference stands in it"


def test_what_a_folder_holds_and_is_not_read_is_told_if_references_may_stand_in_it(tmp_path: Path) -> None:
    reference = "x: vault+eu:secret/app#password\n"
    files = {
        "a.yaml": "a: 1",
        "b.yaml.tpl": reference,
        "c.yaml": "a: {{ .Values.a }}",
        "d.md": "nothing",
        ".hidden/e.yaml": reference,
        ".git/f.yaml": reference,
        "g.bin": "\x00" + reference,
        "Kustomization": "h: 1",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "i.yaml").symlink_to("/dev/zero")
    (tmp_path / "j.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "k").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = list(read_path(tmp_path))
    assert [one.content for one in found if isinstance(one, Document)] == [{"h": 1}, {"a": 1}]
    told = [str(one).removeprefix(f"{tmp_path}/") for one in found if isinstance(one, PassedOver)]
    assert told == [
        f".hidden/e.yaml: passed over, {UNREAD}",
        f"b.yaml.tpl: passed over, {UNREAD}",
        "c.yaml: passed over, not YAML or JSON (line 1, column 5); a template has to be rendered first",
        f"g.bin: passed over, {UNREAD}",
        "i.yaml: passed over, is no regular file",
        "j.yaml: passed over, is no regular file",
    ]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        pytest.param(b"a: b: canary\n", " (line 1, column 5)", id="not YAML"),
        pytest.param(b"a: {{ .Values.canary }}\n", " (line 1, column ", id="a template that is not rendered"),
        pytest.param(b"a: \xff\xfecanary", "", id="not UTF-8"),
        pytest.param(b'{"a": "canary"', " (line ", id="half of a JSON document"),
    ],
)
def test_what_cannot_be_read_is_told_by_file_and_position_and_never_quoted(content: bytes, where: str) -> None:
    with pytest.raises(ManifestsUnreadable) as caught:
        list(read_text(content, "x.yaml"))
    assert str(caught.value).startswith(f"x.yaml: not YAML or JSON{where}")
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("content", [b"[" * 100_000, b"- " * 100_000, b'{"a":' * 100_000])
def test_what_is_nested_too_deeply_is_refused_and_ends_nobody(content: bytes) -> None:
    with pytest.raises(ManifestsUnreadable, match="more than 100 levels"):
        list(read_text(content, "x.yaml"))


def test_a_folder_without_manifests_and_a_missing_file_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ManifestsUnreadable, match=r"holds no \.yaml"):
        list(read_path(tmp_path))
    with pytest.raises(ManifestsUnreadable, match="cannot be read: No such file"):
        list(read_path(tmp_path / "x.yaml"))


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        (b"a: ((vault:secret/app#b))", True),
        (b"password=vault+eu:secret/app#b", True),
        (b"# vault:secret/app\n# b", False),
        (b"vault: a #b", False),
        (b"vault:#b", False),
        (b"vault:secret/app", False),
        (b"vault:" * 1_000_000, False),
        (b"vault:" * 1_000_000 + b" x#y", False),
        (b"vault" * 1_000_000 + b"#", False),
    ],
)
def test_what_looks_like_a_reference(text: bytes, *, looks: bool) -> None:
    assert looks_like_reference(text) is looks
