"""What Vault's answer makes of a plan with whole secrets: which fields come, which change, and which go."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

from manifests.fields.scan import MAX_REFERENCES, Form
from manifests.fields.whole import WholePath
from manifests.planning.plan import Plan
from manifests.planning.planned_field import Action, PlannedField, SecretTooLarge
from manifests.planning.whole import ORIGIN, WholePlan, wanted_field
from manifests.provenance.record import MAX_ANNOTATION_BYTES
from resolver.causes import Cause
from resolver.errors import ResolverError
from resolver.references.characters import visible
from resolver.references.value import SecretValue

# An entry of the record beside its pointer and references: its form, MAC, versions and counter.
_ENTRY_BYTES: Final = 120
_MOST_NAMES_TOLD: Final = 5
_MOST_NAME_CHARACTERS: Final = 64

Contents = Mapping[WholePath, Mapping[str, SecretValue] | ResolverError]
"""The fields of each path, by name, or why they could not be read."""


class NoField(ResolverError):
    """The secret has no field that could become a key of the object."""

    cause: ClassVar[Cause] = Cause.FIELD_NOT_FOUND

    def __init__(self, path: WholePath, kind: str, why: str) -> None:
        super().__init__(f"`{path}` gives the {kind} no key: {why}")


class TooManyFields(ResolverError):
    """The secrets have more fields than one object may have references."""

    cause: ClassVar[Cause] = Cause.RECORD_TOO_LARGE

    def __init__(self, count: int) -> None:
        super().__init__(
            f"with every field of its paths the object would have {count} references, and {MAX_REFERENCES} are the "
            "most; split the secret in Vault, or name single fields with data.keyhole.dev/KEY"
        )


class FieldsTooLong(ResolverError):
    """The record of so many fields would be larger than Kubernetes allows for annotations."""

    cause: ClassVar[Cause] = Cause.RECORD_TOO_LARGE

    def __init__(self) -> None:
        super().__init__(
            f"the record of every field of its paths would have more than the {MAX_ANNOTATION_BYTES} bytes that "
            "Kubernetes allows for annotations; split the secret in Vault, or name single fields with "
            "data.keyhole.dev/KEY"
        )


@dataclass(frozen=True, slots=True)
class Expansion:
    """A plan with the fields that whole secrets have, and the paths whose fields stay as they are, with the reason."""

    plan: Plan
    failed: Mapping[WholePath, ResolverError] = field(default_factory=dict)


def expanded(plan: Plan, whole: WholePlan, contents: Contents) -> Expansion:
    """Plan the fields that Vault has. Later paths win over earlier ones, and what else fills a key over all.

    Names that no key can have are left out, with a warning. If the fields do not fit into the object, none of them
    changes. Fields that a path no longer has go, if Keyhole filled them.
    """
    known = {each.wanted.key: each for each in plan.fields if each.wanted.form is Form.FROM}
    others = [each for each in plan.fields if each.wanted.form is not Form.FROM]
    names = {path: _names(plan, path, contents.get(path)) for path in whole.paths}
    failed = {path: found for path, found in names.items() if isinstance(found, ResolverError)}
    won = _won(whole, known, names)
    if not won and not failed and whole.required:
        why = "all of its fields have a value of their own in the object"
        failed |= {path: NoField(path, plan.codec.kind, why) for path in whole.required}
    if (problem := _unfit(plan, whole, won, others, contents)) is not None:
        failed, won = dict.fromkeys(whole.paths, problem), {}
    if len(failed) == len(whole.paths):
        return Expansion(plan, failed)
    fields = [*others, *(_field(plan, known.get(key), key, str(path.reference(key))) for key, path in won.items())]
    gone = [each for key, each in known.items() if key not in won]
    removed = {each.wanted.key for each in gone if each.proved is not None or plan.before is None}
    warnings = [*plan.warnings, *_left_out(plan, contents), *_covered(plan, whole, others, names)]
    warnings += [
        f"{each.wanted.described} stays, because it is not proved that Keyhole wrote it, but Vault has it no longer"
        for each in gone
        if each.wanted.key not in removed
    ]
    after = replace(
        plan,
        fields=sorted(fields, key=lambda each: each.wanted.key),
        removed=sorted((set(plan.removed) | removed) - won.keys()),
        warnings=warnings,
    )
    return Expansion(after, failed)


def _names(
    plan: Plan, path: WholePath, content: Mapping[str, SecretValue] | ResolverError | None
) -> list[str] | ResolverError:
    """Return the names that can be keys, or why there are none."""
    if content is None or isinstance(content, ResolverError):
        return content or NoField(path, plan.codec.kind, "it was not read")
    names = [name for name in content if plan.codec.is_fillable(name)]
    if names:
        return names
    return NoField(path, plan.codec.kind, "it has no field whose name Kubernetes allows as a key")


def _won(
    whole: WholePlan, known: Mapping[str, PlannedField], names: Mapping[WholePath, list[str] | ResolverError]
) -> dict[str, WholePath]:
    """Return the path that fills each key. Of a path that failed, these are the fields that it gave before."""
    won: dict[str, WholePath] = {}
    for path in whole.paths:
        of_path = names[path]
        if isinstance(of_path, ResolverError):
            of_path = [key for key, each in known.items() if each.wanted.text == str(path.reference(key))]
        won.update({key: path for key in of_path if key not in whole.explicit})
    return won


def _field(plan: Plan, known: PlannedField | None, key: str, text: str) -> PlannedField:
    if known is not None and known.wanted.text == text:
        return known
    return PlannedField(wanted_field(plan.codec, key, text), Action.RESOLVE)


def _unfit(
    plan: Plan, whole: WholePlan, won: Mapping[str, WholePath], others: Iterable[PlannedField], contents: Contents
) -> ResolverError | None:
    """Return why the object has no room for the fields; None if it has."""
    beside = {each.wanted.pointer: list(map(str, each.wanted.template.references)) for each in others}
    count = len(won) + sum(map(len, beside.values()))
    if count > MAX_REFERENCES:
        return TooManyFields(count)
    values = [_value(contents.get(path), key) for key, path in won.items()]
    if whole.values_bytes + sum(len(value.reveal()) for value in values if value is not None) > plan.codec.max_bytes:
        return SecretTooLarge(plan.codec)
    references = {plan.codec.pointer(key): [str(path.reference(key))] for key, path in won.items()}
    if whole.notes_bytes + sum(_entry_bytes(*item) for item in {**beside, **references}.items()) > MAX_ANNOTATION_BYTES:
        return FieldsTooLong()
    return None


def _value(content: Mapping[str, SecretValue] | ResolverError | None, key: str) -> SecretValue | None:
    return None if content is None or isinstance(content, ResolverError) else content.get(key)


def _entry_bytes(pointer: str, references: list[str]) -> int:
    return _ENTRY_BYTES + len(pointer.encode()) + sum(len(reference.encode()) for reference in references)


def _left_out(plan: Plan, contents: Contents) -> Iterator[str]:
    for path, content in contents.items():
        if not isinstance(content, ResolverError):
            unfit = [name for name in content if not plan.codec.is_fillable(name)]
            what = f"left out, because no key of a {plan.codec.kind} can have the name"
            yield from _named(f"{ORIGIN}, {path}: {what}", unfit)


def _covered(
    plan: Plan,
    whole: WholePlan,
    others: Iterable[PlannedField],
    names: Mapping[WholePath, list[str] | ResolverError],
) -> Iterator[str]:
    """Warn once of fields that values of the object's own keep out: they may be there by mistake."""
    filled = {each.wanted.key for each in others}
    for path in whole.paths:
        of_path = names[path]
        if path in whole.required and not isinstance(of_path, ResolverError):
            covered = [name for name in of_path if name in whole.explicit and name not in filled]
            what = f"not used, because the {plan.codec.kind} has a value of its own"
            yield from _named(f"{ORIGIN}, {path}: {what}", covered)


def _named(told: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        first = ", ".join(visible(name, _MOST_NAME_CHARACTERS) or "(empty)" for name in names[:_MOST_NAMES_TOLD])
        more = f" and {len(names) - _MOST_NAMES_TOLD} more" if len(names) > _MOST_NAMES_TOLD else ""
        yield f"{told}: {first}{more}"
