"""References in `${…}` that Flux would take for variables of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from review.findings.finding import Finding
from review.lint.catalogue import SUBSTITUTED
from review.lint.flux import reached
from review.lint.objects import named
from review.sources.files import STANDARD_INPUT

if TYPE_CHECKING:
    from review.lint.tree import Tree


@dataclass(frozen=True, slots=True)
class Substituted:
    """The judge. `locate` gives the name of a file in its repository, which Flux's paths are of.

    Which repository a Kustomization reads cannot be told from files; those of this tree are taken for it.
    """

    locate: Callable[[str], str]

    def __call__(self, tree: "Tree") -> Iterator[Finding]:
        """Yield the texts that a Kustomization of the tree reaches."""
        if not (tree.flux.substituting and tree.flux.taken):
            return
        folders = {self.locate(folder): brought for folder, brought in tree.flux.kustomizations.items()}
        flux = replace(tree.flux, kustomizations=folders)
        files = {each.file: self.locate(each.file) for each in tree.flux.taken if each.file != STANDARD_INPUT}
        by = {each: reached(flux, each.path, files) for each in flux.substituting}
        for taken in flux.taken:
            names = sorted({each.name for each, found in by.items() if taken.file in found})
            if names:
                message = (
                    f"Flux's {named(names[0])} takes ${{vault:…}} here for a variable of its own: write ((vault:…))"
                )
                yield taken.spot.finding(SUBSTITUTED, message)
