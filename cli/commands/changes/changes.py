"""`keyhole changes`: what changed, who did it, and which commit it came from."""

import os
import re
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.commands.changes.changes_options import FORMS, TimeType, kind_name_group, logs_options, pod_logs
from cli.commands.changes.page_options import named_repositories
from cli.commands.enforcing.whole_file import write
from cli.commands.output import OutputType, print_text
from cli.errors import NotDoneError, tell
from cli.parameters import kinds_option
from cli.version import VERSION

if TYPE_CHECKING:
    from changes.gathering import Gathered
    from changes.index.index import Index
    from changes.sources.source import Source
    from changes.wanted import Page, Wanted
    from manifests.kinds.known import Kinds

_NOT_DONE = 2
_MOST_NAMED = 10
# SHA-1 has 40 digits, SHA-256 has 64.
_COMMIT = re.compile(r"[0-9A-Fa-f]{7,64}")


@click.command(
    epilog="""\b
Examples:
  keyhole changes /var/log/keyhole/audit.log
  keyhole changes --logs -n shop --since 7d
  keyhole changes audit.log --git deploy=../deploy --index changes.db
  keyhole changes --index changes.db --reference 'vault:secret/shop/db#password'
  keyhole changes audit.log --since 2026-11-01 -o html=changes.html -o csv=changes.csv
\b
  # Without a cluster, without a trail: what the commits of a repository changed.
  keyhole changes --git .
""",
)
@click.argument("trails", metavar="[TRAIL]...", nargs=-1)
@logs_options
@click.option(
    "--git",
    "repositories",
    metavar="[NAME=]PATH",
    multiple=True,
    help="A clone of a repository with the manifests, to name the commits. May be repeated.",
)
@kinds_option
@click.option(
    "--index",
    "index_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep what was read in this file, and read only what is new the next time. Without it, nothing is kept.",
)
@click.option("-n", "--namespace", default="", help="Changes in this namespace.")
@click.option("--kind", default="", help="Changes of objects of this KIND, or KIND.GROUP.")
@click.option("--name", default="", help="Changes of objects with this name.")
@click.option("--requester", default="", help="Changes by this user, as the API server calls them.")
@click.option("--reference", default="", help="Changes to or from this reference, written as in a manifest.")
@click.option("--commit", default="", help="Changes that this commit made: its ID, or the first 7 digits or more.")
@click.option(
    "--since", type=TimeType(), help="Changes from then on: a day, a time, or how long ago, such as 7d or 12h."
)
@click.option("--until", type=TimeType(), help="Changes before then.")
@click.option(
    "--limit", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="So many changes, the newest."
)
@click.option(
    "-o",
    "--output",
    "outputs",
    type=OutputType(FORMS),
    multiple=True,
    help="text, json, csv or html, alone or with =FILE. May be repeated.  [default: text]",
)
@click.pass_context
def changes(
    ctx: click.Context,
    *,
    trails: tuple[str, ...],
    repositories: tuple[str, ...],
    kinds: "Kinds | None",
    index_file: Path | None,
    namespace: str,
    kind: str,
    name: str,
    requester: str,
    reference: str,
    commit: str,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    outputs: tuple[tuple[str, Path | None], ...],
    logs: bool,
    keyhole_namespace: str,
    kubeconfig: Path,
    context: str | None,
) -> None:
    """Show what changed: which fields got another reference or version, who did it, and by which commit.

    TRAIL is a file that `keyhole serve --audit-log` writes, a pattern, a folder, or - for standard input. Its rotated
    files are read too, compressed ones as well. Other text may stand in between, as in the logs of a pod.

    With --git, each change is shown with the commit that wrote the reference: exact if no other commit could have,
    likely if one fits best, or unknown, and why. Without any trail, it shows what the commits of the repository wrote.

    Whether the lines of a trail are genuine, only `keyhole audit verify` can say. No value is in a trail, in an index
    or in what is shown.

    Exit code 2 if something could not be read. What could be read is shown even then.
    """
    from changes.index.index import Index, NoIndex
    from changes.wanted import Wanted

    sources = [*_sources(trails), *([pod_logs(kubeconfig, context, keyhole_namespace)] if logs else [])]
    clones = named_repositories(repositories)
    if not sources and not clones and index_file is None:
        raise click.UsageError("give a trail, --logs, --git or --index: where what changed is written")
    if not (sources or clones or index_file is None or index_file.exists()):
        raise NotDoneError(f"{index_file}: there is no such index")
    _check(commit, since, until)
    wanted = Wanted(None, namespace, *kind_name_group(kind, name), requester, reference, commit, since, until)
    try:
        with closing(Index(index_file)) as index:
            gathered = _gather(index, sources, clones, kinds)
            page = _page(index, wanted, limit, is_history=not sources)
            hint = "" if page.changes or gathered.problems else _hint(index, wanted)
    except NoIndex as error:
        raise NotDoneError(f"{index_file or 'the temporary index'}: {error.problem}") from None
    for form, file in outputs or (("text", None),):
        _tell(page, form, file)
    _remark(page, gathered, hint)
    if gathered.problems:
        ctx.exit(_NOT_DONE)


