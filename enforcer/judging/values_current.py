"""`values-current`: what the cluster holds is what Vault has. A proved record of Vault's version says so, unread."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from pydantic import Field

from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterObject
from enforcer.facts.inventory import Inventory
from enforcer.facts.vault import PathFacts, PathVersions, VersionFacts, split
from enforcer.judging.answers import Answer, Held, NotChecked, found, section_not_known
from enforcer.judging.standard import Parameters, Standard
from enforcer.judging.vault_parts.uses import now
from review.findings.finding import ObjectName
from review.findings.rule import Rule, Severity

_Asked: TypeAlias = Mapping[tuple[str, str, str], PathFacts]
_Admissions: TypeAlias = Mapping[tuple[str, str, str, str], datetime]
_Wrong: TypeAlias = str | NotKnown | None
_RULE: Final = Rule(
    "values-current", "values-current", Severity.ERROR,
    "A value in the cluster is not the one that Vault has.",
    "A rotation has not arrived: a secret that was withdrawn is still in use, or the next restart fails.",
    "`keyhole status` says what keeps the object from following; `keyhole refresh` fills it anew.",
)  # fmt: skip


class ValuesCurrent(Parameters):
    """What is current."""

    lag_minutes: int = Field(
        default=60, ge=0, le=43_200, description="How long a newer version may be in Vault before it has to be here."
    )
    clock_skew_seconds: int = Field(
        default=60,
        ge=0,
        le=3_600,
        description="How far the clocks of Vault and of the API server may be apart.",
    )
    believe_versions: bool = Field(
        default=False,
        description="Take the version that Vault has as the one that was read, also where a path may have been deleted "
        "and made anew since and no trail says when the object was filled.",
    )


def judge(inventory: Inventory, parameters: ValuesCurrent) -> Iterator[Answer]:
    """Judge each object that has a record."""
    if isinstance(inventory.cluster, NotKnown):
        yield section_not_known("cluster", inventory.cluster)
        return
    if isinstance(inventory.vault, NotKnown):
        yield section_not_known("vault", inventory.vault)
        return
    asked = {(each.namespace, each.connection, each.path): each for each in inventory.vault.paths}
    judge = _Judge(asked, parameters, now(inventory), _admissions(inventory))
    for namespace in inventory.cluster.namespaces:
        if isinstance(namespace.objects, NotKnown):
            yield NotChecked(ObjectName("", "Namespace", "", namespace.name), namespace.objects.not_known)
            continue
        for each in namespace.objects:
            yield from judge.judged(each)
        for unread in namespace.unread:
            yield NotChecked(ObjectName(unread.group, unread.kind, namespace.name, unread.name), unread.not_known)


class _Judge:
    """Judges one object after another."""

    def __init__(self, asked: _Asked, parameters: ValuesCurrent, now: datetime, admissions: _Admissions) -> None:
        self._asked = asked
        self._admissions = admissions
        self._believes = parameters.believe_versions
        self._skew = timedelta(seconds=parameters.clock_skew_seconds)
        self._lag = timedelta(minutes=parameters.lag_minutes)
        self._now = now

    def judged(self, thing: ClusterObject) -> Iterator[Answer]:
        """Yield the answers about one object: one for each path that is not as it should be, or one that it is."""
        about = ObjectName(thing.group, thing.kind, thing.namespace, thing.name)
        if not thing.record:
            return
        if isinstance(thing.proof, NotKnown):
            yield NotChecked(about, f"whether its record can be proved is not known: {thing.proof.not_known}")
            return
        if thing.proof != "proved":
            yield NotChecked(about, "its record is not proved, as records-proved tells, so its versions say nothing")
            return
        answers = list(self._answers(thing, about))
        if not thing.fields:
            yield NotChecked(about, "its record names no field")
        elif answers:
            yield from answers
        else:
            yield Held(about)

    def _answers(self, thing: ClusterObject, about: ObjectName) -> Iterator[Answer]:
        told: set[str] = set()
        for name, recorded, is_pinned in sorted(_recorded(thing), key=_in_order):
            wrong = self._wrong(thing, name, recorded, is_pinned=is_pinned)
            # Fields that were filled at different times differ in their versions: one finding says enough.
            if wrong is None or name in told:
                continue
            told.add(name)
            if isinstance(wrong, NotKnown):
                yield NotChecked(about, f"{name}: {wrong.not_known}")
            else:
                yield found(_RULE, about, f"{name}: {wrong}", pointer=name)

    def _wrong(self, thing: ClusterObject, name: str, recorded: int | None, *, is_pinned: bool) -> _Wrong:
        """Return what is wrong with one version of a path, or why nobody knows; None if it is current."""
        asked = self._asked.get((thing.namespace, *split(name)))
        versions = asked.versions if asked is not None else NotKnown(not_known="Vault was not asked about it")
        if isinstance(versions, NotKnown):
            return versions
        if versions is None or not versions.current:
            return "Vault has no version of it any more"
        if recorded is None:
            return NotKnown(not_known="it was on a KV v1 mount when it was read, and those keep no versions")
        return self._compared(thing, versions, recorded, is_pinned=is_pinned)

    def _compared(self, thing: ClusterObject, versions: PathVersions, recorded: int, *, is_pinned: bool) -> _Wrong:
        current, own = versions.current, versions.version(recorded)
        if recorded > current:
            return f"its versions began anew: it was read at version {recorded}, and Vault is at {current} now"
        if is_pinned or recorded == current:
            return self._of_its_own(thing, own, versions, recorded)
        return _began_anew(recorded, own) if self._is_later(own, thing) else self._outdated(versions, recorded)

    def _of_its_own(
        self, thing: ClusterObject, own: VersionFacts | None, versions: PathVersions, recorded: int
    ) -> _Wrong:
        """Judge the version that the object holds and should hold."""
        if own is None:
            return f"Vault keeps version {recorded} no longer"
        if own.state != "readable":
            return f"version {recorded} is {own.state} in Vault, and its value is still here"
        if self._is_later(own, thing):
            return _began_anew(recorded, own)
        if self._believes or self._is_known_to_be_it(thing, own, versions):
            return None
        return NotKnown(
            not_known="the path may have been deleted and made anew since it was read: Vault has it since "
            f"{_at(versions.created)}, the object is older, and no trail says when it was filled"
        )

    def _is_known_to_be_it(self, thing: ClusterObject, own: VersionFacts, versions: PathVersions) -> bool:
        """Whether a version is the one that was read: it was there by then, or the path is older than the object."""
        if own.created is not None and self._admitted(thing) is not None:
            return True
        made, created = versions.created, _aware(thing.created)
        return made is not None and created is not None and made <= created + self._skew

    def _outdated(self, versions: PathVersions, recorded: int) -> _Wrong:
        """Judge a version that is no longer the current one."""
        current = versions.version(versions.current)
        if current is None or current.state != "readable":
            state = current.state if current is not None else "gone"
            return f"its newest version, {versions.current}, is {state} in Vault, and version {recorded} is still here"
        following = versions.version(recorded + 1) or current
        if following.created is None:
            return NotKnown(not_known=f"when version {following.number} was written is not known")
        if self._now - following.created <= self._lag:
            return None
        since = _at(following.created)
        return f"it holds version {recorded}, and Vault has {versions.current}; it is outdated since {since}"

    def _is_later(self, own: VersionFacts | None, thing: ClusterObject) -> bool:
        """Whether a version was written after it was read, which no clock makes possible."""
        admitted = self._admitted(thing)
        return (
            own is not None and own.created is not None and admitted is not None and own.created > admitted + self._skew
        )

    def _admitted(self, thing: ClusterObject) -> datetime | None:
        """Return when the object was filled at the latest; None if nobody knows."""
        return _aware(thing.admitted) or self._admissions.get((thing.group, thing.kind, thing.namespace, thing.name))


def _admissions(inventory: Inventory) -> _Admissions:
    """Return when each object was admitted last, as the trail says. Of one with more than was counted nothing is."""
    found: dict[tuple[str, str, str, str], datetime] = {}
    trail = inventory.trail
    for each in () if isinstance(trail, NotKnown) or trail.left_out else trail.admitted:
        name = (each.group, each.kind, each.namespace, each.name)
        found[name] = max(each.last, found.get(name, each.last))
    return found


def _aware(time: datetime | None) -> datetime | None:
    return time if time is None or time.tzinfo is not None else time.replace(tzinfo=UTC)


def _recorded(thing: ClusterObject) -> set[tuple[str, int | None, bool]]:
    return {(name, version, name in each.pinned) for each in thing.fields for name, version in each.versions.items()}


def _in_order(one: tuple[str, int | None, bool]) -> tuple[str, int, bool]:
    name, version, is_pinned = one
    return name, version or 0, is_pinned


def _began_anew(recorded: int, own: VersionFacts | None) -> str:
    since = f" at {_at(own.created)}" if own is not None and own.created is not None else ""
    return f"its versions began anew: version {recorded} was written{since}, after the object was filled from it"


def _at(time: datetime | None) -> str:
    return "an unknown time" if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ")


STANDARD: Final = Standard(_RULE, ValuesCurrent, judge, "Each value in the cluster is of the version that Vault has.")
