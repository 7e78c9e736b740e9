"""Versions in references, against what the standards say about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from review.findings.finding import Finding
from review.findings.standards import Pins
from review.lint.catalogue import PINNED
from review.lint.judges.connection import shown

if TYPE_CHECKING:
    from review.lint.tree import Tree


@dataclass(frozen=True, slots=True)
class Pinned:
    """The judge. `pins` is `required` or `forbidden`."""

    pins: Pins

    def __call__(self, tree: "Tree") -> Iterator[Finding]:
        """Yield the references that are written otherwise."""
        for use in tree.uses:
            version = use.reference.version
            if self.pins == "required" and version is None:
                what = "all fields of a path, which no version can pin" if use.is_whole else "no version"
                yield use.spot.finding(PINNED, f"{shown(use)} names {what}, and the standards demand one")
            elif self.pins == "forbidden" and version is not None:
                yield use.spot.finding(PINNED, f"{shown(use)} names version {version}, and the standards forbid that")
