"""Files that are broken, huge or hostile: lint says so with place and cause, and the run goes on."""

import os
import random
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.findings.report import Report
from review.lint.lint import Lint, Source, sources
from review.migration.hints import hints
from review.reports import github, gitlab, json_report, junit, step_summary, text
from review.sources import files
from review.sources.text import NotChecked
from tests.review.lint.test_rules import SECRET, looked_at

CANARY = "canary-b4d1"
PLAIN = f"{SECRET}stringData:\n  a: {CANARY}\n"
BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30))


def found(report: Report) -> list[tuple[str, int, int]]:
    return [(each.rule.id, each.place.line, each.place.column) for each in report.findings]


class TestPlaces:
    def test_line_ends_of_windows_change_no_line(self) -> None:
        report = looked_at(PLAIN.replace("\n", "\r\n"))
        assert found(report) == [("KH301", 7, 3)]

    def test_a_line_of_a_megabyte_has_its_columns(self) -> None:
        report = looked_at(f"{SECRET}stringData: {{long: '{{{{{'x' * 2**20}}}}}', a: {CANARY}}}\n")
        assert found(report) == [("KH301", 6, 2**20 + 28)]

    def test_halves_of_characters_hide_nothing(self) -> None:
        head = '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {'
        report = looked_at(head + '"a": "\\ud800", "b": "' + CANARY + '"}}')
        assert [each.pointer for each in report.findings] == ["/stringData/a", "/stringData/b"]

    def test_of_many_documents_each_is_counted(self) -> None:
        report = looked_at("---\n".join([PLAIN] * 2000))
        assert (len(report.checked), len(report.findings)) == (2000, 2000)
        assert report.findings[-1].place.line == 2000 * 8 - 1


BROKEN: dict[str, str | bytes] = {
    "alias bomb": BOMB,
    "holds itself": "a: &a [*a]\n",
    "deep": "[" * 5000,
    "tab": f"a: {CANARY}\n\tb: 1\n",
    "template": f"a: {{{{ .Values.{CANARY} }}}}\n",
    "NUL": f"a: {CANARY}\0\n",
    "not UTF-8": f"a: {CANARY}\n".encode() + b"\xff\n",
    "UTF-16 without a mark": f"a: {CANARY}\n".encode("utf-16-be"),
    "a key that is a list": "? [a]\n: b\n",
    "an object of another language": f"a: !!python/object/apply:os.system ['{CANARY}']\n? {{}}\n: 1\n",
}


def test_the_run_goes_on_behind_each_of_them(tmp_path: Path) -> None:
    for number, content in enumerate(BROKEN.values()):
        (tmp_path / f"{number:02}.yaml").write_bytes(content.encode() if isinstance(content, str) else content)
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(100 * 2**20)
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    (tmp_path / "zz.yaml").write_text(PLAIN)
    run = Lint(date(2026, 6, 1))
    for source in sources(files.find([tmp_path])):
        run.look(source)
    report = run.report()
    assert found(report) == [("KH301", 7, 3)]
    assert len(report.unchecked) == len(BROKEN) + 4
    for write in (text.render, junit.render, github.render, gitlab.render, step_summary.render):
        assert CANARY not in write(report)
    assert CANARY not in json_report.render(report, "1")


def test_a_file_that_vanishes_while_lint_looks_is_told(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        (tmp_path / name).write_text(PLAIN)
    run = Lint(date(2026, 6, 1))
    for source in sources(files.find([tmp_path])):
        if isinstance(source, Source) and source.name.endswith("b.yaml"):
            (tmp_path / "b.yaml").unlink()
        run.look(source)
    report = run.report()
    assert len(report.findings) == 2
    assert [each.reason for each in report.unchecked] == ["it cannot be read: No such file or directory"]


PIECES = (
    *(
        "{",
        "}",
        "[",
        "]",
        ": ",
        "- ",
        "\n",
        "\n  ",
        "---\n",
        "&a ",
        "*a",
        "<<: *a\n",
        "!!binary ",
        "!!int ",
        "|\n",
        "'",
    ),
    *(
        '"',
        "\\",
        "\0",
        "\u202e",
        "\ufeff",
        "\x85",
        "# keyhole: ignore KH301 until 2027-01-31 x",
        "{{ .x }}",
        "\t",
        "\r",
    ),
    *(
        "vault:secret/a#b",
        "((vault:secret/a#b))",
        "${vault:a/b#c}",
        "<path:a/b#c>",
        "ref+vault://a/b#/c",
        "null",
        "1e3",
    ),
    *(
        "kind: Secret\n",
        "kind: 5\n",
        "kind: List\n",
        "items:\n- ",
        "metadata: x\n",
        "data: []\n",
        "stringData:\n  a: b\n",
    ),
    *(
        "keyhole.dev/from: secret/a\n",
        "keyhole.dev/fields: |\n  /data/a: vault:x#y\n",
        "containers: 1\n",
        "env:\n- 1\n",
    ),
    *("secretGenerator:\n- 1\n", "patches: [1, {patch: 2}]\n", "spec: null\n", "annotations: 7\n", "template: []\n"),
)
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, annotations: {keyhole.dev/restart: 'true'}}
spec:
  template:
    metadata: {annotations: {env.keyhole.dev/A: 'vault:secret/a#b'}}
    spec:
      containers:
      - name: a
        env: [{name: B, value: 'vault:secret/a#b'}]
"""
KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
secretGenerator:
- {name: a, literals: [a=b]}
patches:
- patch: |
    kind: Secret
    stringData: {a: b}
"""
EXTERNAL = """\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: a}
spec:
  secretStoreRef: {name: s}
  data:
  - secretKey: a
    remoteRef: {key: a, property: b}
"""
BASES = (
    PLAIN,
    f"{SECRET}  annotations:\n    data.keyhole.dev/a: vault:secret/shop/app#a\n    keyhole.dev/from: secret/x\n",
    DEPLOYMENT,
    KUSTOMIZATION,
    EXTERNAL,
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a.yaml: |\n    kind: Secret\n    data: {a: Yg==}\n",
)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_no_change_to_a_manifest_ends_a_run(seed: int) -> None:
    choose = random.Random(seed)
    content = choose.choice(BASES)
    for _ in range(choose.choice((1, 2, 4, 8))):
        at = choose.randrange(len(content) + 1)
        cut = at + choose.choice((0, 0, 1, choose.randrange(40)))
        content = content[:at] + choose.choice(("", *PIECES)) + content[cut:]
    run = Lint(date(2026, 6, 1), foreign=hints)
    run.look(Source(choose.choice(("a.yaml", "kustomization.yaml", "a.json", "docker-compose.yml")), content.encode))
    report = run.report()
    assert all(isinstance(each, NotChecked) and each.reason for each in report.unchecked)
    assert all(each.place.line >= 1 and each.place.column >= 1 for each in report.findings)
    assert text.render(report).endswith("\n")


@pytest.mark.parametrize(
    "name", ["a\nb.yaml", "a\x1b[31m.yaml", "::error::a.yaml", "\u202eb.yaml", "]]>.yaml", "x" * 250]
)
def test_no_name_of_a_file_ends_a_run_or_forges_a_line(name: str) -> None:
    run = Lint(date(2026, 6, 1))
    run.look(Source(name, PLAIN.encode))
    report = run.report()
    assert len(text.render(report).splitlines()) == 2
    assert sum(line.startswith("::") for line in github.render(report).splitlines()) == 1
    assert step_summary.render(report).count("\n| ") == 2
