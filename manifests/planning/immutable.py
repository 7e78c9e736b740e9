"""What is planned for an immutable Secret: its values cannot change, and so nothing of it may say that they did.

The API server refuses other data of such a Secret. Another reference is refused here in the same way: annotation, value
and record never say different things.
"""

from collections.abc import Mapping, Sequence

from manifests.fields.problem import Problem
from manifests.fields.scan import Form, Scan, scan_secret
from manifests.planning.planned_field import Action, PlannedField
from manifests.provenance.evidence import Evidence
from manifests.provenance.mac import Verdict

_ADVICE = "the Secret is immutable: delete it first, or give the new one another name"


def is_immutable(secret: Mapping[str, object] | None) -> bool:
    """Whether a live Secret is immutable."""
    return secret is not None and secret.get("immutable") is True


def frozen_fields(
    scan: Scan, sent: Evidence, live: Evidence
) -> tuple[Sequence[PlannedField], Sequence[Problem], Sequence[str]]:
    """Return the fields that keep what they have, what the object is refused for, and what is to be told.

    Nothing is asked of Vault. A value is kept if its record proves that it came from the reference, or if it was sent
    as it is beside a reference that did not change. Of any other value the API server says that it cannot change.
    """
    before = scan_secret({"metadata": (live.secret or {}).get("metadata")})
    wanted_before = {wanted.key: wanted.template for wanted in before.wanted}
    fields: list[PlannedField] = []
    warnings: list[str] = []
    problems = list(scan.problems)
    problems += [
        Problem(f"data.{key}", f"was filled by an annotation that is gone now; {_ADVICE}")
        for key in sorted(before.annotated - scan.annotated)
        if live.verdict(key) is Verdict.PROVED and sent.encoded(key) == live.encoded(key)
    ]
    for wanted in scan.wanted:
        entry, value = live.proof(wanted), live.encoded(wanted.key)
        if value is None:
            problems.append(Problem(wanted.origin, f"fills a key that the Secret lacks; {_ADVICE}"))
        elif entry is not None:
            fields.append(PlannedField(wanted, Action.KEEP, value, entry))
        elif wanted.form is Form.ANNOTATION and wanted_before.get(wanted.key) != wanted.template:
            problems.append(Problem(wanted.origin, f"names a reference that did not give the value; {_ADVICE}"))
        elif value == sent.encoded(wanted.key):
            fields.append(PlannedField(wanted, Action.KEEP, value))
            warnings.append(f"data.{wanted.key}: the Secret is immutable, and its value stays as it is")
    return fields, problems, warnings
