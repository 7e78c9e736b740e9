"""`keyhole migrate`: references of other tools become Keyhole's, in the files where they stand."""

import gc
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cli.commands.review.changing.work_tree import refuse_if_dirty
from cli.commands.review.migration_output import as_json, show
from cli.commands.review.progress import with_progress
from cli.errors import NotDoneError, tell
from cli.late_group import Late, LateGroup
from cli.vaults.login import Login, login_options
from review.sources import files

if TYPE_CHECKING:
    from review.languages.foreign import Context, Language
    from review.migration.plan import Plan
    from review.migration.rewrite import Rewritten

_FINDINGS: Final = 1
_RARELY: Final = 200_000
_COMMANDS: Final[Mapping[str, Late]] = {
    "secrets": Late(
        "cli.commands.review.migrate_secrets", "Print a script that puts values of the repository into Vault."
    ),
    "values": Late("cli.commands.review.migrate_secrets", "Print values of a Secret in a file, for a pipe."),
}
_AUTO: Final = "auto"
_LANGUAGES: Final = ("bank-vaults", "avp", "vals", "eso", "vso")


class _FilesOrCommand(LateGroup):
    """A command that takes files, unless the first word names one of its subcommands."""

    # Options may follow files, as everywhere.
    allow_interspersed_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options and files, or leave them to the subcommand (click's hook)."""
        if args and args[0] in self.late:
            ctx.meta[__name__] = args
            return []
        return click.Command.parse_args(self, ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command itself, or its subcommand (click's hook)."""
        words: list[str] | None = ctx.meta.get(__name__)
        command = self.get_command(ctx, words[0]) if words else None
        if words is None or command is None:
            return click.Command.invoke(self, ctx)
        with command.make_context(words[0], words[1:], parent=ctx) as inner:
            return command.invoke(inner)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters; none to a subcommand, whose own path names them otherwise (click's hook)."""
        return super().get_params(ctx) if ctx.command is self else []

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the usage of the command itself (click's hook)."""
        return click.Command.collect_usage_pieces(self, ctx)


def _mapped(_ctx: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    mappings: dict[str, str] = {}
    for value in values:
        store, separator, connection = value.rpartition("=")
        if not separator or not store or not connection:
            raise click.BadParameter(f"{value!r} is not of the form STORE=CONNECTION or STORE=CONNECTION/MOUNT")
        mappings[store] = connection
    return mappings


@click.group(
    cls=_FilesOrCommand,
    late=_COMMANDS,
    no_args_is_help=False,
    epilog="""\b
Examples:
  # What would change, as a diff; exit code 1 if there is something to do:
  keyhole migrate
\b
  # Change the files of one folder, in a work tree without other changes:
  keyhole migrate deploy/shop --write
\b
  # Two Vaults: references to the second one lead to the connection eu.
  keyhole migrate --map https://vault.eu.example:8200=eu
""",
)
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--from",
    "language",
    type=click.Choice([_AUTO, *_LANGUAGES]),
    default=_AUTO,
    show_default=True,
    help="Which tool's references are converted; `auto` takes all of them.",
)
@click.option("--write", is_flag=True, help="Change the files, instead of showing what would change (--diff).")
@click.option("--diff", "_diff", is_flag=True, help="Show what would change; the default.")
@click.option("--force", is_flag=True, help="Write even if the work tree has other changes, or is not in Git.")
@click.option(
    "--map",
    "mappings",
    multiple=True,
    metavar="STORE=CONNECTION[/MOUNT]",
    callback=_mapped,
    help="Which connection stands for a store, or for the address of a Vault. May be repeated.",
)
@click.option(
    "--vault",
    is_flag=True,
    help="Ask Vault which fields a secret has, where a list of them is to be written. No value is read.",
)
@login_options("With --vault: ")
@click.option(
    "--connections",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --vault: the connections file. Without it, VAULT_ADDR says which Vault is asked.",
)
@click.option("--canonical", is_flag=True, help="Leave out the data/ that KV v2's HTTP API has in its paths.")
@click.option("--exclude", multiple=True, help="Leave out paths that fit this pattern, or of which a part does.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def migrate(
    ctx: click.Context,
    *,
    paths: tuple[Path, ...],
    language: str,
    write: bool,
    _diff: bool,
    force: bool,
    mappings: Mapping[str, str],
    vault: bool,
    login: Login | None,
    connections: Path | None,
    canonical: bool,
    exclude: tuple[str, ...],
    output: str,
) -> None:
    """Convert the references of other tools to Keyhole's, in the files where they stand.

    PATHS are files or folders; without any, the current folder. Comments, quotes and order stay: only what changes is
    changed, and read again before it is written. What cannot be converted is told, with its place and the cause, and
    stays as it is. A diff shows lines of your files, as Git's does.
    """
    if write and _diff:
        raise click.UsageError("either --write or --diff")
    if (login or connections) and not vault:
        raise click.UsageError("--login and --connections only with --vault")
    roots = paths or (Path(),)
    if write and not force:
        refuse_if_dirty(roots)
    # What is made here has no cycles, and there is much of it: the collector would look in vain.
    gc.set_threshold(_RARELY)
    from review.languages.foreign import Context

    context = Context(mappings=mappings, canonical=canonical)
    if vault:
        from cli.vaults.inspectors import inspectors, keys_at

        with inspectors(connections, login) as vault_of:
            asked = replace(context, keys_at=keys_at(vault_of, lambda reason: tell(f"not asked: {reason}", err=True)))
            plan = _planned(roots, exclude, language, asked)
    else:
        plan = _planned(roots, exclude, language, context)
    from review.migration.rewrite import rewritten

    results = [rewritten(file) for file in plan.files]
    plan.notes += (note for result in results for note in result.notes)
    plan.notes.sort(key=lambda note: (note.place.file, note.place.line))
    plan.unchecked.sort(key=lambda each: (each.place.file, each.place.line))
    changed = [result for result in results if result.has_changed]
    if write:
        _write(changed)
    if output == "json":
        click.echo(json.dumps(as_json(plan, changed), indent=2))
    else:
        show(plan, changed, shows_diff=not write)
    if changed and not write:
        ctx.exit(_FINDINGS)


def _planned(roots: Sequence[Path], exclude: Sequence[str], language: str, context: "Context") -> "Plan":
    from review.migration.plan import Ambiguous, planned

    try:
        return planned(with_progress(files.find(roots, exclude)), _languages(language), context)
    except Ambiguous as error:
        raise NotDoneError(str(error)) from None


def _languages(name: str) -> Sequence["Language"]:
    from review.languages.all import LANGUAGES

    return [language for language in LANGUAGES if name in {_AUTO, language.NAME}]


def _write(results: Iterable["Rewritten"]) -> None:
    from review.sources.writing import NotWritten, write

    failed = []
    for result in results:
        try:
            write(result.plan.file.path, result.plan.before, result.text)
        except NotWritten as error:
            failed.append(f"{result.plan.file.name}: {error.problem}")
    if failed:
        raise NotDoneError(f"not written: {'; '.join(failed)}")
