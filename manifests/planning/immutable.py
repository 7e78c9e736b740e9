"""Planning an immutable object, whose values cannot change.

The API server refuses any other value. Keyhole refuses any other reference, so that annotation, value and record always
agree.
"""

from collections.abc import Iterator, Sequence

from manifests import annotations
from manifests.fields.problem import Problem
from manifests.fields.scan import Form, Scan, scan_object
from manifests.planning.planned_field import Action, PlannedField
from manifests.planning.whole import ORIGIN, wanted_field
from manifests.provenance.evidence import Evidence
from manifests.provenance.mac import Verdict


def not_refreshed(kind: str) -> str:
    """Return the warning for a refresh of an immutable object. The reconciliation loop looks for it in the answer."""
    return (
        f"{annotations.REFRESH}: the {kind} is immutable, so its values stay as they are; for new ones, delete it and "
        "apply it again, or give the new one another name"
    )


def stays(kind: str) -> str:
    """Return what a warning says of a field whose value nothing proves. The Enforcer looks for it in the answer."""
    return f"the {kind} is immutable, so its value stays as it is"


def frozen_fields(
    found: Scan, sent: Evidence, live: Evidence
) -> tuple[Sequence[PlannedField], Sequence[Problem], Sequence[str]]:
    """Return the fields that keep their values, the problems and the warnings.

    Vault is not asked. A value is kept if the record proves that it came from the reference, or if neither the value
    nor its reference changed. The API server itself refuses all other values.
    """
    codec = live.codec
    advice = f"the {codec.kind} is immutable: delete it first, or give the new one another name"
    before = scan_object(codec, live.manifest or {}, live.values)
    wanted_before = {wanted.key: wanted.template for wanted in before.wanted}
    fields: list[PlannedField] = []
    warnings: list[str] = []
    problems = list(found.problems)
    problems += [
        Problem(codec.described(key), f"was filled by an annotation that is gone; {advice}")
        for key in sorted(before.annotated - found.annotated)
        if live.verdict(key) is Verdict.PROVED and sent.stored(key) == live.stored(key)
    ]
    for wanted in found.wanted:
        entry, value = live.proof(wanted), live.stored(wanted.key)
        if value is None:
            problems.append(Problem(wanted.origin, f"fills a key that the {codec.kind} does not have; {advice}"))
        elif entry is not None:
            fields.append(PlannedField(wanted, Action.KEEP, value, entry))
        elif wanted.form is Form.ANNOTATION and wanted_before.get(wanted.key) != wanted.template:
            problems.append(Problem(wanted.origin, f"has another reference than the one that gave the value; {advice}"))
        elif value == sent.stored(wanted.key):
            fields.append(PlannedField(wanted, Action.KEEP, value))
            warnings.append(f"{wanted.described}: {stays(codec.kind)}")
    if found.whole != before.whole:
        problems.append(Problem(ORIGIN, f"has other paths than those that gave the values; {advice}"))
    fields += _of_whole_secrets(live) if found.whole else ()
    if annotations.REFRESH in sent.notes and (fields or live.entries):
        warnings.append(not_refreshed(codec.kind))
    return fields, problems, warnings


def _of_whole_secrets(live: Evidence) -> Iterator[PlannedField]:
    for key, entry in live.entries.items():
        if entry.form is Form.FROM and live.verdict(key) is Verdict.PROVED:
            yield PlannedField(wanted_field(live.codec, key, entry.text), Action.KEEP, live.stored(key), entry)
