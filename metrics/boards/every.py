"""All boards."""

from typing import Final

from metrics.boards.admission import KEYHOLE
from metrics.boards.compliance import COMPLIANCE
from metrics.boards.rotation import ROTATION

BOARDS: Final = (KEYHOLE, ROTATION, COMPLIANCE)
