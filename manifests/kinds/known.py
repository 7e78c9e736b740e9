"""The kinds that Keyhole fills."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from manifests.kinds.codec import Codec
from manifests.kinds.secret import SECRET

KINDS: Final[tuple[Codec, ...]] = (SECRET,)
BY_GROUP_AND_KIND: Final[Mapping[tuple[str, str], Codec]] = MappingProxyType(
    {(codec.group, codec.kind): codec for codec in KINDS}
)
