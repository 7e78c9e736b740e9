"""How the Enforcer tells: `-o FORMAT[=FILE]`, for each form of a report a module of `enforcer.telling`."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from cli.commands.enforcing.whole_file import is_passed_on, write
from cli.commands.output import print_text
from cli.errors import NotDoneError, tell
from cli.version import VERSION

if TYPE_CHECKING:
    from enforcer.collecting.sources import Sources
    from enforcer.report import Report

# A report and the version of the program, to a text.
Form: TypeAlias = "Callable[[Report, str], str]"
FORMS: Final[Mapping[str, str]] = {
    "text": "enforcer.telling.text",
    "html": "enforcer.telling.html",
    "json": "enforcer.telling.json_report",
    "sarif": "enforcer.telling.sarif",
    "prometheus": "enforcer.telling.metrics",
}
"""By the name of a form, the module whose `render` is a `Form`. It is imported when somebody asks for it."""
SENT: Final = "openreports"
"""The form that is sent to the API server, and written nowhere else."""


Outputs: TypeAlias = Sequence[tuple[str, Path | None]]


def begin(report: "Report", outputs: Outputs) -> None:
    """Write the report of a run that has only begun into each file, so that no older one is taken for this run's.

    Raises `NotDoneError` if a file cannot be written.
    """
    for name, file in outputs:
        if file is not None and not is_passed_on(file):
            write(file, _rendered(report, name))


def tell_report(report: "Report", outputs: Outputs, sources: "Sources | None" = None) -> None:
    """Write a report in each form that was asked for, as text if none was; sum up on standard error if none does.

    `sources` say where the API server is to which one form is sent.

    Raises `NotDoneError` for what could not be written, when all the rest is.
    """
    from enforcer.telling.text import summary

    asked = outputs or (("text", None),)
    problems = []
    for name, file in asked:
        try:
            if name == SENT:
                _send(report, sources)
            elif file is None:
                print_text(_rendered(report, name))
            else:
                write(file, _rendered(report, name))
        except NotDoneError as error:
            problems.append(error.message)
    if ("text", None) not in asked:
        tell(summary(report), err=True)
    if problems:
        raise NotDoneError("; ".join(problems))


def _send(report: "Report", sources: "Sources | None") -> None:
    from cli.commands.enforcing.sending import send

    if sources is None or not sources.cluster:
        raise NotDoneError(f"-o {SENT}: no API server is asked, so none is sent it")
    send(report, sources.kubeconfig)


def _rendered(report: "Report", name: str) -> str:
    form: Form = importlib.import_module(FORMS[name]).render
    return form(report, VERSION)
