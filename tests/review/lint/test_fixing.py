"""What `--fix` does to files, and what it leaves to a person."""

import base64
import subprocess
from datetime import date
from itertools import combinations
from pathlib import Path
from posixpath import normpath

import pytest
import yaml
from click.testing import CliRunner, Result

from cli.main import main
from review.findings.finding import Finding
from review.lint.fixing.fixing import fix
from review.lint.judges.substituted import Substituted
from review.lint.lint import Lint, sources
from review.sources import files

CANARY = "canary-77ab"
HEAD = "# above\napiVersion: v1\nkind: Secret\nmetadata:\n  name: app # a name\n"
ARGO = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\n"
FLUX = (
    "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a, namespace: b}\n"
    "spec: {path: ., postBuild: {substitute: {a: b}}}\n"
)
REFERENCE = "vault:secret/app#x"


def linted(folder: Path) -> Lint:
    run = Lint(date(2026, 6, 1))
    for source in sources(files.find([folder])):
        run.look(source)
    return run


def under_flux() -> list[Finding]:
    """Return what lint finds in the current folder, where Flux substitutes."""
    run = Lint(date(2026, 6, 1), judges=[Substituted(normpath)])
    for source in sources(files.find([Path()])):
        run.look(source)
    return list(run.report().findings)


def fixed(folder: Path, text: str) -> tuple[str, list[str], list[str]]:
    """Put a file right; return its text, which rules were put right, and what failed."""
    (folder / "a.yaml").write_text(text)
    done = fix(linted(folder).report().findings)
    assert CANARY not in repr(done)
    return (folder / "a.yaml").read_text(), [each.rule.id for each in done.fixed], done.failed


@pytest.mark.parametrize(
    ("text", "rule", "result"),
    [
        pytest.param(
            f"{HEAD}stringData:\n  x: {REFERENCE} # why\n  y: keep\n",
            "KH201",
            f"{HEAD}  annotations:\n    data.keyhole.dev/x: {REFERENCE}\nstringData:\n  y: keep\n",
            id="a reference in place, where Argo CD applies",
        ),
        pytest.param(
            f"{HEAD}data: {{x: {base64.b64encode(REFERENCE.encode()).decode()}}}\n",
            "KH201",
            f"{HEAD}  annotations:\n    data.keyhole.dev/x: {REFERENCE}\n",
            id="in base64",
        ),
        pytest.param(
            f"{HEAD}  annotations:\n    date.keyhole.dev/x: {REFERENCE}\n    other: kept\n",
            "KH205",
            f"{HEAD}  annotations:\n    other: kept\n    data.keyhole.dev/x: {REFERENCE}\n",
            id="a misspelt annotation",
        ),
        pytest.param(
            f"{HEAD}  annotations: {{data.keyhole.dev/x: '{REFERENCE}'}}\nstringData:\n  x: {CANARY}\n  y: ${{Y}}\n",
            "KH206",
            f"{HEAD}  annotations: {{data.keyhole.dev/x: '{REFERENCE}'}}\nstringData:\n  y: ${{Y}}\n",
            id="a value beside its annotation",
        ),
    ],
)
def test_what_has_one_right_answer_is_put_right_and_nothing_else_is_touched(
    tmp_path: Path, text: str, rule: str, result: str
) -> None:
    (tmp_path / "argo.yaml").write_text(ARGO if rule == "KH201" else "")
    # Other documents of the file stay as they are.
    around = "# first\n---\na:   [1,2]\n---\n"
    after, rules, failed = fixed(tmp_path, around + text)
    assert (rules, failed) == ([rule], [])
    assert yaml.safe_load(after.removeprefix(around)) == yaml.safe_load(result)
    assert after.startswith(around)
    assert {line for line in after.splitlines() if "#" in line} >= {"# first", "# above", "  name: app # a name"}
    assert fixed(tmp_path, after) == (after, [], [])
    assert [each for each in linted(tmp_path).report().findings if each.rule.id == rule] == []


