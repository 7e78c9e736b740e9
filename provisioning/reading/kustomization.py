"""The Secrets that a kustomization generates, as far as its file has their content.

Sources: kustomize's reference of the Kustomization file (secretGenerator, configMapGenerator, generatorOptions), and
how it reads a literal (KEY=VALUE, quotes at the ends of the value taken off).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provisioning.reading.documents import looks_like_reference

_GROUP = "kustomize.config.k8s.io/"
_FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_GENERATORS: Mapping[str, str] = {"secretGenerator": "Secret", "configMapGenerator": "ConfigMap"}
_OPTIONS = "generatorOptions"
# Options with which a generator reads other files.
_OTHER_FILES = ("files", "envs", "env")


@dataclass(frozen=True, slots=True)
class Generated:
    """The Secret of one generator. `place` is its JSON Pointer in the file.

    `left_out` are its keys that name other files, which a Secret has references from as well.
    """

    place: str
    manifest: Mapping[str, Any] = field(repr=False)
    left_out: Sequence[str] = ()


def is_kustomization(file: str, content: Mapping[str, Any]) -> bool:
    """Whether a document is a kustomization. In its own file it need not say so."""
    version, kind = content.get("apiVersion"), content.get("kind")
    if version is None and kind is None:
        return file.rpartition("/")[2] in _FILES
    return isinstance(version, str) and version.startswith(_GROUP)


def generated(content: Mapping[str, Any]) -> Iterator[Generated]:
    """Yield the generated Secrets, without the hash at the end of the name and without transformers."""
    options = _map(content.get(_OPTIONS))
    for part, kind in _GENERATORS.items():
        entries = content.get(part)
        for number, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, dict):
                yield Generated(
                    f"/{part}/{number}",
                    _manifest(kind, entry, options, content.get("namespace")),
                    [name for name in _OTHER_FILES if kind == "Secret" and entry.get(name)],
                )


def others_with_references(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parts of a kustomization, other than generators, that contain something like a reference."""
    for part, value in content.items():
        if part in _GENERATORS or part == _OPTIONS:
            continue
        if any(looks_like_reference(text.encode(errors="replace")) for text in _texts(value)):
            yield f"/{part}"


def _manifest(kind: str, entry: Mapping[str, Any], options: Mapping[str, Any], namespace: Any) -> Mapping[str, Any]:
    literals = entry.get("literals")
    pairs = (text.partition("=") for text in (literals if isinstance(literals, list) else []) if isinstance(text, str))
    values = {key: value.strip("\"'") for key, separator, value in pairs if separator}
    annotations = {**_map(options.get("annotations")), **_map(_map(entry.get("options")).get("annotations"))}
    metadata = {
        "name": entry.get("name"),
        "namespace": namespace or entry.get("namespace"),
        "annotations": annotations,
    }
    held = "stringData" if kind == "Secret" else "data"
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, held: values}


def _texts(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        match stack.pop():
            case str() as text:
                yield text
            case dict() as members:
                stack.extend(members.values())
            case list() as items:
                stack.extend(items)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
