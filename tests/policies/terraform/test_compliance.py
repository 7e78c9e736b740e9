"""The module `terraform/compliance` in OpenTofu and Terraform, over reports that the Enforcer's own writer writes."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from cli.commands.enforcing.enforce import enforce
from enforcer.collecting.inventory import nothing_yet
from enforcer.judging.answers import NotChecked
from enforcer.report import Excepted, ExceptionState, Report, StandardsException, Verdict
from enforcer.telling.json_report import render
from release.terraform import names
from review.findings.finding import ObjectName
from review.findings.rule import Severity
from tests.enforcer.telling.sample import HOSTILE, all_held, finding, not_begun, secret
from tests.policies.conftest import ROOT, Run

pytestmark = pytest.mark.policies

MODULE = ROOT / "terraform" / "compliance"
PROVED, REVIEW = "records-proved", "review"
Change = Callable[[Verdict], Verdict]


class Planned(NamedTuple):
    """What became of a plan: exit code, the status of each check and its problems, outputs, and all that was said."""

    code: int
    checks: dict[str, str]
    problems: dict[str, list[str]]
    outputs: dict[str, Any]
    said: str


@pytest.fixture(params=["tofu", "terraform"])
def program(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def report(ended_hours_ago: float = 1, **changes: Change) -> Report:
    """Return a report of last night in which all is held but what is changed, by the name of the standard."""
    ended = datetime.now(UTC) - timedelta(hours=ended_hours_ago)
    night = all_held()
    verdicts = [changes.get(each.standard.rule.id.replace("-", "_"), _same)(each) for each in night.verdicts]
    return replace(night, started=ended - timedelta(minutes=2), ended=ended, verdicts=verdicts)


def _same(verdict: Verdict) -> Verdict:
    return verdict


def found(count: int, severity: Severity = Severity.ERROR) -> Change:
    def change(verdict: Verdict) -> Verdict:
        findings = [
            replace(
                finding(verdict.standard, secret("shop", f"app-{number}"), "its record proves nothing"),
                severity=severity,
            )
            for number in range(count)
        ]
        return replace(verdict, findings=findings)

    return change


def unchecked(reason: str) -> Change:
    about = ObjectName("forge", "Repository", "", "acme/deploy")
    return lambda verdict: replace(verdict, held=0, unchecked=[NotChecked(about, reason)])


def excepted(verdict: Verdict) -> Verdict:
    exception = StandardsException(
        (PROVED,), ("Secret shop/*",), date(2027, 3, 1), "team-shop", "it moves", "R-1", ExceptionState.IN_FORCE, 1
    )
    return replace(verdict, excepted=[Excepted(finding(verdict.standard, secret("shop", "app"), "x"), exception)])


def text(content: Report) -> str:
    return render(content, "0.1.0")


def changed(content: Report, change: Callable[[dict[str, Any]], object]) -> str:
    """Return the text of a report in which something is not as the Enforcer writes it."""
    found = json.loads(text(content))
    change(found)
    return json.dumps(found)


def plan(run: Run, program: str, folder: Path, content: str, codes: Sequence[int] = (0,), **variables: Any) -> Planned:
    """Plan with the module, as the child of a configuration that reads the report from a file."""
    shutil.copytree(MODULE, folder / "compliance", dirs_exist_ok=True)
    (folder / "report.json").write_text(content)
    given = "".join(f"  {name} = {json.dumps(value)}\n" for name, value in variables.items())
    (folder / "main.tf").write_text(
        f'module "compliance" {{\n  source = "./compliance"\n  report = file("report.json")\n{given}}}\n'
        'output "standards" {\n  value = module.compliance.standards\n}\n'
        'output "summary" {\n  value = module.compliance.summary\n}\n'
    )
    run(program, "init", "-no-color", folder=folder)
    done = run(program, "plan", "-no-color", "-out", "plan.bin", folder=folder, codes=tuple(codes))
    said = done.stdout + done.stderr
    if done.returncode:
        return Planned(done.returncode, {}, {}, {}, " ".join(said.replace("│", " ").split()))
    shown = json.loads(run(program, "show", "-json", "plan.bin", folder=folder).stdout)
    checks = [each for each in shown["checks"] if each["address"]["kind"] == "check"]
    return Planned(
        0,
        {each["address"]["name"]: each["status"] for each in checks},
        {
            each["address"]["name"]: [
                problem["message"] for instance in each["instances"] for problem in instance.get("problems", [])
            ]
            for each in checks
        },
        {name: each["value"] for name, each in shown["planned_values"]["outputs"].items()},
        said,
    )


def failed(planned: Planned) -> set[str]:
    assert set(planned.checks.values()) <= {"pass", "fail"}
    return {name for name, status in planned.checks.items() if status == "fail"}


def test_it_is_formatted_and_valid(run: Run, program: str, tmp_path: Path) -> None:
    run(program, "fmt", "-check", "-diff", str(MODULE))
    shutil.copytree(MODULE, tmp_path / "module")
    run(program, "init", "-no-color", folder=tmp_path / "module")
    run(program, "validate", "-no-color", folder=tmp_path / "module")
    assert not (tmp_path / "module" / ".terraform" / "providers").exists()


def test_all_is_held(run: Run, program: str, tmp_path: Path) -> None:
    planned = plan(run, program, tmp_path, text(report()), gate=True)
    assert failed(planned) == set()
    assert len(planned.checks) == len(all_held().verdicts) + 2
    assert planned.outputs["summary"]["status"] == "held"
    assert planned.outputs["standards"][PROVED] == {
        "status": "held", "held": 12, "findings": 0, "unchecked": 0, "excepted": 0,
    }  # fmt: skip


def test_findings(run: Run, program: str, tmp_path: Path) -> None:
    planned = plan(run, program, tmp_path, text(report(records_proved=found(7))))
    assert failed(planned) == {PROVED}
    (message,) = planned.problems[PROVED]
    assert message.startswith(f"{PROVED}: 7 findings, 0 not checked, 12 held. [error] Secret shop/app-0: its record")
    assert message.count("[error]") == 5
    assert planned.outputs["standards"][PROVED]["findings"] == 7
    refused = plan(run, program, tmp_path, text(report(records_proved=found(1))), (1,), gate=True)
    assert "Not every standard holds." in refused.said
    assert "Secret shop/app-0" in refused.said


def test_what_was_not_checked(run: Run, program: str, tmp_path: Path) -> None:
    content = text(report(review=unchecked("there was no token")))
    planned = plan(run, program, tmp_path, content)
    assert failed(planned) == {REVIEW}
    (message,) = planned.problems[REVIEW]
    assert message.endswith("0 held. [not checked] Repository acme/deploy: there was no token.")
    assert "there was no token" in plan(run, program, tmp_path, content, (1,), gate=True).said
    assert failed(plan(run, program, tmp_path, content, gate=True, allow_unchecked=True)) == {REVIEW}


def test_exceptions_alone(run: Run, program: str, tmp_path: Path) -> None:
    planned = plan(run, program, tmp_path, text(report(records_proved=excepted)), gate=True)
    assert failed(planned) == set()
    assert planned.outputs["standards"][PROVED]["excepted"] == 1


def test_a_run_that_has_not_ended(run: Run, program: str, tmp_path: Path) -> None:
    content = text(not_begun())
    planned = plan(run, program, tmp_path, content)
    assert failed(planned) == set(planned.checks) - {"other-standards"}
    assert "has not ended, or was killed" in planned.problems["run"][0]
    assert planned.problems[PROVED][0].endswith("the run has not ended.")
    assert "The run has not ended." in plan(run, program, tmp_path, content, (1,), gate=True, allow_unchecked=True).said


def _with_severity(severity: str) -> Callable[[dict[str, Any]], None]:
    def change(found: dict[str, Any]) -> None:
        for each in (each for standard in found["standards"] for each in standard["findings"]):
            each["severity"] = severity

    return change


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("{", "The report is no JSON object", id="no JSON"),
        pytest.param("[]", "The report is no JSON object", id="a list"),
        pytest.param('{"version": "keyhole.dev/compliance/v2"}', "keyhole.dev/compliance/v2", id="another version"),
        pytest.param(
            '{"version": "keyhole.dev/compliance/v1"}',
            "The report lacks ended, standards, started, summary.",
            id="nothing in it",
        ),
        pytest.param(
            changed(report(), lambda each: each["standards"].pop(0)), f"lacks the standard {PROVED}.", id="no standard"
        ),
        pytest.param(
            changed(report(), lambda each: each["standards"][0].update(status="fine")),
            f"cannot be read at the standard {PROVED}.",
            id="another status",
        ),
        pytest.param(
            changed(report(), lambda each: each["standards"][0].pop("name")),
            "cannot be read at the standard without a name.",
            id="no name",
        ),
        pytest.param(
            changed(report(), lambda each: each["standards"][1].pop("findings")),
            "cannot be read at the standard values-current.",
            id="no findings",
        ),
        pytest.param(
            changed(report(), lambda each: each["standards"][1].update(unchecked=[{"reason": "x"}])),
            "cannot be read at the standard values-current.",
            id="no object",
        ),
        pytest.param(
            changed(report(images=found(1)), _with_severity("ERROR")),
            "cannot be read at the standard images.",
            id="another severity",
        ),
    ],
)
def test_a_malformed_report_is_an_error_that_names_what(
    run: Run, program: str, tmp_path: Path, content: str, message: str
) -> None:
    assert message in plan(run, program, tmp_path, content, (1,)).said


def test_an_old_report_says_nothing_of_last_night(run: Run, program: str, tmp_path: Path) -> None:
    planned = plan(run, program, tmp_path, text(report(27)))
    assert failed(planned) == {"run"}
    assert failed(plan(run, program, tmp_path, text(report(27)), most_hours=30, gate=True)) == set()
    assert "older than 26 hours" in plan(run, program, tmp_path, text(report(27)), (1,), gate=True).said


def test_the_gate_takes_the_severity_that_it_is_given(run: Run, program: str, tmp_path: Path) -> None:
    content = text(report(images=found(1, Severity.WARNING)))
    assert failed(plan(run, program, tmp_path, content, gate=True)) == {"images"}
    plan(run, program, tmp_path, content, (1,), gate=True, fail_on="warning")


def test_a_standard_that_is_off_and_one_that_the_module_does_not_know(run: Run, program: str, tmp_path: Path) -> None:
    off = changed(report(), lambda each: each["standards"][0].update(status="off", severity=None))
    assert failed(plan(run, program, tmp_path, off, gate=True)) == set()
    later = json.loads(off)
    later["standards"].append({**later["standards"][1], "name": "later", "status": "not-checked"})
    planned = plan(run, program, tmp_path, json.dumps(later))
    assert failed(planned) == {"other-standards"}
    assert planned.problems["other-standards"][0].startswith("later: ")


def test_a_report_that_contradicts_itself_does_not_hold(run: Run, program: str, tmp_path: Path) -> None:
    content = changed(report(images=found(1)), lambda each: [one.update(status="held") for one in each["standards"]])
    assert failed(plan(run, program, tmp_path, content)) == {"images"}


@pytest.mark.parametrize("status", ["finding", "not-checked"])
def test_the_gate_lets_no_status_through_that_nothing_explains(
    run: Run, program: str, tmp_path: Path, status: str
) -> None:
    content = changed(report(), lambda each: each["standards"][1].update(status=status))
    assert "values-current: " in plan(run, program, tmp_path, content, (1,), gate=True, allow_unchecked=True).said


def test_what_keyhole_enforce_writes(run: Run, program: str, tmp_path: Path) -> None:
    """The real command, over an inventory of which nothing is known."""
    now = datetime.now(UTC)
    nothing = nothing_yet("0.1.0", now).model_copy(update={"ended": now})
    (tmp_path / "inventory.json").write_text(nothing.model_dump_json())
    written = tmp_path / "written.json"
    done = CliRunner().invoke(enforce, ["--inventory", str(tmp_path / "inventory.json"), "-o", f"json={written}"])
    assert done.exit_code == 2, done.output
    planned = plan(run, program, tmp_path, written.read_text())
    standards = json.loads(written.read_text())["standards"]
    assert [each["name"] for each in standards] == names()
    assert failed(planned) == {each["name"] for each in standards if each["status"] == "not-checked"}
    assert len(failed(planned)) >= 12
    assert "[not checked]" in planned.problems[PROVED][0]


def test_hostile_names_are_text(run: Run, program: str, tmp_path: Path) -> None:
    hostile = ('${file("/etc/passwd")}', "%{ if true }x%{ endif }", *HOSTILE)

    def change(verdict: Verdict) -> Verdict:
        findings = [finding(verdict.standard, secret(each, each), f"message {each}") for each in hostile]
        return replace(verdict, findings=findings)

    planned = plan(run, program, tmp_path, text(report(no_plaintext=change)), shown=len(hostile))
    assert failed(planned) == {"no-plaintext"}
    (message,) = planned.problems["no-plaintext"]
    assert all(each in message for each in hostile)
