"""`keyhole inventory`: the facts that `keyhole enforce` judges."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cli.commands.enforcing.running import collected, running, timeout_option, without_tracebacks
from cli.commands.enforcing.sources_options import AskedSources, sources_options
from cli.commands.enforcing.whole_file import write
from cli.errors import NotDoneError, tell

if TYPE_CHECKING:
    from enforcer.facts.inventory import Inventory

_MOST_BYTES: Final = 512 * 1024 * 1024


class _InventoryOutputType(click.ParamType[Path | None]):
    """json or json=FILE."""

    name = "json[=file]"

    def convert(
        self, value: str | Path | None, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path | None:
        """Parse it, or fail with a usage error (click's hook)."""
        if value is None or isinstance(value, Path):
            return value
        form, separator, file = value.partition("=")
        if form != "json" or (separator and not file):
            self.fail(f"{value!r} is neither json nor json=FILE", param, ctx)
        return Path(file) if file else None


@click.command(
    epilog="""\b
Examples:
  # What is deployed, as your own account may see it:
  keyhole inventory --kubeconfig ~/.kube/config --connections connections.yaml -o json=inventory.json
\b
  # Judge it later, or elsewhere, or with rules of your own:
  keyhole enforce --inventory inventory.json --standards standards.yaml
  conftest test inventory.json --policy rules/
""",
)
@sources_options
@timeout_option
@click.option(
    "-o",
    "--output",
    type=_InventoryOutputType(),
    default="json",
    show_default=True,
    help="Where to: json prints it, json=FILE writes it into a file.",
)
@click.pass_context
@without_tracebacks()
def inventory(ctx: click.Context, *, asked: AskedSources, timeout: timedelta, output: Path | None) -> None:
    """Print what is deployed, as facts without values: for `keyhole enforce`, for OPA, for a second opinion.

    The cluster, Vault, the manifests in Git, the forge and the audit trail are asked as far as options name them. No
    value of a secret is read or printed, no part of one and no digest. Where a fact could not be had, `not_known` says
    why. `keyhole report schema inventory` prints the schema.

    Exit code 2 if the run was stopped before its end, by a signal or by --timeout; what was found by then is printed.
    """
    sources = asked.sources()
    with running(timeout) as run:
        found = collected(sources, run)
    text = found.model_dump_json(indent=2) + "\n"
    if output is None:
        click.echo(text.encode(errors="backslashreplace"), nl=False)
    else:
        write(output, text)
    if run.cut_by:
        tell(f"not whole: {run.cut_by}", err=True)
        ctx.exit(NotDoneError.exit_code)


def stored(file: Path) -> "Inventory":
    """Return the inventory in a file. Raises `NotDoneError` for one that is none, and quotes nothing of it."""
    from pydantic import ValidationError

    from enforcer.facts.inventory import Inventory

    problem = ""
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise NotDoneError(f"{file}: it has more than {_MOST_BYTES:,} bytes")
        return Inventory.model_validate_json(file.read_bytes())
    except OSError as error:
        raise NotDoneError(f"{file} cannot be read: {error.strerror or type(error).__name__}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        # An error of JSON's own grammar quotes nothing; one of the model may quote only the model.
        problem = f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
    raise NotDoneError(f"{file}: it is no inventory: {problem}")
