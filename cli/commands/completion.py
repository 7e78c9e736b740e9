"""`keyhole completion`: what a shell needs to complete words of the command."""

import click
from click.shell_completion import get_completion_class

from cli import main as commands


@click.command(
    epilog="""\b
Examples:
  # In the running shell:
  source <(keyhole completion bash)
\b
  # For every new one:
  keyhole completion bash > ~/.local/share/bash-completion/completions/keyhole
  keyhole completion zsh > "${fpath[1]}/_keyhole"
  keyhole completion fish > ~/.config/fish/completions/keyhole.fish
\b
  # kubectl asks the program kubectl_complete-keyhole, which is installed beside keyhole: nothing to do.
""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script for SHELL that completes commands, options and file names of `keyhole`."""
    shell_class = get_completion_class(shell)
    assert shell_class is not None  # noqa: S101 - click knows these three
    click.echo(shell_class(commands.main, {}, "keyhole", "_KEYHOLE_COMPLETE").source())
