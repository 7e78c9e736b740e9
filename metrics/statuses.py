"""How a request ended, as a label holds it: whoever answers must not be able to make new series without end."""

from http import HTTPStatus
from typing import Final

OTHER: Final = "other"
# Vault's own, beside those of HTTP: of a disaster recovery secondary and of a performance standby.
_OF_VAULT: Final = ("472", "473")
_WITHOUT_AN_ANSWER: Final = ("none", "late", "unanswered", "too-large", "broken")
STATUSES: Final = frozenset({*_WITHOUT_AN_ANSWER, *_OF_VAULT, *(str(int(status)) for status in HTTPStatus)})


def status_word(status: str) -> str:
    """Return a status, or the word for having none, if it is a known one."""
    return status if status in STATUSES else OTHER
