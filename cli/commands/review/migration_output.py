"""How `keyhole migrate` tells of what it did, or would do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from cli.errors import tell
from review.findings.report import counted

if TYPE_CHECKING:
    from review.migration.plan import Note, Plan
    from review.migration.rewrite import Rewritten

_VERSION: Final = "keyhole.dev/migration/v1"


def show(plan: "Plan", changed: Sequence["Rewritten"], *, shows_diff: bool) -> None:
    """Print the diff on standard output, and everything that a person has to know on standard error."""
    from review.migration.rewrite import diff

    for result in changed if shows_diff else ():
        click.echo("".join(diff(result)).encode(errors="backslashreplace"), nl=False)
    for note in plan.notes:
        tell(str(note), err=True)
    for unchecked in plan.unchecked:
        tell(str(unchecked), err=True)
    if plan.stanzas:
        import yaml

        click.echo("connections that have to be there (docs/configuration.md):", err=True)
        click.echo(yaml.safe_dump({"connections": dict(plan.stanzas)}, sort_keys=False), err=True, nl=False)
    click.echo(_summary(plan, changed), err=True)


def _summary(plan: "Plan", changed: Sequence["Rewritten"]) -> str:
    units = [unit for result in changed for unit in result.units]
    references = sum(unit.references for unit in units)
    objects = len({(unit.place.file, unit.place) for unit in units})
    unchecked = f"; {counted(len(plan.unchecked), 'place')} not checked" if plan.unchecked else ""
    return (
        f"{counted(references, 'reference')} of {counted(objects, 'object')} in {len(changed):,} of"
        f" {counted(plan.looked_at, 'file')}; {counted(len(plan.notes), 'note')}{unchecked}"
    )


def as_json(plan: "Plan", changed: Sequence["Rewritten"]) -> dict[str, Any]:
    """Return the report: no line of any file is in it."""
    converted = [
        {
            "file": unit.place.file,
            "line": unit.place.line,
            "object": str(unit.object),
            "language": unit.language,
            "references": unit.references,
        }
        for result in changed
        for unit in result.units
    ]
    return {
        "version": _VERSION,
        "converted": converted,
        "notes": [_note(note) for note in plan.notes],
        "unchecked": [
            {"file": each.place.file, "line": each.place.line, "reason": each.reason} for each in plan.unchecked
        ],
        "connections": dict(plan.stanzas),
        "files": plan.looked_at,
        "summary": _summary(plan, changed),
    }


def _note(note: "Note") -> dict[str, Any]:
    return {
        "file": note.place.file,
        "line": note.place.line,
        "column": note.place.column,
        "object": str(note.object),
        "pointer": note.pointer,
        "language": note.language,
        "message": note.message,
    }
