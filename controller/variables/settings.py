"""What an administrator may set about the Secrets behind variables."""

from dataclasses import dataclass
from typing import Final

MOST_WATCHES: Final = 500


@dataclass(frozen=True, slots=True)
class VariablesSettings:
    """How many namespaces' pods are watched at once; beyond that, those that were quiet longest are listed instead."""

    most_watches: int = MOST_WATCHES
