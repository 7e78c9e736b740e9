"""`keyhole enforce` and `keyhole inventory`: exit codes, files, signals, and what is said to whoever asks wrongly."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from cli.main import main
from enforcer import enforcing
from enforcer.collecting import inventory as collecting
from enforcer.collecting.run import Run
from enforcer.collecting.sources import Sources
from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterFacts
from enforcer.facts.inventory import Inventory
from enforcer.judging.standard import Standard
from enforcer.standards import file
from tests.enforcer.engine import HELD, UNCHECKED, finding, inventory, secret, standard

HELD_EXIT, FINDINGS, NOT_DONE = 0, 1, 2
BAD = finding("tidy", secret())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "inventory.json").write_text(inventory(("shop", {})).model_dump_json())
    return tmp_path


@pytest.fixture
def standards(monkeypatch: pytest.MonkeyPatch) -> "Any":
    """Return what puts standards in place of all, for judging and for reading the file."""

    def use(*those: Standard) -> None:
        for function in (enforcing.judged, enforcing.unfinished):
            monkeypatch.setattr(function, "__kwdefaults__", {**(function.__kwdefaults__ or {}), "standards": those})
        monkeypatch.setattr(file.parse, "__defaults__", (those,))

    return use


def keyhole(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def enforce(*arguments: str) -> Result:
    return keyhole("enforce", "--inventory", "inventory.json", *arguments)


@pytest.mark.parametrize(
    ("answers", "options", "code"),
    [
        ([HELD], [], HELD_EXIT),
        ([HELD, BAD], [], FINDINGS),
        ([BAD], ["--fail-on", "never"], HELD_EXIT),
        ([UNCHECKED], [], NOT_DONE),
        ([UNCHECKED], ["--fail-on", "never"], NOT_DONE),
        ([BAD, UNCHECKED], [], NOT_DONE),
        ([UNCHECKED], ["--allow-unchecked"], HELD_EXIT),
        ([BAD, UNCHECKED], ["--allow-unchecked"], FINDINGS),
    ],
)
def test_exit_codes(standards: Any, answers: list[Any], options: list[str], code: int) -> None:
    standards(standard("tidy", *answers))
    assert enforce(*options).exit_code == code


@pytest.mark.parametrize(
    ("severity", "fail_on", "code"),
    [
        ("error", "error", 1),
        ("warning", "error", 0),
        ("warning", "warning", 1),
        ("note", "warning", 0),
        ("off", "note", 0),
    ],
)
def test_how_bad_a_finding_has_to_be(standards: Any, severity: str, fail_on: str, code: int) -> None:
    standards(standard("tidy", BAD))
    text = f"version: keyhole.dev/standards/v1\nenforce: {{standards: {{tidy: {{severity: {severity}}}}}}}\n"
    Path("standards.yaml").write_text(text)
    assert enforce("--standards", "standards.yaml", "--fail-on", fail_on).exit_code == code


def test_the_text_says_what_was_found_and_how_each_standard_stands(standards: Any) -> None:
    unchecked = [replace(UNCHECKED, object=secret(f"s{number}")) for number in range(1200)]
    standards(standard("tidy", HELD, BAD, *unchecked), standard("fine", HELD), standard("none", is_off=True))
    assert enforce("--cluster", "east").stdout == (
        "error: tidy: Secret shop/app: it is wrong\n"
        "not checked: tidy: Secret shop/s0 and 1,199 more: it was busy\n"
        "STANDARD    STATUS   HELD  ERRORS  WARNINGS  NOTES  NOT CHECKED  EXCEPTED\n"
        "tidy        FINDING     1       1         -      -        1,200         -\n"
        "fine        held        1       -         -      -            -         -\n"
        "none        off         -       -         -      -            -         -\n"
        "exceptions  held        -       -         -      -            -         -\n"
        "east: 1 error; 1,200 not checked\n"
    )


def test_names_of_others_are_text(standards: Any) -> None:
    standards(standard("tidy", finding("tidy", secret("a\x1b[2J\n\u202eb"))))
    first = enforce().stdout.splitlines()[0]
    assert "\x1b" not in first
    assert "\u202e" not in first
    assert first.startswith("error: tidy: Secret shop/a")


def test_a_night_after_another(standards: Any) -> None:
    standards(standard("tidy", BAD, finding("tidy", secret("old"))))
    nightly = ("--since", "report.json", "-o", "json=report.json", "-o", "text")
    first = enforce(*nightly)
    assert "there is no report.json yet, so nothing is compared" in first.stderr
    standards(standard("tidy", BAD, finding("tidy", secret("fresh"))))
    second = enforce(*nightly)
    assert "error: tidy: Secret shop/fresh: it is wrong (new)\n" in second.stdout
    assert "error: tidy: Secret shop/app: it is wrong\n" in second.stdout
    assert "gone: tidy: Secret shop/old: it is wrong\n" in second.stdout
    assert second.stdout.endswith("2 errors; 0 not checked; since 2026-06-01 02:00 UTC: 1 new, 1 gone\n")


def test_an_earlier_report_that_cannot_be_compared_with(standards: Any) -> None:
    standards(standard("tidy", BAD))
    enforce("--cluster", "east", "-o", "json=east.json")
    other = enforce("--cluster", "west", "--since", "east.json")
    assert other.exit_code == NOT_DONE
    assert "east.json is about cluster 'east', and this run about cluster 'west' (--cluster)" in other.stderr
    assert "a cluster without a name" in enforce("--since", "east.json").stderr
    Path("other.json").write_text("{}")
    assert "other.json: it has no version keyhole.dev/compliance/v1" in enforce("--since", "other.json").stderr
    assert "x cannot be read: Not a directory" in enforce("--since", "inventory.json/x").stderr
    Path("text.json").write_bytes(b"\xff")
    assert "text.json: it is not UTF-8" in enforce("--since", "text.json").stderr
    content = json.loads(Path("east.json").read_text())
    Path("killed.json").write_text(json.dumps({**content, "ended": None, "standards": []}))
    killed = enforce("--cluster", "east", "--since", "killed.json", "-o", "json")
    assert "the run of killed.json did not end and knows of nothing, so nothing is compared" in killed.stderr
    assert json.loads(killed.stdout)["since"] is None


def test_a_stored_inventory_that_is_none_is_refused_without_quoting_it() -> None:
    content = json.loads(Path("inventory.json").read_text())
    for broken in ("{", json.dumps({**content, "canary": 1}), json.dumps({**content, "started": "canary"})):
        Path("inventory.json").write_text(broken)
        result = enforce()
        assert (result.exit_code, "it is no inventory" in result.stderr) == (NOT_DONE, True)
        assert '"canary"' not in result.stderr
    refused = enforce("--manifests", "manifests", "--no-cluster")
    assert "--inventory asks nobody: leave out --no-cluster, --manifests" in refused.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "there is no API server to ask: give --kubeconfig"),
        (["--no-cluster"], "there is nothing to look at: give --kubeconfig, or"),
        (["--no-cluster", "--audit-key", "inventory.json"], "only with --audit-log"),
        (["--repository", "a/b"], "only with --forge"),
        (["--forge", "github"], "--forge needs --repository"),
        (["--forge", "github", "--repository", "a/b", "--forge-token", "NOT_SET"], "NOT_SET is empty or not set"),
        (["-o", "jsn"], "is not one of text, "),
        (["-o", "json="], "is not one of text, "),
        (["--timeout", "7h"], "is not between"),
        (["--standards", "inventory.json", "--no-cluster"], "is not known here"),
    ],
)
def test_what_was_asked_wrongly_is_told_with_what_would_be_right(options: list[str], words: str) -> None:
    result = keyhole("enforce", *options)
    assert result.exit_code == NOT_DONE
    assert words in " ".join(result.stderr.split())


def test_the_token_of_the_forge_comes_from_the_environment_and_is_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Sources] = []

    def collect(sources: Sources, _run: Run, _so_far: Inventory) -> NotKnown:
        seen.append(sources)
        return NotKnown(not_known="not asked here")

    monkeypatch.setattr(collecting, "SECTIONS", {"forge": collect})
    monkeypatch.setenv("TOKEN", "canary-token")
    options = ("--no-cluster", "--forge", "gitlab", "--repository", "a/b", "--forge-token", "TOKEN", "--branch", "x")
    result = keyhole("inventory", *options)
    (sources,) = seen
    assert sources.forge is not None
    assert (sources.forge.name, sources.forge.repository, sources.forge.branch) == ("gitlab", "a/b", "x")
    assert sources.forge.token is not None
    assert sources.forge.token.reveal_text() == "canary-token"
    assert "canary" not in result.output + repr(sources)


def test_a_collector_that_a_bug_ends_keeps_no_section_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_sources: Sources, _run: Run, _so_far: Inventory) -> ClusterFacts:
        raise ValueError("canary-7f3a")

    collectors = {"cluster": broken, "git": lambda *_: NotKnown(not_known="asked after it")}
    monkeypatch.setattr(collecting, "SECTIONS", collectors)
    result = keyhole("inventory", "--no-cluster", "--manifests", "manifests")
    content = json.loads(result.stdout)
    assert content["cluster"] == {"not_known": "a bug in Keyhole: collecting it failed with ValueError"}
    assert content["git"] == {"not_known": "asked after it"}
    assert "canary" not in result.output


def test_a_bug_is_no_finding_and_its_text_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise ValueError("canary-7f3a")

    monkeypatch.setattr("enforcer.telling.text.render", broken)
    result = enforce()
    assert result.exit_code == NOT_DONE
    assert "a bug in Keyhole: ValueError at " in result.stderr
    assert "canary" not in result.output


def test_the_inventory_has_its_schema(folder: Path) -> None:
    schema = json.loads(keyhole("report", "schema", "inventory").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert keyhole("inventory", "--no-cluster", "--manifests", "manifests", "-o", "json=x.json").stdout == ""
    jsonschema.validate(json.loads((folder / "x.json").read_text()), schema)
    jsonschema.validate(json.loads((folder / "inventory.json").read_text()), schema)
    assert "compliance/v1" in keyhole("report", "schema", "compliance").stdout
    assert keyhole("report", "schema").stdout == keyhole("report", "schema", "lint").stdout


def test_the_file_to_begin_with_can_be_used(folder: Path) -> None:
    (folder / "standards.yaml").write_text(keyhole("enforce", "--init").stdout)
    assert enforce("--standards", "standards.yaml").stdout == enforce().stdout


def test_a_file_that_cannot_be_written_is_told_before_anybody_is_asked(folder: Path) -> None:
    result = keyhole("enforce", "--no-cluster", "--manifests", "manifests", "-o", "json=missing/r.json", "-o", "text")
    assert result.exit_code == NOT_DONE
    assert "missing/r.json cannot be written: No such file or directory" in result.stderr
    assert result.stdout == ""
    assert not list(folder.glob(".*"))


def test_a_report_that_cannot_be_written_keeps_no_other_one_back(standards: Any, folder: Path) -> None:
    standards(standard("tidy", HELD))
    result = enforce("-o", "json=missing/r.json", "-o", "text=report.txt")
    assert result.exit_code == NOT_DONE
    assert (folder / "report.txt").read_text().endswith("no findings; 0 not checked\n")


def test_a_file_of_a_report_is_replaced_as_a_whole_and_a_link_stays_one(standards: Any, folder: Path) -> None:
    standards(standard("tidy", HELD))
    (folder / "real.txt").write_text("before")
    (folder / "link.txt").symlink_to("real.txt")
    with (folder / "real.txt").open() as reader:
        enforce("-o", "text=link.txt")
        assert reader.read() == "before"
    assert (folder / "link.txt").is_symlink()
    assert (folder / "real.txt").read_text().endswith("no findings; 0 not checked\n")
    mask = os.umask(0o022)
    os.umask(mask)
    assert (folder / "real.txt").stat().st_mode & 0o777 == 0o666 & ~mask


def test_whoever_reads_a_pipe_gets_one_report(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(collecting, "SECTIONS", {})
    os.mkfifo(folder / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((folder / "pipe").read_text()))
    reader.start()
    keyhole("enforce", "--no-cluster", "--manifests", "manifests", "-o", "json=pipe")
    reader.join()
    assert json.loads(read[0])["ended"] is not None
    assert not (folder / "pipe").is_file()


# A run whose first section waits until somebody ends it, and whose standards say which sections are known.
_WAITING = """
import sys
from enforcer.collecting import inventory
from enforcer.facts.base import NotKnown, is_known
from enforcer import enforcing
from enforcer.judging.answers import Held, section_not_known
from enforcer.facts.cluster import ClusterFacts
from review.findings.finding import ObjectName
from tests.enforcer.engine import Limits, rule
from enforcer.judging.standard import Standard

