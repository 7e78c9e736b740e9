"""bank-vaults' webhook: `vault:PATH#KEY#VERSION` in Secrets, ConfigMaps and containers' variables.

Its grammar is nearly Keyhole's. Sources: its documentation, *Mutating webhook* (configuration, annotations), and
`injector/vault/injector.go` of bank-vaults/vault-sdk: what stands in `${vault:…}` is replaced within a text; otherwise
the whole text is one reference; a key with `${…}` in it is a Go template over the secret.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from manifests import annotations
from manifests.fields.docker_config import DOCKER_CONFIG
from manifests.fields.whole import paths as whole_paths
from manifests.variables.templates import BY_GROUP_AND_KIND
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.reference import DEFAULT_CONNECTION, Function
from review.languages.foreign import Context, Conversion, Fact, Told
from review.languages.texts import docker, vaults
from review.languages.texts.pieces import Piece, Untranslatable, bounded, reference, without_data
from review.languages.texts.placing import LISTED, NOTES, Draft
from review.lint.objects import Manifest
from review.sources.edits import Put, Remove
from review.sources.nodes import Path

NAME: Final = "bank-vaults"
_DOMAINS: Final = ("vault.security.banzaicloud.io/", "secrets-webhook.security.bank-vaults.io/")
_WHOLE: Final = ("vault-env-from-path", "vault-from-path")
# Up to the first brace that closes, or the second where two stand together, as the tool's own pattern has it.
_INLINE: Final = re.compile(r"\$\{(>{0,2}vault:[^}\n]{0,4096}\}?)\}")
_CIPHERTEXT: Final = re.compile(r"vault:v[0-9]+:")
_ACTION: Final = re.compile(r"\$\{(.*?)\}")
_FIELD: Final = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)((?:\.[A-Za-z_][A-Za-z0-9_]*)*)")
# Functions of Sprig that do the same here.
_FUNCTIONS: Final = {"b64enc": "base64", "b64dec": "base64decode", "sha256sum": "sha256", "trim": "trim"}
# What stands behind the mount of engines that make credentials when they are asked.
_NOT_KEY_VALUE: Final = frozenset({"creds", "static-creds", "issue", "sign", "sts"})
_TWICE: Final = "if Keyhole has filled these variables in place, apply the manifest twice (docs/variables.md)"
_IN_PART: Final = (
    "only a part is converted, and Keyhole takes every `vault:` that is left here for a reference of its own: move "
    "those into an object that stays with bank-vaults"
)
_NEWEST: Final = frozenset({"", "-1", "0"})


def facts(_manifest: Manifest, /) -> Iterator[Fact]:
    """Yield nothing: each object says everything itself."""
    return iter(())


def convert(manifest: Manifest, context: Context, /) -> Conversion | None:
    """Return what becomes of an object; None if it has nothing of bank-vaults."""
    if not manifest.is_object:
        return None
    noted = [(path, notes) for path in _notes(manifest) if (notes := _of_tool(manifest.part(*path)))]
    if context.certain and not noted:
        return None
    settings = {name: text for _, notes in noted for name, text in notes.items()}
    if settings.get("mutate") == "skip":
        return None
    name = vaults.connection(context, settings.get("vault-addr", ""))
    draft = Draft(manifest, lambda text: read(text, name, canonical=context.canonical))
    done = [*_docker(draft, manifest, context, name)]
    for path, notes in noted:
        _whole(draft, path, notes, name, canonical=context.canonical)
    draft.told += _settings(settings)
    draft.look(but=[*done, *(path for path, _ in noted)])
    converted = bool(draft.references) or any(isinstance(edit, Put) for edit in draft.edits)
    stanzas = _stanza(draft, name, settings) if converted else {}
    if converted and all(told.message == LISTED for told in draft.told):
        draft.edits += [Remove((*path, key), prune=True) for path, _ in noted for key in _keys(manifest.part(*path))]
    elif converted and noted and any(told.path and told.message != LISTED for told in draft.told):
        draft.told.append(Told((), _IN_PART))
    if not noted and draft.references and (manifest.name.group, manifest.name.kind) in BY_GROUP_AND_KIND:
        draft.told.append(Told((), _TWICE))
    return draft.conversion(NAME, stanzas)


def read(text: str, connection: str = DEFAULT_CONNECTION, *, canonical: bool = False) -> Sequence[Piece] | None:
    """Read a text (see `placing.Read`)."""
    bounded(text, "${vault:")
    bounded(text, "${>")
    found = list(_INLINE.finditer(text))
    if not found:
        if text == "vault:login":
            raise Untranslatable("bank-vaults passes its own token on; Keyhole gives nobody a token")
        if not text.startswith(("vault:", ">>vault:")) or not ("#" in text or _CIPHERTEXT.match(text)):
            return None
        return list(_one(text, connection, canonical=canonical))
    pieces: list[Piece] = []
    at = 0
    for match in found:
        pieces += [text[at : match.start()], *_one(match[1], connection, canonical=canonical)]
        at = match.end()
    return [*pieces, text[at:]]


def _one(text: str, connection: str, *, canonical: bool) -> Iterator[Piece]:
    """Yield what one reference stands for: a reference, or the text and the references of its Go template."""
    if text.startswith(">>"):
        raise Untranslatable("it writes into Vault before it reads; Keyhole only reads")
    if _CIPHERTEXT.match(text):
        raise Untranslatable("Vault's transit engine has to decrypt it; Keyhole reads key/value mounts")
    path, hash_, rest = text.removeprefix("vault:").partition("#")
    if not hash_:
        raise Untranslatable("it names no key")
    key, _, version = rest.partition("#")
    version = "" if version in _NEWEST else version
    if _NOT_KEY_VALUE & set(path.split("/")[1:2]):
        raise Untranslatable("an engine makes the credentials when it is asked; Keyhole reads key/value mounts")
    path = without_data(path) if canonical else path
    if "${" not in key or "}" not in key:
        yield reference(path, key, version, connection=connection)
        return
    at = 0
    for action in _ACTION.finditer(key):
        yield key[at : action.start()]
        field, functions = _action(action[1])
        yield reference(path, field, version, connection=connection, functions=functions)
        at = action.end()
    yield key[at:]


def _action(text: str) -> tuple[str, list[Function]]:
    """Return the field and the functions of an action of a Go template."""
    name, *calls = (part.strip(" -") for part in text.split("|"))
    field = _FIELD.fullmatch(name)
    if field is None or not all(call in _FUNCTIONS for call in calls):
        raise Untranslatable("its Go template does more than take fields")
    functions = [Function(_FUNCTIONS[call]) for call in calls]
    if field[2]:
        functions.insert(0, Function("json", field[2].replace(".", "/")))
    return field[1], functions


def _notes(manifest: Manifest) -> Iterator[Path]:
    """Yield where the annotations of an object stand, and those of its pod template."""
    yield NOTES
    workload = BY_GROUP_AND_KIND.get((manifest.name.group, manifest.name.kind))
    if workload is not None and workload.pointer:
        yield (*workload.pointer.split("/")[1:], *NOTES)


def _keys(notes: Mapping[str, Any]) -> list[str]:
    return [name for name in notes if name.startswith(_DOMAINS)]


def _of_tool(notes: Mapping[str, Any]) -> dict[str, str]:
    """Return the tool's annotations without their domain."""
    return {name.partition("/")[2]: notes[name] for name in _keys(notes) if isinstance(notes[name], str)}


