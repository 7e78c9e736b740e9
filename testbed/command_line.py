"""`python -m testbed`: testbeds that stay up between commands, and the building of programs."""

import json
import os
import shlex
import time

import click

from testbed.errors import TestbedError
from testbed.programs.catalogue import ALL
from testbed.programs.needed import ensure
from testbed.programs.reports import on_standard_error
from testbed.programs.toolbox import Toolbox
from testbed.running import NamedTestbed, all_names


def _named(_context: click.Context, _parameter: click.Parameter, name: str) -> NamedTestbed:
    try:
        return NamedTestbed(name, os.environ)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


_name = click.option("--name", "bed", default="default", show_default=True, callback=_named, help="Which testbed.")
_output = click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)


class _Failure(click.ClickException):
    """Exit code 1 with the testbed's own message."""


@click.group()
def main() -> None:
    """Run the real kube-apiserver, etcd and Vault on 127.0.0.1.

    \b
    Examples:
      python -m testbed up
      eval "$(python -m testbed env)"
      kubectl get namespaces
      vault kv put secret/app password=example
      python -m testbed down
    """  # noqa: D301 - click reads the character itself


@main.command()
@_name
@click.option("--controller-manager", is_flag=True, help="Start kube-controller-manager as well.")
def up(bed: NamedTestbed, *, controller_manager: bool) -> None:
    """Start a testbed and leave it running until `down`.

    Programs that are not there are built first. One that is up already is left as it is.

    \b
    Examples:
      python -m testbed up
      python -m testbed up --name second --controller-manager
    """  # noqa: D301 - click reads the character itself
    began = time.monotonic()
    try:
        if bed.state() is None:
            ensure(Toolbox(on_standard_error()), ["kube-controller-manager"] if controller_manager else [])
        state, was_up = bed.up(controller_manager=controller_manager)
    except TestbedError as error:
        raise _Failure(str(error)) from error
    if was_up:
        click.echo(f"testbed {bed.name} is already up")
    else:
        click.echo(f"testbed {bed.name} is up after {time.monotonic() - began:.1f} s; logs in {state.directory}")
    click.echo(f'eval "$(python -m testbed env --name {bed.name})"')


@main.command()
@_name
def down(bed: NamedTestbed) -> None:
    """Stop a testbed. Its logs stay until the next `up` of the same name.

    \b
    Example:
      python -m testbed down --name second
    """  # noqa: D301 - click reads the character itself
    try:
        was_up = bed.down()
    except TestbedError as error:
        raise _Failure(str(error)) from error
    click.echo(f"testbed {bed.name} is down" if was_up else f"testbed {bed.name} was not up")


@main.command()
@_output
def status(output: str) -> None:
    """Say which testbeds run, and what runs where.

    \b
    Examples:
      python -m testbed status
      python -m testbed status -o json
    """  # noqa: D301 - click reads the character itself
    states = [state for name in all_names(os.environ) if (state := NamedTestbed(name, os.environ).state())]
    if output == "json":
        click.echo(json.dumps([state.public() for state in states], indent=2))
        return
    if not states:
        click.echo("no testbed is up")
    for state in states:
        click.echo(f"{state.name} (owner {state.owner_pid}), logs in {state.directory}")
        for server in state.servers:
            click.echo(f"  {server.name:<24} {server.pid:>8}  {server.url}")


@main.command()
@_name
def env(bed: NamedTestbed) -> None:
    """Print the shell lines that point kubectl and vault at a testbed. They hold Vault's root token.

    \b
    Example:
      eval "$(python -m testbed env)"
    """  # noqa: D301 - click reads the character itself
    state = bed.state()
    if state is None:
        raise _Failure(f"testbed {bed.name} is not up; start it with: python -m testbed up --name {bed.name}")
    for name, text in state.environment(os.environ.get("PATH", os.defpath)).items():
        click.echo(f"export {name}={shlex.quote(text)}")


@main.command()
@click.argument("programs", nargs=-1, type=click.Choice(sorted(ALL)), metavar="[PROGRAM]...")
def build(programs: tuple[str, ...]) -> None:
    """Find or build programs, by default those that every testbed needs, and print where they are.

    \b
    Examples:
      python -m testbed build
      python -m testbed build helm kube-controller-manager
    """  # noqa: D301 - click reads the character itself
    try:
        toolbox = Toolbox(on_standard_error())
        found = toolbox.ensure(programs) if programs else ensure(toolbox)
    except TestbedError as error:
        raise _Failure(str(error)) from error
    for name, program in found.items():
        click.echo(f"{name} {program.version or '(version not asked)'} {program.path} ({program.source})")
