"""The trail as the Enforcer reads it: what does not verify counts for nothing, and earlier heads have to be there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from audit.entry import AuditEntry, Done, FieldEntry, ReferenceEntry, Requester
from audit.line import Event, Head, lay_out, parse, sign
from enforcer.collecting.inventory import nothing_yet
from enforcer.collecting.run import Run
from enforcer.collecting.sources import Sources
from enforcer.collecting.trail import collect
from enforcer.collecting.trail_records import Records
from enforcer.facts.base import NotKnown
from enforcer.facts.trail import TrailFacts
from resolver.deadline import Deadline
from tests.audit.audits import KEY, OTHER_KEY, RECORD, TIME

CHAIN = "0" * 31 + "1"


def lines(
    *entries: AuditEntry, chain: str = CHAIN, host: str = "pod-a", key: Any = KEY, ends: bool = True
) -> list[bytes]:
    """Return the lines of one process: its beginning, admissions, and its end."""
    head = Head.none(chain)
    found = []
    records = [
        (Event.BEGIN, [b'{"host":"%s"}' % host.encode()]),
        *((Event.ADMISSION, lay_out(entry)) for entry in entries),
        *([(Event.END, [b"{}"])] if ends else []),
    ]
    for event, parts in records:
        for part in parts:
            line, head = sign(key, event, head, part)
            found.append(line)
    return found


def heads_of(written: Sequence[bytes], chain: str = CHAIN) -> list[str]:
    head = Head.none(chain)
    found = []
    for line in written:
        mac = line.split(b'"mac":"')[1][:64].decode()
        head = Head(chain, head.sequence + 1, mac)
        found.append(str(head))
    return found


def later(entry: AuditEntry, days: int, **more: Any) -> AuditEntry:
    return replace(entry, time=TIME + timedelta(days=days), **more)


class Given:
    """The files of a trail, and its key."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.key = directory / "audit.key"
        self.key.write_bytes(KEY.secret.reveal())
        self.key.chmod(0o600)

    def collected(
        self, *files: Sequence[bytes], heads: Sequence[str] | None = None, **more: Any
    ) -> TrailFacts | NotKnown:
        paths = []
        for number, content in enumerate(files):
            path = self.directory / f"audit.log.{number}"
            path.write_bytes(b"".join(content))
            paths.append(path)
        known = None
        if heads is not None:
            known = self.directory / "heads"
            known.write_text("".join(f"{head}\n" for head in heads))
        usual = {"audit_log": tuple(paths), "audit_key": self.key, "audit_heads": known}
        sources = Sources(**{**usual, **more})
        return collect(sources, Run(Deadline.after(60)), nothing_yet("test", datetime.now(UTC)))

    def facts(self, *files: Sequence[bytes], **more: Any) -> TrailFacts:
        found = self.collected(*files, **more)
        assert isinstance(found, TrailFacts), found
        return found


@pytest.fixture
def given(tmp_path: Path) -> Given:
    return Given(tmp_path)


def test_it_says_who_had_what_admitted_and_which_references_gave_values(given: Given) -> None:
    refused = later(RECORD, 3, allowed=False, status=HTTPStatus.FORBIDDEN, requester=Requester("mallory"))
    entries = (
        RECORD,
        later(RECORD, 1),
        later(RECORD, 2, name="other", requester=Requester("cy"), fields=()),
        refused,
        later(RECORD, 4, dry_run=True, requester=Requester("mallory")),
    )
    facts = given.facts(lines(*entries))
    assert (facts.problems, facts.lines, facts.left_out) == ((), 7, 0)
    (chain,) = facts.chains
    assert (chain.name, chain.first, chain.last, chain.ended, chain.host) == (CHAIN, 0, 6, True, "pod-a")
    assert [(each.namespace, each.name, each.requester, each.last) for each in facts.admitted] == [
        ("team-a", "app", "dev", TIME + timedelta(days=1)),
        ("team-a", "other", "cy", TIME + timedelta(days=2)),
    ]
    assert [(each.namespace, each.reference, each.last) for each in facts.used] == [
        ("team-a", "vault:secret/app#password", TIME + timedelta(days=1))
    ]
    assert (facts.since, facts.until) == (TIME, TIME + timedelta(days=2))


def test_references_of_an_object_in_several_lines_are_all_there(given: Given) -> None:
    texts = [f"vault:secret/{'x' * 900}-{number}#a" for number in range(200)]
    fields = tuple(
        FieldEntry(f"/data/{n}", "annotation", Done.KEPT, (ReferenceEntry(text, 1),)) for n, text in enumerate(texts)
    )
    facts = given.facts(lines(replace(RECORD, fields=fields)))
    assert facts.lines > 4
    assert sorted(each.reference for each in facts.used) == sorted(texts)


