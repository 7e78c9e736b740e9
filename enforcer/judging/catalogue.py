"""All standards, in the order in which reports tell of them."""

from collections.abc import Sequence
from typing import Final

from enforcer.judging.standard import Standard

STANDARDS: Final[Sequence[Standard]] = ()
