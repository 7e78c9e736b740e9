"""The names of the Secrets behind variables, and their keys.

They stand in pod templates. Another form of them would be another template, and roll every workload.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_HASH_CHARACTERS: Final = 12
_MOST_NAME_CHARACTERS: Final = 63
_OURS: Final = re.compile(rf"(?:[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?-)?keyhole-[0-9a-f]{{{_HASH_CHARACTERS}}}")
# RFC 1123 subdomains, as Kubernetes names most objects (IsDNS1123Subdomain).
_SUBDOMAIN: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_MOST_SUBDOMAIN_CHARACTERS: Final = 253
_KIND: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,62}")
# What Kubernetes allows as the key of a Secret (IsConfigMapKey), and as what follows the slash of an annotation's name.
_KEY: Final = re.compile(r"(?!\.\.|\.$)[-._a-zA-Z0-9]{1,253}")
_ANNOTATION: Final = re.compile(r"[a-zA-Z0-9](?:[-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?")
# Kubernetes takes any printable ASCII but "=" (IsRelaxedEnvVarName); older servers refuse some of it by themselves.
_VARIABLE: Final = re.compile(r"[ -<>-~]+")


@dataclass(frozen=True, slots=True)
class Owner:
    """The workload whose template has the variables. Without a name all three are empty, whatever its kind."""

    group: str = ""
    kind: str = ""
    name: str = ""

    def __str__(self) -> str:
        """Return it as the marker has it: `apps/Deployment/web`, `/Pod/web`, or empty."""
        return f"{self.group}/{self.kind}/{self.name}" if self.name else ""


NOBODY: Final = Owner()


def owner(group: str, kind: str, name: str) -> Owner:
    """Return the owner of an object's template. A name that Kubernetes will refuse counts as none."""
    return Owner(group, kind, name) if is_object_name(name) else NOBODY


def read_owner(text: str) -> Owner | None:
    """Read `GROUP/KIND/NAME`, or an empty text; None if it is neither."""
    if not text:
        return NOBODY
    group, _, rest = text.partition("/")
    kind, _, name = rest.partition("/")
    if (group and not is_object_name(group)) or not _KIND.fullmatch(kind) or not is_object_name(name):
        return None
    return Owner(group, kind, name)


def secret_name(of: Owner, pairs: Iterable[tuple[str, str]]) -> str:
    """Return the name of the Secret for variables: their keys and the texts that fill them, in any order."""
    return _name(of, sorted([key, text] for key, text in pairs))


def whole_secret_name(of: Owner, paths: Iterable[str]) -> str:
    """Return the name of the Secret that has whole secrets, as `keyhole.dev/env-from` lists them, in that order."""
    return _name(of, list(paths))


def is_ours(name: object) -> bool:
    """Whether a Secret's name has the form of those above."""
    return isinstance(name, str) and len(name) <= _MOST_NAME_CHARACTERS and _OURS.fullmatch(name) is not None


def is_object_name(text: str) -> bool:
    """Whether Kubernetes takes a text as an object's name or as the name of a group."""
    return len(text) <= _MOST_SUBDOMAIN_CHARACTERS and _SUBDOMAIN.fullmatch(text) is not None


def is_variable_name(text: str) -> bool:
    """Whether a container's variable may have this name."""
    return _VARIABLE.fullmatch(text) is not None


def is_annotation_name(text: str) -> bool:
    """Whether this may follow the slash of an annotation's name."""
    return _ANNOTATION.fullmatch(text) is not None


def secret_key(container: str, name: str) -> str:
    """Return the key that a variable has in the Secret: NAME, or CONTAINER.NAME if it is one container's.

    `v-` and a hash stands in place of a name that no key can have.
    """
    prefix = f"{container}." if container else ""
    plain = f"{prefix}{name}"
    return plain if _KEY.fullmatch(plain) else f"{prefix}v-{_hash(name)}"


def _name(of: Owner, content: object) -> str:
    identity = json.dumps([of.group, of.kind, of.name, content], separators=(",", ":"))
    suffix = f"keyhole-{_hash(identity)}"
    beginning = of.name[: _MOST_NAME_CHARACTERS - len(suffix) - 1].rstrip("-.")
    return f"{beginning}-{suffix}" if beginning else suffix


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH_CHARACTERS]