@pytest.mark.parametrize("done", [Done.REFUSED, Done.NOTHING, Done.PLACEHOLDER, Done.LEFT, Done.REMOVED])
def test_a_reference_that_gave_no_value_was_not_used(given: Given, done: Done) -> None:
    fields = (FieldEntry("/data/a", "annotation", done, (ReferenceEntry("vault:secret/app#a"),)),)
    assert given.facts(lines(replace(RECORD, fields=fields))).used == ()


def test_lines_that_do_not_verify_count_for_nothing(given: Given) -> None:
    forged = lines(replace(RECORD, name="forged"), chain="f" * 32, key=OTHER_KEY)
    changed = [line.replace(b'"app"', b'"apq"') for line in lines(RECORD)]
    facts = given.facts(forged, changed)
    assert [each.problem for each in facts.problems] == ["UnknownKey", "UnknownKey", "UnknownKey", "Changed", "Missing"]
    assert (facts.admitted, facts.used) == ((), ())


class TestHeads:
    def test_of_an_earlier_run_have_to_be_there(self, given: Given) -> None:
        written = lines(RECORD, RECORD, RECORD)
        known = heads_of(written)[-1:]
        assert given.facts(written, heads=known).problems == ()
        assert [each.problem for each in given.facts(written[:-1], heads=known).problems] == ["TailMissing"]
        other = lines(RECORD, chain="2" * 32)
        gone = given.facts(other, heads=known)
        assert [(each.problem, each.chain) for each in gone.problems] == [("ChainMissing", CHAIN)]
        assert gone.heads == 1

    def test_the_servers_log_will_do(self, given: Given) -> None:
        written = lines(RECORD)
        told = [f"2026-08-01 info audit head {heads_of(written)[1]}", "", heads_of(written)[2]]
        assert given.facts(written, heads=told).heads == 2

    @pytest.mark.parametrize(("first", "read", "is_found"), [(2, 3, False), (3, 2, False), (2, 2, False), (4, 2, True)])
    def test_what_was_rotated_away_is_vouched_for_by_who_read_it(
        self, given: Given, first: int, read: int, *, is_found: bool
    ) -> None:
        written = lines(*[RECORD] * 6)
        facts = given.facts(written[first:], heads=[heads_of(written)[read]])
        assert bool(facts.problems) == is_found, facts.problems

    def test_without_them_a_beginning_that_is_not_there_is_missing(self, given: Given) -> None:
        assert [each.problem for each in given.facts(lines(RECORD, RECORD)[1:]).problems] == ["Missing"]

    def test_that_are_none_are_told_with_their_line(self, given: Given) -> None:
        found = given.collected(lines(RECORD), heads=["", "not-a-head"])
        assert isinstance(found, NotKnown)
        assert found.not_known.endswith(
            "heads, line 2: a head is CHAIN:SEQUENCE:MAC, as `keyhole audit verify` prints it"
        )


def test_what_is_not_given_or_cannot_be_read_is_not_known(given: Given, tmp_path: Path) -> None:
    for more, reason in (
        ({"audit_log": ()}, "--audit-log"),
        ({"audit_key": None}, "the key of the audit trail was not given (--audit-key)"),
        ({"audit_log": (tmp_path / "missing",)}, "missing cannot be read: No such file or directory"),
        ({"audit_key": tmp_path / "missing.key"}, "missing.key cannot be read"),
        ({"audit_heads": tmp_path / "missing.heads"}, "missing.heads cannot be read"),
    ):
        found = given.collected(lines(RECORD), **more)
        assert isinstance(found, NotKnown)
        assert reason in found.not_known


def test_a_run_that_has_to_end_knows_nothing_of_the_trail(given: Given) -> None:
    run = Run(Deadline.after(60))
    run.stop("SIGTERM")
    sources = Sources(audit_log=(given.key,), audit_key=given.key)
    assert collect(sources, run, nothing_yet("test", datetime.now(UTC))) == NotKnown(not_known="SIGTERM")


def test_memory_is_bounded_and_what_is_left_out_is_counted() -> None:
    records = Records(most_admitted=2, most_used=1)
    for number in range(4):
        for text in lines(replace(RECORD, name=f"app-{number}")):
            line = parse(text.removesuffix(b"\n"))
            assert line is not None
            records.take(line)
    assert len(list(records.admitted)) == 2
    assert len(list(records.used)) == 1
    assert records.left_out == 2
