"""What is planned for an immutable object: its values cannot change, and so nothing of it may say that they did.

The API server refuses any other value. Another reference is refused here in the same way, so that annotation, value and
record never say different things.
"""

from collections.abc import Sequence

from manifests.fields.problem import Problem
from manifests.fields.scan import Form, Scan, scan_object
from manifests.planning.planned_field import Action, PlannedField
from manifests.provenance.evidence import Evidence
from manifests.provenance.mac import Verdict


def frozen_fields(
    found: Scan, sent: Evidence, live: Evidence
) -> tuple[Sequence[PlannedField], Sequence[Problem], Sequence[str]]:
    """Return the fields that keep what they have, what the object is refused for, and what is to be told.

    Nothing is asked of Vault. A value is kept if its record proves that it came from the reference, or if it was sent
    as it is beside a reference that did not change. Of any other value the API server says that it cannot change.
    """
    codec = live.codec
    advice = f"the {codec.kind} is immutable: delete it first, or give the new one another name"
    before = scan_object(codec, {"metadata": (live.manifest or {}).get("metadata")})
    wanted_before = {wanted.key: wanted.template for wanted in before.wanted}
    fields: list[PlannedField] = []
    warnings: list[str] = []
    problems = list(found.problems)
    problems += [
        Problem(codec.described(key), f"was filled by an annotation that is gone now; {advice}")
        for key in sorted(before.annotated - found.annotated)
        if live.verdict(key) is Verdict.PROVED and sent.stored(key) == live.stored(key)
    ]
    for wanted in found.wanted:
        entry, value = live.proof(wanted), live.stored(wanted.key)
        if value is None:
            problems.append(Problem(wanted.origin, f"fills a key that the {codec.kind} lacks; {advice}"))
        elif entry is not None:
            fields.append(PlannedField(wanted, Action.KEEP, value, entry))
        elif wanted.form is Form.ANNOTATION and wanted_before.get(wanted.key) != wanted.template:
            problems.append(Problem(wanted.origin, f"names a reference that did not give the value; {advice}"))
        elif value == sent.stored(wanted.key):
            fields.append(PlannedField(wanted, Action.KEEP, value))
            warnings.append(f"{wanted.described}: the {codec.kind} is immutable, and its value stays as it is")
    return fields, problems, warnings
