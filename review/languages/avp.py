"""argocd-vault-plugin: `<path:PATH#KEY#VERSION | modifier>`, and `<KEY>` in objects that name a path.

Sources: its documentation, *How it works*, and `pkg/kube/util.go`: in a Secret, a value whose base64 holds placeholders
is filled and encoded again; any other text is filled as it stands, so that Vault has to hold base64 for `data`. An
annotation of the path makes every `<…>` of the object a placeholder.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from resolver.references import functions as all_functions
from resolver.references.reference import Function, Reference
from review.languages.foreign import Context, Conversion, Fact, Told
from review.languages.texts.pieces import Piece, Untranslatable, bounded, reference, without_data
from review.languages.texts.placing import LISTED, NOTES, Draft
from review.lint.objects import Manifest
from review.sources.edits import Remove

NAME: Final = "avp"
_DOMAIN: Final = "avp.kubernetes.io/"
_PATH: Final = f"{_DOMAIN}path"
_VERSION: Final = f"{_DOMAIN}secret-version"
_KV_VERSION: Final = f"{_DOMAIN}kv-version"
_IGNORE: Final = f"{_DOMAIN}ignore"
_REMOVE_MISSING: Final = f"{_DOMAIN}remove-missing"
# What Go's strconv.ParseBool takes for true.
_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_SPECIFIC: Final = re.compile(r"<path:[^#]{1,4096}#[^#>]{1,4096}(?:#[^#>]{1,4096})?>")
_GENERIC: Final = re.compile(r"<([^<>\n]{0,4096})>")
_INDIVIDUAL: Final = re.compile(r"path:(?P<path>[^#]+)#(?P<key>[^#]+)(?:#(?P<version>.+))?")
_POINTER: Final = re.compile(r"\{\$?((?:\.[A-Za-z_][A-Za-z0-9_-]*|\[[0-9]{1,6}\])+)\}")
_BRACKET: Final = re.compile(r"[<>\n]")
_STEP: Final = re.compile(r"\.([A-Za-z0-9_-]+)|\[([0-9]+)\]")
_PLAIN: Final = {"base64encode": "base64", "base64decode": "base64decode", "sha256sum": "sha256"}
_INDENT: Final = "of AVP, indent takes away each line's own indentation and empty lines; here it keeps them"
# The paths of AVP's other backends.
_OTHER_BACKENDS: Final = ("projects/", "ibmcloud/", "vaults/")


def facts(_manifest: Manifest, /) -> Iterator[Fact]:
    """Yield nothing: each object says everything itself."""
    return iter(())


@dataclass(slots=True)
class _Reader:
    """Reads the texts of one object. `path` is that of its annotation; None without one."""

    path: str | None
    version: str
    canonical: bool
    notices: set[str] = field(default_factory=set)

    def plain(self, text: str) -> Sequence[Piece] | None:
        """Read a text (see `placing.Read`)."""
        return self._filled(text, lambda functions: functions)

    def encoded(self, text: str) -> Sequence[Piece] | None:
        """Read a text that stands for base64."""
        pieces = self._filled(text, _decoded)
        if pieces is not None and [piece for piece in pieces if isinstance(piece, str) and piece]:
            raise Untranslatable("a placeholder with text around it stands for base64")
        if pieces is not None and sum(isinstance(piece, Reference) for piece in pieces) > 1:
            raise Untranslatable("several placeholders together stand for base64")
        return pieces

    def _filled(self, text: str, use: Callable[[list[Function]], list[Function]]) -> Sequence[Piece] | None:
        pattern = _SPECIFIC if self.path is None else _GENERIC
        bounded(text, "<path:")
        pieces: list[Piece] = []
        at = 0
        for match in pattern.finditer(text):
            if text[match.start() - 1 : match.start()] == "<":
                raise Untranslatable("a bracket stands before a placeholder")
            pieces += [text[at : match.start()], self._one(match[0].strip("<>"), use)]
            at = match.end()
        return [*pieces, text[at:]] if at else None

    def _one(self, placeholder: str, use: Callable[[list[Function]], list[Function]]) -> Reference:
        name, *modifiers = placeholder.split("|")
        name = name.strip(" ")
        functions = use([self._function(modifier.split()) for modifier in modifiers])
        individual = _INDIVIDUAL.search(name)
        if individual is not None:
            path, key, version = individual["path"], individual["key"].strip(), individual["version"] or ""
        else:
            path, key, version = self.path or "", name, self.version
        if path.startswith(_OTHER_BACKENDS):
            raise Untranslatable("its path is one of another backend than Vault")
        if _BRACKET.search(path):
            raise Untranslatable("a placeholder without an end stands before it, and is taken for a part of its path")
        path = without_data(path) if self.canonical else path
        return reference(path, key, version, functions=functions)

    def _function(self, words: Sequence[str]) -> Function:
        name, *arguments = words or [""]
        if name in _PLAIN and not arguments:
            return Function(_PLAIN[name])
        if name == "indent" and len(arguments) == 1:
            try:
                all_functions.check(name, arguments[0])
            except all_functions.FunctionUseError:
                raise Untranslatable("its modifier indent takes another number than Keyhole's") from None
            self.notices.add(_INDENT)
            return Function(name, arguments[0])
        if name == "jsonPath" and (pointer := _POINTER.fullmatch(" ".join(arguments))):
            return Function("json", "".join(f"/{step[1] or step[2]}" for step in _STEP.finditer(pointer[1])))
        known = name if name in {"jsonPath", "jsonParse", "yamlParse"} else "this one"
        raise Untranslatable(f"Keyhole has nothing for its modifier {known}")


def convert(manifest: Manifest, context: Context, /) -> Conversion | None:
    """Return what becomes of an object; None if it has nothing of AVP."""
    notes = manifest.part(*NOTES)
    if not manifest.is_object or notes.get(_IGNORE) == "true":
        return None
    path, version = notes.get(_PATH), notes.get(_VERSION)
    is_version_1 = str(notes.get(_KV_VERSION)) == "1"
    reader = _Reader(
        path if isinstance(path, str) else None,
        version if isinstance(version, str) and not is_version_1 else "",
        context.canonical,
    )
    draft = Draft(manifest, reader.plain, reader.encoded)
    draft.look()
    if str(notes.get(_REMOVE_MISSING)) in _TRUE and (draft.references or draft.told):
        return Conversion(NAME, told=[Told((*NOTES, _REMOVE_MISSING), "Keyhole refuses what is missing in Vault")])
    if draft.references and all(told.message == LISTED for told in draft.told):
        settings = (_PATH, _VERSION, _KV_VERSION)
        draft.edits += [Remove((*NOTES, name), prune=True) for name in settings if name in notes]
    draft.told += [Told((), notice) for notice in sorted(reader.notices) if draft.references]
    return draft.conversion(NAME)


def _decoded(functions: list[Function]) -> list[Function]:
    """Return the functions for the bytes behind base64: encoding falls away, or decoding is added."""
    if functions and functions[-1].name == "base64":
        return functions[:-1]
    return [*functions, Function("base64decode")]
