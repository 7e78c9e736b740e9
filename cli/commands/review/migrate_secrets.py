"""`keyhole migrate secrets` and `values`: values that stand in a repository, on their way into Vault."""

import difflib
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import click

from cli.commands.review.changing.work_tree import refuse_if_dirty
from cli.errors import NotDoneError, tell
from resolver.references.characters import visible
from review.lint.objects import Manifest, is_kustomization, manifests, pointer
from review.sources import files
from review.sources.stream import Document, read_text
from review.sources.text import NotChecked, NotText, Place, Text, decode

if TYPE_CHECKING:
    from review.languages.sealed import NotCopied
    from review.migration.secrets_script import Copy, Script

_FINDINGS: Final = 1
# An annotation of ours, and the maps around it: nothing else that is new in a manifest is shown.
_SHOWN: Final = re.compile(r"\+\s*(?:metadata:|annotations:|\"?(?:data\.)?keyhole\.dev/[^{]*|\"?/data/.*)")
_Texts: TypeAlias = dict[str, tuple[Path, bytes, Text]]
"""The files by their names, with what was in them."""
_STANDARD_INPUT: Final = "-"


@click.command(
    epilog="""\b
Examples:
  # The script; read it, and run it with a login of your own in Vault:
  keyhole migrate secrets deploy/ > copy.sh
  bash copy.sh
\b
  # Then put references in the place of the values. First look, then write:
  keyhole migrate secrets deploy/ --diff
  keyhole migrate secrets deploy/ --write
""",
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--mount", default="secret", show_default=True, help="The mount of KV v2 in Vault that the values go to.")
@click.option(
    "--path",
    default="{namespace}/{name}",
    show_default=True,
    help="The path below the mount; {namespace} and {name} are those of the Secret.",
)
@click.option("--connection", default="default", show_default=True, help="The connection that the references name.")
@click.option("-n", "--namespace", default="", help="The namespace of Secrets whose manifest names none.")
@click.option(
    "--base64",
    "binary",
    multiple=True,
    metavar="NAMESPACE/NAME/KEY",
    help="A key whose encrypted value is no text: it is stored in base64. May be repeated.",
)
@click.option("--exclude", multiple=True, help="Leave out paths that fit this pattern, or of which a part does.")
@click.option("--diff", is_flag=True, help="Print no script, but how the manifests change afterwards.")
@click.option("--write", is_flag=True, help="Print no script, but change the manifests. Once the values are in Vault.")
@click.option("--force", is_flag=True, help="Write even if the work tree has other changes, or is not in Git.")
@click.pass_context
def secrets(
    ctx: click.Context,
    *,
    paths: tuple[Path, ...],
    mount: str,
    path: str,
    connection: str,
    namespace: str,
    binary: tuple[str, ...],
    exclude: tuple[str, ...],
    diff: bool,
    write: bool,
    force: bool,
) -> None:
    """Print a script that copies values from manifests into Vault, and put references in their place.

    PATHS are files and folders with Secrets in plain text, SealedSecrets, and Secrets that SOPS encrypted. The script
    has no value in it. Exit code 1 if something is left out, which is told on standard error.
    """
    from resolver.references.reference import is_connection
    from review.migration.secrets_script import Script, Target

    if diff and write:
        raise click.UsageError("either --diff or --write")
    if write and not force:
        refuse_if_dirty(paths)
    if not is_connection(connection):
        raise click.UsageError(f"--connection: {connection!r} is no name of a connection")
    if "{" in (rest := path.replace("{namespace}", "").replace("{name}", "")) or "}" in rest:
        raise click.UsageError("--path: only {namespace} and {name} are replaced; no other braces may be in it")
    script = Script(Target(mount.strip("/"), path.strip("/"), connection), frozenset(binary))
    texts: _Texts = {}
    left = _collect(script, files.find(paths, exclude), namespace, texts)
    if diff or write:
        left += _edit(script.copies, texts, write=write)
    else:
        click.echo(script.text(), nl=False)
    count = len(script.copies)
    tell(f"{count:,} {'Secret' if count == 1 else 'Secrets'}, {left:,} left out", err=True)
    if left:
        ctx.exit(_FINDINGS)


def _collect(
    script: "Script",
    found: Iterator[files.File | NotChecked],
    namespace: str,
    texts: dict[str, tuple[Path, bytes, Text]],
) -> int:
    """Add the Secrets of files to a script, and return how much was left out. What was, is told."""
    from review.languages.sealed import NotCopied, holders

    left = 0
    for document in _documents(found, texts):
        if isinstance(document, NotChecked):
            tell(str(document), err=True)
            left += 1
            continue
        for manifest in manifests(document):
            left += _generated(manifest, texts[document.file][0].parent)
            for holder in holders(manifest, namespace):
                try:
                    if isinstance(holder, NotCopied):
                        raise holder
                    script.add(holder)
                except NotCopied as error:
                    _tell(manifest, error)
                    left += 1
    return left


def _generated(manifest: Manifest, folder: Path) -> int:
    """Tell of the values that a kustomization makes Secrets of, and return how many."""
    if not is_kustomization(manifest):
        return 0
    from review.lint import generators
    from review.sources.kustomization import beside

    made = generators.made(manifest, beside(folder))
    found = [each for one in made for each in generators.plaintext(one, folder)]
    for each in found:
        tell(f"{each.place}: {each.message}: left out, kustomize makes a Secret of it; write that Secret", err=True)
    return len(found)


def _documents(found: Iterator[files.File | NotChecked], texts: "_Texts") -> Iterator[Document | NotChecked]:
    for file in found:
        content = file if isinstance(file, NotChecked) else files.read(file)
        if isinstance(content, NotChecked) or isinstance(file, NotChecked):
            yield content if isinstance(content, NotChecked) else NotChecked(Place(str(file)), "it cannot be read")
            continue
        try:
            text = Text(file.name, decode(content))
        except NotText as error:
            yield NotChecked(Place(file.name, error.line, error.column, error.line, error.column), error.reason)
            continue
        texts[file.name] = file.path, content, text
        yield from read_text(text)


def _edit(copies: "Sequence[Copy]", texts: "_Texts", *, write: bool) -> int:
    """Edit the manifests, or show how; return how many files were left as they are."""
    from review.sources.edits import Edit, NotProved, edited
    from review.sources.writing import NotWritten
    from review.sources.writing import write as write_file

    left = 0
    for name, (path, before, text) in texts.items():
        edits: dict[int, list[Edit]] = {}
        for copy in copies:
            document = copy.holder.manifest.document
            if document.file == name:
                edits.setdefault(document.number, []).extend(copy.edits())
        if not edits:
            continue
        try:
            after = edited(text, edits)
            if write:
                write_file(path, before, after)
                tell(f"{name}: written", err=True)
            else:
                _show(name, text.content, after)
        except NotProved as error:
            tell(str(error), err=True)
            left += 1
        except NotWritten as error:
            tell(f"{name}: not written, {error.problem}", err=True)
            left += 1
    return left


def _show(name: str, before: str, after: str) -> None:
    """Print what is new. What goes is a value, and what shares a line with it is hidden as well."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{name}", f"b/{name}", n=0, lineterm="")
    for number, line in enumerate(lines):
        is_shown = number < len(("---", "+++")) or line.startswith("@@") or _SHOWN.fullmatch(line)
        click.echo(visible(line) if is_shown else f"{line[:1]}(hidden)")


def _tell(manifest: Manifest, error: "NotCopied") -> None:
    place = manifest.document.place((*manifest.path, *error.told.path))
    where = pointer(error.told.path)
    tell(f"{place}: {manifest.name}{' ' if where else ''}{where}: left out, {error.told.message}", err=True)


@click.command(
    epilog="""\b
Examples:
  # As the script of `keyhole migrate secrets` has it:
  keyhole migrate values --key password deploy/db.yaml shop/db | vault kv put -cas=0 -mount=secret shop/db -
  sops -d deploy/db.enc.yaml | keyhole migrate values --key password - shop/db | vault kv put … -
""",
)
@click.option("--key", "keys", multiple=True, help="A key whose value is text. May be repeated.")
@click.option("--base64", "binary", multiple=True, metavar="KEY", help="A key whose value is to be stored in base64.")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=str))
@click.argument("name", metavar="NAMESPACE/NAME")
def values(*, keys: tuple[str, ...], binary: tuple[str, ...], source: str, name: str) -> None:
    """Print values of the Secret NAMESPACE/NAME in the file SOURCE, as JSON for the next program on a pipe.

    SOURCE is a file of manifests, or - for standard input. Nothing is printed on a terminal.
    """
    from review.migration.values import NoValues
    from review.migration.values import values as values_of

    namespace, _, name = name.partition("/")
    wanted = {**dict.fromkeys(keys, False), **dict.fromkeys(binary, True)}
    if not namespace or not name or not wanted:
        raise click.UsageError("say NAMESPACE/NAME, and at least one --key or --base64")
    if sys.stdout.isatty():
        raise NotDoneError("values are for the next program on a pipe, and not for a terminal")
    is_input = source == _STANDARD_INPUT
    shown = files.STANDARD_INPUT if is_input else source
    content = files.read_stream(sys.stdin.buffer, shown) if is_input else files.read(files.File(Path(source), shown))
    if isinstance(content, NotChecked):
        raise NotDoneError(str(content))
    try:
        read = list(read_text(Text(shown, decode(content))))
        found = [each for document in read if isinstance(document, Document) for each in manifests(document)]
        text = values_of(found, namespace, name, wanted)
    except (NotText, NoValues) as error:
        raise NotDoneError(f"{shown}: {error.reason}") from None
    click.echo(text)
