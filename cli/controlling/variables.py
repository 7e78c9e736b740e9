"""The options of `keyhole controller` about variables of workloads."""

import functools
from collections.abc import Callable
from typing import Any

import click

from controller.variables.settings import MOST_WATCHES, VariablesSettings


def variables_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options; the command gets what they come to as `variables`, None if no variables are wanted."""

    @click.option(
        "--variables",
        "is_wanted",
        is_flag=True,
        help="Make the Secrets behind variables of workloads, in the namespaces with the label "
        "keyhole.dev/variables=true.",
    )
    @click.option(
        "--most-watches",
        type=click.IntRange(1, 10_000),
        default=MOST_WATCHES,
        show_default=True,
        help="With --variables: in how many namespaces pods are watched. In the others, which are quiet, they are "
        "listed every 10 s.",
    )
    @functools.wraps(command)
    def with_options(*args: Any, is_wanted: bool, most_watches: int, **others: Any) -> None:
        command(*args, variables=VariablesSettings(most_watches) if is_wanted else None, **others)

    return with_options
