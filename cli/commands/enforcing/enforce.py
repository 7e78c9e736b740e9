"""`keyhole enforce`: whether what is deployed meets the standards."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cli.commands.enforcing.inventory import stored
from cli.commands.enforcing.outputs import FORMS, SENT, Outputs, begin, tell_report
from cli.commands.enforcing.running import TOOL, collected, running, timeout_option, without_tracebacks
from cli.commands.enforcing.sources_options import AskedSources, sources_options
from cli.commands.output import OutputType
from cli.errors import NotDoneError, tell

if TYPE_CHECKING:
    from enforcer.report import Report
    from enforcer.standards.before import Before
    from enforcer.standards.chosen import StandardsFile

_FINDINGS: Final = 1
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    epilog="""\b
Examples:
  # A first look, with your own account; without Git and the forge, their standards are told as not checked:
  keyhole enforce --kubeconfig ~/.kube/config --connections connections.yaml
\b
  # A standards file to begin with, with everything as it is without one:
  keyhole enforce --init > standards.yaml
\b
  # Every night: a page for people, JSON for programs, and what is new since the night before:
  keyhole enforce --standards standards.yaml --connections connections.yaml --manifests deploy --git . \\
      --since report.json -o text -o json=report.json
\b
  # Judge what was found earlier, or elsewhere:
  keyhole enforce --inventory inventory.json
""",
)
@sources_options
@click.option("--standards", type=_FILE, help="What your organisation demands (YAML); --init prints one to begin with.")
@click.option("--cluster", metavar="NAME", default="", help="What reports call the cluster.")
@click.option(
    "--since",
    metavar="REPORT",
    type=click.Path(dir_okay=False, path_type=Path),
    help="An earlier report (-o json) of the same cluster: mark what is new, and tell what is gone. If there is no "
    "such file, as in the first night, nothing is compared.",
)
@click.option("--inventory", type=_FILE, help="Judge what `keyhole inventory` found, instead of asking anybody.")
@click.option("--init", is_flag=True, help="Print a standards file that says what holds without one, and do no more.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=OutputType(FORMS, SENT),
    help=f"How to tell of it, and where: {', '.join(FORMS)}. {SENT} is sent to the API server. May be repeated.  "
    "[default: text]",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "note", "never"]),
    default="error",
    show_default=True,
    help="The least severe finding that makes the exit code 1.",
)
@click.option("--allow-unchecked", is_flag=True, help="Do not end with exit code 2 because something was not checked.")
@timeout_option
@click.pass_context
@without_tracebacks()
def enforce(
    ctx: click.Context,
    *,
    asked: AskedSources,
    standards: Path | None,
    cluster: str,
    since: Path | None,
    inventory: Path | None,
    init: bool,
    outputs: Outputs,
    fail_on: str,
    allow_unchecked: bool,
    timeout: timedelta,
) -> None:
    """Check whether what is deployed meets the standards, and tell what does not.

    Each standard is held, has findings, or was not checked, with the reason. What could not be looked at never counts
    as held. Nothing is written but reports, and no value of a secret is read; docs/enforcer.md says which rights that
    takes.

    Exit code 0: all is held. 1: a finding, at least as bad as --fail-on says. 2: something was not checked, whatever
    was found beside it, or the run was stopped before its end. Findings under an exception of the standards do not
    count.
    """
    if init:
        from enforcer.standards.template import written

        click.echo(written(), nl=False)
        return
    if inventory is not None and asked.words:
        raise click.UsageError(f"--inventory asks nobody: leave out {', '.join(asked.words)}")
    today = datetime.now(UTC).date()
    standards_file = _standards(standards)
    before = _before(since, cluster)
    from enforcer.enforcing import judged, unfinished

    if inventory is not None:
        report = judged(stored(inventory), standards_file, today, before, cluster=cluster)
        tell_report(report, outputs)
        _end(ctx, report, fail_on, is_stopped=False, allow_unchecked=allow_unchecked)
        return
    from enforcer.collecting.inventory import nothing_yet

    sources = asked.sources()
    begin(unfinished(nothing_yet(TOOL, datetime.now(UTC)), standards_file, before, cluster=cluster), outputs)
    with running(timeout) as run:
        report = judged(collected(sources, run), standards_file, today, before, cluster=cluster)
        tell_report(report, outputs, sources)
    if run.cut_by:
        tell(f"not whole: {run.cut_by}", err=True)
    _end(ctx, report, fail_on, is_stopped=bool(run.cut_by), allow_unchecked=allow_unchecked)


def _end(ctx: click.Context, report: "Report", fail_on: str, *, is_stopped: bool, allow_unchecked: bool) -> None:
    from review.findings.rule import Severity

    if is_stopped or (report.unchecked and not allow_unchecked):
        ctx.exit(NotDoneError.exit_code)
    if fail_on != "never" and any(each.severity.rank <= Severity(fail_on).rank for each in report.findings):
        ctx.exit(_FINDINGS)


def _standards(file: Path | None) -> "StandardsFile":
    from cli.standards_files import read_standards
    from enforcer.standards.chosen import StandardsFile
    from enforcer.standards.file import parse

    if file is None:
        return StandardsFile()
    return read_standards(file, lambda text: parse(text, datetime.now(UTC).date()))


def _before(file: Path | None, cluster: str) -> "Before | None":
    from enforcer.standards.before import NoReportError, parse

    if file is None:
        return None
    try:
        before = parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        tell(f"--since: there is no {file} yet, so nothing is compared", err=True)
        return None
    except OSError as error:
        raise NotDoneError(f"--since: {file} cannot be read: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError:
        raise NotDoneError(f"--since: {file}: it is not UTF-8") from None
    except NoReportError as error:
        raise NotDoneError(f"--since: {file}: {error.problem}") from None
    if before.cluster != cluster:
        ours, theirs = (
            f"cluster {name!r}" if name else "a cluster without a name" for name in (cluster, before.cluster)
        )
        raise NotDoneError(f"--since: {file} is about {theirs}, and this run about {ours} (--cluster)")
    if not before.has_ended and not before.findings:
        tell(f"--since: the run of {file} did not end and knows of nothing, so nothing is compared", err=True)
        return None
    return before