def cluster(sources, run, so_far):
    print("asking", flush=True)
    while True:
        run.wait(3600.0)

def of(section):
    def judge(found, parameters):
        facts = getattr(found, section)
        yield Held(ObjectName()) if is_known(facts) else section_not_known(section, facts)
    return judge

inventory.SECTIONS["cluster"] = cluster
inventory.SECTIONS["git"] = cluster
sections = ("cluster", "git")
those = tuple(Standard(rule(f"of-{each}"), Limits, of(each), "It is so.") for each in sections)
for function in (enforcing.judged, enforcing.unfinished):
    function.__kwdefaults__["standards"] = those
from cli.main import main
main(sys.argv[1:])
"""


def waiting(*options: str, stderr: int = subprocess.PIPE, program: str = _WAITING) -> "subprocess.Popen[str]":
    """Start a run, and return when it asks."""
    arguments = ["enforce", "--no-cluster", "--manifests", "manifests", "-o", "json=report.json", *options]
    command = [sys.executable, "-c", program, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "asking\n"
    return process


def reasons(report: Mapping[str, Any]) -> set[str]:
    return {each["reason"] for standard in report["standards"] for each in standard["unchecked"]}


def test_a_run_that_is_ended_by_a_signal_tells_what_it_knows(folder: Path) -> None:
    """Whoever waits at a terminal sees how far it is, until it ends."""
    here, there = pty.openpty()
    process = waiting("--allow-unchecked", stderr=there)
    os.close(there)
    begun = json.loads((folder / "report.json").read_text())
    assert (begun["ended"], reasons(begun)) == (None, {"the run has not ended"})
    seen = b""
    while b"looking at: cluster" not in seen:
        seen += os.read(here, 1000)
    process.send_signal(signal.SIGTERM)
    while b"\x1b[Kno findings" not in seen or b"not whole: the run was ended by SIGTERM" not in seen:
        seen += os.read(here, 1000)
    process.communicate(timeout=60)
    os.close(here)
    report = json.loads((folder / "report.json").read_text())
    assert process.returncode == NOT_DONE
    assert report["ended"] is not None
    assert reasons(report) == {"the run was ended by SIGTERM"}
    assert report["summary"]["status"] == "not-checked"


def test_a_run_that_is_killed_says_so_and_does_not_forget_what_the_night_before_knew(
    standards: Any, folder: Path
) -> None:
    both = ("of-cluster", "of-git")
    standards(*(standard(each, finding(each, secret())) for each in both))
    enforce("-o", "json=report.json")
    process = waiting("--since", "report.json")
    process.kill()
    process.communicate(timeout=60)
    killed = json.loads((folder / "report.json").read_text())
    assert (killed["ended"], killed["summary"]["status"]) == (None, "not-checked")
    assert [each["standard"] for each in killed["unseen"]] == list(both)
    standards(standard(both[0], finding(both[0], secret())), standard(both[1], HELD))
    result = enforce("--since", "report.json", "-o", "json")
    report = json.loads(result.stdout)
    assert (report["summary"]["new"], [each["standard"] for each in report["gone"]]) == (0, ["of-git"])
    assert report["since"] == "2026-06-01T02:00:00+00:00", "the last run that ended"


def test_a_second_signal_ends_the_process_at_once(folder: Path) -> None:
    """The first one is heeded before the next request; a request that hangs would keep it waiting."""
    process = waiting(program=_WAITING.replace("run.wait(3600.0)", "__import__('time').sleep(3600.0)"))
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert json.loads((folder / "report.json").read_text())["ended"] is None


def test_no_time_left(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def collect(_sources: Sources, run: Run, _so_far: Inventory) -> NotKnown:
        run.wait(3600)
        return NotKnown(not_known="it went on")

    monkeypatch.setattr(collecting, "SECTIONS", {"cluster": collect})
    result = keyhole("inventory", "--no-cluster", "--manifests", "manifests", "--timeout", "1s", "-o", "json=i.json")
    assert (result.exit_code, result.stderr) == (NOT_DONE, "not whole: there was no time left\n")
    assert json.loads((folder / "i.json").read_text())["cluster"] == {"not_known": "there was no time left"}
