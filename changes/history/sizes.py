"""How large an object of Git is, before it is unpacked: a few bytes in a pack can stand for gigabytes.

Source: Git's documentation, *gitformat-pack*: the head of an object, and that of a delta.
"""

import os
import zlib
from pathlib import Path
from typing import Final

from dulwich.object_store import DiskObjectStore
from dulwich.objects import ObjectID, RawObjectID, hex_to_sha
from dulwich.pack import OFS_DELTA, REF_DELTA, Pack

_HEAD_BYTES: Final = 4096
_MOST_DELTAS: Final = 5_000
_SHA_BYTES: Final = 20
_MOST_SHIFT: Final = 63


class TooLarge(Exception):
    """An object is larger than the limit, or made of one that is."""


class Sizes:
    """Looks at sizes in the packs of a store. Loose objects get the store's own limit."""

    def __init__(self, store: DiskObjectStore, most_bytes: int) -> None:
        self._most = most_bytes
        self._stores = [store, *(each for each in store.alternates if isinstance(each, DiskObjectStore))]
        for each in self._stores:
            each.loose_object_size_limit = most_bytes
        self._packs = [pack for each in self._stores for pack in each.packs]
        self._files: dict[str, int] = {}
        self._fine: dict[str, set[int]] = {}
        """Where in each pack an object is that was looked at already, with all that it is made of."""

    def close(self) -> None:
        """Close the packs."""
        while self._files:
            os.close(self._files.popitem()[1])

    def check(self, name: bytes) -> None:
        """Raise `TooLarge` for an object that is. One that is in no pack is let by. Raises OSError, ValueError."""
        found = self._packed(hex_to_sha(ObjectID(name)))
        looked: list[tuple[set[int], int]] = []
        while found is not None:
            pack, offset = found
            fine = self._fine.setdefault(_path(pack), set())
            if offset in fine:
                break
            if len(looked) == _MOST_DELTAS:
                raise TooLarge
            found = self._look(pack, offset)
            looked.append((fine, offset))
        for fine, offset in looked:
            fine.add(offset)

    def _packed(self, sha: RawObjectID) -> tuple[Pack, int] | None:
        for pack in self._packs:
            try:
                return pack, pack.index.object_offset(sha)
            except KeyError:
                continue
        return None

    def _look(self, pack: Pack, offset: int) -> tuple[Pack, int] | None:
        """Look at an object in a pack, and return where the one is that it is a delta of."""
        head = _Head(self._read(pack, offset))
        kind, size = head.kind_and_size()
        base: tuple[Pack, int] | None = None
        if kind == OFS_DELTA:
            base = pack, offset - head.distance()
        elif kind == REF_DELTA:
            base = self._packed(RawObjectID(head.take(_SHA_BYTES)))
        if size > self._most or (kind in {OFS_DELTA, REF_DELTA} and max(head.delta_sizes()) > self._most):
            raise TooLarge
        return base

    def _read(self, pack: Pack, offset: int) -> bytes:
        path = _path(pack)
        if path not in self._files:
            self._files[path] = os.open(Path(path), os.O_RDONLY | os.O_CLOEXEC)
        return os.pread(self._files[path], _HEAD_BYTES, offset)


def _path(pack: Pack) -> str:
    return os.fspath(pack.data.path)


class _Head:
    """The first bytes of an object in a pack."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0

    def take(self, count: int) -> bytes:
        taken = self._text[self._at : self._at + count]
        self._at += count
        return taken

    def kind_and_size(self) -> tuple[int, int]:
        first = self._byte()
        return (first >> 4) & 7, (first & 15) | (self._number() << 4 if first & 0x80 else 0)

    def distance(self) -> int:
        byte = self._byte()
        found = byte & 0x7F
        while byte & 0x80:
            byte = self._byte()
            found = ((found + 1) << 7) | (byte & 0x7F)
        return found

    def delta_sizes(self) -> tuple[int, int]:
        """Return the sizes that a delta says: of what it is of, and of what comes of it."""
        delta = _Head(zlib.decompressobj().decompress(self._text[self._at :], 2 * _SHA_BYTES))
        return delta._number(), delta._number()

    def _number(self) -> int:
        found = shift = 0
        while True:
            byte = self._byte()
            found |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return found
            if shift > _MOST_SHIFT:
                raise ValueError("a size without end")

    def _byte(self) -> int:
        if self._at >= len(self._text):
            raise ValueError("an object without a head")
        self._at += 1
        return self._text[self._at - 1]
