"""What the record of an object says and is not kept any longer: which values go along, and what people are told."""

from collections.abc import Collection, Iterator, Mapping

from manifests import annotations
from manifests.fields.scan import Form
from manifests.provenance.evidence import Evidence
from manifests.provenance.mac import Verdict


def is_removable(live: Evidence, key: str, unchanged: Mapping[str, Verdict]) -> bool:
    """Whether the value of a key goes when its annotation does: Keyhole wrote it, and nobody has changed it since."""
    return live.entries[key].form is Form.ANNOTATION and unchanged.get(key) is Verdict.PROVED


def forgotten(
    sent: Evidence, live: Evidence, unchanged: Mapping[str, Verdict], wanted: Collection[str], retained: Collection[str]
) -> tuple[list[str], list[str]]:
    """Return the keys whose value goes with their annotation, and warnings about the entries that are given up.

    `wanted` are the keys for which a reference stands now, `retained` the pointers whose entries stay as they are.
    """
    removed: list[str] = []
    warnings: list[str] = []
    for key in sorted(live.entries.keys() - wanted):
        if live.codec.pointer(key) in retained:
            reason = "what its record says cannot be checked, and so it stays as it is"
        elif sent.stored(key) is None:
            # Whoever takes the key out takes its reference out.
            continue
        elif is_removable(live, key, unchanged):
            removed.append(key)
            continue
        else:
            reason = _reason(sent, live, key, is_unchanged=key in unchanged)
        warnings.append(f"{live.codec.described(key)}: {reason}")
    return removed, warnings


def _reason(sent: Evidence, live: Evidence, key: str, *, is_unchanged: bool) -> str:
    if live.verdict(key) is Verdict.FALSE and sent.stored(key) == live.stored(key):
        return "its record proves nothing, and goes"
    if live.entries[key].form is Form.ANNOTATION:
        return "its annotation was removed, and the value is another than Keyhole's: it stays"
    if is_unchanged:
        return f"{annotations.IGNORE} names it: its value stays, and no reference is kept for it"
    return "its value was changed by hand: the reference that stood there is forgotten"


def foreign(sent: Evidence, live: Evidence, wanted: Collection[str]) -> Iterator[str]:
    """Yield a warning for what a record says and does not prove: written by hand, or copied from another object."""
    malformed = {where for evidence in (sent, live) for where in evidence.record.malformed}
    yield from (f"{annotations.RECORD} {where} proves nothing here, and goes" for where in sorted(malformed))
    if sent.record_text == live.record_text:
        return
    for key, entry in sorted(sent.entries.items()):
        if sent.verdict(key) is Verdict.PROVED or key in live.entries or key in wanted:
            continue
        if entry.form is Form.IN_PLACE and sent.stored(key) is not None:
            yield (
                f"{sent.codec.described(key)}: its value was copied, and its record proves nothing here: it stays as "
                "it is, and is a reference again once the reference is applied"
            )
        else:
            yield f"{annotations.RECORD} {sent.codec.pointer(key)} proves nothing here, and goes"
