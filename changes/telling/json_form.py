"""Changes as JSON (`keyhole.dev/changes/v1`); `changes.schema.json` beside this says what stands in it. Pure."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from changes.change import Attribution, Change, ChangedField
from changes.told import ToldReference
from changes.wanted import Page

VERSION: Final = "keyhole.dev/changes/v1"
SCHEMA: Final = Path(__file__).with_name("changes.schema.json")
"""The JSON Schema of what `render` returns."""


def render(page: Page, version: str) -> str:
    """Return the changes, the newest first. `version` is that of the program. Texts are as they were written."""
    content = {
        "version": VERSION,
        "tool": {"name": "keyhole", "version": version},
        "changes": [document(each) for each in page.changes],
        "next": None if page.next is None else str(page.next),
    }
    return json.dumps(content, indent=1) + "\n"


def document(change: Change) -> dict[str, Any]:
    """Return one change as JSON."""
    about, origin = change.object, change.origin
    return {
        "time": change.time.isoformat(),
        "uid": change.uid,
        "requester": change.requester,
        "object": {"group": about.group, "kind": about.kind, "namespace": about.namespace, "name": about.name},
        "origin": origin and {"tool": origin.tool, "namespace": origin.namespace, "name": origin.name},
        "operation": change.operation,
        "identity": change.identity,
        "fields": [_field(each) for each in change.fields],
    }


def _field(changed: ChangedField) -> dict[str, Any]:
    field = changed.field
    return {
        "pointer": field.pointer,
        "form": field.form,
        "how": changed.how,
        "references": _references(field.references),
        "before": None if field.before is None else _references(field.before),
        "commit": _commit(changed.attribution),
    }


def _references(references: Sequence[ToldReference]) -> list[dict[str, Any]]:
    return [
        {"text": each.text, "version": each.version, "request_id": each.request_id, "cause": each.cause}
        for each in references
    ]


def _commit(of: Attribution) -> dict[str, Any]:
    found = of.commit
    return {
        "certainty": of.certainty,
        "why": of.why,
        "repository": found and found.repository,
        "id": found and found.id,
        "time": found and found.time.isoformat(),
        "author": found and found.author,
        "subject": found and found.subject,
        "file": found and found.file,
        "line": (found.line or None) if found else None,
    }
