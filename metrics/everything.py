"""The metrics of every process. The servers need only theirs, in `metrics.catalogue`."""

from typing import Final

from metrics.catalogue import ALL
from metrics.enforcer_catalogue import ALL_OF_THE_ENFORCER

EVERYTHING: Final = (*ALL, *ALL_OF_THE_ENFORCER)
