"""Planning an immutable object, whose values cannot change.

The API server refuses any other value. Keyhole refuses any other reference, so that annotation, value and record always
agree.
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
    """Return the fields that keep their values, the problems and the warnings.

    Vault is not asked. A value is kept if the record proves that it came from the reference, or if neither the value
    nor its reference changed. The API server itself refuses all other values.
    """
    codec = live.codec
    advice = f"the {codec.kind} is immutable: delete it first, or give the new one another name"
    before = scan_object(codec, {"metadata": (live.manifest or {}).get("metadata")})
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
            warnings.append(f"{wanted.described}: the {codec.kind} is immutable, so its value stays as it is")
    return fields, problems, warnings