def test_a_misspelt_annotation_takes_the_value_beside_it_along(tmp_path: Path) -> None:
    text = f"{HEAD}  annotations:\n    date.keyhole.dev/x: {REFERENCE}\nstringData:\n  x: {CANARY}\n"
    after, rules, _ = fixed(tmp_path, text)
    assert "KH205" in rules
    assert CANARY not in after
    assert fixed(tmp_path, after) == (after, [], [])


def test_what_flux_would_take_for_its_own_is_written_in_the_other_brackets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flux.yaml").write_text(FLUX)
    head = f"{HEAD}  annotations:\n    data.keyhole.dev/x: "
    before = "'a${vault:secret/app#x | urlencode }:${vault:secret/app#y}:((vault:secret/app#z))$'"
    (tmp_path / "a.yaml").write_text(f"{head}{before}\n")

    (finding,) = fix(under_flux()).fixed
    assert finding.rule.id == "KH202"
    after = "'a((vault:secret/app#x | urlencode )):((vault:secret/app#y)):((vault:secret/app#z))$'"
    assert (tmp_path / "a.yaml").read_text().replace('"', "'") == f"{head}{after}\n"
    assert under_flux() == []


def test_a_reference_that_flux_takes_does_not_come_back_where_another_rule_removes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "appliers.yaml").write_text(f"{ARGO}---\n{FLUX}")
    (tmp_path / "a.yaml").write_text(f"{HEAD}stringData:\n  x: ${{{REFERENCE}}}\n")
    assert [each.rule.id for each in fix(under_flux()).fixed] == ["KH201", "KH202"]
    after = yaml.safe_load((tmp_path / "a.yaml").read_text())
    assert after["metadata"]["annotations"] == {"data.keyhole.dev/x": f"(({REFERENCE}))"}
    assert "stringData" not in after
    assert fix(under_flux()).fixed == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{HEAD}stringData:\n  .dockerconfigjson: {REFERENCE}\n", id="a key that no annotation can have"),
        pytest.param(f"{HEAD}stringData:\n  x: {REFERENCE}\ndata:\n  x: eHg=\n", id="a key in both maps"),
        pytest.param(
            f"{HEAD}  annotations: {{date.keyhole.dev/x: a, data.keyhole.dev/x: '{REFERENCE}'}}\n", id="a name in use"
        ),
        pytest.param(f"{HEAD}  annotations: {{nothing.like.it.keyhole.dev/x: a}}\n", id="a name that nothing is near"),
        pytest.param("a: &a {b: 1}\n---\nc: *a\n", id="no YAML"),
    ],
)
def test_what_a_person_has_to_decide_stays(tmp_path: Path, text: str) -> None:
    (tmp_path / "argo.yaml").write_text(ARGO)
    after, rules, _ = fixed(tmp_path, text)
    assert (after, rules) == (text, [])


def test_in_json_and_in_lists_too(tmp_path: Path) -> None:
    item = f'{{"metadata": {{"name": "a", "annotations": {{"date.keyhole.dev/x": "{REFERENCE}"}}}}}}'
    text = f'{{"apiVersion": "v1", "kind": "SecretList", "items": [{item}]}}\n'
    after, rules, failed = fixed(tmp_path, text)
    assert (rules, failed) == (["KH205"], [])
    assert yaml.safe_load(after) == yaml.safe_load(text.replace("date.", "data."))


