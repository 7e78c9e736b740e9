"""Every language that is read, in the order in which they are tried."""

from collections.abc import Sequence
from typing import Final

from review.languages import avp, bank_vaults, external_secrets, vals, vault_secrets_operator
from review.languages.foreign import Language

LANGUAGES: Final[Sequence[Language]] = (bank_vaults, avp, vals, external_secrets, vault_secrets_operator)
