"""How long records are spread over lines: nothing is left out, whatever the object."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from audit.entry import AuditEntry, Done, FieldEntry, ProblemEntry, ReferenceEntry, Requester
from audit.line import MAX_RECORD_BYTES, lay_out
from manifests.fields.scan import MAX_REFERENCES, Form
from resolver.references.reference import MAX_REFERENCE_BYTES
from tests.audit.audits import RECORD

Told = tuple[list[tuple[str, str, str]], list[str]]
LISTS = ("references", "before")


def told(texts: Sequence[bytes]) -> Told:
    documents: list[dict[str, Any]] = [json.loads(text) for text in texts]
    fields = [field for document in documents for field in document.get("fields", [])]
    references = [
        (field["pointer"], name, reference["text"])
        for name in LISTS
        for field in fields
        for reference in field.get(name, [])
    ]
    bare = [(field["pointer"], "", "") for field in fields if not any(field.get(name) for name in LISTS)]
    problems = [problem["origin"] for document in documents for problem in document.get("problems", [])]
    return [*references, *bare], problems


def expected(record: AuditEntry) -> Told:
    references = [
        (field.pointer, name, reference.text)
        for name in LISTS
        for field in record.fields
        for reference in getattr(field, name) or ()
    ]
    bare = [(field.pointer, "", "") for field in record.fields if not field.references and not field.before]
    return [*references, *bare], [problem.origin for problem in record.problems]


def test_a_usual_admission_is_one_line() -> None:
    (text,) = lay_out(RECORD)
    assert "part" not in json.loads(text)


def test_a_thousand_long_references_in_one_field_are_all_told() -> None:
    text = "vault:secret/" + "\u00e4" * ((MAX_REFERENCE_BYTES - 20) // 2) + "#p"
    references = tuple(ReferenceEntry(text, number) for number in range(MAX_REFERENCES))
    record = replace(RECORD, fields=(FieldEntry("/data/all", Form.ANNOTATION, Done.RESOLVED, references),))
    texts = lay_out(record)
    assert told(texts) == expected(record)
    versions = [
        reference["version"]
        for text in texts
        for field in json.loads(text).get("fields", [])
        for reference in field["references"]
    ]
    assert versions == list(range(MAX_REFERENCES))


def test_every_part_names_the_admission_and_its_place() -> None:
    fields = tuple(
        FieldEntry(f"/data/{number}", Form.IN_PLACE, Done.KEPT, (ReferenceEntry(f"vault:a/b#{'f' * 500}"),))
        for number in range(MAX_REFERENCES)
    )
    documents = [json.loads(text) for text in lay_out(replace(RECORD, fields=fields))]
    assert len(documents) > 5
    assert [document["part"] for document in documents] == list(range(1, len(documents) + 1))
    assert {document["parts"] for document in documents} == {len(documents)}
    assert {document["uid"] for document in documents} == {RECORD.uid}
    assert documents[0]["outcome"] == {"allowed": True, "status": 200}
    assert all(field["form"] == "in place" for document in documents for field in document.get("fields", []))


_sizes = st.integers(1, 6000)
_references = st.lists(
    st.builds(lambda size, mark: ReferenceEntry(mark * size), _sizes, st.sampled_from("a\u00e4")), max_size=20
)
_fields = st.lists(st.tuples(_references, _references), max_size=8).map(
    lambda groups: tuple(
        FieldEntry(f"/data/{number}", Form.IN_PLACE, Done.LEFT, tuple(group), before=tuple(before))
        for number, (group, before) in enumerate(groups)
    )
)
_problems = st.lists(
    st.builds(lambda size: ProblemEntry("o" * size, "MalformedReference"), st.integers(1, 900)), max_size=100
)


@given(_fields, _problems, st.integers(0, 3000))
def test_whatever_the_sizes_nothing_is_left_out_and_no_line_is_too_long(
    fields: tuple[FieldEntry, ...], problems: list[ProblemEntry], groups: int
) -> None:
    requester = Requester("dev", "", tuple(f"group-{number}" for number in range(groups)))
    record = replace(RECORD, requester=requester, fields=fields, problems=tuple(problems))
    texts = lay_out(record)
    assert told(texts) == expected(record)
    assert max(map(len, texts)) <= MAX_RECORD_BYTES