def _sources(trails: Sequence[str]) -> "list[Source]":
    from changes.sources.files import Files
    from changes.sources.stream import Stream

    return [Stream("standard input", sys.stdin.buffer) if each == "-" else Files(each) for each in trails]


def _gather(index: "Index", sources: "Sequence[Source]", clones: dict[str, Path], kinds: "Kinds | None") -> "Gathered":
    from changes.gathering import gather_into
    from changes.sources.files import Files
    from cli.commands.changes.progress import progress

    files = [file for source in sources if isinstance(source, Files) for file in source.found()]
    with progress(files) as advance:
        return gather_into(index, sources, clones, advance, kinds=kinds)


def _page(index: "Index", wanted: "Wanted", limit: int, *, is_history: bool) -> "Page":
    from changes import answers

    is_alone = is_history and not answers.state(index.database).admissions
    return (answers.history if is_alone else answers.page)(index.database, wanted, size=limit)


def _tell(page: "Page", form: str, file: Path | None) -> None:
    text = _rendered(page, form, is_coloured=file is None and _is_coloured())
    if file is not None:
        write(file, text)
    else:
        print_text(text)


def _rendered(page: "Page", form: str, *, is_coloured: bool) -> str:
    if form == "text":
        from changes.telling import text

        return text.render(page, is_coloured=is_coloured)
    if form == "html":
        from changes.page import export

        return export.render(page, VERSION)
    if form == "json":
        from changes.telling import json_form

        return json_form.render(page, VERSION)
    from changes.telling import csv_form

    return csv_form.render(page, VERSION)


def _is_coloured() -> bool:
    # https://no-color.org
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _check(commit: str, since: datetime | None, until: datetime | None) -> None:
    if commit and not _COMMIT.fullmatch(commit):
        raise click.UsageError(f"--commit {commit!r} is neither the ID of a commit nor its first 7 digits or more")
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since has to be before --until")


def _hint(index: "Index", wanted: "Wanted") -> str:
    """Return what to say if nothing fits."""
    from changes import answers

    known = [each for each in answers.namespaces(index.database) if each]
    if wanted == type(wanted)():
        return "there are no changes"
    if wanted.namespace and known and wanted.namespace not in known:
        more = f" and {len(known) - _MOST_NAMED:,} more" if len(known) > _MOST_NAMED else ""
        return (
            f"no change in the namespace {wanted.namespace}; there are some in {', '.join(known[:_MOST_NAMED])}{more}"
        )
    return "no change fits; each filter has to be a whole name, and all have to fit"


def _remark(page: "Page", gathered: "Gathered", hint: str) -> None:
    if hint:
        tell(hint, err=True)
    if page.next is not None:
        tell("there are more, which are older: --limit, --until", err=True)
    if gathered.taken.unreadable:
        told = "lines look like a trail's, but no Keyhole of this version writes such ones"
        tell(f"{gathered.taken.unreadable:,} {told}", err=True)
    for problem in gathered.problems:
        tell(f"Error: {problem.source}: {problem.problem}", err=True)
