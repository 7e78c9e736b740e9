"""How a record is laid out in lines: one, or several when it is longer than a line may be. Nothing is left out."""

from collections.abc import Iterator
from typing import Any

from audit.entry import AuditEntry, FieldEntry, encode
from audit.line import MAX_RECORD_BYTES

# For the member names and the numbers around what is counted.
_FRAME_BYTES = 256

_Unit = tuple[str, dict[str, Any]]
_Chunk = dict[str, list[dict[str, Any]]]


def lay_out(record: AuditEntry, most_bytes: int = MAX_RECORD_BYTES) -> list[bytes]:
    """Return the record as JSON objects of at most `most_bytes` (48 KiB or more) each, one for each line.

    One object when it fits. Otherwise the first has everything but fields and problems, and the others have those,
    with the uid; all have `part` and `parts`. The references of one field may be spread over several of them.
    """
    whole: dict[str, Any] = record.heading()
    found = {
        "fields": [field.document() for field in record.fields],
        "problems": [problem.document() for problem in record.problems],
    }
    text = encode(whole | {kind: documents for kind, documents in found.items() if documents})
    if len(text) <= most_bytes:
        return [text]
    documents = [whole, *({"uid": whole["uid"], **chunk} for chunk in _chunks(record, most_bytes))]
    return [
        encode({**document, "part": number, "parts": len(documents)}) for number, document in enumerate(documents, 1)
    ]


def _chunks(record: AuditEntry, most_bytes: int) -> Iterator[_Chunk]:
    room = most_bytes - _FRAME_BYTES - len(encode({"uid": record.heading()["uid"]}))
    chunk: _Chunk = {}
    left = room
    for kind, document in _units(record):
        size = len(encode(document)) + 1
        if size > left and chunk:
            yield chunk
            chunk, left = {}, room
        left -= size
        _add(chunk, kind, document)
    if chunk:
        yield chunk


def _units(record: AuditEntry) -> Iterator[_Unit]:
    """Yield what is not divided further: a field with one of its references, or a problem."""
    for field in record.fields:
        yield from (("fields", document) for document in _with_one_reference(field))
    yield from (("problems", problem.document()) for problem in record.problems)


def _with_one_reference(field: FieldEntry) -> Iterator[dict[str, Any]]:
    document = field.document()
    references = document.get("references") or [None]
    for reference in references:
        yield document if reference is None else {**document, "references": [reference]}


def _add(chunk: _Chunk, kind: str, document: dict[str, Any]) -> None:
    present = chunk.setdefault(kind, [])
    last = present[-1] if present else None
    if kind == "fields" and last is not None and last["pointer"] == document["pointer"]:
        last.setdefault("references", []).extend(document.get("references", []))
    else:
        present.append(document)