MISSPELT = f"{HEAD}  annotations:\n    date.keyhole.dev/x: {REFERENCE}\n"


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(MISSPELT.replace("\n", "\r\n").encode(), id="CR LF"),
        pytest.param(MISSPELT.encode("utf-16"), id="UTF-16"),
        pytest.param(MISSPELT.encode("utf-8-sig"), id="a byte order mark"),
        pytest.param(MISSPELT.rstrip().encode(), id="no line break at the end"),
    ],
)
def test_encoding_and_line_ends_stay(tmp_path: Path, before: bytes) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(before)
    file.chmod(0o640)
    assert len(fix(linted(tmp_path).report().findings).fixed) == 1
    encoding = "utf-16" if before.startswith(b"\xff\xfe") else "utf-8"
    assert file.read_bytes().decode(encoding) == before.decode(encoding).replace("date.", "data.")
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            f"{HEAD}  annotations: {{data.keyhole.dev/x: '{REFERENCE}'}}\n"
            f"stringData: &s {{x: {CANARY}, y: '${{Y}}'}}\nother: *s\n",
            id="an alias would change too",
        ),
        pytest.param(
            f"{HEAD}  annotations: {{date.keyhole.dev/x: '{REFERENCE}', date.keyhole.dev/x: '{REFERENCE}'}}\n",
            id="a key that stands twice",
        ),
    ],
)
def test_what_cannot_be_proved_is_told_and_stays(tmp_path: Path, text: str) -> None:
    after, rules, failed = fixed(tmp_path, text)
    assert (after, rules) == (text, [])
    assert len(failed) == 1
    assert CANARY not in failed[0]


NOTES = (
    f"data.keyhole.dev/x: {REFERENCE}",
    f"date.keyhole.dev/x: {REFERENCE}",
    f"date.keyhole.dev/y: {REFERENCE}",
    "keyhole.dev/folow: 'false'",
)
VALUES = (f"x: {REFERENCE}", f"y: {REFERENCE}", f"x: {CANARY}", f"z: 'a ((vault:secret/app#z)) {CANARY}'")


@pytest.mark.parametrize("notes", [chosen for count in range(4) for chosen in combinations(NOTES, count)])
def test_twice_is_once_and_what_is_there_more_than_once_is_put_right_once(
    tmp_path: Path, notes: tuple[str, ...]
) -> None:
    (tmp_path / "argo.yaml").write_text(ARGO)
    block = "".join(f"    {note} # {number}\n" for number, note in enumerate(notes))
    for values in (chosen for count in range(4) for chosen in combinations(VALUES, count)):
        keys = [value.partition(":")[0] for value in values]
        if len(set(keys)) < len(keys):
            continue
        text = HEAD + (f"  annotations:\n{block}" if notes else "")
        text += "stringData:\n" + "".join(f"  {value}\n" for value in values) if values else ""
        once, _, _ = fixed(tmp_path, text)
        twice, rules, _ = fixed(tmp_path, once)
        assert (twice, rules) == (once, []), text


class TestCommand:
    TEXT = f"{HEAD}  annotations: {{data.keyhole.dev/x: '{REFERENCE}'}}\nstringData:\n  x: {CANARY}\n  y: {CANARY}\n"

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        self.git("init", "-q")
        (tmp_path / "a.yaml").write_text(self.TEXT)
        return tmp_path

    def git(self, *words: str) -> None:
        who = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *words], check=True, capture_output=True, timeout=60)

    def lint(self, *words: str) -> Result:
        result = CliRunner().invoke(main, ["lint", *words])
        assert CANARY not in result.output
        return result

    def test_what_was_fixed_is_told_and_no_finding_any_more(self, folder: Path) -> None:
        self.git("add", ".")
        self.git("commit", "-q", "-m", "x")
        result = self.lint("--fix")
        assert result.stderr == "a.yaml:8:3: fixed KH206: stringData.x is removed; the annotation fills it\n"
        assert [line.split()[2] for line in result.stdout.splitlines()[:-1]] == ["KH301:"]
        assert (folder / "a.yaml").read_text() == self.TEXT.replace(f"  x: {CANARY}\n", "")
        self.git("commit", "-q", "-a", "-m", "x")
        assert self.lint("--fix").stderr == ""

    def test_a_work_tree_with_changes_is_left_alone_unless_somebody_insists(self, folder: Path) -> None:
        result = self.lint("--fix")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "has changes that are not committed" in result.stderr
        assert (folder / "a.yaml").read_text() == self.TEXT
        assert "fixed KH206" in self.lint("--fix", "--force").stderr

    def test_what_is_asked_wrongly(self) -> None:
        assert self.lint("--force").exit_code == 2
        assert "standard input is none" in self.lint("--fix", "-").stderr
        assert self.lint("--fix", "--write-baseline", "b.json").exit_code == 2
