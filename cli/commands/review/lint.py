"""`keyhole lint`: what is wrong with the manifests in a repository, before anything is applied."""

import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cli.commands.output import OutputType
from cli.commands.review.changing.fixing_options import Fixer, fixing_options
from cli.commands.review.judging_options import Asked, judging_options
from cli.commands.review.outputs import FORMATS, tell_report, write
from cli.commands.review.progress import with_progress
from cli.commands.review.vault_options import WithVault, check_vault, vault_judges, vault_options
from cli.errors import NotDoneError, tell
from cli.parameters import kinds_option
from review.findings import baseline as baselines
from review.findings.rule import Severity
from review.lint.catalogue import BY_ID, RULES
from review.lint.document import severity
from review.lint.lint import Lint, Source, sources
from review.sources import files, git
from review.sources.text import NotChecked

if TYPE_CHECKING:
    from manifests.kinds.known import Kinds
    from review.findings.finding import Finding
    from review.lint.objects import Manifest

_FINDINGS: Final = 1
_STANDARD_INPUT: Final = Path("-")
_FILE = click.Path(dir_okay=False, path_type=Path)
_RARELY: Final = 200_000


built_from_option = click.option(
    "--built-from",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    default=".",
    help="Tell findings at their source: the folder that `kustomize build` was given, whose objects say where they "
    "are from (buildMetadata: [originAnnotations]).",
)


@click.command(
    epilog="""\b
Examples:
  # The whole repository; exit code 1 if there is an error:
  keyhole lint
\b
  # What kustomize makes of an overlay:
  kustomize build overlays/production | keyhole lint - --built-from overlays/production
\b
  # In CI: for people in the log, for GitHub's code scanning in a file, and only what this branch changed:
  keyhole lint -o text -o sarif=keyhole.sarif --changed-since origin/main deploy/
\b
  # Begin with what is there, and be told what comes new:
  keyhole lint --write-baseline .keyhole-baseline.json
  keyhole lint --baseline .keyhole-baseline.json
\b
  # Put right what has one right answer, and see what was changed:
  keyhole lint --fix && git diff
""",
)
@click.argument("paths", nargs=-1, type=click.Path(exists=True, allow_dash=True, path_type=Path))
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=OutputType(FORMATS),
    help=f"How to tell of it, and where: {', '.join(FORMATS)}. May be repeated.  [default: text]",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "note", "never"]),
    default="error",
    show_default=True,
    help="The least severe finding that makes the exit code 1.",
)
@kinds_option
@click.option("--exclude", multiple=True, help="Leave out paths that fit this pattern, or of which a part does.")
@built_from_option
@click.option("--changed-since", metavar="REVISION", help="Tell only of files that differ from this revision of Git.")
@click.option("--baseline", type=_FILE, help="Do not tell of the findings in this file.")
@click.option("--write-baseline", type=_FILE, help="Write the findings into this file, and end with exit code 0.")
@vault_options
@click.option(
    "--explain", metavar="RULE", help="Say what a rule such as KH301 means, or `all` of them, and do no more."
)
@judging_options
@fixing_options
@click.pass_context
def lint(
    ctx: click.Context,
    *,
    paths: tuple[Path, ...],
    outputs: tuple[tuple[str, Path | None], ...],
    fail_on: str,
    kinds: "Kinds | None",
    exclude: tuple[str, ...],
    built_from: Path,
    changed_since: str | None,
    baseline: Path | None,
    write_baseline: Path | None,
    with_vault: WithVault | None,
    explain: str | None,
    judging: Asked,
    fixer: Fixer,
) -> None:
    """Check manifests for references that cannot work, and for secrets in plain text.

    PATHS are files, folders, or - for standard input; without any, the current folder. No server is asked
    unless you give --vault, and no value is read from Vault or shown. What could not be looked at is told as not
    checked, and never counts as sound.
    """
    if explain is not None:
        _explain(explain)
        return
    if baseline and write_baseline:
        raise click.UsageError("either --baseline or --write-baseline")
    # What is made here has no cycles, and there is much of it: the collector would look in vain.
    gc.set_threshold(_RARELY)
    # Nor is there anything to find at the end; that search would take an eighth of a short run.
    ctx.call_on_close(gc.freeze)
    roots = paths or (Path(),)
    is_whole = changed_since is None and not exclude and all(root.is_dir() for root in roots)
    standards = judging.standards()
    of_vault = vault_judges(with_vault, judging.connections, standards.behind)
    judges = [*judging.judges(standards, is_whole=is_whole), *of_vault]
    run = Lint(
        datetime.now(UTC).date(),
        _known(baseline),
        _told(roots, changed_since),
        judges,
        kinds,
        standards,
        _foreign,
        built_from,
    )
    for source in with_progress(_sources(roots, exclude)):
        run.look(source)
    report = fixer(run.report())
    if write_baseline is not None:
        write(write_baseline, baselines.dump(report.findings))
        tell(f"wrote {len(report.findings)} findings to {write_baseline}", err=True)
        return
    tell_report(report, outputs)
    check_vault(with_vault)
    if fail_on != "never" and any(each.severity.rank <= Severity(fail_on).rank for each in report.findings):
        ctx.exit(_FINDINGS)


def _foreign(manifest: "Manifest") -> Iterable["Finding"]:
    from review.migration.hints import hints

    return hints(manifest)


def _sources(roots: Sequence[Path], excluded: Sequence[str]) -> Iterator[Source | NotChecked]:
    if _STANDARD_INPUT in roots:
        yield Source(files.STANDARD_INPUT, lambda: files.read_stream(sys.stdin.buffer, files.STANDARD_INPUT))
    yield from sources(files.find([root for root in roots if root != _STANDARD_INPUT], excluded))


def _told(roots: Sequence[Path], revision: str | None) -> Callable[[str], bool]:
    """Return which files' findings are told."""
    if revision is None:
        return lambda _name: True
    try:
        folders = {root if root.is_dir() else root.parent for root in roots if root != _STANDARD_INPUT}
        changed = frozenset[Path]().union(*(git.changed_since(folder, revision) for folder in folders))
    except git.GitError as error:
        raise NotDoneError(f"--changed-since {revision}: {error.problem}") from None

    def is_told(name: str) -> bool:
        # Of a submodule that differs, its folder stands in the set.
        path = Path(name).resolve()
        return path in changed or not changed.isdisjoint(path.parents)

    return is_told


def _known(file: Path | None) -> baselines.Baseline:
    if file is None:
        return baselines.Baseline(frozenset())
    try:
        return baselines.parse(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotDoneError(f"{file} cannot be read: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError:
        raise NotDoneError(f"{file}: it is not UTF-8") from None
    except baselines.BaselineError as error:
        raise NotDoneError(f"{file}: {error.problem}") from None


def _explain(wanted: str) -> None:
    import textwrap

    rules = RULES if wanted == "all" else [BY_ID[wanted.upper()]] if wanted.upper() in BY_ID else []
    if not rules:
        raise click.UsageError(f"--explain: there is no rule {wanted!r}; the rules are {', '.join(BY_ID)}")
    for number, rule in enumerate(rules):
        body = textwrap.fill(f"{rule.summary} {rule.why} {rule.remedy}", 100, break_on_hyphens=False)
        click.echo(f"{'' if number == 0 else chr(10)}{rule.id} {rule.name} ({severity(rule)})\n{body}")
