"""`keyhole exec`: a program with values in its environment, and nowhere else."""

import os
import re
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from cli.commands.rendering.value_options import Identity, value_options
from cli.errors import NotDoneError, tell
from review.sources import files
from review.sources.text import NotChecked, NotText, Place, Text, decode

if TYPE_CHECKING:
    from review.rendering.environment import Variable

_FINDINGS: Final = 1
# As env(1) has it.
_NOT_RUN, _NOT_FOUND = 126, 127
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
# POSIX.1-2017, section 8.1.
_NAME: Final = re.compile(r"[^=\0]+")
_OWN: Final = "VAULT_TOKEN"


class _VariableType(click.ParamType[tuple[str, str]]):
    """NAME=REFERENCE."""

    name = "name=reference"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Parse it, or fail with a usage error (click's hook). The error does not quote it: it may hold a value."""
        from resolver.references.grammar import has_reference

        if isinstance(value, tuple):
            return value
        name, separator, text = value.partition("=")
        if not separator or not _NAME.fullmatch(name):
            self.fail("it is not NAME=REFERENCE, such as DB_PASSWORD=vault:secret/app#password", param, ctx)
        if not has_reference(text):
            self.fail(f"{name}: no reference in it; every user of this machine can see arguments", param, ctx)
        return name, text


@click.command(
    context_settings={"allow_interspersed_args": False},
    epilog="""\b
Examples:
  export VAULT_ADDR=https://vault.example:8200 VAULT_TOKEN=...
  keyhole exec --env DB_PASSWORD='vault:secret/app#password' -- ./app --port 8080
\b
  # app.env holds lines such as DB_URL=postgres://app:((vault:secret/app#password))@db/app
  keyhole exec --env-file app.env -- docker compose up
""",
)
@click.option(
    "--env-file",
    "env_files",
    multiple=True,
    type=_FILE,
    help="Take variables from this file, as Compose reads it. May be repeated; the last one counts.",
)
@click.option(
    "--env",
    "variables",
    multiple=True,
    type=_VariableType(),
    help="A variable with a reference, or a text with references. Counts more than the files. May be repeated.",
)
@click.option("--pass-token", is_flag=True, help="Leave VAULT_TOKEN and the variable of --jwt-env in the environment.")
@click.option("--quiet", is_flag=True, help="Do not say on standard error which references were used.")
@value_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def exec(  # noqa: A001 - the command's name
    ctx: click.Context,
    *,
    env_files: tuple[Path, ...],
    variables: tuple[tuple[str, str], ...],
    pass_token: bool,
    quiet: bool,
    identity: Identity,
    command: tuple[str, ...],
) -> None:
    """Run a program with values in its environment.

    COMMAND takes the place of this process, so signals reach it, and its exit code is that of the whole. The values
    stand in its environment alone: neither in a file nor in an argument. The token for Vault is given back before, if
    it came from a login, and is not passed on.

    Exit code 1 if a reference is malformed or has no value, 126 or 127 if COMMAND cannot be run, as env has it.
    """
    from cli.commands.rendering.values import NoValues, Values
    from review.rendering import environment
    from review.rendering.pieces import NotRendered

    values = Values(identity)
    try:
        wanted = [*_of_files(env_files), *_of_arguments(variables)]
        asked = environment.references(wanted)
        filled = environment.filled(wanted, values(asked) if asked else {})
    except NotRendered as error:
        _finish(ctx, map(str, error.problems))
    except NoValues as error:
        _finish(ctx, error.problems)
    if not quiet:
        values.tell()
    own = {_OWN, *([identity.login.jwt_env] if identity.login else [])} if not pass_token else set()
    # As bytes: a value is UTF-8, whatever this process takes the encoding of names of files to be.
    passed = {name: text for name, text in os.environb.items() if os.fsdecode(name) not in own}
    _become(ctx, command, {**passed, **{name.encode(): text.encode() for name, text in filled.items()}})


def _of_files(env_files: Iterable[Path]) -> list["Variable"]:
    from review.rendering.environment import of_file

    return [variable for file in env_files for variable in of_file(_text(file))]


def _text(file: Path) -> Text:
    content = files.read(files.File(file, str(file)))
    if isinstance(content, NotChecked):
        raise NotDoneError(f"{file}: {content.reason}")
    try:
        return Text(str(file), decode(content))
    except NotText as error:
        raise NotDoneError(f"{file}:{error.line}:{error.column}: {error.reason}") from None


def _of_arguments(variables: Iterable[tuple[str, str]]) -> list["Variable"]:
    from review.rendering.environment import variable

    return [variable(name, text, Place(f"--env {name}")) for name, text in variables]


def _become(ctx: click.Context, command: tuple[str, ...], variables: dict[bytes, bytes]) -> NoReturn:
    """Run the program in place of this one."""
    # Python ignores these two, and a program would inherit that: it would never end at a closed pipe.
    for each in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(each, signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, variables)  # noqa: S606 - what this command is for
    except FileNotFoundError:
        tell(f"{command[0]}: there is no such program", err=True)
        code = _NOT_FOUND
    except OSError as error:
        # E2BIG is one of them: a variable may have 128 KiB on Linux.
        tell(f"{command[0]}: cannot be run: {error.strerror or type(error).__name__}", err=True)
        code = _NOT_RUN
    except ValueError:
        tell(f"{command[0]}: cannot be run: a name, a value or an argument that no program can be given", err=True)
        code = _NOT_RUN
    ctx.exit(code)


def _finish(ctx: click.Context, problems: Iterable[str]) -> NoReturn:
    for problem in problems:
        tell(problem, err=True)
    ctx.exit(_FINDINGS)
