"""Every language that is read, in the order in which they are tried."""

from collections.abc import Sequence
from typing import Final

from review.languages import avp, bank_vaults, vals
from review.languages.foreign import Language

LANGUAGES: Final[Sequence[Language]] = (bank_vaults, avp, vals)
