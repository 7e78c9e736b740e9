"""`python -m release.policies`: what of the policies is generated."""

import sys
from pathlib import Path

import click

from release.policies import characters as of_grammar
from release.policies.bundle import bundle
from release.policies.gatekeeper import ROOT, manifests


@click.group()
def main() -> None:
    """Write what of the policies follows from something else."""


@main.command()
def characters() -> None:
    """Print policies/keyhole/characters.rego, as the grammar of references has it."""
    sys.stdout.write(of_grammar.rego())


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def build(folder: Path) -> None:
    r"""Write OPA's bundle and Gatekeeper's templates into FOLDER.

    \b
    Example:
      python -m release.policies build build/policies
    """
    templates = folder / "gatekeeper"
    templates.mkdir(parents=True, exist_ok=True)
    (folder / "keyhole.tar.gz").write_bytes(bundle(ROOT))
    for name, text in manifests().items():
        (templates / name).write_text(text)


if __name__ == "__main__":
    main()
