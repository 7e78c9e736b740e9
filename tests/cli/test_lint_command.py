"""`keyhole lint` as it is called."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from review.lint.catalogue import RULES
from review.lint.document import severity

CANARY = "canary-77ab"
HEAD = "apiVersion: v1\nkind: Secret\nmetadata: {name: app}\n"
WARNING = HEAD + f"stringData: {{x: {CANARY}}}\n"
ERROR = HEAD + f"stringData: {{x: 'https://u:{CANARY}@h'}}\n"
SOUND = HEAD + "stringData: {x: 'vault:secret/a#b'}\n"
NONE, FINDINGS, NOT_DONE = 0, 1, 2


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lint(*arguments: str, standard_input: str = "") -> Result:
    result = CliRunner().invoke(main, ["lint", *arguments], input=standard_input)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert CANARY not in result.output
    return result


def test_a_report_that_cannot_be_printed_is_no_finding(folder: Path) -> None:
    (folder / "a.yaml").write_text(SOUND)
    program = [sys.executable, "-c", "from cli.main import main; main(['lint'])"]
    root = Path(__file__).resolve().parents[2]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            program, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env={"PYTHONPATH": str(root)}
        )
    assert done.stderr.startswith("Error: standard output: No space left on device\n")
    assert "Traceback" not in done.stderr
    assert done.returncode not in {NONE, FINDINGS}


def test_a_report_is_written_through_no_link_that_leads_out_of_the_tree(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (folder / "a.yaml").write_text(SOUND)
    outside = tmp_path_factory.mktemp("outside") / "profile"
    outside.write_text("of somebody")
    (folder / "out.json").symlink_to(outside)
    (folder / "in.json").symlink_to(folder / "kept.json")
    for options in (("-o", "json=out.json"), ("--write-baseline", "out.json")):
        result = lint(*options)
        assert (result.exit_code, "a link that leads out of the folder" in result.stderr) == (NOT_DONE, True)
    assert outside.read_text() == "of somebody"
    assert lint("-o", "json=in.json", "-o", "junit=/dev/stdout").exit_code == NONE
    assert (folder / "kept.json").read_text().startswith("{")


@pytest.mark.parametrize(
    ("text", "fail_on", "code"),
    [
        (SOUND, "note", NONE),
        (WARNING, "error", NONE),
        (WARNING, "warning", FINDINGS),
        (ERROR, "error", FINDINGS),
        (ERROR, "never", NONE),
        ("a: [\n", "note", NONE),
    ],
)
def test_the_exit_code_follows_the_worst_finding(folder: Path, text: str, fail_on: str, code: int) -> None:
    (folder / "a.yaml").write_text(text)
    assert lint("--fail-on", fail_on).exit_code == code


def test_without_paths_the_current_folder_is_looked_at_and_a_dash_is_standard_input(folder: Path) -> None:
    (folder / "a.yaml").write_text(WARNING)
    assert lint().stdout.startswith("a.yaml:4:14: warning KH301: stringData.x holds a value (Secret app)\n")
    assert lint("-", standard_input=WARNING).stdout.startswith("standard input:4:14: warning KH301")
    assert lint("-", "a.yaml", standard_input=SOUND.replace("name: app", "name: b")).stdout.endswith(
        "2 objects in 2 files: 1 warning\n"
    )


def test_several_forms_at_once_each_in_its_place(folder: Path) -> None:
    (folder / "a.yaml").write_text(ERROR)
    result = lint("-o", "text", "-o", "sarif=s.json", "-o", "junit=j.xml", "-o", "gitlab=g.json", "-o", "json=r.json")
    assert result.stdout.startswith("a.yaml:4:14: error KH304")
    assert json.loads((folder / "s.json").read_text())["runs"][0]["results"][0]["ruleId"] == "KH304"
    assert len(json.loads((folder / "g.json").read_text())) == 1
    assert json.loads((folder / "r.json").read_text())["summary"]["errors"] == 1
    assert "<failure" in (folder / "j.xml").read_text()
    assert not [file for file in folder.iterdir() if CANARY in file.read_text() and file.name != "a.yaml"]


def test_a_form_for_a_program_stays_alone_on_standard_output(folder: Path) -> None:
    (folder / "a.yaml").write_text("a: {{ x }}\n")
    result = lint("-o", "json")
    assert json.loads(result.stdout)["summary"]["unchecked"] == 1
    assert result.stderr == "0 objects in 1 file: no findings; 1 place not checked\n"


def test_on_github_all_findings_stand_in_the_summary_of_the_step(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = folder / "summary.md"
    summary.write_text("### of another command\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    values = "".join(f"  x{number}: {CANARY}\n" for number in range(30))
    (folder / "a.yaml").write_text(f"{HEAD}stringData:\n{values}")
    assert lint("-o", "github").stdout.count("::warning ") == 10
    text = summary.read_text()
    assert text.startswith("### of another command\n### keyhole lint\n")
    assert text.count(" | KH301 | ") == 30
    assert CANARY not in text
    lint("-o", "text")
    assert summary.read_text() == text
    with summary.open("a") as file:
        file.truncate(1024 * 1024 - 100)
    lint("-o", "github")
    assert summary.stat().st_size == 1024 * 1024 - 100, "there is no room for anything"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "no" / "such" / "file"))
    result = lint("-o", "github")
    assert result.exit_code == NONE
    assert result.stderr == "GITHUB_STEP_SUMMARY cannot be written: No such file or directory\n"


def test_the_schema_of_reports_is_printed() -> None:
    result = CliRunner().invoke(main, ["report", "schema"])
    assert json.loads(result.stdout)["$id"] == "keyhole.dev/report/v1"


def test_a_baseline_is_written_and_then_known(folder: Path) -> None:
    (folder / "a.yaml").write_text(ERROR)
    assert lint("--write-baseline", "base.json").exit_code == NONE
    assert CANARY not in (folder / "base.json").read_text()
    known = lint("--baseline", "base.json", "--exclude", "base.json")
    assert (known.exit_code, known.stdout) == (NONE, "1 object in 1 file: no findings, 1 excused\n")


def test_only_what_changed_is_told_and_the_whole_tree_counts(folder: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, timeout=60)

    git("init", "-q")
    (folder / "old.yaml").write_text(WARNING)
    (folder / "namespace.yaml").write_text(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {keyhole.dev/enabled: 'true'}}\n"
    )
    git("add", ".")
    git("commit", "-q", "-m", "x")
    (folder / "new.yaml").write_text(WARNING.replace("name: app", "name: app, namespace: shop"))
    result = lint("--changed-since", "HEAD")
    assert result.stdout.splitlines()[0] == "new.yaml:4:14: error KH301: stringData.x holds a value (Secret shop/app)"
    assert "old.yaml" not in result.stdout
    failed = lint("--changed-since", "no-such-branch")
    assert failed.exit_code == NOT_DONE
    assert failed.stderr.startswith("Error: --changed-since no-such-branch: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--baseline", "a.json", "--write-baseline", "b.json"),
        ("--explain", "KH999"),
        ("-o", "xml"),
        ("-o", "json="),
        ("--baseline", "gone.json"),
        ("gone/",),
        ("-o", "json=no/such/folder.json"),
    ],
)
def test_what_is_asked_wrongly_is_no_finding(arguments: tuple[str, ...]) -> None:
    result = lint(*arguments)
    assert result.exit_code == NOT_DONE
    assert "Error: " in result.stderr


def test_each_rule_is_explained() -> None:
    assert lint("--explain", "kh301").stdout.startswith(
        "KH301 plaintext-secret (warning)\nA Secret in Git holds a value."
    )
    everything = lint("--explain", "all").stdout
    assert all(f"{rule.id} {rule.name} ({severity(rule)})\n" in everything for rule in RULES)


def test_nothing_heavy_is_imported_not_even_for_a_file_with_references(folder: Path) -> None:
    (folder / "a.yaml").write_text(SOUND)
    program = (
        "import sys; from cli.main import main\n"
        "try: main(['lint', 'a.yaml'])\n"
        "except SystemExit: pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=folder)
    loaded = set(json.loads(done.stderr.replace("'", '"')))
    assert not loaded & {"hvac", "kubernetes", "pydantic", "requests", "cryptography", "gevent", "flask", "socket"}
