"""A value from Vault, wrapped so that it cannot be shown by accident."""

import hmac
from typing import ClassVar, Final, NoReturn, Self, final

from resolver.causes import Cause
from resolver.errors import ResolverError

_MASK = "[secret]"
MAX_VALUE_BYTES: Final = 1024 * 1024
"""The most that Kubernetes stores in a Secret or ConfigMap (MaxSecretSize)."""


class NotText(ValueError):
    """The value is not UTF-8 text. Contains nothing of the value."""

    def __init__(self) -> None:
        super().__init__("the value is not UTF-8 text")


@final
class SecretValue:
    """Immutable bytes that only `reveal` and `reveal_text` show.

    `repr`, `str` and `format` give one fixed mask that tells nothing of the content or the length; there is
    no `len`, no iteration, no hash (a hash would be a digest to compare with), and pickling raises TypeError.
    Copies are the object itself. Text is encoded as UTF-8; half a surrogate pair in it raises NotText.
    """

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]

    _value: bytes

    def __init__(self, value: bytes | str) -> None:
        if not isinstance(value, bytes | str):
            raise TypeError("a SecretValue is made of bytes or str")
        encoded = _encode(value) if isinstance(value, str) else value
        if encoded is None:
            raise NotText
        object.__setattr__(self, "_value", encoded)

    def reveal(self) -> bytes:
        """Return the bytes. Call it only where they are consumed."""
        return self._value

    def reveal_text(self) -> str:
        """Return the value as text. Raises NotText if it is not UTF-8."""
        text = _decode(self._value)
        # Raised outside any handler, because a UnicodeDecodeError has the bytes and would become the context.
        if text is None:
            raise NotText
        return text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretValue):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    def __repr__(self) -> str:
        return _MASK

    def __format__(self, format_spec: str) -> str:
        return _MASK

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a SecretValue cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a SecretValue cannot be changed")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __getstate__(self) -> NoReturn:
        raise TypeError("a SecretValue cannot be pickled")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a SecretValue cannot be pickled")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a SecretValue cannot be pickled")


def _encode(text: str) -> bytes | None:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None


def _decode(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


class ValueTooLarge(ResolverError):
    """A text is larger than `limit_bytes` once its references are resolved."""

    cause: ClassVar[Cause] = Cause.VALUE_TOO_LARGE

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"with its values, the text is larger than {limit_bytes} bytes; refer to smaller values")
        self.limit_bytes = limit_bytes
