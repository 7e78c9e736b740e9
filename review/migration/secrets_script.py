"""A script that copies values from where they are into Vault, and the references that then take their place.

No value is in the script, none is an argument of a program, and none is written to a file: they go from one program to
the next by pipe. Nothing in Vault is overwritten (`-cas=0`; Vault's documentation of `vault kv put`).
"""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from resolver.references import paths
from resolver.references.characters import visible
from resolver.references.reference import DEFAULT_CONNECTION, Function, Reference
from review.languages.filled_secret import NotExpressible, Text
from review.languages.sealed import Holder, NotCopied, Source
from review.sources.edits import Edit

PATH: Final = "{namespace}/{name}"
_HEAD: Final = """\
#!/usr/bin/env bash
# Copies the values of {count} into Vault. Read it, and run it with bash. It needs {programs},
# and your own login in Vault. Values go from one program to the next by pipe: none is an argument, none is written to a
# file. What is there in Vault already is left alone, so the script can be run again.
set -euo pipefail
left=0

absent() { # MOUNT PATH
  local code=0
  vault kv metadata get -mount="$1" "$2" > /dev/null 2>&1 || code=$?
  case "$code" in
    0) printf '%s/%s is there already, and was left alone\\n' "$1" "$2" >&2; left=1; return 1 ;;
    # KV v1 has no metadata, and takes no notice of -cas=0: what is there would be lost.
    1) printf '%s is no mount of KV v2; nothing was written to %s/%s\\n' "$1" "$1" "$2" >&2; exit 1 ;;
    *) return 0 ;;
  esac
}
"""
_PROGRAMS: Final = {Source.SOPS: "`sops`", Source.SEALED: "`kubectl`"}
_FOOT: Final = '\nexit "$left"\n'


class BadTarget(ValueError):
    """A mount or a path that no reference may have. `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Target:
    """Where values go: a mount of KV v2, a path with `{namespace}` and `{name}` in it, and its connection."""

    mount: str
    path: str = PATH
    connection: str = DEFAULT_CONNECTION

    def place(self, holder: Holder) -> str:
        """Return the path below the mount for a Secret. Raises `BadTarget`."""
        place = self.path.replace("{namespace}", holder.namespace).replace("{name}", holder.name)
        try:
            paths.check(f"{self.mount}/{place}")
        except paths.PathError as error:
            raise BadTarget(error.reason) from None
        if place.startswith("-") or self.mount.startswith("-"):
            raise BadTarget("a path that begins with a hyphen is an option to the program vault")
        return place


@dataclass(frozen=True, slots=True)
class Copy:
    """One Secret, where its values go, and which of them are no text."""

    holder: Holder
    target: Target
    place: str
    binary: frozenset[str]

    @property
    def fields(self) -> dict[str, Text]:
        """The references that take the place of the values."""
        return {key: (self._reference(key),) for key in self.holder.keys}

    def edits(self) -> Sequence[Edit]:
        """Return what becomes of the manifest. Raises `NotCopied`."""
        try:
            return self.holder.edits(self.fields)
        except NotExpressible as error:
            raise NotCopied((), error.reason) from None

    def _reference(self, key: str) -> Reference:
        functions = (Function("base64decode"),) if key in self.binary else ()
        return Reference(f"{self.target.mount}/{self.place}", key, self.target.connection, functions=functions)

    def lines(self) -> Iterator[str]:
        """Yield the lines of the script."""
        holder, file = self.holder, self.holder.manifest.document.file
        yield f"# {holder.namespace}/{holder.name}, {holder.source} in {visible(file)}"
        to = f"{shlex.quote(self.target.mount)} {shlex.quote(self.place)}"
        yield f"if absent {to}; then"
        reads, source = self._reads(_as_file(file))
        keys = "".join(f" --{'base64' if key in self.binary else 'key'} {shlex.quote(key)}" for key in holder.keys)
        values = f"keyhole migrate values{keys} {source} {shlex.quote(f'{holder.namespace}/{holder.name}')}"
        put = f"vault kv put -cas=0 -mount={shlex.quote(self.target.mount)} {shlex.quote(self.place)} -"
        yield "  " + " |\n    ".join([*reads, values, f"{put} > /dev/null"])
        yield "fi"

    def _reads(self, file: str) -> tuple[Sequence[str], str]:
        """Return the programs that give the Secret, and what `keyhole migrate values` reads."""
        holder = self.holder
        if holder.source is Source.SOPS:
            return [f"sops -d {file}"], "-"
        if holder.source is Source.SEALED:
            where = f"--namespace={shlex.quote(holder.namespace)} {shlex.quote(holder.name)}"
            return [f"kubectl get secret {where} -o json"], "-"
        return [], file


@dataclass(slots=True)
class Script:
    """Collects Secrets. `binary` names keys that are no text where that cannot be seen, as NAMESPACE/NAME/KEY."""

    target: Target
    binary: frozenset[str] = frozenset()
    copies: list[Copy] = field(default_factory=list)
    _taken: dict[str, str] = field(default_factory=dict)

    def add(self, holder: Holder) -> Copy:
        """Take note of a Secret. Raises `NotCopied`."""
        try:
            place = self.target.place(holder)
        except BadTarget as error:
            raise NotCopied((), f"would have a path that no reference may have: {error.reason}") from None
        other = self._taken.setdefault(place, holder.manifest.document.file)
        if any(copy.place == place for copy in self.copies):
            told = f"would have the path of the Secret in {visible(other)}; say another --path for one of them"
            raise NotCopied((), told)
        said = {key for key in holder.keys if f"{holder.namespace}/{holder.name}/{key}" in self.binary}
        copy = Copy(holder, self.target, place, holder.binary | said)
        copy.edits()  # what cannot be edited afterwards is not copied either
        self.copies.append(copy)
        return copy

    def text(self) -> str:
        """Return the script; empty if there is nothing to copy."""
        if not self.copies:
            return ""
        count = "1 Secret" if len(self.copies) == 1 else f"{len(self.copies):,} Secrets"
        sources = {copy.holder.source for copy in self.copies}
        programs = ["`keyhole`", "`vault`", *(name for source, name in _PROGRAMS.items() if source in sources)]
        blocks = ["\n".join(copy.lines()) for copy in self.copies]
        head = _HEAD.replace("{count}", count).replace("{programs}", ", ".join(programs))
        return "\n".join([head, *(f"{block}\n" for block in blocks)]).rstrip("\n") + "\n" + _FOOT


def _as_file(name: str) -> str:
    """Return a file's name as an argument that is no option."""
    return shlex.quote(f"./{name}" if name.startswith("-") else name)
