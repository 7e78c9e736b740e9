"""Audit trails to verify, and to do harm to."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from audit.entry import AuditEntry, Done, FieldEntry, Login, ReferenceEntry, Requester
from audit.findings import Place
from audit.key import AuditKey
from audit.line import Event, Head, sign
from audit.verify import Report, Verifier
from manifests.fields.scan import MAX_REFERENCES, Form

KEY = AuditKey.of(bytes(range(32)))
OTHER_KEY = AuditKey.of(bytes(range(1, 33)))
TIME = datetime(2026, 8, 1, 12, 30, 0, 42, tzinfo=UTC)
REQUEST_ID = "0b9c8f0e-7a1d-4c53-9d8e-3f1f0a5b6c7d"
RECORD = AuditEntry(
    time=TIME,
    uid="3b5a4b9e-0000-4000-8000-000000000001",
    requester=Requester("dev", "u-1", ("team-a", "system:authenticated")),
    group="",
    kind="Secret",
    namespace="team-a",
    name="app",
    operation="CREATE",
    dry_run=False,
    allowed=True,
    status=HTTPStatus.OK,
    milliseconds=4.26,
    identity="system:serviceaccount:team-a:keyhole",
    logins=(Login("default", "keyhole-team-a"),),
    fields=(
        FieldEntry(
            "/data/password",
            Form.ANNOTATION,
            Done.RESOLVED,
            (ReferenceEntry("vault:secret/app#password", 3, REQUEST_ID),),
        ),
    ),
)

LONG = replace(
    RECORD,
    fields=(
        FieldEntry(
            "/data/x",
            Form.IN_PLACE,
            Done.LEFT,
            tuple(ReferenceEntry("vault:a/" + "b" * 2000 + "#c") for _ in range(MAX_REFERENCES)),
        ),
    ),
)


def chain_lines(number: int, length: int, key: AuditKey = KEY, *, ends: bool = False) -> list[bytes]:
    """Return a chain that begins, tells of admissions, and perhaps ends."""
    head = Head.none(f"{number:032x}")
    lines = []
    for sequence in range(length):
        event = Event.BEGIN if sequence == 0 else Event.ADMISSION
        if ends and sequence == length - 1:
            event = Event.END
        line, head = sign(key, event, head, b'{"n":%d}' % sequence)
        lines.append(line)
    return lines


def head_of(lines: Sequence[bytes], index: int = -1) -> Head:
    text = lines[index].decode()
    chain, sequence, mac = (
        text.split(f'"{name}":')[1].split(",")[0].strip('"') for name in ("chain", "sequence", "mac")
    )
    return Head(chain, int(sequence), mac)


def verified(lines: Iterable[bytes], keys: Iterable[AuditKey] = (KEY,), **options: Any) -> Report:
    verifier = Verifier(keys, **options)
    for number, text in enumerate(lines, 1):
        verifier.feed(text, Place(1, number, "audit.log"))
    return verifier.finish()


def problems(report: Report) -> list[str]:
    return [finding.problem.value for finding in report.findings]
