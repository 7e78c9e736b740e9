"""The kinds that Keyhole fills."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from manifests.kinds.codec import Codec
from manifests.kinds.secret import SECRET


class Kinds:
    """The kinds of one installation, each with its codec. Secrets are always among them, and come first.

    It never changes, so threads may share it.
    """

    __slots__ = ("by_group_and_kind",)

    by_group_and_kind: Mapping[tuple[str, str], Codec]
    """The codecs by group and kind. The group of core kinds is empty."""

    def __init__(self, listed: Iterable[Codec] = ()) -> None:
        """`listed` are the kinds beside Secrets. If two codecs are for the same kind, the first one counts."""
        codecs: dict[tuple[str, str], Codec] = {}
        for codec in (SECRET, *listed):
            codecs.setdefault((codec.group, codec.kind), codec)
        self.by_group_and_kind = MappingProxyType(codecs)

    def of(self, group: str, kind: str) -> Codec | None:
        """Return the codec of a kind; None if Keyhole does not fill it."""
        return self.by_group_and_kind.get((group, kind))

    def __iter__(self) -> Iterator[Codec]:
        """Yield the codecs: Secrets first, then the others in their order."""
        return iter(self.by_group_and_kind.values())

    def __len__(self) -> int:
        """Return how many kinds there are."""
        return len(self.by_group_and_kind)


ONLY_SECRETS: Final = Kinds()
"""What Keyhole fills unless an administrator lists more."""
