"""vals, as helmfile uses it: `ref+vault://PATH?OPTIONS#/KEY`, also within a text, there ended by a `+`.

Sources: its README, *Vault*, and its files `expand_match.go`, `vals.go` and `vault.go`. The part behind # leads into
the secret, one step for each /; without it, the last part of the path is the key. The path has no `data/`. `secretref+`
is the same. In files that are no objects, references stay in place, for `keyhole render`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, unquote

import jsonpointer

from resolver.references.reference import Function, Reference
from review.languages.foreign import Context, Conversion, Fact, Told
from review.languages.texts import vaults
from review.languages.texts.pieces import Piece, Untranslatable, bounded, reference, written
from review.languages.texts.placing import Draft
from review.lint.objects import Manifest
from review.sources.edits import Put
from review.sources.walk import texts

NAME: Final = "vals"
_REFERENCE: Final = re.compile(r'(?:secret)?ref\+([^+:]*)://([^+\n ]+[^+\n ",])\+?')
_SCHEMES: Final = frozenset({"vault", "openbao"})
# These say how vals logs in; Keyhole's connections say it once for all.
_LOGIN: Final = frozenset(
    {"auth_method", "role_id", "secret_id", "token_env", "token_file", "username", "password_env", "password_file"}
)
_ADDRESS: Final = frozenset({"address", "host", "proto", "namespace"})
_OF_OTHERS: Final = re.compile(r'["{}\\]')


def facts(_manifest: Manifest, /) -> Iterator[Fact]:
    """Yield nothing: each reference says everything itself."""
    return iter(())


@dataclass(slots=True)
class _Reader:
    context: Context
    stanzas: dict[str, dict[str, Any]] = field(default_factory=dict)
    has_login: bool = False

    def plain(self, text: str) -> Sequence[Piece] | None:
        """Read a text (see `placing.Read`)."""
        if "ref+" not in text:
            return None
        bounded(text, "ref+")
        pieces: list[Piece] = []
        at = 0
        for match in _REFERENCE.finditer(text):
            if match[2].endswith("ref") and match[0].endswith("+"):
                raise Untranslatable("a reference within a reference")
            pieces += [text[at : match.start()], self._one(match[1], match[2])]
            at = match.end()
        return [*pieces, text[at:]] if at else None

    def encoded(self, text: str) -> Sequence[Piece] | None:
        """Read a text that stands for base64."""
        pieces = self.plain(text)
        if pieces is None:
            return None
        references = [piece for piece in pieces if isinstance(piece, Reference)]
        if len(references) != 1 or any(isinstance(piece, str) and piece for piece in pieces):
            raise Untranslatable("a reference with text around it stands for base64")
        one = references[0]
        functions = (*one.functions, Function("base64decode"))
        return [reference(one.path, one.field, _text(one.version), connection=one.connection, functions=functions)]

    def _one(self, scheme: str, rest: str) -> Reference:
        if scheme not in _SCHEMES:
            raise Untranslatable("its backend is not Vault")
        before, hash_, fragment = rest.partition("#")
        path, _, query = before.partition("?")
        options = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
        path, fragment = unquote(path), unquote(fragment).removeprefix("#").removeprefix("/")
        functions = []
        if fragment:
            key, *inner = fragment.split("/")
            if inner:
                functions.append(Function("json", "".join(f"/{jsonpointer.escape(step)}" for step in inner)))
        else:
            path, _, key = path.rpartition("/")
            functions += _decoding(options.get("decode", ""))
        if "?" in fragment or (hash_ and not fragment):
            raise Untranslatable("its options stand behind the #, where vals takes them for a part of the key")
        if _OF_OTHERS.search(path + key):
            raise Untranslatable("a quote or a brace follows it, which vals takes for a part of it")
        if "data" in path.split("/")[1:2]:
            raise Untranslatable("vals adds data/ to the path by itself, and this one has it already")
        connection = self._connection(options)
        return reference(path, key, options.get("version", ""), connection=connection, functions=functions)

    def _connection(self, options: dict[str, str]) -> str:
        self.has_login = self.has_login or not _LOGIN.isdisjoint(options)
        if options.keys() - _LOGIN - _ADDRESS - {"version", "decode"}:
            raise Untranslatable("it has an option that is not known")
        host = options.get("host", "")
        address = options.get("address") or (f"{options.get('proto') or 'https'}://{host}" if host else "")
        name = vaults.connection(self.context, address)
        if address:
            entry = vaults.stanza(
                address, method=options.get("auth_method", ""), namespace=options.get("namespace", "")
            )
            if self.stanzas.setdefault(name, entry)["address"] != entry["address"]:
                raise Untranslatable(
                    "it leads to another Vault than one before it; --map ADDRESS=CONNECTION names both"
                )
        elif options.get("namespace"):
            raise Untranslatable("it names a namespace of Vault and no address")
        return name


def convert(manifest: Manifest, context: Context, /) -> Conversion | None:
    """Return what becomes of an object, or of another document; None if it has nothing of vals."""
    reader = _Reader(context)
    draft = Draft(manifest, reader.plain, reader.encoded, decodes=False)
    if manifest.is_object:
        draft.look()
    else:
        _in_place(draft, reader)
    if reader.has_login:
        draft.told.append(
            Told((), "how vals logs in falls away: Keyhole logs in as the namespace's own ServiceAccount")
        )
    return draft.conversion(NAME, reader.stanzas)


def _in_place(draft: Draft, reader: _Reader) -> None:
    """Write references where they stand, in a file of values."""
    for path, text in texts(draft.manifest.content):
        try:
            pieces = reader.plain(text)
            if pieces is not None:
                draft.edits.append(Put(path, written(pieces)))
                draft.references += sum(isinstance(piece, Reference) for piece in pieces)
        except Untranslatable as error:
            draft.tell(path, error.reason)
    if draft.edits:
        draft.tell((), "no object of Kubernetes: `keyhole render` fills the references of such a file")


def _decoding(decode: str) -> Sequence[Function]:
    if decode in {"", "raw"}:
        return ()
    if decode != "base64":
        raise Untranslatable("Keyhole has nothing for what it decodes")
    return (Function("base64decode"),)


def _text(version: int | None) -> str:
    return "" if version is None else str(version)
