"""`keyhole render`: files of other environments than Kubernetes, with values in place of their references."""

import codecs
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from cli.commands.rendering import private_file
from cli.commands.rendering.value_options import Identity, value_options
from cli.errors import NotDoneError, tell
from review.sources import files
from review.sources.text import NotChecked, NotText, Text, decode

if TYPE_CHECKING:
    from review.rendering.rendering import Form

_FINDINGS: Final = 1
_STANDARD_INPUT: Final = Path("-")
_FORMS: Final = ("yaml", "json", "dotenv", "properties", "text")
_BY_SUFFIX: Final[dict[str, "Form"]] = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".env": "dotenv",
    ".properties": "properties",
}
_READ: Final = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
_WRITTEN: Final = click.Path(dir_okay=False, path_type=Path)


@click.command(
    epilog="""\b
Examples:
  export VAULT_ADDR=https://vault.example:8200 VAULT_TOKEN=...
\b
  # Cloud Foundry: the manifest keeps its own ((db-password)), and the file with the variables has references.
  cf push --vars-file <(keyhole render --vars-file vars.yml)
\b
  # A file that only you can read, and that Git ignores:
  keyhole render app.properties -o build/app.properties
\b
  # In CI, as the job itself, and no path beyond what the namespace shop may have:
  keyhole render app.env --login jwt --role ci-shop --jwt-env VAULT_ID_TOKEN \\
      --connections connections.yaml --tenant shop -o /run/shop/app.env --summary-json used.json
""",
)
@click.argument("file", type=_READ, required=False)
@click.option(
    "--vars-file",
    type=_READ,
    help="In place of FILE: variables for `cf push --vars-file` or `bosh interpolate`, a YAML map of names to values.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMS),
    help="How the file is read and written. Without this, its name decides.",
)
@click.option(
    "-o", "--output", type=_WRITTEN, help="Write into this file, which only you can read and Git must ignore."
)
@click.option("--reveal", is_flag=True, help="Write to standard output even if it is a terminal.")
@click.option(
    "--summary-json", type=_WRITTEN, help="Write which references were used, and at which versions; no values."
)
@click.option("--quiet", is_flag=True, help="Do not say on standard error which references were used.")
@value_options
@click.pass_context
def render(
    ctx: click.Context,
    *,
    file: Path | None,
    vars_file: Path | None,
    form: "Form | None",
    output: Path | None,
    reveal: bool,
    summary_json: Path | None,
    quiet: bool,
    identity: Identity,
) -> None:
    """Write a file with values in place of its references.

    FILE is YAML, JSON, a file of variables (dotenv), Java properties or text, or - for standard input. Everything else
    in it stays as it is. A value is written so that a reader of the format gets exactly that value; the result is read
    again before it is written, and nothing is written if it would be read as something else.

    Exit code 1 if a reference is malformed or has no value, or if a value cannot be written.
    """
    from cli.commands.rendering.values import NoValues, Values
    from review.rendering.pieces import NotRendered
    from review.rendering.rendering import rendered
    from review.rendering.vars_file import check

    if (file is None) == (vars_file is None):
        raise click.UsageError("give either FILE or --vars-file")
    source = vars_file or file or _STANDARD_INPUT
    how = "yaml" if vars_file else form or _form(source)
    if output is None:
        private_file.check_standard_output(reveal=reveal)
    else:
        private_file.check(output)
    content = _read(source)
    values = Values(identity)
    try:
        text = _decoded(source, content)
        if vars_file:
            check(Text(str(source), text))
        result = rendered(text, how, values, file=str(source))
    except NotRendered as error:
        _finish(ctx, map(str, error.problems))
    except NoValues as error:
        _finish(ctx, error.problems)
    mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    _write(output, mark + result.encode("utf-8", "surrogatepass"))
    if summary_json is not None:
        _write_summary(summary_json, values.summary())
    if not quiet:
        values.tell()
        if values.are_none:
            tell(f"{source}: no references in it", err=True)


def _form(source: Path) -> "Form":
    found = _BY_SUFFIX.get(source.suffix) or ("dotenv" if source.name.startswith(".env") else None)
    if found is None:
        raise click.UsageError(f"{source}: its name does not say how it is read; give --format {'|'.join(_FORMS)}")
    return found


def _read(source: Path) -> bytes:
    if source == _STANDARD_INPUT:
        content = files.read_stream(sys.stdin.buffer, files.STANDARD_INPUT)
    else:
        content = files.read(files.File(source, str(source)))
    if isinstance(content, NotChecked):
        raise NotDoneError(f"{content.place.file}: {content.reason}")
    return content


def _decoded(source: Path, content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise NotDoneError(f"{source}: it is UTF-16; only UTF-8 is written")
    try:
        return decode(content)
    except NotText as error:
        raise NotDoneError(f"{source}:{error.line}:{error.column}: {error.reason}") from None


def _finish(ctx: click.Context, problems: Iterable[str]) -> NoReturn:
    for problem in problems:
        tell(problem, err=True)
    ctx.exit(_FINDINGS)


def _write(output: Path | None, content: bytes) -> None:
    if output is not None:
        private_file.write(output, content)
        return
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise NotDoneError(f"standard output: {error.strerror or type(error).__name__}") from None


def _write_summary(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotDoneError(f"{file} cannot be written: {error.strerror or type(error).__name__}") from None
