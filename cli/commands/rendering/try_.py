"""`keyhole try`: what would become of manifests, with nothing installed."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cli.errors import NotDoneError, tell
from cli.parameters import kinds_option

if TYPE_CHECKING:
    from manifests.kinds.known import Kinds

_FINDINGS: Final = 1
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_COUNTED: Final = ("filled", "made for variables", "refused", "without references", "not read")
_FURTHER: Final = """\
This was the code of the webhook's admission, in this process. No server was asked. A real installation adds:
- The values are Vault's. It is asked as the ServiceAccount keyhole of the object's namespace, which its role and policy
  let read no more than you decide: keyhole tenant NAMESPACE --vault prints both.
- The API server asks Keyhole about each object with references, in namespaces that have opted in, and checks afterwards
  what it checks of every object.
- Whoever may not read an object cannot have it filled.
- When a value changes in Vault, keyhole controller has it brought into the cluster.
"""


@click.command(
    "try",
    epilog="""\b
Examples:
  keyhole try examples/base
  keyhole try deploy/ --values example-values.yaml --kinds kinds.yaml
\b
  # example-values.yaml: paths in Vault, and below each its fields
  secret/shop/database:
    password: not-a-real-one
""",
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--values",
    type=_FILE,
    help="Example values in place of Vault: a YAML map of paths to their fields. Without this, values are made up of "
    "the names of the fields.",
)
@click.option(
    "--namespace", default="default", show_default=True, help="The namespace of objects that no file says one of."
)
@kinds_option
@click.pass_context
def try_(
    ctx: click.Context, *, paths: tuple[Path, ...], values: Path | None, namespace: str, kinds: "Kinds | None"
) -> None:
    """Show what would become of manifests, with example values and without any server.

    PATHS are files and folders. Git's text and what the cluster would hold stand side by side. Use no real values: they
    are shown.

    Exit code 1 if an object would be refused.
    """
    from cli.trying import example_vault, shown
    from cli.trying.objects import objects
    from cli.trying.trial import Trial
    from manifests.kinds.known import ONLY_SECRETS
    from review.sources.text import NotChecked

    try:
        vault = example_vault.read(values) if values is not None else example_vault.ExampleVault()
    except example_vault.ValuesError as error:
        raise NotDoneError(f"{values}: {error}") from None
    trial = Trial(vault, kinds or ONLY_SECRETS)
    counted: Counter[str] = Counter()
    for one in objects(paths, namespace):
        if isinstance(one, NotChecked):
            counted["not read"] += 1
            tell(str(one), err=True)
            continue
        results = list(trial.tried(one))
        counted["without references"] += not results
        for result in results:
            counted["refused" if result.refused else "made for variables" if result.made_for else "filled"] += 1
            click.echo("\n".join(shown.lines(result)) + "\n")
    told = ", ".join(f"{counted[what]} {what}" for what in _COUNTED if counted[what])
    click.echo(f"Objects: {told or 'none'}.")
    if values is None:
        click.echo(
            "The values are made up of the names of the fields. --values FILE has others; whole secrets need it."
        )
    click.echo(f"\n{_FURTHER}", nl=False)
    if counted["refused"]:
        ctx.exit(_FINDINGS)
