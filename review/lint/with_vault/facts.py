"""Asks Vault about the references of a tree: which fields and versions there are, and what the policies say.

The one module of `review` that asks anybody. Nothing is asked twice, however many objects refer to it: a path costs one
request, one more for its list of versions if a reference names a version, and one for each version that is named.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded, ResolverError
from resolver.inspection import Inspector
from resolver.references.reference import Reference
from resolver.vault.denials import MountDenied, OwnTokenUnknown
from resolver.vault.errors import (
    LoginDenied,
    NotKeyValue,
    ReferenceRefused,
    SecretNotFound,
    VaultUnavailable,
)
from resolver.vault.kv_versions import VersionState
from resolver.vault.mounts import V1, KvLocation
from resolver.vault.outline import Outline, Versions
from review.lint.judges.connection import Location
from review.lint.objects import named
from review.lint.uses import Use
from review.lint.with_vault.answers import Answer, Facts, Gone, Held, Missing, NoAnswer, PolicyText, Secret

AT_ONCE: Final = 8
"""How many requests are under way at most, to all Vaults together."""
SECONDS: Final = 120.0
"""How long all questions together may take. What has no answer by then is not checked."""
_WAYS: Final = {VersionState.DELETED: "deleted", VersionState.DESTROYED: "destroyed"}
# A DNS label (RFC 1123).
_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_NO_PATH: Final = "there is no secret at this path"
_REMEDY: Final = "`keyhole tenant --review` prints the policy that lint needs"
_Key = TypeVar("_Key")
_Found = TypeVar("_Found")


def ask(
    uses: Collection[Use],
    vaults: Mapping[str, Inspector | NoAnswer],
    policy_name: Callable[[str, str], str],
    seconds: float = SECONDS,
) -> Facts:
    """Ask about all uses, and return what was learned within `seconds`. Never raises for what Vault does.

    `vaults` has what asks for each connection, or why nobody does. `policy_name` gives the name of a policy, by
    connection and namespace.
    """
    deadline = Deadline.after(seconds)
    paths: dict[tuple[str, str], set[Reference]] = {}
    for use in uses:
        wanted = replace(use.reference, field="", functions=())
        paths.setdefault((wanted.connection, wanted.path), set()).add(wanted)
    namespaces = dict.fromkeys((use.reference.connection, use.namespace) for use in uses if use.namespace)

    def policy(key: tuple[str, str]) -> PolicyText | NoAnswer:
        if not _NAMESPACE.fullmatch(key[1]):
            # A template, or an attempt to have something else asked for.
            return NoAnswer(f"{named(key[1])!r} is not the name of a namespace")
        vault = _of(vaults, key[0])
        return vault if isinstance(vault, NoAnswer) else _policy(vault, policy_name(*key), deadline)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lint-vault") as pool:
        # The policies first: there are few of them, and they tell whether it is of use to go on.
        told = _each(pool, policy, namespaces)
        away = _away(told)

        def secret(key: tuple[str, str]) -> Secret | NoAnswer:
            vault = away.get(key[0]) or _of(vaults, key[0])
            if isinstance(vault, NoAnswer):
                return vault
            return _Path(vault, sorted(paths[key], key=_version), deadline).asked()

        return Facts(_each(pool, secret, paths), told)


def _away(told: Mapping[tuple[str, str], PolicyText | NoAnswer]) -> Mapping[str, NoAnswer]:
    """Return the connections whose Vault gave no answer about any policy, and why: the rest would only take as long."""
    heard = {key[0] for key, answer in told.items() if not (isinstance(answer, NoAnswer) and answer.is_away)}
    return {key[0]: answer for key, answer in told.items() if isinstance(answer, NoAnswer) and key[0] not in heard}


def why(error: ResolverError, remedy: str = _REMEDY) -> NoAnswer:
    """Return what an error means for whoever reads a report. `remedy` is for a policy that allows nothing."""
    match error:
        case VaultUnavailable():
            return NoAnswer(f"Vault at {error.server} {error.how}", is_away=True)
        case DeadlineExceeded():
            return NoAnswer("there was no time left to ask Vault", is_away=True)
        case OwnTokenUnknown() | LoginDenied():
            return NoAnswer(error.message, is_away=True)
        case MountDenied():
            path = named(error.path)
            seen = (
                f"Vault shows {error.identity} no mount for {path}: there is none, or its policy allows nothing there"
            )
            return NoAnswer(f"{seen}; {remedy}")
    return NoAnswer(error.message)


@dataclass
class _Path:
    """The questions about one path. `references` are those to it, each version once."""

    vault: Inspector
    references: Collection[Reference]
    deadline: Deadline

    def asked(self) -> Secret | NoAnswer:
        """Ask them."""
        answers: dict[int | None, Answer] = {}
        place: Location | None = None
        listed: Versions | Answer | None = None
        for reference in self.references:
            try:
                location = self.vault.locate(reference, self.deadline)
            except (NotKeyValue, ReferenceRefused) as error:
                # Admission would refuse it with the same words.
                answers[reference.version] = Missing(error.message)
                continue
            except ResolverError as error:
                return why(error)
            place = Location(location.mount.path, location.mount.version, location.path)
            if location.mount.version == V1:
                kept = f"{named(location.mount.path)} is a KV v1 mount, which shows no names without the values"
                answers[reference.version] = NoAnswer(kept)
                continue
            if reference.version is not None and listed is None:
                listed = self._listed(location)
            answers[reference.version] = self._answer(location, listed)
        return Secret(place, answers, listed.current if isinstance(listed, Versions) else None)

    def _listed(self, location: KvLocation) -> Versions | Answer:
        try:
            return self.vault.versions(location, self.deadline)
        except SecretNotFound:
            return Missing(_NO_PATH)
        except ResolverError as error:
            return why(error)

    def _answer(self, location: KvLocation, listed: Versions | Answer | None) -> Answer:
        version = location.version
        newest = listed.current if isinstance(listed, Versions) else None
        if version is not None and listed is not None:
            if not isinstance(listed, Versions):
                return listed
            state = listed.states.get(version)
            if state is None:
                return Missing(_no_version(version, listed))
            if state in _WAYS:
                return Gone(_WAYS[state], newest)
        try:
            found = self.vault.outline(location, self.deadline)
        except SecretNotFound:
            return Missing(_NO_PATH if version is None else f"there is no version {version}")
        except ResolverError as error:
            return why(error)
        return _held(found, newest)


def _held(found: Outline, newest: int | None) -> Answer:
    return Gone(_WAYS[found.state], newest) if found.state in _WAYS else Held(found.fields)


def _no_version(version: int, listed: Versions) -> str:
    if not listed.states:
        return f"there is no version {version}, and no other one"
    if version > listed.current:
        return f"there is no version {version}; the newest is {listed.current}"
    return f"version {version} is no longer kept; the oldest is {min(listed.states)}"


def _policy(vault: Inspector, name: str, deadline: Deadline) -> PolicyText | NoAnswer:
    try:
        return PolicyText(name, vault.policy(name, deadline))
    except ResolverError as error:
        return why(error)


def _of(vaults: Mapping[str, Inspector | NoAnswer], connection: str) -> Inspector | NoAnswer:
    return vaults.get(connection) or NoAnswer(f"the address of the connection {named(connection)} is not known")


def _each(pool: ThreadPoolExecutor, ask_one: Callable[[_Key], _Found], keys: Iterable[_Key]) -> dict[_Key, _Found]:
    ordered = list(keys)
    return dict(zip(ordered, pool.map(ask_one, ordered), strict=True))


def _version(reference: Reference) -> int:
    return reference.version or 0
