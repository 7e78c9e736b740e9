"""All standards, in the order in which reports tell of them."""

from collections.abc import Sequence
from typing import Final

from enforcer.judging import api_audit_quiet, git_is_cluster
from enforcer.judging.standard import Standard

STANDARDS: Final[Sequence[Standard]] = (
    git_is_cluster.STANDARD,
    api_audit_quiet.STANDARD,
)
