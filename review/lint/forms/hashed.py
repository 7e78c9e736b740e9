"""Generated Secrets with references, whose name has a hash of what stands in Git.

Source: kustomize's reference of the Kustomization file (secretGenerator, generatorOptions.disableNameSuffixHash).
"""

from collections.abc import Iterator
from typing import Any, Final

from manifests import annotations
from review.findings.finding import Finding
from review.lint.catalogue import FIXED
from review.lint.forms.elsewhere import references_in
from review.lint.objects import Manifest

_GENERATOR: Final = "secretGenerator"
_OPTION: Final = "disableNameSuffixHash"
_MESSAGE: Final = (
    "the hash in the Secret's name is of the references: a new value in Vault changes no name, and so rolls out no "
    f"workload; set {_OPTION}, and `{annotations.RESTART}` on the workload"
)


def hashed(manifest: Manifest) -> Iterator[Finding]:
    """Yield the generators of a kustomization whose Secrets have references and a hash in their name."""
    entries = manifest.member(_GENERATOR)
    of_all = manifest.part("generatorOptions")
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(entry, dict):
            continue
        own = manifest.part(_GENERATOR, number, "options")
        notes = {**_map(of_all.get("annotations")), **_map(own.get("annotations"))}
        literals = entry.get("literals")
        texts = [each for each in literals if isinstance(each, str)] if isinstance(literals, list) else []
        has_reference = any(references_in(text.partition("=")[2].strip("\"'")) for text in texts)
        is_fixed = own.get(_OPTION, of_all.get(_OPTION)) is True
        if not is_fixed and (has_reference or annotations.fill_fields(notes)):
            yield manifest.finding(FIXED, (_GENERATOR, number), _MESSAGE)


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