def _whole(draft: Draft, path: Path, notes: Mapping[str, str], connection: str, *, canonical: bool) -> None:
    """Turn the annotation for all keys of paths into `keyhole.dev/env-from`."""
    for name in _WHOLE:
        if not notes.get(name):
            continue
        at = next((*path, f"{domain}{name}") for domain in _DOMAINS if f"{domain}{name}" in draft.manifest.part(*path))
        prefix = "" if connection == DEFAULT_CONNECTION else f"vault+{connection}:"
        wanted = [each.strip() for each in notes[name].split(",") if each.strip()]
        workload = BY_GROUP_AND_KIND.get((draft.manifest.name.group, draft.manifest.name.kind))
        if workload is None or (workload.pointer and path == NOTES):
            draft.told.append(Told(at, "only the annotations of a pod template count"))
        elif any("#" in each for each in wanted):
            draft.told.append(Told(at, "it names a version; whole secrets are always the newest"))
        elif annotations.ENV_FROM in draft.manifest.part(*path):
            draft.told.append(Told(at, f"there is an annotation {annotations.ENV_FROM} already"))
        else:
            text = ", ".join(prefix + (without_data(each) if canonical else each) for each in wanted)
            try:
                whole_paths(text)
            except ReferenceSyntaxError as error:
                draft.told.append(Told(at, error.describe(show_text=True)))
            else:
                draft.edits += [Put((*path, annotations.ENV_FROM), text), Remove(at)]
                draft.references += len(wanted)


def _settings(settings: Mapping[str, str]) -> Iterator[Told]:
    """Tell of what annotations ask for and Keyhole does not do."""
    if settings.get("vault-ignore-missing-secrets") == "true":
        yield Told((), "bank-vaults leaves out what is missing; Keyhole refuses it, but for `| default:TEXT`")
    if any(name.startswith(("vault-agent", "vault-ct-", "vault-configfile")) for name in settings):
        yield Told((), "the templates of Vault Agent or consul-template stay as they are")


def _stanza(draft: Draft, name: str, settings: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    if "vault-addr" not in settings:
        return {}
    mount = settings.get("vault-path", "kubernetes").removeprefix("auth/")
    try:
        entry = vaults.stanza(
            settings["vault-addr"],
            method=settings.get("vault-auth-method", "kubernetes" if "kubernetes" in mount else "jwt"),
            mount=mount,
            namespace=settings.get("vault-namespace", ""),
        )
    except Untranslatable as error:
        draft.told.append(Told((), error.reason))
        return {}
    return {name: entry}


def _docker(draft: Draft, manifest: Manifest, context: Context, connection: str) -> Iterator[Path]:
    """Look at the docker configuration of a Secret: `auth` is base64 of USERNAME:PASSWORD, both references."""
    if (manifest.name.group, manifest.name.kind) != ("", "Secret"):
        return
    for part in ("data", "stringData"):
        value = manifest.part(part).get(DOCKER_CONFIG)
        if isinstance(value, str):
            yield from docker.converted(
                draft, (part, DOCKER_CONFIG), value, lambda text: _credentials(text, connection, context)
            )


def _credentials(auth: str, connection: str, context: Context) -> tuple[Sequence[Piece], Sequence[Piece]] | None:
    """Return username and password of an `auth` in which both are references; None if they are not."""
    try:
        text = base64.b64decode(auth, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    if not text.startswith("vault:"):
        return None
    parts = text.split(":")
    if len(parts) != 4:  # noqa: PLR2004 - vault:A:vault:B
        raise Untranslatable("its auth is not two references with a colon between them")
    one, two = (list(_one(f"{a}:{b}", connection, canonical=context.canonical)) for a, b in (parts[:2], parts[2:]))
    return one, two
