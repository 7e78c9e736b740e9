"""References and annotations of Keyhole in one object: what admission would refuse, and what it would never see."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from manifests import annotations
from manifests.kinds.codec import Codec
from manifests.kinds.config_map import CONFIG_MAP
from manifests.kinds.custom import custom_resource
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.kinds.never_listed import why_never
from manifests.kinds.pointers import Pattern
from manifests.variables.templates import BY_GROUP_AND_KIND
from review.lint.catalogue import NOT_FILLED
from review.lint.forms.elsewhere import PASSED_ON, left, passed_on
from review.lint.forms.filled import filled
from review.lint.forms.notes import names, of_a_namespace
from review.lint.forms.seen import NOTES, Seen
from review.lint.inner.objects import namespace_for, within
from review.lint.objects import Manifest, named
from review.sources.nodes import Path
from review.sources.text import NotChecked

_ANY_FIELD: Final = Pattern("/**")
_BANK_VAULTS: Final = "vault.security.banzaicloud.io/"
_UNLISTED: Final = "not in the administrator's list of kinds"


@dataclass(frozen=True, slots=True)
class _Filler:
    """How an object's fields are filled: by `codec`, if `is_sure`; else, if `why_not` is empty, perhaps."""

    codec: Codec | None
    is_sure: bool = True
    why_not: str = ""


def references(manifest: Manifest, kinds: Kinds | None, texts: Collection[Path] = ()) -> Seen:
    """Return what is to be said of the references and annotations of an object, and of the objects in its maps.

    `kinds` are those that the administrator listed; None if nobody told us. `texts` has the paths of texts, through
    everything around them, that are looked at for themselves.
    """
    # An inner object says of which version it is, as the outer one does.
    raw = manifest.document.raw
    objects = [*within(manifest)] if raw.count("apiVersion") > 1 or "\\" in raw else []
    length = len(manifest.root)
    of_objects: dict[Path, set[Path]] = {one.root: set() for one in objects}
    own = {root[length:] for root in of_objects}
    for text in texts:
        around = next((text[:end] for end in range(length + 1, len(text)) if text[:end] in of_objects), None)
        if around is None:
            own.add(text[length:])
        else:
            of_objects[around].add(text)
    seen = _of_one(manifest, kinds, own)
    for one in objects:
        below = references(one, kinds, of_objects[one.root])
        seen.findings += below.findings
        seen.uses += below.uses
        seen.unchecked += below.unchecked
    return seen


def _of_one(manifest: Manifest, kinds: Kinds | None, without: Collection[Path]) -> Seen:
    seen = Seen()
    if _is_filled_by_another(manifest):
        return seen
    if (manifest.name_inside.group, manifest.name_inside.kind) == ("", "Namespace"):
        seen.findings += of_a_namespace(manifest)
    own_notes = {(*NOTES, name) for name in manifest.part(*NOTES)}
    is_passed_on = not manifest.is_object_inside or manifest.name_inside.kind in PASSED_ON
    if is_passed_on:
        taker = replace(manifest, inner=replace(manifest.name_inside, namespace=namespace_for(manifest)))
        for path, form, found in passed_on(manifest.content, {*without, *own_notes}):
            seen.uses += taker.uses(path, form, found)
    if not manifest.is_object_inside:
        from review.lint.forms.to_render import to_render  # noqa: PLC0415 - for objects a start must be quick

        to_render(manifest, seen)
        return seen
    filler = _filler(manifest, kinds)
    handled = _filled(manifest, filler, seen)
    if filler.codec is None and (manifest.name_inside.group, manifest.name_inside.kind) not in BY_GROUP_AND_KIND:
        seen.findings += names(manifest)
    if filler.codec is None or filler.codec.in_place is None:
        if is_passed_on:
            handled |= {(key,) for key in manifest.content if key != "metadata"}
        else:
            from review.lint.forms.workloads import workloads  # noqa: PLC0415 - for Secrets a start must be quick

            handled |= {path for template in workloads(manifest, seen) for path in template.variables.values()}
        _left(manifest, {*without, *handled}, filler, seen)
    return seen


def _is_filled_by_another(manifest: Manifest) -> bool:
    """Whether bank-vaults' webhook fills an object, which reads nearly the same references: its annotations say so.

    `keyhole migrate` is for those.
    """
    workload = BY_GROUP_AND_KIND.get((manifest.name_inside.group, manifest.name_inside.kind))
    template = manifest.part(*workload.pointer.split("/")[1:], *NOTES) if workload is not None else {}
    noted = [*manifest.part(*NOTES), *template]
    return any(name.startswith(_BANK_VAULTS) for name in noted) and not any(
        annotations.DOMAIN in each for each in noted
    )


def _filled(manifest: Manifest, filler: _Filler, seen: Seen) -> set[Path]:
    """Look at an object as admission would; return the paths that are looked at."""
    if filler.codec is None:
        return set()
    found = filled(manifest, filler.codec, seen)
    if not filler.is_sure:
        kind = named(manifest.name_inside.kind)
        reason = f"whether Keyhole fills the kind {kind} depends on the administrator's list; give it with --kinds"
        seen.unchecked.append(NotChecked(manifest.place(NOTES), reason))
    notes = {(*NOTES, name) for name in manifest.part(*NOTES)}
    return notes | {(part, key) for part in ("data", "stringData") for key in found.sources}


def _filler(manifest: Manifest, kinds: Kinds | None) -> _Filler:
    """Decide whether Keyhole fills fields of an object: the one place for it.

    Without the administrator's list, what could be listed is read as if it were, since a reference that cannot be read
    is wrong in any case; whether it is filled is then left open.
    """
    name = manifest.name_inside
    codec = (kinds or ONLY_SECRETS).of(name.group, name.kind)
    if codec is not None:
        return _Filler(codec)
    if not annotations.fill_fields(manifest.part(*NOTES)):
        return _Filler(None)
    never = why_never(name.group, name.kind)
    if never is None and not name.group and name.kind != CONFIG_MAP.kind:
        never = f"without a group, only {CONFIG_MAP.kind} can be listed"
    if never is not None or kinds is not None:
        return _Filler(None, why_not=never or _UNLISTED)
    if name.kind == CONFIG_MAP.kind and not name.group:
        return _Filler(CONFIG_MAP, is_sure=False)
    return _Filler(custom_resource(name.group, name.kind, f"{name.kind}s", "*", [_ANY_FIELD]), is_sure=False)


def _left(manifest: Manifest, handled: set[Path], filler: _Filler, seen: Seen) -> None:
    kind = named(manifest.name_inside.kind)
    why = f" ({filler.why_not})" if filler.why_not else ""
    message = f"Keyhole fills no field of this {kind}{why}; the text of the reference arrives in the cluster"
    in_template = "an annotation of a pod template fills no field; the text of the reference arrives in the cluster"
    is_workload = (manifest.name_inside.group, manifest.name_inside.kind) in BY_GROUP_AND_KIND
    for path in left(manifest, handled):
        is_note = path[-2:-1] == (NOTES[-1],) and path[:-1] != NOTES
        seen.tell(manifest, NOT_FILLED, path, in_template if is_note and is_workload else message)
