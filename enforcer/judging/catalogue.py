"""All standards, in the order in which reports tell of them."""

from collections.abc import Sequence
from typing import Final

from enforcer.judging import (
    api_audit_quiet,
    appliers,
    gate_intact,
    git_is_cluster,
    identities,
    images,
    least_privilege,
    no_plaintext,
    nothing_unresolved,
    records_proved,
    review,
    trail,
    values_current,
)
from enforcer.judging.standard import Standard

STANDARDS: Final[Sequence[Standard]] = (
    records_proved.STANDARD,
    values_current.STANDARD,
    git_is_cluster.STANDARD,
    nothing_unresolved.STANDARD,
    no_plaintext.STANDARD,
    least_privilege.STANDARD,
    identities.STANDARD,
    gate_intact.STANDARD,
    api_audit_quiet.STANDARD,
    images.STANDARD,
    review.STANDARD,
    trail.STANDARD,
    appliers.STANDARD,
)
